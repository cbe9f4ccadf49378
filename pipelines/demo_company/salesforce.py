"""Salesforce exports: account versions month by month, and the contacts."""

import csv
import io
from collections.abc import Iterable, Sequence

from pipelines.demo_company.clock import DAY, Month, day_text, moment_text
from pipelines.demo_company.company import Account, Version
from pipelines.demo_company.people import salesforce_id

ACCOUNT_COLUMNS = [
    *("Id", "Name", "Plan__c", "Status__c", "Segment__c", "AnnualContractValue__c", "LifetimeValue__c"),
    *("Seats__c", "OwnerId", "Language__c", "ContractStart__c", "RenewalDate__c", "ChurnDate__c"),
    "SystemModstamp",
]
CONTACT_COLUMNS = [
    *("Id", "AccountId", "Name", "Email", "Phone", "Twitter__c", "ZendeskUserIds__c", "CreatedDate"),
    "SystemModstamp",
]


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV with Unix line ends."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def account_file(accounts: Sequence[Account], month: Month) -> str:
    """Account versions that became known in ``month``; the first month also brings all older ones."""
    known = [
        (version.known_at, account.id, account, version)
        for account in accounts
        for version in account.versions
        if month.holds(version.known_at) or (month.index == 0 and version.known_at < month.start * DAY)
    ]
    known.sort(key=lambda row: row[:2])
    return csv_text(ACCOUNT_COLUMNS, (account_row(account, version) for _, _, account, version in known))


def account_row(account: Account, version: Version) -> tuple[object, ...]:
    """One version of an account."""
    return (
        account.id,
        account.name,
        version.plan,
        version.status,
        account.segment,
        f"{version.dollars}.00",
        f"{version.lifetime_dollars}.00",
        version.seats,
        owner_id(account),
        account.language,
        day_text(account.signed_up),
        day_text(version.renewal),
        "" if version.churned is None else day_text(version.churned),
        moment_text(version.known_at),
    )


def owner_id(account: Account) -> str:
    """The Salesforce user who owns the relationship."""
    return salesforce_id("005", 4_000_000 + account.owner * 53)


def contact_file(accounts: Sequence[Account], end: int) -> str:
    """Every contact known before ``end`` (a moment); one person with up to four Zendesk users."""
    rows = []
    for account in accounts:
        for person in account.contacts:
            if person.created_at < end:
                users = ";".join(str(user) for user in dict.fromkeys(person.users.values()))
                twitter = f"@{person.twitter}" if person.twitter else ""
                created = moment_text(person.created_at)
                rows.append(
                    (
                        person.id,
                        account.id,
                        person.name,
                        person.email,
                        person.phone,
                        twitter,
                        users,
                        created,
                        created,
                    )
                )
    return csv_text(CONTACT_COLUMNS, rows)
