"""Writing decisions back to the helpdesk that the ticket came from: an executor of the outbox."""

import os
from collections.abc import Callable, Mapping

import httpx2

from connectors.live.decided import DecidedError, decided
from connectors.live.write_back import VendorCall, WriteBackError
from connectors.pull.access import Credentials, is_loopback
from connectors.pull.clock import Clock
from connectors.pull.errors import PullError
from connectors.pull.vendors import vendor_named
from serving.approvals import KIND as APPROVED
from serving.deliveries import source_of
from serving.helpdesks import Helpdesk
from serving.outbox import Action, Executor, GiveUp, TryLater
from serving.store import Store

TIMEOUT = httpx2.Timeout(20.0, connect=5.0)
WRITTEN_BACK = ("route", "resolve", APPROVED)
"""Kinds of action that tell a helpdesk of a decision."""
_AGAIN = frozenset({408, 409, 425, 429})


def write_back(
    store: Store, helpdesks: Mapping[str, Helpdesk], environment: Mapping[str, str] = os.environ
) -> Executor:
    """The executor that sends each decision to the vendor its ticket came from; others need nothing sent.

    Calls are made in order; each that is answered is remembered, so that a retry goes on after it.
    """

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
        try:
            record = decision.model_dump(mode="json")
            told = decided(record | {"action": APPROVED} if action.kind == APPROVED else record)
            calls = helpdesk.wire.calls(told, helpdesk.write_back)
            credentials = vendor_named(helpdesk.vendor).credentials(environment, helpdesk.address, Clock())
        except (WriteBackError, DecidedError, PullError) as error:
            raise GiveUp(str(error)) from None
        _send(
            helpdesk, credentials, calls, action, lambda made: store.acknowledge_calls(action.action_id, made)
        )

    return execute


def _send(
    helpdesk: Helpdesk,
    credentials: Credentials,
    calls: list[VendorCall],
    action: Action,
    acknowledge: Callable[[int], None],
) -> None:
    address = helpdesk.address or ""
    headers = {"Authorization": credentials.authorization, **vendor_named(helpdesk.vendor).headers}
    trusted = not is_loopback(address)
    with httpx2.Client(
        base_url=address, timeout=TIMEOUT, follow_redirects=False, trust_env=trusted
    ) as client:
        for number, call in enumerate(calls[action.calls_done :], start=action.calls_done + 1):
            said = f"{helpdesk.vendor}: {call.method} {call.path} ({call.purpose})"
            try:
                answer = client.request(
                    call.method, call.path, json=dict(call.body), headers={**headers, **call.headers}
                )
            except httpx2.HTTPError as error:
                raise TryLater(f"{said}: {type(error).__name__}") from None
            if answer.status_code >= 500 or answer.status_code in _AGAIN:
                raise TryLater(f"{said}: status {answer.status_code}")
            if not answer.is_success:
                raise GiveUp(
                    f"{said}: status {answer.status_code}: check address, credentials and write_back"
                )
            acknowledge(number)
