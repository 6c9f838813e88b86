"""The audit as an insider would change it: with the triggers off, and with every hash computed anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, delete, insert, select, text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from gateway.storage import anchors
from gateway.storage.audit import Chain, Row, Trail, values
from gateway.storage.hot import Hot
from gateway.storage.tables import anchors as anchor_table
from gateway.storage.tables import audit
from gateway.storage.verify import Report, verify
from tests.faults import at_once

KEY, OTHER_KEY = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
NOW = 1_795_000_000
TRIGGERS = {
    "postgresql": ("ALTER TABLE {0} DISABLE TRIGGER ALL",),
    "sqlite": ("DROP TRIGGER {0}_no_update", "DROP TRIGGER {0}_no_delete"),
}


class Log:
    """An audit of eight rows in two chains, with an anchor after the fourth row and one after the eighth."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url, poolclass=NullPool)
        self.hot = Hot(url)
        self.kept: list[str] = []
        for trails in ((Trail(self.hot), Trail(self.hot)),):
            for number in range(8):
                trails[number % 2].note(
                    "member", "ussd", "c" * 32, "contributions.viewed", str(number), NOW + number
                )
                if number in {3, 7}:
                    self.anchor()

    def anchor(self) -> None:
        with self.engine.begin() as connection:
            anchor, before = anchors.take(connection, KEY, NOW + 100)
        self.kept.append(anchor.line(before))

    def insider(self, change: Callable[[Connection], object]) -> None:
        with self.engine.begin() as connection:
            for table in ("audit", "anchors"):
                for statement in TRIGGERS[self.engine.dialect.name]:
                    connection.execute(text(statement.format(table)))
            change(connection)

    def report(self, kept: bool = False) -> Report:
        with self.engine.connect() as connection:
            return verify(connection, [KEY.public_key()], self.kept if kept else ())

    def ids(self) -> list[int]:
        with self.engine.connect() as connection:
            return list(connection.scalars(select(audit.c.id).order_by(audit.c.id)))


@pytest.fixture
def log(store_url: str) -> Iterator[Log]:
    log = Log(store_url)
    yield log
    log.hot.close()


def rehashed(connection: Connection) -> None:
    """What somebody does who knows how: every hash anew, from what the rows say now."""
    chain = Chain("")
    for row in connection.execute(select(audit).order_by(audit.c.chain, audit.c.seq)).mappings().all():
        if row["chain"] != chain.name:
            chain = Chain(row["chain"])
        chain = chain.link(Row(*(row[name] for name in Row._fields)))
        connection.execute(update(audit).where(audit.c.id == row["id"]).values(seq=chain.seq, hash=chain.hash))


def test_an_audit_that_nobody_touched_holds(log: Log) -> None:
    report = log.report(kept=True)
    assert (report.findings, report.rows, report.chains, report.anchors, report.unanchored) == ([], 8, 2, 2, 0)


@pytest.mark.parametrize("table", ["audit", "anchors"])
@pytest.mark.parametrize("change", ["UPDATE {0} SET at = 0", "DELETE FROM {0}"])
def test_the_database_lets_it_only_grow(log: Log, table: str, change: str) -> None:
    with pytest.raises(DatabaseError, match="neither changed nor deleted"), log.engine.begin() as connection:
        connection.execute(text(change.format(table)))


@pytest.mark.parametrize("column", ["at", "actor", "channel", "caller", "action", "subject", "hash"])
@pytest.mark.parametrize("clever", [False, True], ids=["plainly", "hashes and all"])
def test_an_edit_is_found_in_every_column(log: Log, column: str, clever: bool) -> None:
    victim = log.ids()[2]

    def edit(connection: Connection) -> None:
        value = 1 if column == "at" else "x"
        connection.execute(update(audit).where(audit.c.id == victim).values({column: value}))
        if clever:
            rehashed(connection)

    log.insider(edit)
    findings = log.report().findings
    if clever and column == "hash":
        assert findings == []  # it was put right again
    else:
        assert findings[0].startswith(f"Row {victim} (")


@pytest.mark.parametrize("clever", [False, True], ids=["plainly", "hashes and all"])
@pytest.mark.parametrize("which", [0, 2, 5])
def test_a_row_that_was_deleted_is_found(log: Log, which: int, clever: bool) -> None:
    def remove(connection: Connection) -> None:
        connection.execute(delete(audit).where(audit.c.id == log.ids()[which]))
        if clever:
            rehashed(connection)

    log.insider(remove)
    assert log.report().findings


def test_a_missing_tail_is_found_by_the_anchor(log: Log) -> None:
    log.insider(lambda connection: connection.execute(delete(audit).where(audit.c.id == log.ids()[-1])))
    [finding] = log.report().findings
    assert "but anchor 2 signed it up to seq 4: its end is missing." in finding


def test_a_whole_chain_that_is_gone_is_found_by_the_anchor(log: Log) -> None:
    log.insider(
        lambda c: c.execute(delete(audit).where(audit.c.chain == c.scalar(select(audit.c.chain).limit(1))))
    )
    [finding] = log.report().findings
    assert "is gone: anchor 1 signed it, and it had 4 rows at anchor 2." in finding


@pytest.mark.parametrize("clever", [False, True], ids=["plainly", "hashes and all"])
def test_two_rows_that_changed_places_are_found(log: Log, clever: bool) -> None:
    def swap(connection: Connection) -> None:
        one, other = log.ids()[0], log.ids()[2]
        subjects = {row.id: row.subject for row in connection.execute(select(audit.c.id, audit.c.subject))}
        for row, subject in ((one, subjects[other]), (other, subjects[one])):
            connection.execute(update(audit).where(audit.c.id == row).values(subject=subject))
        if clever:
            rehashed(connection)

    log.insider(swap)
    assert log.report().findings


@pytest.mark.parametrize("at", [NOW - 5_000, NOW + 50_000])
def test_a_forged_row_with_a_right_hash_is_found_or_is_new(log: Log, at: int) -> None:
    """A chain of its own that says it is old: the anchors did not have it."""
    row = Row(at, "member", "ussd", "c" * 32, "contributions.viewed", "1")
    log.insider(
        lambda connection: connection.execute(insert(audit).values(values(Chain("forged").link(row), row)))
    )
    findings = log.report().findings
    assert bool(findings) is (at < NOW)


def test_an_older_dump_is_found_by_the_anchors_kept_elsewhere(log: Log) -> None:
    def set_back(connection: Connection) -> None:
        connection.execute(delete(audit).where(audit.c.id.in_(log.ids()[4:])))
        connection.execute(delete(anchor_table).where(anchor_table.c.number == 2))

    log.insider(set_back)
    assert log.report().findings == []  # the database alone is in order with itself
    assert any("Anchor 2, kept elsewhere, is not in the database" in one for one in log.report(kept=True).findings)


def test_an_anchor_gap_is_named(log: Log) -> None:
    log.insider(lambda connection: connection.execute(delete(anchor_table).where(anchor_table.c.number == 1)))
    assert "Anchor 1 is missing before anchor 2." in log.report().findings


@pytest.mark.parametrize("column", ["at", "heads", "hash", "signature"])
def test_an_anchor_that_was_changed_is_named(log: Log, column: str) -> None:
    value: object = 1 if column == "at" else "[]" if column == "heads" else "00" * 32
    log.insider(lambda connection: connection.execute(update(anchor_table).values({column: value})))
    assert log.report().findings[0].startswith("Anchor 1: ")


def test_an_anchor_signed_by_somebody_else_is_named(log: Log) -> None:
    with log.engine.begin() as connection:
        anchors.take(connection, OTHER_KEY, NOW + 200)
    assert log.report().findings == ["Anchor 3: it was not signed by this key."]


def test_a_line_kept_elsewhere_that_was_changed_is_named(log: Log) -> None:
    said = json.loads(log.kept[0])
    said["at"] += 1
    log.kept[0] = json.dumps(said)
    assert log.report(kept=True).findings[0].startswith("Line 1 of the anchors kept elsewhere, anchor 1: ")


def test_writers_at_once_have_chains_of_their_own(log: Log) -> None:
    trail = Trail(log.hot)

    def write() -> int:
        for number in range(20):
            trail.note("system", "test", "c", "contributions.viewed", str(number), NOW + 300 + number)
        log.hot.close()
        return 20

    assert at_once([write] * 4) == [20] * 4
    report = log.report()
    assert (report.findings, report.rows, report.chains) == ([], 88, 6)


@given(st.lists(st.tuples(st.integers(0, 2**33), *[st.text(max_size=20)] * 5), min_size=1, max_size=5))
def test_no_two_histories_have_one_hash(rows: list[tuple[int, str, str, str, str, str]]) -> None:
    chain = Chain("x")
    for row in rows:
        chain = chain.link(Row(*row))
    changed = Chain("x")
    for at, row in enumerate(rows):
        changed = changed.link(Row(row[0] + (at == 0), *row[1:]))
    assert chain.hash != changed.hash


def test_the_looks_of_a_member_are_hers_newest_first(log: Log, tmp_path: Path) -> None:
    trail = Trail(log.hot)
    for action in ("contributions.viewed", "signed.in", "amounts.viewed"):
        trail.note("member", "ussd", "me", action, "77", NOW + 400)
    assert [look.action for look in trail.looks("77", 5)] == ["amounts.viewed", "contributions.viewed"]
    assert trail.looks("78", 5) == []
