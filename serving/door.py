"""Who may come in: the Host header, the API key, its role, and how often it calls."""

import ipaddress
from collections.abc import Collection, Mapping
from typing import NamedTuple

from anyio.to_thread import run_sync

from serving.keys import KeyRing, Role
from serving.limits import Buckets, retry_after
from serving.problems import Problem, shown
from serving.settings import Settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
UNSIGNED_PER_SECOND = 200.0
"""Webhooks that one address may send a second, before anybody looks at their signature."""
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Sent with every answer: none is a page, none may be kept, framed or read by another site."""


class Caller(NamedTuple):
    """Who asks: the id and the name of the key, and what it may do."""

    key_id: str
    name: str
    role: Role


DEVELOPER = Caller("development", "development mode", "admin")


class Door:
    """Lets a request in or raises ``Problem``: 421 host, 401 key, 403 role, 429 too often."""

    def __init__(self, settings: Settings, ring: KeyRing) -> None:
        self._hosts = allowed_hosts(settings)
        self._is_open = settings.development
        self._strangers_per_second = settings.strangers_per_second
        self._ring = ring
        self._buckets = Buckets()

    def check_host(self, headers: Mapping[str, str]) -> None:
        """Raise ``Problem`` where the request was meant for another host: a page may rebind its name."""
        host = host_of(headers.get("host", ""))
        if host not in self._hosts:
            raise Problem(421, "Host", shown(host), "use a name of FIRSTLINE_HOSTS, or add this one to it")

    async def admit(self, headers: Mapping[str, str], address: str, roles: Collection[str]) -> Caller:
        """The caller, if its key has one of ``roles``. Takes one call from what it may do a second."""
        if self._is_open:
            return DEVELOPER
        if self._ring.is_stale:
            await run_sync(self._ring.refresh)
        scheme, _, presented = headers.get("authorization", "").partition(" ")
        key = self._ring.find(presented.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            self._count(("stranger", address), self._strangers_per_second)
            found = "no API key" if not scheme else "a key that is not valid"
            fix = "send Authorization: Bearer KEY with a key of `firstline keys new`"
            raise Problem(401, "Authorization", found, fix, {"WWW-Authenticate": "Bearer"})
        self._count(key.key_id, key.requests_per_second)
        if key.role not in roles:
            raise Problem(403, "role", key.role, f"use a key with the role {' or '.join(sorted(roles))}")
        return Caller(key.key_id, key.name, key.role)

    def count_unsigned(self, address: str) -> None:
        """Take one call from what ``address`` may do at a door without keys."""
        if not self._is_open:
            self._count(("unsigned", address), UNSIGNED_PER_SECOND)

    def _count(self, caller: object, per_second: float) -> None:
        wait = self._buckets.wait_seconds(caller, per_second)
        if wait > 0:
            found = f"more than {per_second:g} requests a second"
            raise Problem(429, "rate", found, "call again later", {"Retry-After": retry_after(wait)})


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Names and addresses that requests may be meant for, in small letters."""
    named = {host.strip().lower() for host in settings.hosts.split(",") if host.strip()}
    own = {settings.host.lower()} - {"0.0.0.0", "::"}  # noqa: S104 - these listen everywhere, nobody asks for them
    return frozenset(LOOPBACK | named | own) if not settings.development else LOOPBACK


def host_of(header: str) -> str:
    """The host of a Host header without its port, in small letters."""
    host = header.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host


def is_loopback(address: str) -> bool:
    """Whether the IP ``address`` is this machine's own."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
