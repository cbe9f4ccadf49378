"""API keys: made once, shown once, kept as hashes, revoked without taking anybody else's away.

A key is ``fl_<key id>_<secret>``. The secret holds 256 random bits, so its plain SHA-256 cannot be searched.
Several keys of one name may be valid at once: rotation is a new key, a switch, and the end of the old one.
"""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from time import monotonic
from typing import Literal, NamedTuple, get_args

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from serving.ledger import append_entry
from serving.logs import logger
from serving.moments import microseconds, moment
from serving.store import Store
from serving.tables import api_keys

Role = Literal["helpdesk", "agent", "lead", "ops", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
DEFAULT_REQUESTS_PER_SECOND = 100.0
_PREFIX = "fl"


class Key(NamedTuple):
    """One key without its secret. ``revoked_at`` is ``None`` while it is valid."""

    key_id: str
    name: str
    role: Role
    hash: str
    requests_per_second: float
    created_at: datetime
    revoked_at: datetime | None


def new_key(
    connection: Connection,
    name: str,
    role: str,
    at: datetime,
    requests_per_second: float = DEFAULT_REQUESTS_PER_SECOND,
) -> str:
    """Make a key for ``name`` and return it: it is stored as a hash and cannot be shown again.

    Raises ``ValueError`` for a role that does not exist, or a limit or name that means nothing.
    """
    if role not in ROLES:
        raise ValueError(f"role is {role!r}: use one of {', '.join(ROLES)}")
    if not 0.1 <= requests_per_second <= 1e6:
        raise ValueError(f"requests per second is {requests_per_second:g}: use 0.1 to a million")
    if not name.strip():
        raise ValueError("a key needs a name: say who uses it")
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    row = {
        "key_id": key_id,
        "name": name.strip(),
        "role": role,
        "hash": _hash(secret),
        "requests_per_second": requests_per_second,
        "created_at": microseconds(at),
        "revoked_at": None,
    }
    connection.execute(insert(api_keys).values(**row))
    append_entry(connection, "key made", key_id, row, at)
    return f"{_PREFIX}_{key_id}_{secret}"


def revoke_key(connection: Connection, key_id: str, at: datetime) -> None:
    """Make the key invalid from now on. Raises ``ValueError`` where no valid key has that id."""
    changed = connection.execute(
        update(api_keys)
        .where(api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=microseconds(at))
    )
    if not changed.rowcount:
        raise ValueError(f"no valid key has the id {key_id!r}: `firstline keys list` shows them")
    append_entry(connection, "key revoked", key_id, {"key_id": key_id}, at)


def all_keys(connection: Connection) -> list[Key]:
    """Every key there ever was, oldest first."""
    rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.key_id))
    return [
        Key(r.key_id, r.name, r.role, r.hash, r.requests_per_second, moment(r.created_at),
            None if r.revoked_at is None else moment(r.revoked_at))
        for r in rows
    ]  # fmt: skip


def matching(keys: Iterable[Key], presented: str) -> Key | None:
    """The valid key among ``keys`` that ``presented`` is, compared in constant time."""
    prefix, _, rest = presented.partition("_")
    key_id, _, secret = rest.partition("_")
    found = next((key for key in keys if key.key_id == key_id and key.revoked_at is None), None)
    if prefix != _PREFIX or found is None:
        return None
    return found if hmac.compare_digest(found.hash, _hash(secret)) else None


class KeyRing:
    """The store's valid keys as one worker knows them, read again every ``check_seconds``.

    While the store cannot be reached the keys known before go on being valid.
    """

    def __init__(self, store: Store, check_seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._check_seconds = check_seconds
        self._clock = clock
        self._read_at = float("-inf")
        self._keys: dict[str, Key] = {}
        self._lock = threading.Lock()

    @property
    def is_stale(self) -> bool:
        """Whether the keys should be read again; doing so waits for the store."""
        return self._clock() - self._read_at >= self._check_seconds

    def refresh(self) -> None:
        """Read the keys again, unless another thread just did."""
        with self._lock:
            if not self.is_stale:
                return
            try:
                with self._store.reading() as connection:
                    self._keys = {key.key_id: key for key in all_keys(connection)}
            except SQLAlchemyError as error:
                logger().error("keys not read", error=type(error).__name__)
            self._read_at = self._clock()

    def find(self, presented: str) -> Key | None:
        """The valid key that ``presented`` is."""
        key = self._keys.get(presented.split("_", 2)[1] if presented.count("_") >= 2 else "")
        return matching([key], presented) if key is not None else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "backslashreplace")).hexdigest()
