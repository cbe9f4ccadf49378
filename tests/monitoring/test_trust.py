"""One agent, careless or hostile, does not decide what is learnt next; honest ones are not silenced."""

import numpy as np
import pandas as pd
import pytest

from monitoring.trust import CAP, SAID, contradicted, held_back, outliers
from pipelines.intent import train_intent
from tests.pipelines.desks import featured_tickets, small_params

AGENTS = [f"agent{i}" for i in range(10)]


def desk(
    answers: int = 100, honest: float = 0.15, hostile: float = 1.0, seed: int = 1
) -> tuple[pd.DataFrame, ...]:
    """Labels by ten agents; the last corrects ``hostile`` of the decisions, the others ``honest``."""
    chance = np.random.default_rng(seed)
    rows = [
        (f"{agent}-{i}", agent, chance.random() < (hostile if agent == AGENTS[-1] else honest))
        for i in range(answers)
        for agent in AGENTS
    ]
    labels = pd.DataFrame(rows, columns=["ticket_id", "actor_id", "changed"]).assign(kind="intent_set")
    labels["value"] = np.where(labels.pop("changed"), "other", "decided")
    decided = labels[["ticket_id", "kind"]].assign(decided="decided")
    return labels, decided


def test_an_agent_who_corrects_everything_is_held_back_and_only_they():
    labels, decided = desk()
    reasons = held_back(labels, decided)
    assert set(labels.loc[reasons.notna(), "actor_id"]) == {AGENTS[-1]}
    assert reasons.dropna().str.startswith("corrected 100 of 100 answers, the others ").all()


@pytest.mark.parametrize("seed", range(20))
def test_honest_agents_are_not_held_back(seed):
    labels, decided = desk(hostile=0.25, seed=seed)
    assert held_back(labels, decided).isna().all()


def test_a_few_answers_prove_nothing_against_anybody():
    assert outliers(*desk(answers=15)) == {}


def test_what_two_agents_say_differently_of_one_ticket_waits_for_a_person():
    rows = [
        ("t1", "ann", "x"),
        ("t1", "bob", "y"),
        ("t2", "ann", "x"),
        ("t2", "bob", "x"),
        ("t3", "ann", "y"),
    ]
    labels = pd.DataFrame(rows, columns=["ticket_id", "actor_id", "value"]).assign(kind="intent_set")
    assert contradicted(labels).tolist() == [True, True, False, False, False]
    later = pd.concat([labels, labels.iloc[[1]].assign(value="x")], ignore_index=True)
    assert not contradicted(later).any()  # bob changed his mind
    decided = labels[["ticket_id", "kind"]].drop_duplicates().assign(decided="x")
    assert held_back(labels, decided).fillna("learnt").tolist() == [SAID, SAID, "learnt", "learnt", "learnt"]


def test_no_agent_gives_more_than_a_share_of_the_labels():
    labels, _ = desk(hostile=0.15)
    busy = pd.concat([labels, labels.assign(actor_id=AGENTS[0], ticket_id="more-" + labels["ticket_id"])])
    busy = busy.reset_index(drop=True)
    reasons = held_back(busy, busy[["ticket_id", "kind"]].assign(decided="decided"))
    kept = busy[reasons.isna()]
    assert set(reasons.dropna()) == {CAP}
    assert (kept["actor_id"] == AGENTS[0]).sum() == 0.25 * len(busy)


@pytest.mark.parametrize("agents", [1, 2])
def test_a_desk_of_one_or_two_is_not_capped(agents):
    labels, decided = desk(hostile=0.15)
    few = labels.assign(actor_id=[AGENTS[i % agents] for i in range(len(labels))])
    assert held_back(few, decided).isna().all()


def test_one_hostile_agent_moves_the_hold_out_by_less_than_a_point():
    """A tenth of the training labels are one agent's, and all wrong: learnt from, or held back."""
    tickets = featured_tickets(1500, seed=3, blur=0.1, reviewed=0.0)
    names = sorted(tickets["intent_label"].dropna().unique())
    learnt = tickets["split"] != "evaluation"
    theirs = learnt & (np.arange(len(tickets)) % 10 == 9) & tickets["intent_label"].notna()
    wrong = tickets["intent_label"].map(dict(zip(names, [*names[1:], *names[:1]], strict=True)))
    poisoned = tickets.assign(intent_label=tickets["intent_label"].where(~theirs, wrong).astype("str"))
    labels = pd.DataFrame(
        {
            "ticket_id": tickets["ticket_id"],
            "actor_id": [AGENTS[i % 10] for i in range(len(tickets))],
            "kind": "intent_set",
            "value": poisoned["intent_label"],
        }
    )[learnt & tickets["intent_label"].notna()]
    decided = tickets[["ticket_id"]].assign(kind="intent_set", decided=tickets["intent_label"])
    reasons = held_back(labels, decided).reindex(tickets.index)
    filtered = poisoned.assign(intent_label=poisoned["intent_label"].where(reasons.isna()).astype("str"))

    def hold_out(desk: pd.DataFrame) -> float:
        said = train_intent(desk, small_params(intent={"trials": 1})).predictions
        new = tickets["split"] == "evaluation"
        told = new & tickets["intent_label"].notna()
        return float((said["intent"] == tickets["intent_label"])[told].mean())

    assert theirs.sum() > 100
    assert reasons[theirs].notna().all()
    assert abs(hold_out(filtered) - hold_out(tickets)) < 0.01
