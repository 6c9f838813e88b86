"""Logs: one line of JSON an event on standard error, made of the fields that are named here and nothing else.

A field that is not in `FIELDS`, or whose value is not of its kind, is left out and counted in `dropped`. Errors
are told by their kinds and their place, never by their words: libraries quote parameters. So no line depends on
whoever wrote the log call (OWASP ASVS 5.0, 16.2.5; threats T15, T22 and T27).
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, TextIO

import orjson
import structlog

MAX_LINE: Final = 8192  # bytes (threat T27); the longest that FIELDS allow is below 2 kB
MAX_KINDS: Final = 8  # causes of one error that are told
UNNAMED: Final = "unnamed"  # an event whose name is not of plain words
MASK: Final = "#"

Kind = Callable[[object], object]  # a value in; what may stand in the log of it, or None

HOUR: Final = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:00:00\+00:00")
# A phone number in any spelling, or a PIN: the second net, under alphabets that hardly allow a digit anyhow.
DIGITS: Final = re.compile(r"\+?[0-9](?:[ ().-]{0,2}[0-9]){5,}")


def text(pattern: str) -> Kind:
    """A string that is wholly of this pattern, which bounds its length; long runs of digits are masked."""
    whole = re.compile(pattern, re.ASCII)

    def kept(value: object) -> object:
        found = whole.fullmatch(value) if isinstance(value, str) else None
        return DIGITS.sub(MASK, found[0]) if found else None

    return kept


def reference(length: int) -> Kind:
    """Hexadecimal digits that we drew or hashed. Never masked: six decimals in a row are chance here, not rare."""
    whole = re.compile(f"[0-9a-f]{{{length}}}")
    return lambda value: found[0] if isinstance(value, str) and (found := whole.fullmatch(value)) else None


def count(most: int) -> Kind:
    """A number; with a `most` of five digits it can be no PIN."""
    return lambda value: int(value) if type(value) is int and 0 <= value <= most else None


def several(kind: Kind, most: int) -> Kind:
    """A list of at most so many values of one kind; one that is not of it is left out."""

    def kept(value: object) -> object:
        if not isinstance(value, list | tuple):
            return None
        return [safe for one in value[:most] if (safe := kind(one)) is not None]

    return kept


def hour(value: object) -> object:
    """When an hour began, in ISO 8601 and UTC. Never masked: it has room for a date and nothing else."""
    return found[0] if isinstance(value, str) and (found := HOUR.fullmatch(value)) else None


NAME: Final = text(r"[A-Za-z_][\w.]{0,63}")
WORDS: Final = text(r"[A-Za-z][A-Za-z -]{0,63}")
REASON: Final = text(
    r"[A-Za-z][A-Za-z -]{0,63}( [0-9]{3,5})?"
)  # with a status or an error's code: too short for a PIN

FIELDS: Final[Mapping[str, Kind]] = {
    "event": WORDS,
    "level": text("[a-z]{1,8}"),
    "logger": NAME,  # of a library's own log
    "id": reference(8),  # drawn for one line, for the officer to be told
    "call": reference(8),  # the head of a keyed hash of the provider's session
    "kinds": several(NAME, MAX_KINDS),  # classes of an error and its causes
    "place": text(r"[\w.<> -]{1,64}:[0-9]{1,5}"),  # file and line
    "outcome": text("[a-z_]{1,16}"),
    "hops": count(9_999),
    "seconds": count(99_999),
    "message": reference(32),  # of the outbox: drawn for one message
    "carrier": text(r"[a-z][a-z0-9-]{0,31}"),
    "state": text("[a-z_]{1,16}"),
    "why": REASON,  # our own words for what a provider said
    "hour": hour,
    **dict.fromkeys(("minutes", "cap", "sent", "entered"), count(99_999)),  # of alarms about PINs and codes
    **dict.fromkeys(("in_doubt", "accepted", "due", "unknown", "dead", "dropped"), count(99_999)),
}


def configure_logs(level: int = logging.INFO) -> None:
    """Set structlog up for this process: whatever is logged, one safe line."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, safe, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_names: Line(sys.stderr),
        cache_logger_on_first_use=False,  # tests replace standard error
    )


def safe(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Only the fields of the list, each of its kind; an exception becomes kinds and place."""
    line: dict[str, Any] = {"timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": UNNAMED}
    dropped = 0
    if (problem := _problem(fields.pop("exc_info", None))) is not None:
        fields = {**fields, **trace_of(problem)}
    for name, value in fields.items():
        if value is None:
            continue
        kind = FIELDS.get(name)
        kept = kind(value) if kind else None
        if kept is None:
            dropped += 1
        else:
            line[str(name)] = kept  # the name may be of an enumeration, which JSON refuses
    if dropped:
        line["dropped"] = dropped
    return line


def render(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> str:
    return orjson.dumps(fields).decode()


class Line(structlog.PrintLogger):
    """Writes one line; a full disk or a closed pipe costs the line, never the caller her answer.

    With its end in one write, for several processes may write to one file.
    """

    def msg(self, message: str) -> None:
        with suppress(OSError, ValueError), self._lock:
            self._file.write(f"{message}\n")
            self._file.flush()

    debug = info = warning = error = critical = msg


def trace_of(problem: BaseException) -> dict[str, object]:
    """`kinds` of an error and its causes, and the `place` it came from."""
    kinds = [type(one).__name__ for one in _causes(problem)]
    trace = problem.__traceback__
    if trace is None:
        return {"kinds": kinds}
    while trace.tb_next is not None:
        trace = trace.tb_next
    return {"kinds": kinds, "place": _place(trace.tb_frame.f_code.co_filename, trace.tb_lineno)}


def forget(problem: BaseException) -> None:
    """Empty the frames an error went through, and those of its causes: what was typed is not kept with it.

    An error reporter that is called from here on finds lines of code and no values.
    """
    for one in _causes(problem):
        traceback.clear_frames(one.__traceback__)


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from or while handling, and so on."""
    one: BaseException | None = problem
    for _cause in range(MAX_KINDS):
        if one is None:
            return
        yield one
        one = one.__cause__ or one.__context__


def _place(path: str, line: int | None) -> str:
    return f"{PurePath(path).name}:{line or 0}"


def _problem(exc_info: object) -> BaseException | None:
    """What `exc_info` of a log call means: True, an exception, or the triple of `sys.exc_info`."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if len(exc_info) == 3 and isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info is True else None


# What other people's code says, in a process that serves.


class Shape(logging.Handler):
    """A library's record: who logged, how grave, which kinds of error and where. Its message is never formed."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(Exception):  # nobody is left to tell
            level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
            told: dict[str, object] = {"logger": record.name, "place": _place(record.pathname, record.lineno)}
            if (problem := _problem(record.exc_info)) is not None:
                told |= trace_of(problem)
            _write(logging.getLevelName(level).lower(), "logged", told)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Nothing: the library would print the record's arguments."""


def seal_process() -> None:
    """All that this process says by itself takes the same road: libraries' logs, warnings, uncaught errors.

    For processes that serve and nobody watches. A `flask` command stays as Python made it: who runs it reads its
    traceback on her own terminal, where her own input is no secret; and it serves nobody else's.
    """
    logging.raiseExceptions = False
    logging.root.handlers[:] = [Shape()]
    logging.root.setLevel(logging.WARNING)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    warnings.showwarning = _warned
    sys.excepthook = _uncaught
    threading.excepthook = lambda told: _lost("thread failed", told.exc_value)
    sys.unraisablehook = lambda told: _lost("error not raised", told.exc_value)


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    with suppress(Exception):
        _write("warning", "warned", {"kinds": [category.__name__], "place": _place(filename, lineno)})


def _uncaught(_kind: type[BaseException], problem: BaseException, _trace: TracebackType | None) -> None:
    _lost("process failed", problem)


def _lost(event: str, problem: BaseException | None) -> None:
    with suppress(Exception):
        _write("critical", event, trace_of(problem) if problem is not None else {})


def _write(level: str, event: str, fields: Mapping[str, object]) -> None:
    line = safe(None, level, {"level": level, **fields, "event": event})
    Line(sys.stderr).msg(render(None, level, line))


def report(event: str, problem: BaseException) -> None:
    """One line with an id, the kinds of error and where: never their words, which may quote what was typed."""
    told = trace_of(problem)
    forget(problem)
    structlog.get_logger("pakan").error(event, id=secrets.token_hex(4), **told)
