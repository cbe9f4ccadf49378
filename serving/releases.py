"""The release that serves: the one the store's pointer names, or the last good one where that is damaged.

The pointer is read again every few seconds, so a promotion or a rollback reaches a running worker by itself.
A release that cannot be loaded never replaces one that serves, and while one is loaded the other decides.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from sqlalchemy.exc import SQLAlchemyError

from models.release import Release, ReleaseError, load_release
from policy.desk import Desk, DeskError, load_desk
from serving.logs import logger, where_raised
from serving.store import Store
from serving.trials import Trial, current_trial

POINTERS = ("champion", "last_good")
"""Pointers that are tried, in this order."""


@dataclass(frozen=True)
class Loaded:
    """A release with its desk rules; without a release, the rules alone."""

    release: Release | None
    desk: Desk
    degraded: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The release's id, ``none`` without one."""
        return self.release.id if self.release is not None else "none"


class Releases:
    """Keeps the serving release loaded. Safe to use from several threads."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        rules: Path,
        check_seconds: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._folder = folder
        self._rules = Loaded(None, load_desk(rules), ("no release",))
        self._check_seconds = check_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._checked_at = float("-inf")
        self._wanted: tuple[str | None, ...] | None = None
        self._serving = self._rules
        self._wanted_trial: Trial | None = None
        self._trial: tuple[Trial, Loaded] | None = None

    def current(self) -> Loaded:
        """The release to decide with now."""
        nothing_yet = self._wanted is None
        if self._is_due() and self._lock.acquire(blocking=nothing_yet):
            try:
                if self._is_due():
                    self._look()
            finally:
                self._lock.release()
        return self._serving

    def keep_up(self, settled: Callable[[], None]) -> None:
        """Look at the pointers in a thread from now on, so that no ticket waits while a release is loaded.

        ``settled`` is called after each change, in that thread. ``leave_off`` ends it.
        """
        threading.Thread(target=self._keep_up, args=(settled,), daemon=True, name="releases").start()

    def leave_off(self) -> None:
        """End what ``keep_up`` began."""
        self._ended.set()

    def _keep_up(self, settled: Callable[[], None]) -> None:
        while not self._ended.wait(self._check_seconds / 2):
            try:
                with self._lock:
                    changed = self._look()
                if changed:
                    settled()
            except Exception as error:  # what serves goes on, and the next look may do better
                logger().error("release not followed", error=type(error).__name__, at=where_raised(error))

    def _is_due(self) -> bool:
        return self._clock() - self._checked_at >= self._check_seconds

    def _look(self) -> bool:
        try:
            return self._follow()
        finally:
            self._checked_at = self._clock()

    def trial(self) -> tuple[Trial, Loaded] | None:
        """The trial that holds and its challenger, as of the last look at the pointers."""
        return self._trial

    def rules(self, why: str) -> Loaded:
        """The rules that count without a release, degraded by ``why``."""
        return Loaded(None, self._rules.desk, (why,))

    def _follow(self) -> bool:
        """Load what the pointers name now; returns whether that is something else than before."""
        try:
            wanted = tuple(self._store.pointer(name) for name in POINTERS)
            with self._store.reading() as connection:
                trial = current_trial(connection)
        except SQLAlchemyError as error:
            logger().error("pointer not read", error=type(error).__name__)
            return False
        changed = (wanted, trial) != (self._wanted, self._wanted_trial)
        if wanted != self._wanted:
            self._serving = self._first_sound(wanted)
            self._wanted = wanted
            logger().info("release serves", release=self._serving.id, degraded=self._serving.degraded)
        if trial != self._wanted_trial:
            self._wanted_trial = trial
            self._trial = self._tried(trial)
        return changed

    def _tried(self, trial: Trial | None) -> tuple[Trial, Loaded] | None:
        """The challenger of ``trial``, loaded; ``None`` where it is unsound, which is told."""
        if trial is None:
            return None
        if self._trial is not None and self._trial[1].id == trial.release_id:
            return trial, self._trial[1]
        try:
            release = load_release(self._folder / trial.release_id)
            return trial, Loaded(release, load_desk(release.desk_path))
        except (ReleaseError, DeskError) as error:
            logger().error("challenger not loaded", release=trial.release_id, why=str(error))
            return None

    def _first_sound(self, wanted: tuple[str | None, ...]) -> Loaded:
        degraded: tuple[str, ...] = ()
        for name, release_id in zip(POINTERS, wanted, strict=True):
            if release_id is None:
                continue
            tried = () if self._trial is None else (self._trial[1],)
            for loaded in (self._serving, *tried):
                if loaded.id == release_id:
                    return Loaded(loaded.release, loaded.desk, degraded)
            try:
                release = load_release(self._folder / release_id)
                return Loaded(release, load_desk(release.desk_path), degraded)
            except (ReleaseError, DeskError) as error:
                logger().error("release not loaded", pointer=name, release=release_id, why=str(error))
                degraded = (*degraded, f"{name} release damaged")
        if self._serving.release is not None and degraded:
            return Loaded(self._serving.release, self._serving.desk, degraded)
        return Loaded(None, self._rules.desk, (*degraded, *self._rules.degraded))
