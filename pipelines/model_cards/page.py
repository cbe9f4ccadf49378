"""Cards as pages: HTML without external assets and Markdown, from the same data."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from pipelines.model_cards.card import Card
from pipelines.model_cards.slices import FEW_CASES, FEWEST_CASES

TEMPLATES = Path(__file__).parents[1] / "templates"
FOLDER = Path("reports/model_cards")
_MARKDOWN = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>|#"})


def rendered(card: Card, source: str) -> tuple[str, str]:
    """The card as HTML and as Markdown; ``source`` names the company whose data it was made from."""
    shown = {"card": card, "source": source, "fewest": FEWEST_CASES, "few": FEW_CASES}
    return (
        _environment().get_template("model_card.html").render(shown),
        _environment().get_template("model_card.md").render(shown),
    )


def index_page(cards: Sequence[Card], source: str) -> str:
    """One row a model: what it does and how well, or why it is not there."""
    return _environment().get_template("model_cards.html").render(cards=cards, source=source)


def write_cards(cards: Sequence[Card], source: str, folder: Path = FOLDER) -> None:
    """``<model>.html`` and ``<model>.md`` for each, and ``index.html``."""
    folder.mkdir(parents=True, exist_ok=True)
    for card in cards:
        html, markdown = rendered(card, source)
        (folder / f"{card.name}.html").write_text(html, encoding="utf-8")
        (folder / f"{card.name}.md").write_text(markdown, encoding="utf-8")
    (folder / "index.html").write_text(index_page(cards, source), encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": lambda value: f"{value:.3f}", "plain": _in_markdown}
    return environment


def _in_markdown(text: str) -> str:
    """Names that come from somebody's data, so that none of their characters is markup."""
    return " ".join(str(text).split()).translate(_MARKDOWN)
