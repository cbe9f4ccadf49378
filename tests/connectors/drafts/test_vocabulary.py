"""Exports in five languages: columns, files and labels are found by the words that desks there use."""

from pathlib import Path

import pytest
import yaml

from connectors.drafts.mapping_draft import draft
from connectors.drafts.profile import normal_name
from connectors.drafts.vocabulary import LANGUAGES, labels_of, mentions, translated, words_for, words_of
from connectors.intake.take_in import take_in
from connectors.mapping.file import parse_mapping
from tests.connectors.exports import WriteFolder

WORDS = Path("connectors/drafts/words")
HEADERS = {
    "de": "Vorgangsnr;Eröffnet am;Geschlossen am;Kunde Nr;E-Mail;Betreff;Beschreibung;Priorität;"
    "Kategorie;Kanal",
    "de, without umlauts": "VorgangsNr;Eroeffnet am;Geschlossen am;Kunden-Nr.;E-Mail;Betreff;Beschreibung;"
    "Prioritaet;Kategorie;Kanal",
    "fr": "N° ticket;Créé le;Fermé le;Code client;Courriel;Objet;Description;Priorité;Catégorie;Canal",
    "es": "Nº incidencia;Fecha de creación;Fecha de cierre;Código de cliente;Correo;Asunto;Descripción;"
    "Prioridad;Categoría;Canal",
    "pt": "Nº chamado;Data de abertura;Data de fechamento;Código do cliente;E-mail;Assunto;Descrição;"
    "Prioridade;Categoria;Canal",
    "en": "Ticket No;Created;Closed on;Company No;Email;Subject;Description;Priority;Category;Channel",
}
LABELS = {
    "de": ("dringend", "Telefon"),
    "de, without umlauts": ("sehr hoch", "Anruf"),
    "fr": ("Très élevée", "Téléphone"),
    "es": ("Crítica", "Llamada"),
    "pt": ("Muito alta", "Ligação"),
    "en": ("P1 - Critical", "Phone"),
}


@pytest.mark.parametrize("language", HEADERS)
def test_a_desk_need_not_speak_english(write_folder: WriteFolder, language: str) -> None:
    level, channel = LABELS[language]
    lines = [
        f"T{n};0{n}.01.2026 09:15;0{n}.02.2026 10:00;K7;a{n}@a.example;Hallo;Text {n};{level};Login;{channel}"
        for n in range(1, 6)
    ]
    folder = write_folder({"export.csv": "\n".join([HEADERS[language], *lines, ""])})
    made = draft([folder / "export.csv"])
    assert made.missing == []
    tables = take_in(folder, parse_mapping(made.text, "draft"), print).tables
    ticket = tables["tickets"].kept.iloc[0]
    assert ticket[["ticket_id", "account_id", "contact_id", "subject", "body", "channel"]].tolist() == [
        "T1",
        "K7",
        "email:a1@a.example",
        "Hallo",
        "Text 1",
        "phone",
    ]
    said = tables["ticket_events"].kept.query("ticket_id == 'T1'").set_index("kind")["value"]
    assert said["priority_set"] == "urgent"
    assert said["intent_set"] == "Login"
    assert "solved" in said


def test_customers_are_found_in_their_language(write_folder: WriteFolder) -> None:
    lines = "Kundennr;Firma;Tarif;Jahresumsatz;Vertragsende\nK1;Eins GmbH;Profi;12.500,00 €;31.12.2026\n"
    folder = write_folder({"Kunden.csv": lines})
    text = draft([folder / "Kunden.csv"]).text
    dated = text.replace("{received: true}", '{from: Vertragsende, time_format: "%d.%m.%Y"}')
    kept = take_in(folder, parse_mapping(dated, "draft"), print).tables["accounts"].kept.iloc[0]
    assert kept[["account_id", "name", "plan", "contract_value_cents"]].tolist() == [
        "K1",
        "Eins GmbH",
        "Profi",
        1_250_000,
    ]


def test_a_word_means_what_it_means_in_the_language_of_the_file() -> None:
    """French ``note`` is a rating, English ``note`` a text."""
    english = words_for(["id", "created_at", "note", "status"])
    french = words_for(["numéro de ticket", "créé le", "note", "statut"])
    assert "note" in english.columns["tickets"]["body"]
    assert "note" not in english.facts["csat"]
    assert "note" in french.facts["csat"]
    assert "created_at" in french.created, "exports mix their language with English"


@pytest.mark.parametrize(
    ("label", "is_done"),
    [("Resolved", True), ("Unresolved", False), ("Closed - fixed", True), ("Disclosed", False),
     ("Gelöst", True), ("Ungelöst", False), ("Clôturé", True), ("CERRADO", True), ("Concluída", True),
     ("Open", False)],
)  # fmt: skip
def test_a_state_that_only_contains_the_word_is_not_done(label: str, is_done: bool) -> None:
    assert mentions(label, words_of("done")) is is_done


@pytest.mark.parametrize(
    ("label", "level"),
    [("Immediate", "urgent"), ("Sehr hoch", "urgent"), ("Hoch", "high"), ("Média", "normal"),
     ("Faible", "low"), ("Baja", "low"), ("Alta", "high"), ("Très haute", "urgent"),
     ("1 - Critical", "urgent"), ("Gering", "low")],
)  # fmt: skip
def test_levels_are_understood_in_every_language(label: str, level: str) -> None:
    assert translated([label], labels_of("level")) == {label: level}


def test_every_language_answers_the_same_questions() -> None:
    def shape(told: object) -> object:
        return {name: shape(value) for name, value in told.items()} if isinstance(told, dict) else None

    told = {
        language: yaml.safe_load((WORDS / f"{language}.yaml").read_text("utf-8")) for language in LANGUAGES
    }
    assert {path.stem for path in WORDS.iterdir()} == set(LANGUAGES)
    assert all(shape(one) == shape(told["en"]) for one in told.values())


@pytest.mark.parametrize(
    ("name", "form"),
    [("CreatedDate", "created_date"), ("Created Date__c", "created_date"), ("created-date", "created_date"),
     ("Priorität", "prioritat"), ("Größe", "grosse"), ("N° ticket", "n_ticket"),
     ("Дата создания", "дата_создания")],
)  # fmt: skip
def test_one_form_of_a_name(name: str, form: str) -> None:
    assert normal_name(name) == form
