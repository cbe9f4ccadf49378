"""Cursors: where the next page of a list begins, as text that its reader need not understand."""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from serving.moments import microseconds, moment
from serving.problems import Problem, shown

_LARGEST = 2**62


def cursor(at: datetime, place: int | str) -> str:
    """The cursor of ``place`` as of ``at``."""
    return base64.urlsafe_b64encode(json.dumps([microseconds(at), place]).encode()).decode()


def counted_place(written: str) -> tuple[datetime, int]:
    """The moment and the number of rows before. Raises ``Problem`` (404) for no cursor of such a page."""
    at, place = _read(written)
    if type(place) is not int or not 0 <= place < _LARGEST:
        raise _unknown(written)
    return at, place


def keyed_place(written: str) -> tuple[datetime, str]:
    """The moment and the id of the last row seen. Raises ``Problem`` (404) for no cursor of such a page."""
    at, place = _read(written)
    if type(place) is not str or "\x00" in place:
        raise _unknown(written)
    return at, place


def _read(written: str) -> tuple[datetime, Any]:
    try:
        content: Sequence[Any] = json.loads(base64.b64decode(written, altchars=b"-_", validate=True))
        at, place = content
        if type(at) is not int:
            raise ValueError("not a place")
        return moment(at), place
    except (ValueError, TypeError, OverflowError):
        raise _unknown(written) from None


def _unknown(written: str) -> Problem:
    return Problem(404, "cursor", shown(written), "send the `next` of the page before")
