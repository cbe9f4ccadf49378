"""What contacts say about who owns which handle, since when, and for which company: arrays of facts."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from connectors.identity.handles import handle_in, kind_of, normal_handle

NEVER = np.iinfo(np.int64).max
"""The end of what has not ended. Times are microseconds since 1970 UTC."""


class Evidence(NamedTuple):
    """The facts of contacts.

    ``first_known``: contact_id -> when its first row was known.
    ``accounts``: contact_id, known_at, account_id; a row whenever a contact's company becomes known or other.
    ``holdings``: handle, contact_id, start, end; a row for every unbroken time in which a contact had
    a normal handle, by handle and start.
    """

    first_known: pd.Series
    accounts: pd.DataFrame
    holdings: pd.DataFrame


def evidence_of(contacts: pd.DataFrame, phone_region: str) -> Evidence:
    """The facts in canonical ``contacts``.

    A handle ends for a contact when a later row of the contact names another handle of that kind instead;
    a row that names none of that kind (another source's, perhaps) says nothing about it. One that comes back
    later begins anew: what was between stays as it was. A contact id that is itself a handle is one of the
    contact's handles.
    """
    rows = pd.DataFrame(
        {
            "contact_id": contacts["contact_id"].to_numpy(object),
            "known_at": contacts["known_at"].to_numpy("datetime64[us]").view(np.int64),
            "account_id": contacts["account_id"].to_numpy(object),
            "handles": contacts["handles"].to_numpy(object),
        }
    ).sort_values(["known_at", "contact_id"], kind="stable", ignore_index=True)
    first_known = rows.groupby("contact_id", sort=True)["known_at"].first()
    told = rows.loc[rows["account_id"].notna(), ["contact_id", "known_at", "account_id"]]
    changed = told["account_id"] != told.groupby("contact_id")["account_id"].shift()
    return Evidence(first_known, told[changed].reset_index(drop=True), _holdings(rows, phone_region))


def _holdings(rows: pd.DataFrame, phone_region: str) -> pd.DataFrame:
    lists = [handles if _is_list(handles) else () for handles in rows["handles"]]
    of_row = np.repeat(np.arange(len(rows)), [len(handles) for handles in lists])
    said = pd.Series([str(handle) for handles in lists for handle in handles], dtype="object")
    form = {handle: normal_handle(handle, phone_region) for handle in said.unique()}
    held = pd.DataFrame(
        {
            "handle": said.map(form).to_numpy(object),
            "contact_id": rows["contact_id"].to_numpy(object)[of_row],
            "start": rows["known_at"].to_numpy()[of_row],
        }
    ).dropna(subset="handle")
    held["kind"] = held["handle"].map(kind_of)
    versions = held.drop_duplicates(["contact_id", "kind", "start"])[["contact_id", "kind", "start"]]
    following = versions.groupby(["contact_id", "kind"])["start"].shift(-1, fill_value=NEVER)
    held = held.merge(versions.assign(end=following), on=["contact_id", "kind", "start"])
    held = held.drop_duplicates(["handle", "contact_id", "start"])
    pair = ["handle", "contact_id"]
    begins = held["start"] != held.groupby(pair)["end"].shift()
    held["time"] = begins.groupby([held["handle"], held["contact_id"]]).cumsum()
    spans = held.groupby([*pair, "time"], sort=False).agg(start=("start", "first"), end=("end", "last"))
    spans = spans.reset_index()
    ids = rows.drop_duplicates("contact_id")
    own = pd.DataFrame(
        {
            "handle": [handle_in(str(contact), phone_region) for contact in ids["contact_id"]],
            "contact_id": ids["contact_id"].to_numpy(object),
            "start": ids["known_at"].to_numpy(),
            "end": NEVER,
        }
    ).dropna(subset="handle")
    is_own = spans["handle"] == spans["contact_id"].map(own.set_index("contact_id")["handle"])
    both = pd.concat([own, spans[~is_own]])[[*pair, "start", "end"]]
    return both.sort_values(["handle", "start", "contact_id"], kind="stable", ignore_index=True)


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple | np.ndarray)
