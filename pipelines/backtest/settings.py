"""The grammar of ``--set NAME=VALUE``: the desk's rules, the proven thresholds or the replay's parameters.

- ``backtest.NAME=VALUE``: a parameter of the section ``backtest`` of ``params.yaml``;
- ``thresholds.INTENT=VALUE`` or ``thresholds=VALUE``: the probability from which an intent (every intent)
may be
  automated, ``none`` for nowhere; the desk's own minimum still holds;
- anything else: a place in ``desk.yaml``, for example ``intents.refund_request.phase=selective``.

Values are YAML. What the desk's own rules refuse is refused here with the same words.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from models.risk import ThresholdEvidence
from pipelines.params import BacktestParams
from policy.desk import Desk, parse_desk

PARAMS, THRESHOLDS = "backtest", "thresholds"


class SettingError(ValueError):
    """A ``--set`` that means nothing here."""


@dataclass(frozen=True)
class Changed:
    """Rules, thresholds and parameters after all settings; ``rulings_differ``: policy has to judge anew."""

    desk: Desk
    thresholds: Mapping[str, ThresholdEvidence]
    params: BacktestParams
    rulings_differ: bool


def changed(
    settings: Sequence[str],
    desk_file: Path,
    thresholds: Mapping[str, ThresholdEvidence],
    params: BacktestParams,
) -> Changed:
    """Everything with ``settings`` applied in order.

    Raises ``SettingError`` for a name that does not exist and ``DeskError`` for rules that a desk may not
    have.
    """
    document = yaml.safe_load(desk_file.read_text(encoding="utf-8"))
    own, proven, differ = params.model_dump(), dict(thresholds), False
    for setting in settings:
        name, equals, written = setting.partition("=")
        if not equals or not name.strip():
            raise SettingError(
                f"--set {setting}: write NAME=VALUE, for example automation.min_probability=0.97"
            )
        value, (head, *rest) = _value(setting, written), name.strip().split(".")
        if head == PARAMS:
            own[_one_of(setting, ".".join(rest), list(own))] = value
            continue
        differ = True
        if head == THRESHOLDS:
            proven |= _thresholds(setting, rest, value, proven)
        else:
            _put(setting, document, [head, *rest], value)
    try:
        parameters = BacktestParams.model_validate(own)
    except ValidationError as error:
        problems = "; ".join(
            f"{PARAMS}.{e['loc'][0]}: {e['msg']} (found {e['input']!r})" for e in error.errors()
        )
        raise SettingError(f"--set {problems}") from error
    desk = parse_desk(yaml.safe_dump(document, allow_unicode=True), f"{desk_file} with --set")
    return Changed(desk, proven, parameters, differ)


def _value(setting: str, written: str) -> Any:
    try:
        return yaml.safe_load(written)
    except yaml.YAMLError as error:
        raise SettingError(f"--set {setting}: {written!r} is not readable as YAML") from error


def _thresholds(
    setting: str, rest: Sequence[str], value: Any, proven: Mapping[str, ThresholdEvidence]
) -> dict[str, ThresholdEvidence]:
    if value in (None, "none"):
        value = None
    elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise SettingError(f"--set {setting}: found {value!r}; allowed: a probability from 0 to 1, or none")
    names = [_one_of(setting, ".".join(rest), list(proven))] if rest else list(proven)
    return {name: proven[name]._replace(threshold=value, by_language={}) for name in names}


def _put(setting: str, document: Any, path: Sequence[str], value: Any) -> None:
    for place, name in enumerate(path[:-1]):
        if not isinstance(document, dict) or not isinstance(document.get(name), dict):
            listed = list(document) if isinstance(document, dict) else []
            names = [PARAMS, THRESHOLDS, *listed] if place == 0 else listed
            _one_of(setting, name, [n for n in names if n != name])
        document = document[name]
    if len(path) == 1 and path[0] not in document:
        _one_of(setting, path[0], [PARAMS, THRESHOLDS, *document])
    document[path[-1]] = value


def _one_of(setting: str, name: str, names: Sequence[str]) -> str:
    if name in names:
        return name
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    raise SettingError(f"--set {setting}: no '{name}' here; there are {', '.join(map(str, names))}{hint}")
