"""What a vendor's live push becomes: records of the raw formats that its exports have, or a refusal.

Every vendor's ``webhook`` module has ``verify(secret, headers, body, now)`` and
``parse(body, received_at) -> Payload``. Order is not guaranteed and duplicates are normal: whoever takes a
payload in keeps its ``delivery_id`` for a while and looks at times, never at the order of arrival.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.shapes import Record, ShapeError

REPLAY_WINDOW = timedelta(minutes=5)
"""How far a signed time may be from ours; a request that is older may be one recorded and sent again."""


class Refusal(ValueError):
    """A request cannot be shown to come from the vendor, or is too old. Names the check, never the secret."""


@dataclass(frozen=True)
class Payload:
    """What one delivery says: raw records by raw format, as an export of the vendor would hold them."""

    delivery_id: str
    """The same for a delivery that is sent again."""
    records: Mapping[str, list[Record]] = field(default_factory=dict)
    ignored: str = ""
    """Why there is no record; empty where there is one."""


def header(headers: Mapping[str, str], name: str) -> str:
    """The header ``name``, in any letter case. Raises ``Refusal`` where it is missing or empty."""
    for key, value in headers.items():
        if key.casefold() == name.casefold() and value.strip():
            return value.strip()
    raise Refusal(f"no header {name}: the request is not signed; set the signing secret at the vendor")


def required_secret(secret: str) -> bytes:
    """The secret as a key. Raises ``Refusal`` where none is set: with an empty key anybody could sign."""
    if not secret:
        raise Refusal("no secret is set here for this vendor, so nothing can be accepted: set it")
    return secret.encode("utf-8")


def check_time(said: str, now: datetime, name: str) -> None:
    """Raise ``Refusal`` unless the ISO time ``said`` (header ``name``) is near ``now``: ``REPLAY_WINDOW``."""
    try:
        at = datetime.fromisoformat(said)
        distance = abs(now - at)
    except (ValueError, TypeError, OverflowError) as error:
        raise Refusal(f"{name} is not a time with an offset") from error
    if distance > REPLAY_WINDOW:
        minutes = REPLAY_WINDOW // timedelta(minutes=1)
        raise Refusal(f"{name} is more than {minutes} minutes from now: sent again, or a clock is wrong")


def check_signed(secret: str, signed: bytes, signature: str, name: str) -> None:
    """Raise ``Refusal`` unless ``signature`` (header ``name``) is the base64 HMAC-SHA256 of ``signed``."""
    expected = base64.b64encode(hmac.new(required_secret(secret), signed, hashlib.sha256).digest())
    check_equal(expected, signature, name)


def check_equal(expected: bytes, said: str, name: str) -> None:
    """Raise ``Refusal`` unless both are the same, in a time that does not tell how much of them is."""
    if not hmac.compare_digest(expected, said.encode("utf-8", "backslashreplace")):
        raise Refusal(f"{name} does not match: another secret, or the body was changed on its way")


def json_object(body: bytes, vendor: str) -> Record:
    """The JSON object in ``body``. Raises ``ShapeError``."""
    try:
        content = json.loads(body.decode("utf-8-sig"))
        json.dumps(content, ensure_ascii=False).encode("utf-8")  # half a character cannot be stored anywhere
    except (ValueError, RecursionError) as error:
        raise ShapeError(f"{vendor} webhook: the body is not JSON in UTF-8") from error
    if not isinstance(content, dict):
        raise ShapeError(f"{vendor} webhook: the body is not a JSON object")
    return content


def body_id(body: bytes) -> str:
    """An id for a delivery that carries none: the same body is the same delivery."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
