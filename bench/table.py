"""From visits to one table: medians, and ratios of visits that stood in the same round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.data import LANGUAGES
from bench.rounds import Stream, Visit

TARGETS = {"sqlite": 0.40, "postgresql": 0.28}  # requests a second, as a share of the base's
P99_MILLISECONDS = 50.0
P99_CONNECTIONS = 8  # the target is for so many in flight
TITLES = {"base": "bare Flask, reads the form", "sqlite": "Pakan on SQLite", "postgresql": "Pakan on PostgreSQL"}
TONGUES = {"": "", "en": "English (GSM-7)", "lo": "Lao (UCS-2)"}
HEADLINE = LANGUAGES[0]
HEAD = (
    "server",
    "screen",
    "req/s",
    "ratio",
    "min-max",
    "CPU us/req",
    "CPU ratio",
    "database CPU us/req",
    "p50 ms",
    "p99 ms",
    "most ms",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One stream over all rounds; `ratio` is the median of paired ratios, `cpu_ratio` that of base over ours."""

    kind: str
    language: str
    flags: str
    rate: float
    ratio: float
    lowest: float
    highest: float
    cpu: float
    cpu_ratio: float
    database_cpu: float
    p50: float
    p99: float
    most: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target and whether it was reached."""

    sentence: str
    reached: bool


def rows(streams: Sequence[Stream]) -> list[Row]:
    """A row a stream; the base first."""
    [base] = [stream for stream in streams if stream.kind == "base"]
    return [_row(stream, base) for stream in streams]


def best(rows: Sequence[Row]) -> list[Row]:
    """Of a server tried with several numbers of threads, only the one that is best in the headline's language."""
    flags: dict[str, Row] = {}
    for row in rows:
        if row.language in {"", HEADLINE} and (row.kind not in flags or row.ratio > flags[row.kind].ratio):
            flags[row.kind] = row
    return [row for row in rows if row.flags == flags[row.kind].flags]


def verdicts(rows: Sequence[Row], connections: int) -> list[Verdict]:
    """The targets against the rows of `best`."""
    found = []
    for row in rows:
        target = TARGETS.get(row.kind)
        if target is None:
            continue
        name = f"{TITLES[row.kind]}, {TONGUES[row.language]}"
        if row.language == HEADLINE:
            found.append(
                _verdict(f"{name}: {row.ratio:.2f} of the base, target {target:.2f}", row.ratio >= target)
            )
        if connections == P99_CONNECTIONS:
            found.append(
                _verdict(
                    f"{name}: p99 {row.p99:.1f} ms at {connections} in flight, "
                    f"target below {P99_MILLISECONDS:.0f} ms",
                    row.p99 < P99_MILLISECONDS,
                )
            )
    return found


def markdown(rows: Sequence[Row]) -> str:
    """The table, for a reader and for README.md."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * 2}{'---:|' * (len(HEAD) - 2)}"]
    for row in rows:
        cells = (
            f"{TITLES[row.kind]}, `{row.flags}`",
            TONGUES[row.language],
            f"{row.rate:.0f}",
            f"**{row.ratio:.2f}**" if row.language == HEADLINE else f"{row.ratio:.2f}",
            f"{row.lowest:.2f}-{row.highest:.2f}",
            f"{row.cpu:.0f}",
            f"{row.cpu_ratio:.2f}",
            f"{row.database_cpu:.0f}" if row.database_cpu else "",
            f"{row.p50:.2f}",
            f"{row.p99:.1f}",
            f"{row.most:.1f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _row(stream: Stream, base: Stream) -> Row:
    pairs = list(zip(stream.visits, base.visits, strict=True))
    ratios = [ours.rate / its.rate for ours, its in pairs]

    def middle(value: Callable[[Visit], float]) -> float:
        return median(map(value, stream.visits))

    return Row(
        kind=stream.kind,
        language=stream.language,
        flags=stream.server.flags,
        rate=middle(lambda visit: visit.rate),
        ratio=median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
        cpu=middle(lambda visit: visit.cpu),
        cpu_ratio=median(its.cpu / ours.cpu for ours, its in pairs),
        database_cpu=middle(lambda visit: visit.database_cpu),
        p50=middle(lambda visit: visit.p50),
        p99=middle(lambda visit: visit.p99),
        most=max(visit.most for visit in stream.visits),
    )


def _verdict(sentence: str, reached: bool) -> Verdict:
    return Verdict(f"{'reached' if reached else 'NOT reached'}: {sentence}", reached)
