"""Structured lines: one event name each, ids and counts beside it, never a person's data."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import structlog

# Keys under which personal data could slip in; a line that carries one loses the value.
PERSONAL = frozenset(
    {"email", "name", "phone", "address", "body", "to", "recipient", "subject", "secret", "token", "url"}
)


def configure(level: str, *, human: bool) -> None:
    """Lines go to standard error: as JSON, or readable when a person is looking (`human`)."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Places("%(message)s"))
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            trace,
            structlog.dev.ConsoleRenderer(colors=False) if human else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        # Asked at every line: whoever configured this may have been handed another stream than there is now.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def trace(_logger: object, _method: str, line: structlog.types.EventDict) -> structlog.types.EventDict:
    """An exception as its type and the places it came through; its message may quote a value."""
    failed = line.pop("exc_info", None)
    if isinstance(failed, BaseException):
        line["exception"] = type(failed).__name__
        line["places"] = _places(failed)
    return line


def redact(_logger: object, _method: str, line: structlog.types.EventDict) -> structlog.types.EventDict:
    """Take the value out of fields that could hold personal data."""
    for key in PERSONAL & line.keys():
        line[key] = "(not logged)"
    return line


class _Places(logging.Formatter):
    """Lines of libraries (the web server, the broker), whose exceptions quote values as well as ours do."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return "\n".join([type(ei[1]).__name__, *_places(ei[1])])


def _places(failed: BaseException) -> list[str]:
    return [f"{one.filename}:{one.lineno} {one.name}" for one in traceback.extract_tb(failed.__traceback__)]
