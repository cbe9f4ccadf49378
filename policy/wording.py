"""Numbers in sentences that people read."""


def counted(number: int, noun: str) -> str:
    """``1 ticket``, ``2 tickets``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def sure(probability: float) -> str:
    """``98% sure``; never more than 99%, because nobody is entirely sure."""
    return f"{min(probability, 0.99):.0%} sure"
