"""The command line, a module a group.

Each command imports what it needs when it runs, so that ``--help`` answers at once.
"""

import os
import sys

import typer

from firstline import (
    backtest,
    benchmark,
    data,
    desk,
    feedback,
    forget,
    identity,
    loop,
    mapping,
    models,
    project,
    release,
    service,
)

app = typer.Typer(
    help="Firstline: score, route, escalate and resolve support tickets, with people in charge.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for commands in (project, data, release, loop, models, backtest, service, forget):
    app.add_typer(commands.app)
for name, commands in {
    "mapping": mapping,
    "identity": identity,
    "desk": desk,
    "feedback": feedback,
    "benchmark": benchmark,
}.items():
    app.add_typer(commands.app, name=name)
app.add_typer(service.keys, name="keys")
app.add_typer(service.audit, name="audit")

QUIET_BY_DEFAULT = {
    "BENTOML_DO_NOT_TRACK": "True",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "OTEL_SDK_DISABLED": "true",
}
"""No telemetry and no unpickling of models, unless the caller's environment says otherwise."""


def main() -> None:
    """Entry point of ``firstline``: user errors end with one line and exit status 1, never a traceback."""
    for name, value in QUIET_BY_DEFAULT.items():
        os.environ.setdefault(name, value)
    try:
        app()
    except (ValueError, FileNotFoundError, FileExistsError) as error:
        sys.exit(f"firstline: {error}")
    except ModuleNotFoundError as error:
        sys.exit(f"firstline: the package {error.name} is missing: run `make setup`")
