"""Logs: one line of JSON an event on standard error, made of the fields the code names and nothing else."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

import orjson
import structlog


def configure_logs(level: int = logging.INFO) -> None:
    """Set structlog up for this process; a value that JSON cannot hold is written as its type's name."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_one_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_names: Line(sys.stderr),
        cache_logger_on_first_use=False,  # tests replace standard error
    )


class Line(structlog.PrintLogger):
    """Writes one line; a full disk or a closed pipe costs the line, never the caller her answer."""

    def msg(self, message: str) -> None:
        with suppress(OSError, ValueError):
            super().msg(message)

    debug = info = warning = error = critical = msg


def _one_line(event: object, default: object = None, **_options: object) -> str:
    return orjson.dumps(event, default=lambda value: type(value).__name__).decode()
