"""Every helpdesk that can be pulled from, by name."""

from connectors.pull import freshdesk, intercom, salesforce, zendesk
from connectors.pull.errors import PullError
from connectors.pull.vendor import Vendor

VENDORS = {one.VENDOR.name: one.VENDOR for one in (zendesk, freshdesk, intercom, salesforce)}


def vendor_named(name: str) -> Vendor:
    """The vendor called ``name``, in any letter case. Raises ``PullError`` naming those there are."""
    if name.lower() not in VENDORS:
        raise PullError(f"unknown vendor {name!r}: one of {', '.join(VENDORS)}")
    return VENDORS[name.lower()]
