"""A small random hold-out of tickets, told by their ids alone: the same for whoever asks, whenever."""

import hashlib

HOLD_OUT_SHARE = 0.02


def in_hold_out(ticket_id: str, share: float = HOLD_OUT_SHARE) -> bool:
    """Whether a ticket belongs to the random hold-out: told by its id alone, the same everywhere."""
    digest = hashlib.sha256(f"hold-out:{ticket_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64
