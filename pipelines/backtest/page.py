"""The business case for people: one self-contained HTML page, and a short table for the terminal."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipelines.backtest.chart import line_chart
from pipelines.backtest.wording import ASSUMED, ESTIMATED, FIGURES, in_words, named

PAGE = Path("reports/backtest.html")
TEMPLATES = Path(__file__).parents[1] / "templates"
ARMS = {
    "fifo": "First in, first out",
    "reported_priority": "Customers' own priority",
    "firstline": "Firstline",
    "rollout": "Firstline, rolled out",
    "intelligence": "Ranking and routing only",
    "assisted": "And drafted replies",
}
MAIN = ("fifo", "reported_priority", "firstline")
HOURS_PER_MONTH = 365.25 / 12 * 24


def render(found: Mapping[str, Any]) -> str:
    """The page; one sentence where there was nothing to replay."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"figure": in_words}
    template = environment.get_template("backtest.html")
    if "absent" in found:
        return template.render(absent=found["absent"])
    shown = [arm for arm in (*MAIN, "rollout") if arm in found["arms"]]
    phases = [arm for arm in ("intelligence", "assisted", "firstline") if arm in found["arms"]]
    return template.render(
        absent=None,
        found=found,
        arms=ARMS,
        main=[arm for arm in MAIN if arm in found["arms"]],
        phases=phases,
        figures=FIGURES,
        facts=facts(found),
        charts=_charts(found, shown),
        issues=_issues(found),
        assumed=[
            (named(name), value, ASSUMED[name]) for name, value in found["assumed"].items() if name in ASSUMED
        ],
        estimated=[(text, found["estimated"][name], unit) for name, (text, unit) in ESTIMATED.items()],
        shown=shown,
        firstline_until=found["assumed"]["rollout"],
    )


def write_page(path: Path, found: Mapping[str, Any]) -> None:
    """Write ``render`` to ``path``, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(render(found), encoding="utf-8")
    part.replace(path)


def facts(found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What to say first: the figure, what it is, and what it is beside first in, first out."""
    ours, fifo = found["arms"]["firstline"], found["arms"]["fifo"]
    said = []
    if found["valuable"]:
        mine, theirs = found["valuable"]["firstline"], found["valuable"]["fifo"]
        for name, text in (
            ("first_response_hours_median", "until a valuable account is answered (median, working hours)"),
            ("breach_share", "of the promises to valuable accounts broken"),
        ):
            said.append((_say(mine, name), text, f"instead of {_say(theirs, name)}"))
    hours = fifo["hands_on_hours"]["value"] - ours["hands_on_hours"]["value"]
    per_month = hours / months_long(found)
    money = per_month * found["assumed"]["agent_cost_per_hour"]
    money -= found["assumed"]["fixed_cost_per_ticket"] * found["tickets"] / months_long(found)
    said += [
        (
            f"{per_month:,.0f} h",
            "of hands-on work saved a month",
            f"{money:,.0f} in money, Firstline's cost paid",
        ),
        (_say(ours, "automation_rate"), "of all tickets resolved without a person", "and not come back"),
        (
            _say(ours, "handoffs_per_100"),
            "handoffs per 100 tickets",
            f"instead of {_say(fifo, 'handoffs_per_100')}",
        ),
    ]
    return said


def months_long(found: Mapping[str, Any]) -> float:
    """How many months of tickets were measured."""
    days = (date.fromisoformat(found["replayed_until"]) - date.fromisoformat(found["replayed_from"])).days
    return max(1.0, days - found["assumed"]["warm_up_days"]) * 24 / HOURS_PER_MONTH


def _say(figures: Mapping[str, Any], name: str) -> str:
    return in_words(figures[name]["value"], FIGURES[name][1])


def _charts(found: Mapping[str, Any], shown: Sequence[str]) -> list[tuple[str, Markup]]:
    months, whose = list(found["months"]), "valuable" if found["valuable"] else "arms"
    of_whom = "valuable accounts" if found["valuable"] else "all accounts"
    charts = []
    for name, group, title in (
        ("first_response_hours_median", whose, f"Working hours until {of_whom} are answered"),
        ("breach_share", whose, f"Share of promises to {of_whom} broken"),
        ("hands_on_hours", "arms", "Hands-on hours of people"),
        ("automation_rate", "arms", "Share of tickets resolved without a person"),
    ):
        lines = {
            arm: [(found["months"][m][group].get(arm) or {}).get(name, {}).get("value") for m in months]
            for arm in shown
        }
        charts.append((title, line_chart(months, lines, ARMS, FIGURES[name][1])))
    return charts


def _issues(found: Mapping[str, Any]) -> list[tuple[str, float, float, float]]:
    ours, fifo = found["csat_by_issue"]["firstline"], found["csat_by_issue"]["fifo"]
    both = [name for name in fifo if name in ours]
    both.sort(key=lambda name: -fifo[name]["ratings"])
    return [
        (name, fifo[name]["ratings"], fifo[name]["csat_mean"], ours[name]["csat_mean"]) for name in both[:15]
    ]


def table(found: Mapping[str, Any]) -> str:
    """The main figures in lines for the terminal."""
    if "absent" in found:
        return f"nothing to replay: {found['absent']}"
    arms = [arm for arm in MAIN if arm in found["arms"]]
    width = max(len(text) for text, _ in FIGURES.values()) + 2
    lines = [
        f"{found['tickets']:,} tickets from {found['replayed_from']} to {found['replayed_until']}, "
        f"{found['seeds']} seeds, {found['agents']} agents",
        " " * width + "".join(f"{ARMS[arm]:>26}" for arm in arms),
    ]
    for group, title in (("arms", "all tickets"), ("valuable", "valuable accounts")):
        if not found[group]:
            continue
        lines.append(f"-- {title}")
        for name, (text, unit) in FIGURES.items():
            if name in found[group][arms[0]]:
                values = [in_words(found[group][arm][name]["value"], unit) for arm in arms]
                lines.append(f"{text:<{width}}" + "".join(f"{value:>26}" for value in values))
    for arm, told in found["ratios_to_fifo"].items():
        lines.append(f"-- {ARMS[arm]}, as a share of first in, first out (95 %)")
        for name, each in told.items():
            lines.append(f"{named(name):<{width}}{_ratio(each):>26}")
    lines += [f"note: {note}" for note in found["notes"]]
    return "\n".join(lines)


def _ratio(told: Mapping[str, Any]) -> str:
    if told["value"] is None:
        return "unknown"
    return f"{told['value']:.2f} ({told['low']:.2f} to {told['high']:.2f})"
