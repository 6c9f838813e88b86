"""Totals of one employer on real databases: added up by an index alone, and never a member."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, func, insert, select, text
from sqlalchemy.pool import NullPool

from gateway.registry.port import Dues, Firms, Posting
from gateway.registry.sql_firms import SqlFirms, dues_statement
from gateway.registry.tables import contacts, contributions, members
from gateway.storage.hot import Hot
from gateway.text.values import Month
from tests.registry.rows import BORN, DUE, contribution, few
from tests.registry.test_sql import Counting

FEBRUARY, MARCH, APRIL = (Month(2026, number) for number in (2, 3, 4))
REGIME = "enterprise"
FIRST, SECOND, NOBODY = "00001-01", "00002-01", "99999-01"
CONTACT, OTHER = "+8562021000001", "+8562021000002"
MANY = 3_000  # members of other employers, so that a planner has something to avoid


@pytest.fixture
def url(database_url: str) -> str:
    """The few of `rows`, and one contact for each of the two employers."""
    few(database_url)
    of = {"language": "lo", "role": "-", "bounces": 0}
    people = [{"employer_id": 1, "msisdn": CONTACT, **of}, {"employer_id": 2, "msisdn": OTHER, **of}]
    with create_engine(database_url, poolclass=NullPool).begin() as connection:
        connection.execute(insert(contacts), people)
    return database_url


@pytest.fixture
def hot(url: str) -> Iterator[Counting]:
    hot = Counting(url)
    yield hot
    hot.close()


@pytest.fixture
def firms(hot: Counting) -> Firms:
    return SqlFirms(hot)


def test_a_phone_speaks_only_for_the_employer_it_is_a_contact_of(firms: Firms) -> None:
    assert firms.speaks_for(CONTACT, FIRST)
    assert not firms.speaks_for(CONTACT, SECOND)
    assert not firms.speaks_for(CONTACT, NOBODY)
    assert not firms.speaks_for("+8562020000001", FIRST)  # a member's phone


@pytest.mark.parametrize("code", ["", "%", "0000101", "00001-0_", "' OR ''='"])
def test_what_is_no_code_is_nobodys(firms: Firms, code: str) -> None:
    assert not firms.speaks_for(CONTACT, code)
    assert firms.dues(code, FEBRUARY) == ()


def test_totals_of_each_month_newest_first(firms: Firms) -> None:
    assert firms.dues(FIRST, FEBRUARY) == (
        Dues(APRIL, due=DUE, posted=0, workers=1, came=1, regime=REGIME),
        Dues(MARCH, due=4 * DUE, posted=2 * DUE - 1, workers=4, came=3, regime=REGIME),
        Dues(FEBRUARY, due=DUE, posted=DUE, workers=2, came=2, regime=REGIME),
    )
    assert firms.dues(SECOND, FEBRUARY) == (Dues(MARCH, due=DUE, posted=DUE, workers=1, came=1, regime=REGIME),)
    assert firms.dues(FIRST, APRIL + 1) == ()


def test_a_look_up_is_one_statement_within_the_share_of_a_hop(firms: Firms, hot: Counting) -> None:
    for ask in (lambda: firms.speaks_for(CONTACT, FIRST), lambda: firms.dues(FIRST, FEBRUARY)):
        hot.count = 0
        ask()
        assert (hot.count, hot.within) == (1, 1.5)


def test_totals_are_read_from_the_index_and_no_row_of_a_member(url: str) -> None:
    """On a hop, a register of millions of rows must not be scanned, nor a firm's rows be fetched one by one."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        naming = {"name_lo": "", "name_latin": "Thotlong", "birth_date": BORN}
        start = connection.execute(select(func.max(members.c.id))).scalar_one() + 1
        people = range(start, start + MANY)
        connection.execute(insert(members), [{"id": n, "number": f"98{n:08d}", **naming} for n in people])
        rows = [contribution(n, "2026-03", Posting.POSTED, employer=2, paid=DUE) for n in people]
        connection.execute(insert(contributions), rows)
        on_sqlite = connection.dialect.name == "sqlite"
        connection.execute(text("ANALYZE" if on_sqlite else "VACUUM ANALYZE contributions"))
        asked = dues_statement().params(code=FIRST, since=FEBRUARY.index)
        plain = str(asked.compile(connection, compile_kwargs={"literal_binds": True}))
        told = connection.execute(text(f"EXPLAIN {'QUERY PLAN ' * on_sqlite}{plain}")).all()
    plan = "\n".join(str(row[-1]) for row in told)
    how = "USING COVERING INDEX" if on_sqlite else "Index Only Scan"
    assert [line for line in plan.split("\n") if how in line and "ix_contributions_employer_id" in line], plan
    assert "SCAN contributions" not in plan
    assert "Seq Scan on contributions" not in plan


def test_a_register_without_tables_is_out_of_reach(database_url: str) -> None:
    hot = Hot(database_url)
    with pytest.raises(ConnectionError):
        SqlFirms(hot).dues(FIRST, FEBRUARY)
    hot.close()
