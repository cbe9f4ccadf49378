"""Real support tickets through the same commands: Thunderbird's public forum, by a mapping file alone."""

from collections import Counter
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from features.tables import read_table
from models.metrics import exact_share_interval
from pipelines.datasets import dataset_folder
from pipelines.drills.workspace import project_clone, run_in
from pipelines.evaluation import FEWEST_TICKETS
from pipelines.results import Result
from pipelines.service_process import running_service
from serving.decision import Intent
from serving.settings import Settings

MAPPING = "connectors/mappings/sumo_thunderbird.yaml"
SERVED_TICKETS = 200


def measure() -> list[Result]:
    """Ingest, `dvc repro`, promotion and service in a clone; accuracy, and whether the service agrees."""
    tickets, taxonomy = dataset_folder("sumo_thunderbird"), dataset_folder("sumo_taxonomy")
    with project_clone() as project:
        topics = str(taxonomy / "topic_to_top.json")
        source = [str(tickets), "--mapping", MAPPING, "--extra", topics]
        run_in(project, "firstline", "ingest", *source)
        run_in(project, "dvc", "repro")
        run_in(project, "firstline", "promote")
        run_in(project, "firstline", "backfill")
        return [*top_topic_accuracies(project), served_like_batch(project)]


def top_topic_accuracies(project: Path) -> list[Result]:
    """For each language with enough labelled evaluation tickets: share whose top topic was named.

    English first. A ticket left to people counts as not named.
    """
    tickets = pd.read_parquet(project / "artifacts/features/tickets.parquet")
    said = pd.read_parquet(project / "artifacts/models/intent_oof.parquet")
    told = tickets.merge(said, on="ticket_id", validate="one_to_one")
    told = told[told["intent_label"].notna()]
    new = told[told["split"] == "evaluation"]
    counts = new["language"].value_counts()
    few = {str(name): int(n) for name, n in counts.items() if n < FEWEST_TICKETS}
    judged = sorted(
        (str(name) for name in counts.index if str(name) not in few), key=lambda n: (n != "en", n)
    )
    return [_in_language(told[told["language"] == language], language, few) for language in judged]


def _in_language(told: pd.DataFrame, language: str, few: Mapping[str, int]) -> Result:
    """``told``: labelled tickets of one language, with what the pipeline said of them before it knew."""
    new, train = told[told["split"] == "evaluation"], told[told["split"] == "train"]
    right = new["intent"] == new["intent_label"]
    linear = (new["baseline_intent"] == new["intent_label"]).mean()
    commonest = train["intent_label"].mode()
    majority = (new["intent_label"] == commonest[0]).mean() if len(commonest) else 0.0
    abstained = (new["intent"].isna() | new["out_of_scope"].astype(bool)).mean()
    accuracy, (low, high) = float(right.mean()), exact_share_interval(int(right.sum()), len(new))
    is_english = language == "en"
    return Result(
        name=f"intent.thunderbird{'' if is_english else f'.{language}'}.top_topic_accuracy",
        value=round(accuracy, 4),
        unit="",
        reference=(
            f"our linear n-gram baseline {linear:.3f}, majority {majority:.3f}, same tickets"
            + ("; outside trial: n-gram linear 0.672" if is_english else "")
        ),
        target=">= 0.70" if is_english else "",
        met=accuracy >= 0.70 if is_english else None,
        command="firstline drill --only real_run",
        data="sumo_thunderbird",
        note=(
            f"{len(new):,} labelled tickets in `{language}` among the newest 20 % of all tickets, "
            f"{len(train):,} to learn from; {abstained:.1%} left to people, out of scope or unread. Tickets "
            "whose topic lies outside the 14 top topics carry no label; the forum renamed its topics inside "
            "the training period."
            + (
                f" Too few to judge: {', '.join(f'{n} {k}' for k, n in few.items())}."
                if is_english and few
                else ""
            )
        ),
        low=round(low, 4),
        high=round(high, 4),
    )


def served_like_batch(project: Path) -> Result:
    """Share of the newest tickets for which the running service gives the pipeline's intent and probability.

    Each is sent over HTTP as of the moment it was written. Raises ``ServiceNotReady`` or ``FirstlineError``.
    """
    said = pd.read_parquet(project / "artifacts/models/intent_oof.parquet").set_index("ticket_id")
    tickets = read_table(project / "artifacts/tables", "tickets")
    newest = tickets[tickets["ticket_id"].isin(said.index)].sort_values("created_at").tail(SERVED_TICKETS)
    settings = Settings(state=project / "state", desk=project / "policy" / "desk.yaml")
    with running_service(settings, project / "state" / "drill.log") as service:
        decisions = [service.client.triage(_as_written(ticket)) for ticket in newest.to_dict("records")]
    names, probabilities = said["intent"].to_dict(), said["probability"].to_dict()
    agreed = [
        _same_answer(decision.intent, names[decision.ticket_id], probabilities[decision.ticket_id])
        for decision in decisions
    ]
    degraded = sorted({reason for decision in decisions for reason in decision.degraded})
    actions = Counter(decision.action for decision in decisions)
    return Result(
        name="serving.thunderbird.same_answer_as_batch",
        value=round(sum(agreed) / len(agreed), 4),
        unit="",
        reference="intent and probability, bit for bit, as `dvc repro` wrote them for the same tickets",
        target="1",
        met=all(agreed),
        command="firstline drill --only real_run",
        data="sumo_thunderbird",
        note=(
            f"the newest {len(decisions)} tickets over HTTP, each as of its own moment; "
            f"{', '.join(f'{n} {action}' for action, n in sorted(actions.items()))}; "
            f"named as missing: {', '.join(degraded) or 'nothing'}"
        ),
    )


def _same_answer(served: Intent, name: str | float, probability: float) -> bool:
    named = name if isinstance(name, str) else None  # no intent is NaN in a table
    return served.name == named and served.probability == probability


def _as_written(ticket: Mapping[Hashable, Any]) -> dict[str, Any]:
    moment = ticket["created_at"].isoformat()
    sent = ("ticket_id", "channel", "subject", "body", "contact_id", "language")
    return {name: ticket[name] for name in sent if isinstance(ticket[name], str)} | {
        "created_at": moment,
        "as_of": moment,
    }
