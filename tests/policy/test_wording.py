"""What agents read: a number that is right but reads wrong makes them doubt the rest."""

import pytest

from policy.wording import counted, sure


@pytest.mark.parametrize(("number", "said"), [(0, "0 tickets"), (1, "1 ticket"), (2, "2 tickets")])
def test_one_is_not_many(number: int, said: str) -> None:
    assert counted(number, "ticket") == said


@pytest.mark.parametrize(
    ("probability", "said"), [(0.0, "0% sure"), (0.984, "98% sure"), (0.9999, "99% sure")]
)
def test_nobody_is_entirely_sure(probability: float, said: str) -> None:
    assert sure(probability) == said
