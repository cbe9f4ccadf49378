"""The helpdesks that this desk is connected to, from one file; their secrets come from the environment.

zendesk:
  address: https://acme.zendesk.com
  mapping: zendesk.yaml            # from this file's folder
  write_back: {queues: {billing: 360001, general: 360002}}
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

import connectors.freshdesk.webhook
import connectors.freshdesk.write_back
import connectors.intercom.webhook
import connectors.intercom.write_back
import connectors.salesforce.webhook
import connectors.salesforce.write_back
import connectors.zendesk.webhook
import connectors.zendesk.write_back
from connectors.live.decided import Decided
from connectors.live.payload import Payload
from connectors.live.write_back import Outcome, VendorCall, WriteBack, outcome
from connectors.mapping.file import Mapping as MappingFile
from connectors.mapping.file import MappingError, load_mapping
from connectors.pull.access import checked_address
from connectors.pull.errors import PullError
from connectors.pull.vendor import variable
from connectors.rules.columns import Lookups
from connectors.rules.lookups import read_lookup

VendorName = Literal["zendesk", "freshdesk", "intercom", "salesforce"]


class HelpdeskError(ValueError):
    """The file of helpdesks cannot be used; names the file, the place and the fix."""


@dataclass(frozen=True)
class TagsFirst:
    """How a vendor is told of tags whose updates replace all that a ticket has: they are read before."""

    path: Callable[[Decided, WriteBack], str]
    calls: Callable[[Decided, WriteBack, Sequence[str]], list[VendorCall]]


@dataclass(frozen=True)
class Wire:
    """How one vendor speaks: pure functions of ``connectors``."""

    verify: Callable[[str, Mapping[str, str], bytes, datetime], None]
    parse: Callable[[bytes, datetime | None], Payload]
    calls: Callable[[Decided, WriteBack], list[VendorCall]]
    outcome: Callable[[int, bytes], Outcome] = outcome
    """What an answer to a call means, from its status and body."""
    tags_first: TagsFirst | None = None


WIRES: Mapping[str, Wire] = MappingProxyType(
    {
        "zendesk": Wire(
            connectors.zendesk.webhook.verify,
            connectors.zendesk.webhook.parse,
            connectors.zendesk.write_back.calls,
        ),
        "freshdesk": Wire(
            connectors.freshdesk.webhook.verify,
            connectors.freshdesk.webhook.parse,
            connectors.freshdesk.write_back.calls,
            tags_first=TagsFirst(
                connectors.freshdesk.write_back.tags_path, connectors.freshdesk.write_back.calls
            ),
        ),
        "intercom": Wire(
            connectors.intercom.webhook.verify,
            connectors.intercom.webhook.parse,
            connectors.intercom.write_back.calls,
        ),
        "salesforce": Wire(
            connectors.salesforce.webhook.verify,
            connectors.salesforce.webhook.parse,
            connectors.salesforce.write_back.calls,
            connectors.salesforce.write_back.outcome,
        ),
    }
)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mapping: Path
    address: str | None = None
    """Where decisions are written back to; without it they stay here."""
    lookups: Path | None = None
    """Folder of the mapping's look-up files."""
    write_back: WriteBack | None = None


@dataclass(frozen=True)
class Helpdesk:
    """One connected helpdesk. ``secret`` verifies its webhooks; it is empty where none is set."""

    vendor: str
    wire: Wire
    mapping: MappingFile
    lookups: Lookups
    secret: str
    address: str | None
    write_back: WriteBack | None

    def __repr__(self) -> str:
        return f"Helpdesk({self.vendor})"


def load_helpdesks(path: Path | None, environment: Mapping[str, str] = os.environ) -> dict[str, Helpdesk]:
    """The helpdesks in the file at ``path``, by vendor; none where there is no path.

    Raises ``HelpdeskError``.
    """
    if path is None:
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        entries = {name: _Entry.model_validate(entry) for name, entry in content.items()}
    except FileNotFoundError:
        raise HelpdeskError(f"FIRSTLINE_HELPDESKS: there is no file {path}") from None
    except (yaml.YAMLError, ValidationError, AttributeError) as error:
        raise HelpdeskError(f"{path}: {error}") from None
    unknown = sorted(set(entries) - set(WIRES))
    if unknown:
        raise HelpdeskError(f"{path}: {unknown[0]!r} is no helpdesk: use {', '.join(WIRES)}")
    return {name: _helpdesk(path, name, entry, environment) for name, entry in entries.items()}


def _helpdesk(path: Path, name: str, entry: _Entry, environment: Mapping[str, str]) -> Helpdesk:
    if (entry.address is None) != (entry.write_back is None):
        raise HelpdeskError(f"{path}: {name}: give address and write_back together, or neither")
    try:
        mapping = load_mapping(path.parent / entry.mapping)
        address = None if entry.address is None else checked_address(name, entry.address)
        folder = path.parent / (entry.lookups or "")
        lookups = {
            label: read_lookup(folder, one, label, lambda _bytes: None)
            for label, one in mapping.lookups.items()
        }
    except (MappingError, PullError, OSError) as error:
        raise HelpdeskError(f"{path}: {name}: {error}") from None
    secret = environment.get(variable(name, "webhook_secret"), "").strip()
    return Helpdesk(name, WIRES[name], mapping, lookups, secret, address, entry.write_back)
