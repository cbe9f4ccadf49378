"""A first mapping file for files nobody has described: guessed, with the reason beside every guess."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.drafts.parts import SourceDraft, listed, quoted, rendered
from connectors.drafts.sample import Sample, samples
from connectors.drafts.tables import best_guess
from connectors.drafts.vocabulary import ready_mapping
from connectors.mapping.file import MappingError, parse_mapping


@dataclass(frozen=True)
class Draft:
    """The text of a mapping file; ``missing`` says which required columns nothing was found for (and why not
    usable as it is). Without any, the text loads without error."""

    text: str
    missing: list[str]


def draft(paths: Sequence[Path]) -> Draft:
    """Look at the beginning of ``paths`` and guess. Raises ``ReadError`` for a file that cannot be read."""
    kinds = samples(paths)
    guesses = [(sample, *best_guess(sample)) for sample in kinds]
    lines = list(_head(kinds))
    missing: list[str] = []
    for sample, guess, columns in guesses:
        lines += _source(sample, guess, [profile.name for profile in columns])
        missing += [f"{sample.pattern}: {what}" for what in guess.missing]
    text = "\n".join(lines) + "\n"
    if not missing:
        try:
            parse_mapping(text, "draft")
        except MappingError as error:
            missing = [str(problem) for problem in error.problems]
    return Draft(text, missing)


def _head(kinds: Sequence[Sample]) -> Iterator[str]:
    names = ", ".join(sample.pattern for sample in kinds)
    rows = ", ".join(f"{len(sample.rows):,}" for sample in kinds)
    yield f"# Drafted by `firstline mapping new` from {names} (looked at the first {rows} rows)."
    yield "# Every line is a guess: read the reasons, decide what says CHECK, take out what is wrong. Then"
    yield "#   firstline mapping check THIS_FILE"
    yield "#   firstline ingest FOLDER --mapping THIS_FILE --check"
    yield f"about: {quoted(f'Drafted from {names}')}"
    yield "time_zone: UTC   # CHECK: the zone of times that state none, for example Europe/Berlin"
    yield ""
    yield "sources:"


def _source(sample: Sample, guess: SourceDraft, columns: Sequence[str]) -> Iterator[str]:
    spec = sample.spec
    yield f"  - file: {quoted(sample.pattern)}"
    yield f"    format: {spec.format}"
    if spec.delimiter != ",":
        yield f"    delimiter: {quoted(spec.delimiter)}"
    if spec.encoding != "utf-8":
        yield f"    encoding: {spec.encoding}"
    if spec.missing:
        yield f"    missing: [{', '.join(map(quoted, spec.missing))}]"
    yield from (f"    # {reason}" for reason in sample.reasons)
    if ready := ready_mapping(list(map(str, sample.rows.columns)), spec.format == "csv"):
        yield f"    # looks like a vendor's export: connectors/mappings/{ready} reads those (docs/vendors.md)"
    yield from (f"    {option}" for option in guess.options)
    if guess.known_later:
        yield "    known_later:   # set after the customer wrote; refused in any row that is known earlier"
        yield from (f"      {quoted(name)}: {quoted(since)}" for name, since in guess.known_later.items())
    yield from (f"    # {note}" for note in guess.notes)
    if unused := [name for name in columns if name not in guess.used]:
        yield f"    # not used: {listed(unused, 40)}"
    yield "    tables:"
    for rule in guess.rules:
        yield from rendered(rule)


def write_new(path: Path, text: str) -> None:
    """Write a mapping file. Raises ``FileExistsError`` rather than lose what somebody may have corrected."""
    if path.exists():
        raise FileExistsError(f"{path} is there already: give another name with --out, or remove it first")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
