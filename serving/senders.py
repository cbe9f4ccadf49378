"""Writing decisions back to the helpdesk that the ticket came from: an executor of the outbox."""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta

import httpx2

from connectors.live.decided import Decided, DecidedError, decided
from connectors.live.write_back import VendorCall, WriteBack, WriteBackError
from connectors.pull.access import Credentials, is_loopback
from connectors.pull.clock import Clock
from connectors.pull.errors import PullError, Unreachable
from connectors.pull.vendors import vendor_named
from serving.approvals import KIND as APPROVED
from serving.deliveries import source_of
from serving.helpdesks import Helpdesk
from serving.outbox import Action, Executor, GiveUp, TryLater
from serving.store import Store

TIMEOUT = httpx2.Timeout(20.0, connect=5.0)
WRITTEN_BACK = ("route", "resolve", APPROVED)
"""Kinds of action that tell a helpdesk of a decision."""
_UNAUTHORIZED = 401


def write_back(
    store: Store, helpdesks: Mapping[str, Helpdesk], environment: Mapping[str, str] = os.environ
) -> Executor:
    """The executor that sends each decision to the vendor its ticket came from; others need nothing sent.

    Calls are made in order; each that is answered is remembered, so that a retry goes on after it.
    """
    lines: dict[str, _Line] = {}

    def execute(action: Action) -> None:
        if action.kind not in WRITTEN_BACK:
            return
        with store.reading() as connection:
            vendor = source_of(connection, str(action.payload["ticket_id"]))
        helpdesk = helpdesks.get(vendor or "")
        if helpdesk is None or helpdesk.address is None or helpdesk.write_back is None:
            return
        decision = store.decision(action.decision_id)
        if decision is None:
            raise GiveUp("the decision was erased")
        line = lines.setdefault(helpdesk.vendor, _Line(helpdesk, helpdesk.address, environment))
        try:
            record = decision.model_dump(mode="json")
            told = decided(record | {"action": APPROVED} if action.kind == APPROVED else record)
            line.tell(
                told,
                helpdesk.write_back,
                action.calls_done,
                lambda made: store.acknowledge_calls(action.action_id, made),
            )
        except Unreachable as error:
            raise TryLater(str(error)) from None
        except (WriteBackError, DecidedError, PullError) as error:
            raise GiveUp(str(error)) from None

    return execute


class _Line:
    """The way to one helpdesk's API; it keeps an access token until the vendor refuses it."""

    def __init__(self, helpdesk: Helpdesk, address: str, environment: Mapping[str, str]) -> None:
        self._helpdesk = helpdesk
        self._address = address
        self._environment = environment
        self._credentials: Credentials | None = None

    def tell(
        self, told: Decided, config: WriteBack, calls_done: int, acknowledge: Callable[[int], None]
    ) -> None:
        """Make the calls that come after the first ``calls_done``, each acknowledged when it was answered.

        Raises ``TryLater``, ``GiveUp``, and what the wire and the credentials raise.
        """
        trusted = not is_loopback(self._address)
        with httpx2.Client(
            base_url=self._address, timeout=TIMEOUT, follow_redirects=False, trust_env=trusted
        ) as client:
            calls = self._calls(client, told, config)
            for number, call in enumerate(calls[calls_done:], start=calls_done + 1):
                self._made(client, call)
                acknowledge(number)

    def _calls(self, client: httpx2.Client, told: Decided, config: WriteBack) -> list[VendorCall]:
        wire = self._helpdesk.wire
        if wire.tags_first is None or not config.tags:
            return wire.calls(told, config)
        asked = VendorCall("GET", wire.tags_first.path(told, config), {}, purpose="tag")
        tags = self._made(client, asked).json().get("tags") or ()
        return wire.tags_first.calls(told, config, [str(tag) for tag in tags])

    def _made(self, client: httpx2.Client, call: VendorCall) -> httpx2.Response:
        said = f"{self._helpdesk.vendor}: {call.method} {call.path} ({call.purpose})"
        credentials = self._current()
        try:
            answer = self._asked(client, call, credentials)
            if answer.status_code == _UNAUTHORIZED and credentials.renew is not None:
                self._credentials = credentials.renew()
                answer = self._asked(client, call, self._credentials)
        except httpx2.HTTPError as error:
            raise TryLater(f"{said}: {type(error).__name__}") from None
        outcome = self._helpdesk.wire.outcome(answer.status_code, answer.content)
        if outcome == "later":
            raise TryLater(f"{said}: status {answer.status_code}", _asked_to_wait(answer))
        if outcome == "refused":
            self._credentials = None
            raise GiveUp(f"{said}: status {answer.status_code}: check address, credentials and write_back")
        return answer

    def _current(self) -> Credentials:
        if self._credentials is None:
            vendor = vendor_named(self._helpdesk.vendor)
            self._credentials = vendor.credentials(self._environment, self._address, Clock())
        return self._credentials

    def _asked(self, client: httpx2.Client, call: VendorCall, credentials: Credentials) -> httpx2.Response:
        shared = vendor_named(self._helpdesk.vendor).headers
        headers = {"Authorization": credentials.authorization, **shared, **call.headers}
        body = None if call.method == "GET" else dict(call.body)
        return client.request(call.method, call.path, json=body, headers=headers)


def _asked_to_wait(answer: httpx2.Response) -> timedelta:
    """The seconds of ``Retry-After``; nothing where it is missing or a date."""
    said = answer.headers.get("Retry-After", "")
    return (
        timedelta(seconds=int(said))
        if said.isascii() and said.isdecimal() and len(said) < 7
        else timedelta(0)
    )
