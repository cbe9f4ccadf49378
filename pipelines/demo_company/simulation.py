"""The whole company: its accounts, its team, its outages, and everybody's journey through the history."""

from collections.abc import Callable, Iterable

from pipelines.demo_company.agents import hire_team
from pipelines.demo_company.clock import months_before
from pipelines.demo_company.company import Account, found_account
from pipelines.demo_company.journey import Journey, World, live
from pipelines.demo_company.outages import plan_outages
from pipelines.params import DemoCompanyParams

ORDINARY_SHARE = 0.83
"""Tickets that are neither repeats nor caused by an outage or a bad month, as a share of all."""
LOST_PER_MONTH = 0.008
"""Share of demand that churn takes from an account for every month it is there; only scales the size."""
OWNERS = 12
Track = Callable[[Iterable[Account]], Iterable[Account]]


def found_company(params: DemoCompanyParams) -> tuple[World, list[Account]]:
    """The accounts on the day each signs up, and the world they live in."""
    months = months_before(params.end, params.months)
    accounts = [
        found_account(params.seed, n, params.accounts, months, OWNERS) for n in range(params.accounts)
    ]
    account_months = sum(a.demand * _months_present(a, months[0].start, months[-1].end) for a in accounts)
    world = World(
        seed=params.seed,
        months=months,
        team=hire_team(params.seed, params.tickets),
        outages=plan_outages(params.seed, months),
        demand_scale=params.tickets * ORDINARY_SHARE / account_months,
    )
    return world, accounts


def _months_present(account: Account, start: int, end: int) -> float:
    """Months of the history after the account signed up, less what churn is expected to take."""
    months = (end - max(start, account.signed_up)) / 30.4
    return months * (1 - LOST_PER_MONTH * months)


def simulate(params: DemoCompanyParams, track: Track = iter) -> tuple[World, list[Journey]]:
    """Every account's journey, in order of account number. ``track`` wraps the loop to show progress."""
    world, accounts = found_company(params)
    return world, [live(world, account) for account in track(accounts)]
