"""Is the audit what was written? Every chain, every anchor, and every anchor kept elsewhere.

What is found: a row that was changed, removed, moved or slipped in; a chain without its end, or gone; hashes
computed anew; an anchor changed, removed or signed by somebody else; and, given the anchors kept elsewhere, a
database that was set back. What cannot be found: what was done to rows newer than the last anchor, as long as
their hashes were computed anew, or nothing follows them.

Rows are read in the order of their chains, a batch at a time; only the anchors' heads are held in memory.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, func, select

from gateway.storage.anchors import Anchor, Kept
from gateway.storage.audit import Chain, Row
from gateway.storage.tables import anchors, audit

BATCH: Final = 5_000  # rows at a time: a few MB
MOST_FINDINGS: Final = 200  # told; the others are counted
SLACK_SECONDS: Final = 300  # clocks of several machines, and a commit that a frozen server made late


class Signed(NamedTuple):
    """What an anchor says of one chain. In the order of a chain."""

    seq: int
    number: int
    hash: str


@dataclass
class Report:
    """What was looked at, and one sentence for each thing that is wrong, the first first."""

    rows: int = 0
    chains: int = 0
    anchors: int = 0
    unanchored: int = 0  # rows newer than the last anchor of their chain
    findings: list[str] = field(default_factory=list)
    count: int = 0

    def find(self, sentence: str) -> None:
        self.count += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(sentence)


class Anchored:
    """What the anchors that hold say: the heads of each chain, and when each anchor was taken."""

    def __init__(self) -> None:
        self.heads: defaultdict[str, list[Signed]] = defaultdict(list)
        self.taken: dict[int, int] = {}

    def add(self, anchor: Anchor) -> None:
        self.taken[anchor.number] = anchor.at
        for chain in anchor.chains:
            self.heads[chain.name].append(Signed(chain.seq, anchor.number, chain.hash))


def verify(
    connection: Connection,
    keys: Sequence[Ed25519PublicKey],
    kept: Iterable[str] = (),
    progress: Callable[[int], object] = lambda _rows: None,
) -> Report:
    """Check the audit of this database against itself and against `kept`, lines that `flask audit anchor` printed.

    `keys` are those an anchor may be signed with; `progress` is told of every so many rows read. Raises what the
    database raises.
    """
    report, anchored = Report(), Anchored()
    _anchors(connection, keys, kept, report, anchored)  # before the rows: what they sign is there by then
    columns = [audit.c[name] for name in ("id", "seq", "hash", "chain", *Row._fields)]
    query = select(*columns).order_by(audit.c.chain, audit.c.seq)
    walk: Walk | None = None
    for batch in connection.execute(query, execution_options={"yield_per": BATCH}).partitions():
        for identity, seq, digest, name, *row in batch:
            if walk is None or walk.chain.name != name:
                if walk:
                    walk.end()
                walk = Walk(name, anchored, report)
            walk.step(identity, seq, digest, Row(*row))
        report.rows += len(batch)
        progress(len(batch))
    if walk:
        walk.end()
    for name, signed in anchored.heads.items():  # those that no row was left of
        first, last = min(signed), max(signed)
        report.find(
            f"Chain {name} is gone: anchor {first.number} signed it, and it had {last.seq} rows at anchor "
            f"{last.number}."
        )
    return report


def count(connection: Connection) -> int:
    """How many rows there are to verify."""
    return connection.scalar(select(func.count()).select_from(audit)) or 0


class Walk:
    """One chain, row after row."""

    def __init__(self, name: str, anchored: Anchored, report: Report) -> None:
        self.chain, self.identity = Chain(name), 0
        self.taken, self.report = anchored.taken, report
        self.signed = deque(sorted(anchored.heads.pop(name, ())))
        self.last = self.signed[-1] if self.signed else Signed(0, 0, "")
        self.held = 0  # the last number up to which an anchor agrees
        self.rewritten = False
        self.floor = self._floor()
        report.chains += 1

    def step(self, identity: int, seq: int, digest: str, row: Row) -> None:
        expected = self.chain.link(row)
        if seq != expected.seq:
            self._misplaced(identity, seq, expected.seq)
        elif digest != expected.hash:
            self._bad(identity, seq, "its hash is not that of what it says and of the row before it")
        elif identity <= self.identity:
            self._bad(identity, seq, f"its id is not above {self.identity}, that of the row before it")
        elif row.at < self.floor:
            self._bad(identity, seq, "it is dated before an anchor that was taken without it")
        self.chain, self.identity = Chain(self.chain.name, seq, digest), identity
        if seq > self.last.seq:
            self.report.unanchored += 1
        if self.signed and self.signed[0].seq <= seq:
            self._compare(identity)

    def end(self) -> None:
        if self.chain.seq < self.last.seq:
            self.report.find(
                f"Chain {self.chain.name} ends with row {self.identity}, seq {self.chain.seq}, but anchor "
                f"{self.last.number} signed it up to seq {self.last.seq}: its end is missing."
            )

    def _compare(self, identity: int) -> None:
        """Is this the row that anchors signed? Heads that a gap left out were told with the gap."""
        while self.signed and self.signed[0].seq <= self.chain.seq:
            head = self.signed.popleft()
            if head.seq != self.chain.seq or self.rewritten:
                continue
            if head.hash == self.chain.hash:
                self.held = head.seq
                continue
            self.rewritten = True  # and so is all that follows
            since = f"one after seq {self.held}" if self.held else "one before it"
            what = f"it is not the one that anchor {head.number} signed: it or {since} was changed, hashes and all"
            self._bad(identity, self.chain.seq, what)
        self.floor = self._floor()

    def _floor(self) -> int:
        """The next rows cannot be older than the last anchor that did not have them."""
        newest = max(self.taken, default=0)
        without = self.signed[0].number - 1 if self.signed else newest
        if len(self.taken) != newest or not without:  # one that is missing may be the one that had them
            return 0
        return self.taken[without] - SLACK_SECONDS

    def _misplaced(self, identity: int, seq: int, expected: int) -> None:
        if seq < expected:
            self._bad(identity, seq, "its chain had that seq already, or never has it")
        elif seq == expected + 1:
            self._bad(identity, seq, f"seq {expected} is missing before it")
        else:
            self._bad(identity, seq, f"seq {expected} to {seq - 1} are missing before it")

    def _bad(self, identity: int, seq: int, what: str) -> None:
        self.report.find(f"Row {identity} (chain {self.chain.name}, seq {seq}): {what}.")


def _anchors(
    connection: Connection,
    keys: Sequence[Ed25519PublicKey],
    kept: Iterable[str],
    report: Report,
    anchored: Anchored,
) -> None:
    """Check the anchors; those that hold are believed of the rows, wherever they were kept."""
    number, before = 0, ""
    hashes: dict[int, str] = {}
    query = select(anchors).order_by(anchors.c.number)
    for row in connection.execute(query, execution_options={"yield_per": BATCH}):
        anchor = Anchor(*row)
        hashes[anchor.number] = anchor.hash
        if anchor.number != number + 1:
            report.find(_gap(number, anchor.number))
        elif flaw := anchor.flaw(before, keys):
            report.find(f"Anchor {anchor.number}: {flaw}.")
        else:
            anchored.add(anchor)
        number, before = anchor.number, anchor.hash
        report.anchors += 1
    for at, line in enumerate(kept, start=1):
        if line.strip():
            _kept(at, line, keys, hashes, report, anchored)


def _kept(
    at: int,
    line: str,
    keys: Sequence[Ed25519PublicKey],
    hashes: dict[int, str],
    report: Report,
    anchored: Anchored,
) -> None:
    try:
        anchor, before = Kept.read(line)
    except ValueError:
        report.find(f"Line {at} of the anchors kept elsewhere is not an anchor.")
        return
    if flaw := anchor.flaw(before, keys):
        report.find(f"Line {at} of the anchors kept elsewhere, anchor {anchor.number}: {flaw}.")
        return
    if anchor.number not in hashes:
        report.find(
            f"Anchor {anchor.number}, kept elsewhere, is not in the database: it was deleted, or set back."
        )
    elif hashes[anchor.number] != anchor.hash:
        report.find(f"Anchor {anchor.number} is not the one that was kept elsewhere.")
    if anchor.number not in anchored.taken:
        anchored.add(anchor)


def _gap(last: int, number: int) -> str:
    if number <= last:
        return f"Anchor {number}: no anchor has that number."
    gone = f"Anchor {last + 1} is" if number == last + 2 else f"Anchors {last + 1} to {number - 1} are"
    return f"{gone} missing before anchor {number}."
