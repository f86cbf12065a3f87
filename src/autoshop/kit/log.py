"""Structured logs: one JSON object a line, with the request id of whoever caused it."""

import logging
import sys

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

from autoshop.kit.db import is_gone

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(level: str = "info", style: str = "json") -> None:
    """Send structlog and the standard library's loggers to stderr in one shape."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if style == "console"
        else _json
    )
    if style == "console":
        shared.pop()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, _no_database_in_a_line, *shared],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    for chatty in ("uvicorn.access", "uvicorn.error", "alembic", "pgqueuer"):
        logging.getLogger(chatty).setLevel(max(LEVELS[level], logging.WARNING))


def _no_database_in_a_line(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """What libraries tell with a traceback, every few seconds, for as long as the database is away."""
    found = event.get("exc_info")
    error = found[1] if isinstance(found, tuple) else None
    if error is not None and is_gone(error):
        event["error"] = repr(error)
        del event["exc_info"]
    return event


def _json(_logger: WrappedLogger, _name: str, event: EventDict) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
