"""``firstline monitor``: look at the newest window of decisions, write the reports, say one line.

Idempotent: the same store, features and moment give the same reports and the same verdict, whenever and
however often it runs. Nothing but the reports and the date of the verdict is written.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from features.hold_out import in_hold_out
from monitoring.drift import Drift, DriftLimits, compare
from monitoring.embeddings import with_embeddings
from monitoring.estimate import Estimate, estimated_right
from monitoring.evidence import Automation, Evidence, Learned, gather
from monitoring.feedback import feedback_labels, stored_decisions, stored_feedback
from monitoring.gauges import write_gauges
from monitoring.predecessor import said_instead
from monitoring.promised import automated_from, expected_errors, learnt_tickets
from monitoring.quality import Quality, corrections, freshness, quality
from monitoring.rise import Rise, strongest_rise
from monitoring.successor import SameTickets, judge_successor, same_tickets, yardstick
from monitoring.verdict import Cause, Limits, State, Verdict, judge, settled
from monitoring.window import (
    LONGEST_WINDOW,
    Decided,
    newest_known_at,
    read_decided,
    read_reference,
    recent,
    window_frame,
)
from serving.settings import Settings
from serving.store import Store

FEATURES_FOLDER = Path("artifacts/features")
REPORTS_FOLDER = Path("reports")
TEMPLATES = Path(__file__).parent / "templates"
MARK = "monitor.verdict"
YARDSTICKS = "monitor.yardsticks"


@dataclass(frozen=True)
class Observation:
    """Everything one run looked at. ``drift`` is ``None`` where ``notes`` say why.

    ``release`` serves (``None`` where none was promoted). ``before`` is the last good release, where the one
    that serves followed it, and ``same`` what both got wrong of the same tickets, by field.
    """

    release: str | None
    before: str | None
    window_start: datetime | None
    window_end: datetime | None
    quality: Quality
    drift: Drift | None
    right: Estimate
    right_in_hold_out: Estimate
    new_labels: int
    freshness_hours: dict[str, float | None]
    notes: tuple[str, ...]
    same: Mapping[str, SameTickets] = field(default_factory=dict)
    rise: Rise | None = None
    release_since: datetime | None = None
    evidence: Evidence = field(default_factory=Evidence)


def run_monitor(
    store: Store,
    features_folder: Path,
    reports_folder: Path,
    now: datetime,
    limits: Limits = Limits(),
    drift_limits: DriftLimits = DriftLimits(),
    expected_errors: Mapping[str, float] | None = None,
    learnt: int | None = None,
    automation: Automation = Automation(),
    embeddings: Path | None = None,
    releases: Path | None = None,
) -> Verdict:
    """Judge the newest window of decisions in ``store`` against ``features_folder``, as of ``now``.

    ``expected_errors``, ``learnt``: see ``judge``. ``automation``: what is automated now. ``embeddings``: the
    file of those of the tickets the release learned from. ``releases``: where releases are installed, to ask
    the one before about the same tickets. Writes the reports to ``reports_folder``, and
    Evidently's to its ``drift/``. Without decisions, feedback or reference the verdict says so.
    """
    seen = observe(
        store,
        features_folder,
        reports_folder / "drift",
        now,
        limits,
        drift_limits,
        automation,
        embeddings,
        releases,
    )
    held_to = _held_to(store, seen, expected_errors or {}, releases, limits)
    moved = seen.drift.moved if seen.drift else []
    found = judge(seen.quality, moved, seen.new_labels, seen.notes, limits, held_to, seen.rise, learnt)
    if seen.before is not None:
        found = judge_successor(seen.same, seen.before, limits) or found
    verdict = settled(replace(found, release=seen.release), last_verdict(store), now, limits)
    _remember(store, verdict)
    write_reports(reports_folder, report_record(seen, verdict, now))
    return verdict


def record_done(store: Store, reports_folder: Path, verdict: Verdict, done: str) -> Verdict:
    """The verdict with what was done about it, in the store and in the reports of the last run as well."""
    acted = replace(verdict, done=done)
    _remember(store, acted)
    path = reports_folder / "monitor.json"
    if path.exists():
        report = json.loads(path.read_text(encoding="utf-8"))
        write_reports(reports_folder, report | {"line": acted.line})
    return acted


def observe(
    store: Store,
    features_folder: Path,
    drift_folder: Path,
    now: datetime,
    limits: Limits,
    drift_limits: DriftLimits,
    automation: Automation = Automation(),
    embeddings: Path | None = None,
    releases: Path | None = None,
) -> Observation:
    """Measure everything about the newest window; judge nothing.

    Once a release was promoted, only its own decisions count: what another one did says nothing about it.
    """
    decisions = stored_decisions(store)
    feedback = stored_feedback(store)
    feedback = feedback[feedback["at"] <= now]
    champion, last_good = (store.pointer(name) for name in ("champion", "last_good"))
    own = decisions if champion is None else decisions[decisions["release"] == champion]
    window = recent(own, now, least=limits.min_decisions)
    decided = read_decided(store, window, drift_limits.most_rows)
    drift, notes = _drift(decided, len(window), features_folder, drift_folder, drift_limits, embeddings)
    learned = Learned(features_folder, drift_folder, drift_limits)
    labels = feedback_labels(feedback, decisions)
    judged = len(window) >= limits.min_decisions
    evidence = gather(store, own, window, decided, feedback, labels, now, automation, learned, judged)
    notes = (*notes, *evidence.notes)
    if feedback.empty:
        notes = (*notes, "no feedback yet")
    before = None if last_good == champion else last_good
    same: dict[str, SameTickets] = {}
    if before is not None and champion is not None and releases is not None:
        said = corrections(recent(own, now, LONGEST_WINDOW), feedback)
        instead, why = said_instead(store, releases, champion, before, said["decision_id"].unique().tolist())
        same, notes = same_tickets(said, instead), (*notes, *why)
    return Observation(
        release=champion,
        release_since=_promoted_at(store, now),
        before=before,
        same=same,
        window_start=window["at"].min() if len(window) else None,
        window_end=window["at"].max() if len(window) else None,
        quality=quality(window, feedback),
        rise=strongest_rise(own, corrections(own, feedback)),
        drift=drift,
        right=estimated_right(window, feedback),
        right_in_hold_out=estimated_right(
            window[window["ticket_id"].map(in_hold_out).astype(bool)], feedback
        ),
        new_labels=_new_labels(store, labels, now),
        freshness_hours=freshness(newest_known_at(store, now), now),
        notes=notes,
        evidence=evidence,
    )


def write_reports(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the reports (``monitor``, ``thanks``) as JSON and HTML, and the gauges, each whole or not."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(
        folder / "monitor.json", json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    )
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    for page in ("monitor.html", "thanks.html"):
        _replace(folder / page, environment.get_template(page).render(record=record))
    told = json.dumps({"as_of": record["as_of"], "agents": record["thanks"]}, indent=2, ensure_ascii=False)
    _replace(folder / "thanks.json", told + "\n")
    write_gauges(folder, record)


def report_record(seen: Observation, verdict: Verdict, now: datetime) -> dict[str, Any]:
    """The run as JSON values."""
    return {
        "as_of": now.isoformat(),
        "verdict": verdict.state,
        "cause": verdict.cause,
        "release": seen.release,
        "release_since": seen.release_since.isoformat() if seen.release_since else None,
        "line": verdict.line,
        "since": verdict.since.isoformat() if verdict.since else None,
        "window": {
            "start": seen.window_start.isoformat() if seen.window_start else None,
            "end": seen.window_end.isoformat() if seen.window_end else None,
        },
        "quality": seen.quality.record(),
        "intent_right": {"all": seen.right.record(), "hold_out": seen.right_in_hold_out.record()},
        "rise": seen.rise.record() if seen.rise else None,
        "same_tickets": {
            "before": seen.before,
            "wrong": {
                field: {"release": pair.ours.record(), "before": pair.before.record()}
                for field, pair in seen.same.items()
            },
        },
        "drift": seen.drift.record() if seen.drift else None,
        "new_labels": seen.new_labels,
        "freshness_hours": seen.freshness_hours,
        "notes": list(seen.notes),
        **seen.evidence.record(),
    }


def _drift(
    decided: Decided,
    rows: int,
    features_folder: Path,
    drift_folder: Path,
    limits: DriftLimits,
    embeddings: Path | None,
) -> tuple[Drift | None, tuple[str, ...]]:
    if rows < limits.min_rows:
        return None, ()
    reference = read_reference(features_folder, limits.most_rows)
    if reference is None:
        return None, (f"no reference in {features_folder}/, so drift is unknown: run `dvc repro`",)
    if len(reference.frame) < limits.min_rows:
        return None, (f"only {len(reference.frame)} reference tickets, so drift is unknown",)
    found = compare(
        reference.frame,
        window_frame(decided, reference.words),
        reference.numbers(),
        reference.categories(),
        drift_folder / "index.html",
        limits,
    )
    if embeddings is not None:
        page = drift_folder / "embeddings.html"
        found = with_embeddings(found, embeddings, decided.vectors.values(), page, limits)
    _replace(drift_folder / "drift.json", json.dumps(found.record(), indent=2, allow_nan=False) + "\n")
    return found, ()


def _new_labels(store: Store, labels: pd.DataFrame, now: datetime) -> int:
    """Tickets with labels from feedback since the champion was promoted; all of them where none ever was."""
    promoted = _promoted_at(store, now)
    fresh = labels if promoted is None else labels[labels["known_at"] > promoted]
    return int(fresh["ticket_id"].nunique())


def _promoted_at(store: Store, now: datetime) -> datetime | None:
    """Since when the release that serves does, as of ``now``."""
    moves = [move.at for move in store.pointer_history("champion") if move.at < now]
    return moves[-1] if moves else None


def last_verdict(store: Store) -> Verdict | None:
    """The verdict of the last run, ``None`` before the first."""
    text = store.mark(MARK)
    if text is None:
        return None
    last = json.loads(text)
    state: State = last["state"]
    cause: Cause = last.get("cause", "none")
    return Verdict(
        state,
        last["reason"],
        since=_moment_or_none(last.get("since")),
        done=last.get("done", ""),
        judged=last.get("judged", True),
        worse_than=last.get("worse_than"),
        calm_since=_moment_or_none(last.get("calm_since")),
        release=last.get("release"),
        cause=cause,
    )


def _held_to(
    store: Store, seen: Observation, own: Mapping[str, float], releases: Path | None, limits: Limits
) -> dict[str, float]:
    """What the release that serves is held to (``yardstick``), kept for whichever follows it."""
    known: dict[str, dict[str, float]] = json.loads(store.mark(YARDSTICKS) or "{}")
    if seen.release is None:
        return dict(own)
    if seen.before is None:
        return known.get(seen.release, dict(own))
    theirs = known.get(seen.before, {} if releases is None else expected_errors(releases, seen.before))
    held = yardstick(own, theirs, seen.same, limits)
    kept = {seen.before: theirs, seen.release: held}
    if kept != known:
        store.set_mark(YARDSTICKS, json.dumps(kept))
    return held


def _remember(store: Store, verdict: Verdict) -> None:
    times = {name: getattr(verdict, name) for name in ("since", "calm_since")}
    record = asdict(verdict) | {name: at.isoformat() if at else None for name, at in times.items()}
    store.set_mark(MARK, json.dumps(record, ensure_ascii=False))


def _moment_or_none(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _replace(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def moment(text: str) -> datetime:
    """The moment that ``text`` (ISO 8601, UTC where it names no offset) says, in UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no moment: write it as 2026-07-01T08:00:00Z") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def present(store: Store, clock: datetime) -> datetime:
    """``clock``, or the newest decision or feedback where that is later: a replayed desk has its own time."""
    newest = [frame["at"].max() for frame in (store.decisions(), store.feedback()) if len(frame)]
    return max([clock, *(at.to_pydatetime() for at in newest)])


def look(store: Store, settings: Settings, as_of: str | None = None) -> tuple[Verdict, datetime]:
    """Run the monitor on this installation's store as of ``as_of`` or now; the verdict and its moment."""
    now = moment(as_of) if as_of else present(store, datetime.now(UTC))
    champion = store.pointer("champion")
    verdict = run_monitor(
        store,
        FEATURES_FOLDER,
        REPORTS_FOLDER,
        now,
        expected_errors=expected_errors(settings.releases, champion),
        learnt=learnt_tickets(settings.releases, champion),
        automation=automated_from(settings.releases, champion),
        embeddings=settings.state / "embeddings" / "tickets.npz",
        releases=settings.releases,
    )
    return verdict, now


def main(as_of: str | None = None) -> None:
    """Run the monitor on this installation's store, as of ``as_of`` or now, and print the verdict line."""
    settings = Settings()
    store = Store(settings.database_url)
    try:
        print(look(store, settings, as_of)[0].line)
    finally:
        store.close()


if __name__ == "__main__":
    main()
