"""Logs as JSON lines on standard output: ids, numbers and names of parts, never what a person wrote."""

import logging

import structlog

from serving.redaction import redact_event


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
