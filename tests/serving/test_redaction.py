"""Personal data that gets into a log line is taken out of it; what operations needs stays."""

import json
import random
import string
from datetime import UTC, datetime

import pytest

from serving.keys import new_key
from serving.logs import configure_logs, logger
from serving.moments import time_ordered_id
from serving.redaction import redacted

SEEDS = 500
AROUND = (
    "{}",
    "call {} now",
    "my data: {}, thanks",
    "({})",
    "<{}>",
    '"{}"',
    "x={};",
    "{}. Regards",
    "{}\n",
    "[{}]",
)


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice(string.digits) for _ in range(count))


def an_email(rng: random.Random) -> str:
    name = rng.choice(["ann", "ann.smith", "a-b_c", "ann+tag", "x", "jörg", "o'neill"])
    host = rng.choice(["x.example", "mail.co.uk", "sub.domain.example", "müller.de"])
    return f"{name}{rng.randrange(99)}@{host}"


PHONES = (
    "+4930{b}{d}",
    "+49 30 {b}{d}",
    "(030) {b}-{d}",
    "030/{b}{d}",
    "001-{b}-{c}-{d}",
    "+1 ({b}) {c}-{d}",
    "{b}-{c}-{d}",
    "0{a} {b} {d}",
    "+33 1 {a} {a} {a} {a}",
    "0049 {a} {b} {d}",
    "{b}.{c}.{d}",
)


def a_phone(rng: random.Random) -> str:
    a, b, c, d = digits(rng, 2), digits(rng, 3), digits(rng, 3), digits(rng, 4)
    return rng.choice(PHONES).format(a=a, b=b, c=c, d=d)


def a_card(rng: random.Random) -> str:
    body = [int(c) for c in rng.choice("3456") + digits(rng, rng.choice([13, 14]))]
    total = sum(sum(divmod(2 * d, 10)) if i % 2 == 0 else d for i, d in enumerate(reversed(body)))
    number = "".join(map(str, body)) + str(-total % 10)
    joint = rng.choice(["", " ", "-"])
    return joint.join(number[i : i + 4] for i in range(0, len(number), 4))


def an_iban(rng: random.Random) -> str:
    country, account = rng.choice([("DE", 18), ("FR", 23), ("NO", 11), ("GB", 18), ("NL", 14)])
    bban = rng.choice(["", "ABNA"])[: account - 10] + digits(rng, account)
    bban = bban[:account]
    check = 98 - int("".join(str(int(c, 36)) for c in f"{bban}{country}00")) % 97
    plain = f"{country}{check:02d}{bban}"
    return " ".join(plain[i : i + 4] for i in range(0, len(plain), 4)) if rng.random() < 0.5 else plain


KINDS = {"email": an_email, "phone": a_phone, "card": a_card, "iban": an_iban}


@pytest.mark.parametrize("kind", KINDS)
def test_ninety_nine_of_a_hundred_seeded_ones_are_taken_out(kind):
    rng = random.Random(7)
    missed = []
    for _ in range(SEEDS):
        one = KINDS[kind](rng)
        text = rng.choice(AROUND).format(one)
        if one in redacted(text):
            missed.append(text)
    assert len(missed) <= SEEDS * 0.01, missed[:10]


KEPT = [
    "2026-11-22",
    "2026-11-22 22:21:47",
    "2026-11-22T22:21:47.123456Z",
    "release 20261122-ab12cd34",
    "127.0.0.1:3000",
    "ticket 4711",
    "T-20394",
    "1234567",
    "sqlite:///state/firstline.db",
    "/srv/firstline/serving/store.py:155",
    "0.95",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_operations_needs_stays(text):
    assert redacted(text) == text


def test_ids_and_hashes_stay():
    rng = random.Random(3)
    for _ in range(300):
        decision = time_ordered_id(datetime.now(UTC))
        checksum = "".join(rng.choice("0123456789abcdef") for _ in range(64))
        assert redacted(f"{decision} {checksum}") == f"{decision} {checksum}"


def test_a_log_line_holds_no_personal_data_and_no_key_however_deep(capsys, store):
    with store.writing() as connection:
        key = new_key(connection, "x", "ops", datetime.now(UTC))
    configure_logs()
    logger().info(
        "seen",
        ticket_id="ann@x.example",
        deep={"list": ["+49 30 1234567", ("4111 1111 1111 1111",)]},
        key=key,
    )
    line = json.loads(capsys.readouterr().out)
    assert (line["ticket_id"], line["deep"], line["key"]) == (
        "[email]", {"list": ["[phone]", ["[card]"]]}, "[key]"
    )  # fmt: skip
