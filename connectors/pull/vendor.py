"""What a vendor's module says about itself: its lists, and its credentials from the environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connectors.pull.access import Credentials
from connectors.pull.clock import Clock, Pace
from connectors.pull.errors import PullError
from connectors.pull.stream import Stream

Environment = Mapping[str, str]


@dataclass(frozen=True)
class Vendor:
    """One helpdesk that can be pulled from."""

    name: str
    address: str
    """The API's address where all accounts share one, else an example."""
    is_shared_address: bool
    credentials: Callable[[Environment, str, Clock], Credentials]
    """From the environment and the address. Raises ``PullError`` naming the variables that are missing."""
    streams: Callable[[int | None], tuple[Stream, ...]]
    """The lists to read, in this order; ``None`` is the vendor's largest page size."""
    pace: Callable[[], Pace]
    headers: Mapping[str, str] = field(default_factory=dict)


def variable(vendor: str, name: str) -> str:
    """The name of an environment variable, for example ``FIRSTLINE_ZENDESK_API_TOKEN``."""
    return f"FIRSTLINE_{vendor}_{name}".upper()


def secret(environment: Environment, name: str) -> str | None:
    """The value of ``name`` without surrounding blanks; ``None`` if it is empty. Raises ``PullError``."""
    value = environment.get(name, "").strip()
    if not (value.isascii() and value.isprintable()):
        raise PullError(f"{name} holds characters that no credential has: copy it again, without line breaks")
    return value or None


def missing(vendor: str, *ways: str) -> PullError:
    """The error for credentials that are not in the environment; ``ways`` are the variables that would do."""
    return PullError(
        f"{vendor}: no credentials in the environment: set {', or '.join(ways)} (see docs/pull.md)"
    )
