"""Personal data taken out of what is logged: e-mail addresses, phone and card numbers, IBANs.

The service logs ids, numbers and names of parts, never what a person wrote; this is the second line, for
what gets into a message all the same. It would rather take too much than too little, but leaves ids, hashes
and times alone, because a log without them is of no use.
"""

import re
from collections.abc import Callable, MutableMapping
from typing import Any

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_IBAN = re.compile(r"(?<![\w-])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{2,4}){3,8}(?!\w)", re.IGNORECASE)
_CARD = re.compile(r"(?<![\w-])\d(?:[ .-]?\d){12,18}(?![\w-])")
_PHONE = re.compile(r"(?<![\w.:-])(?:\+|00|\(?0|\()[\d(](?:[\s()./-]{0,3}\d){5,16}(?![\w-])")
_GROUPED = re.compile(r"(?<![\w.:+-])\d{2,5}(?:[ ./-]\(?\d{2,5}\)?){2,4}(?![\w:-])")
_KEY = re.compile(r"\bfl_[0-9a-f]{12}_[\w-]{20,}")
_DATE = re.compile(r"(?:19|20)\d\d[-./]\d\d[-./]\d\d\Z")
_SHORTEST = 13
"""Characters of the shortest card number, and fewer than of any IBAN."""
KEPT = frozenset({"timestamp", "level", "event", "release", "decision_id", "at", "error"})
"""Fields of a log line that are our own words."""


def redacted(text: str) -> str:
    """``text`` with ``[email]``, ``[iban]``, ``[card]``, ``[phone]``, ``[key]`` for what looks like one."""
    text = _KEY.sub("[key]", text)
    text = _EMAIL.sub("[email]", text)
    text = _IBAN.sub(lambda found: _longest(found[0], _is_iban, "[iban]"), text)
    text = _CARD.sub(lambda found: _longest(found[0], _is_card, "[card]"), text)
    text = _PHONE.sub("[phone]", text)
    return _GROUPED.sub(lambda found: found[0] if _DATE.match(found[0]) else _phone(found[0]), text)


def redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: every value that is not our own word, redacted, however deep it is."""
    for name, value in event.items():
        if name not in KEPT:
            event[name] = _redacted_value(value)
    return event


def _redacted_value(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted_value(part) for part in value]
    if isinstance(value, dict):
        return {key: _redacted_value(part) for key, part in value.items()}
    return value


def _longest(found: str, is_one: Callable[[str], bool], mask: str) -> str:
    """``found`` with its longest beginning that is one masked: words and numbers may follow it."""
    ends = (end for end in range(len(found), _SHORTEST - 1, -1) if is_one(found[:end]))
    end = next(ends, None)
    return found if end is None else mask + found[end:]


def _phone(found: str) -> str:
    return "[phone]" if 7 <= sum(c.isdigit() for c in found) <= 15 else found


def _is_card(found: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1)."""
    digits = [int(c) for c in reversed(found) if c.isdigit()]
    if not _SHORTEST <= len(digits) <= 19:
        return False
    doubled = (sum(divmod(2 * d, 10)) for d in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_iban(found: str) -> bool:
    """Its check digits (ISO 13616: mod 97)."""
    plain = re.sub(r"[ -]", "", found).upper()
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1
