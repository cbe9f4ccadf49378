"""The figures of the real run: counted by language, a language with few tickets named and not judged."""

import pandas as pd

from pipelines.drills.real_run import top_topic_accuracies


def desk(folder, rows):
    (folder / "artifacts/features").mkdir(parents=True)
    (folder / "artifacts/models").mkdir()
    names = ["split", "language", "intent_label", "intent", "out_of_scope"]
    frame = pd.DataFrame([row for row, n in rows for _ in range(n)], columns=names)
    frame.insert(0, "ticket_id", [f"t{i}" for i in range(len(frame))])
    told = ["ticket_id", "split", "language", "intent_label"]
    frame[told].to_parquet(folder / "artifacts/features/tickets.parquet")
    said = frame[["ticket_id", "intent", "out_of_scope"]].assign(baseline_intent="mail")
    said.to_parquet(folder / "artifacts/models/intent_oof.parquet")
    return folder


def test_each_language_is_judged_on_its_own_evaluation_tickets_and_small_ones_only_named(tmp_path):
    project = desk(
        tmp_path,
        [
            (("train", "en", "mail", "mail", False), 5),
            (("evaluation", "en", "mail", "mail", False), 30),
            (("evaluation", "en", "calendar", "mail", True), 10),
            (("evaluation", "de", "mail", "mail", False), 15),
            (("evaluation", "de", "calendar", None, True), 15),
            (("evaluation", "de", None, "mail", False), 50),
            (("train", "fi", "mail", "mail", False), 99),
            (("evaluation", "fi", "mail", "mail", False), 29),
        ],
    )
    english, german = top_topic_accuracies(project)
    assert (english.name, german.name) == (
        "intent.thunderbird.top_topic_accuracy",
        "intent.thunderbird.de.top_topic_accuracy",
    )
    assert (english.value, german.value) == (0.75, 0.5), "a ticket left to people is not right"
    assert (english.met, german.met) == (True, None), "the bar is on English alone"
    assert "40 labelled tickets in `en`" in english.note
    assert "25.0% left to people" in english.note
    assert "29 fi" in english.note, "a language too small to judge is named"
    assert german.high - german.low > 0.3, "thirty tickets tell little, and say so"
