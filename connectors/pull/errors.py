"""What can go wrong between us and a vendor, by what it means for the person who runs the pull."""


class PullError(ValueError):
    """Something about the pull must be put right by a person. Names the thing, what was found and the fix."""


class Refused(PullError):
    """The vendor does not accept the credentials, or they may not read this."""


class Unreachable(PullError):
    """The vendor kept failing. What was fetched is kept; the same command continues from there."""


class Declined(PullError):
    """The vendor answered that it will not carry out this request. ``status`` and ``answer`` say how."""

    def __init__(self, message: str, status: int, answer: str) -> None:
        super().__init__(message)
        self.status = status
        self.answer = answer


class CursorExpired(Exception):
    """The stored place in a vendor's list is no longer accepted: go back to a moment and read on."""


class NotOffered(Exception):
    """This account has no such list (a product it did not buy, an object nobody may read)."""
