"""Logs as JSON lines on standard output: ids, numbers and names of parts, never what a person wrote."""

import contextlib
import logging
import sys
from typing import TextIO, cast

import structlog

from serving.redaction import redact_event

_LOST = (OSError, ValueError)
"""A full disk, a reader that is gone; a stream that is closed."""


class Unfailing:
    """Standard output as it is now. Writes that fail are lost: a full disk must not undo what was done."""

    def write(self, text: str) -> int:
        """Write, or do not."""
        with contextlib.suppress(*_LOST):
            sys.stdout.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written, or do not."""
        with contextlib.suppress(*_LOST):
            sys.stdout.flush()


def configure_logs() -> None:
    """Write every event of ``logger()`` as one JSON line with its level and UTC time."""
    structlog.configure(
        processors=[
            redact_event,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, Unfailing())),
        cache_logger_on_first_use=True,
    )


def logger() -> structlog.stdlib.BoundLogger:
    """The service's logger."""
    return structlog.get_logger("firstline")


def where_raised(error: BaseException) -> str:
    """File and line that raised ``error``; its message may quote a customer and stays out of the log."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "unknown"
