"""Who may ask, and where credentials may go: to one encrypted host, in one header."""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2

from connectors.pull.errors import PullError, Refused, Unreachable

TIMEOUT = httpx2.Timeout(60.0, connect=10.0)


@dataclass(frozen=True)
class Credentials:
    """The value of the Authorization header; ``named`` are the environment variables it was made from."""

    authorization: str = field(repr=False)
    named: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    renew: "Callable[[], Credentials] | None" = field(default=None, repr=False)
    """Gets a fresh access token, where the vendor hands them out; tried once when one is refused."""


def access_token(vendor: str, address: str, path: str, form: Mapping[str, str], named: str) -> str:
    """An OAuth access token for ``form``. Raises ``Unreachable``, or ``Refused`` naming ``named``."""
    base = checked_address(vendor, address)
    try:
        answer = httpx2.post(
            base + path,
            data=dict(form),
            timeout=TIMEOUT,
            follow_redirects=False,
            trust_env=not is_loopback(base),
        )
        token = answer.json().get("access_token") if answer.status_code == 200 else None
    except (httpx2.RequestError, ValueError, AttributeError) as error:
        raise Unreachable(f"{vendor}: no access token from {base}{path} ({type(error).__name__})") from None
    if answer.status_code >= 500:
        raise Unreachable(f"{vendor} answered {path} with status {answer.status_code}: try again later")
    if not isinstance(token, str) or not token:
        raise Refused(f"{vendor} answered {path} with status {answer.status_code}. Check {named}")
    return token


def checked_address(vendor: str, address: str) -> str:
    """``https://host[:port]`` of ``address``. Raises ``PullError`` where credentials must not go."""
    parts = urlsplit(address if "://" in address else f"https://{address}")
    if not parts.hostname or parts.username or parts.password or parts.query or parts.path.strip("/"):
        raise PullError(
            f"{vendor}: {parts.hostname or address!r} is given as the address with more or less than a host: "
            "write https://HOST, without user, path or query"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(address)):
        raise PullError(
            f"{vendor}: {parts.scheme}://{parts.netloc} is not encrypted: use https://{parts.netloc}"
        )
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(address: str) -> bool:
    """Whether ``address`` is this machine."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
