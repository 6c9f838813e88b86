"""Where each microsecond of a hop goes: clocks around the real functions, in one process, one hop at a time.

Every function named in `PARTS` is wrapped; its own time is what passed in it less what passed in wrapped
functions it called. Medians over hops, so that a hop during which a neighbour had the core does not count; a
part that only some hops have counts by its share of them. A clock costs about a microsecond a call, so the
sum is held against the same hops without clocks. Requests go through Flask as WSGI calls: the server itself
is not here.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from statistics import median
from time import perf_counter_ns
from typing import Any, NamedTuple

import flask
from werkzeug.test import EnvironBuilder

from app import create_app
from bench import base
from bench.calls import PATH, Calls, form
from flows import record
from gateway.channels.africastalking import UssdChannel
from gateway.channels.pipeline import Pipeline
from gateway.conversation import engine
from gateway.registry.sql import SqlRegistry
from gateway.storage import hot, links
from gateway.storage.keys import Hasher
from gateway.storage.store import Store

BATCHES, HOPS = 5, 400
WARM_HOPS = 400
SUM, PLAIN = "sum of the parts", "the same hops without clocks"
TITLES = {"en": "English", "lo": "Lao"}


class Part(NamedTuple):
    """A function to clock, and the line of the table its own time belongs to."""

    owner: Any
    name: str
    line: str


FLASK, GLUE, ENGINE = "Flask: routing, request, response", "pipeline: between the parts", "engine: the step itself"
SQL = "SQL, in driver and database: "
PARTS = (
    Part(flask.Flask, "wsgi_app", FLASK),
    Part(Pipeline, "receive", GLUE),
    Part(UssdChannel, "parse", "parse the form"),
    Part(UssdChannel, "frame", "frame the answer"),
    Part(Hasher, "__call__", "keyed hashes"),
    Part(Store, "load", "load: around the statement, JSON in"),
    Part(Pipeline, "_call", ENGINE),
    Part(SqlRegistry, "record", "look-up: around the statement, rows to values"),
    Part(SqlRegistry, "employed", "look-up of employments, for a month without a row"),
    Part(record, "open_record", "flow: months to what is shown"),
    Part(record, "judge_months", "flow: how each month stands"),
    Part(record, "right_to_treatment", "flow: right to treatment"),
    Part(engine, "show", "render the screen"),
    Part(engine, "paginate", "cut it to pages"),
    Part(Store, "commit", "commit: around the statements, JSON out"),
    Part(hot.Hot, "write", "hot: connection, deadline, watchdog"),
)
NESTED = {"load": SQL + "load", "record": SQL + "look-up", "employed": SQL + "look-up", "commit": SQL + "commit"}


class Clocks:
    """Own time of each line, in nanoseconds, hop by hop."""

    def __init__(self) -> None:
        self.hops: list[dict[str, int]] = []
        self._inner: list[int] = [0]  # time spent in clocked functions below, a level each
        self._names: list[str] = []

    def around(self, function: Callable[..., Any], name: str, line: str | None) -> Callable[..., Any]:
        """`line` None: named for the clocked function it was called from."""

        @wraps(function)
        def clocked(*arguments: Any, **named: Any) -> Any:
            if not self._names:
                self.hops.append(defaultdict(int))
            self._inner.append(0)
            self._names.append(name)
            begun = perf_counter_ns()
            try:
                return function(*arguments, **named)
            finally:
                spent = perf_counter_ns() - begun
                self._names.pop()
                self.hops[-1][line or self._nested()] += spent - self._inner.pop()
                self._inner[-1] += spent

        return clocked

    def _nested(self) -> str:
        return next((NESTED[name] for name in reversed(self._names) if name in NESTED), SQL + "other")


@contextmanager
def clocks() -> Iterator[Clocks]:
    """Put clocks around every part; take them off again."""
    found = Clocks()
    wrapped: list[tuple[Any, str, str | None]] = [*PARTS]
    wrapped += [(links.SqliteLink, "run", None), (links.PostgresLink, "run", None)]
    originals = [(owner, name, getattr(owner, name)) for owner, name, _line in wrapped]
    for (owner, name, line), (_owner, _name, function) in zip(wrapped, originals, strict=True):
        setattr(owner, name, found.around(function, name, line))
    try:
        yield found
    finally:
        for owner, name, function in originals:
            setattr(owner, name, function)


def report(stocks: Mapping[str, Calls]) -> str:
    """A markdown table: a line a part, a column a database and language; microseconds, medians of batches."""
    columns: dict[str, dict[str, float]] = {}
    for kind, calls in stocks.items():
        settings = {"database_url": calls.data.url, "webhook_tokens": calls.gateway.tokens}
        app = create_app({**settings, "keys_dir": calls.gateway.settings.keys_dir})
        path = PATH.format(token=calls.gateway.tokens[0])
        for language, title in TITLES.items():
            columns[f"{kind}, {title}"] = _column(app, path, calls, language)
    bare = _bare()
    lines = dict.fromkeys([part.line for part in PARTS])  # in the order of the hop, then the statements
    lines |= dict.fromkeys(line for column in columns.values() for line in column if line not in {SUM, PLAIN})
    table = [f"| microseconds a hop | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for line in (*lines, SUM, PLAIN):
        cells = [f"{column.get(line, 0.0):.1f}" for column in columns.values()]
        table.append(f"| {line} | {' | '.join(cells)} |")
    table.append(f"| bare Flask with request.form, the same way | {' | '.join([f'{bare:.1f}'] * len(columns))} |")
    return "\n".join(table)


def _column(app: flask.Flask, path: str, calls: Calls, language: str) -> dict[str, float]:
    def bodies(count: int) -> list[str]:
        ready = calls.ready(language, count)[:count]
        calls.used(language, count)
        return ready

    _ask(app, path, bodies(WARM_HOPS))
    plain: list[int] = []
    hops: list[dict[str, int]] = []
    for _batch in range(BATCHES):
        plain += _ask(app, path, bodies(HOPS))
        some = bodies(HOPS)  # before the clocks: a dial is a hop too
        with clocks() as clocked:
            _ask(app, path, some)
        hops += clocked.hops
    found = {}
    for line in {line for hop in hops for line in hop}:
        spent = [hop[line] for hop in hops if line in hop]
        found[line] = median(spent) * len(spent) / len(hops) / 1000
    return {**found, SUM: sum(found.values()), PLAIN: median(plain) / 1000}


def _bare() -> float:
    bodies = [form(f"{at:032x}", f"+8562020{at:06d}", "1") for at in range(HOPS)]
    _ask(base.app, "/ussd", bodies)
    return median(_ask(base.app, "/ussd", bodies)) / 1000


def _ask(app: flask.Flask, path: str, bodies: Iterable[str]) -> list[int]:
    """Send each body through the application; nanoseconds of each hop."""
    spent: list[int] = []
    for body in bodies:
        environ = _environ(path, body.encode())
        begun = perf_counter_ns()
        answer = app.wsgi_app(environ, _ignore)
        spent.append(perf_counter_ns() - begun)
        if not b"".join(answer).startswith(b"CON "):
            raise RuntimeError("a hop was not answered with a CON screen")
    return spent


def _environ(path: str, body: bytes) -> dict[str, Any]:
    builder = EnvironBuilder(path=path, method="POST", content_type="application/x-www-form-urlencoded")
    builder.input_stream = io.BytesIO(body)
    builder.content_length = len(body)
    return builder.get_environ()


def _ignore(_status: str, _headers: list[tuple[str, str]], _problem: Any = None) -> Callable[[bytes], object]:
    return lambda _data: None
