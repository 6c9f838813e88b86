"""What employers claim and officers decide, as it is kept on either database."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import insert, select

from gateway.identity.cases import Cases
from gateway.outbox.outbox import Outbox
from gateway.registry.contacts import believe
from gateway.registry.firms import Contact, Stop, firms
from gateway.registry.port import Claim
from gateway.registry.scheme import load_scheme
from gateway.registry.sql_firms import SqlFirms
from gateway.registry.tables import contacts, employers
from gateway.reminders.batches import Batch, Batches, Hold, Stage, Undecidable
from gateway.reminders.claims import EmployerClaims
from gateway.reminders.ladder import load_ladder
from gateway.storage.audit import Trail
from gateway.storage.engines import open_engine
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys
from gateway.storage.schema import upgrade
from gateway.storage.tables import audit, cases
from gateway.text.values import Month
from tests.conftest import Clock

OCTOBER = Month(2026, 10)
BEFORE = Stage(OCTOBER, "enterprise", "before")
CODE, BOSS = "00001-01", "+8562021000001"


@pytest.fixture
def claims(database_url: str, outbox: Outbox, keys: Keys, hot: Hot, clock: Clock) -> EmployerClaims:
    upgrade(database_url, {"register"})
    with open_engine(database_url).begin() as connection:
        connection.execute(insert(employers), {"id": 1, "code": CODE, "name_lo": "", "name_latin": "Thotlong"})
        told = {"language": "en", "role": "synthetic", "agreed_on": date(2026, 1, 1), "bounces": 0}
        connection.execute(insert(contacts), {"employer_id": 1, "msisdn": BOSS, **told})
    ladder, scheme = load_ladder(), load_scheme()
    return EmployerClaims(hot, Cases(hot, keys.sealer), Trail(hot), keys, ladder, scheme, clock)


@pytest.mark.parametrize(
    ("claim", "until"),
    [(Claim.PAID, date(2026, 12, 9)), (Claim.PLAN, date(2026, 12, 9)), (Claim.CLOSED, date(2027, 3, 2))],
)
def test_a_claim_keeps_reminders_back(
    claims: EmployerClaims, database_url: str, claim: Claim, until: date
) -> None:
    for _repeat in range(2):
        claims.make(claim, CODE, OCTOBER, BOSS)
    claims.make(claim, "99999-99", OCTOBER, BOSS)  # gone from the register since it was asked
    [firm] = firms(database_url, OCTOBER, "enterprise")
    assert firm.stops == ((Stop.ANSWERED, until),)
    assert [contact.agreed for contact in firm.contacts] == [True]
    with open_engine(database_url).connect() as connection:
        assert connection.scalars(select(cases.c.member).order_by(cases.c.id)).all() == [
            f"{CODE} 2026-10",
            "99999-99 2026-10",
        ]
        assert set(connection.scalars(select(audit.c.action))) == {f"claim.{claim}"}


def test_a_later_answer_never_shortens_what_an_earlier_one_stopped(
    claims: EmployerClaims, database_url: str
) -> None:
    claims.make(Claim.CLOSED, CODE, OCTOBER, BOSS)
    claims.make(Claim.PAID, CODE, OCTOBER, BOSS)
    claims.make(Claim.PAID, CODE, OCTOBER + -4, BOSS)
    [firm] = firms(database_url, OCTOBER, "enterprise")
    assert firm.stops == ((Stop.ANSWERED, date(2027, 3, 2)),)


def test_a_wrong_number_reads_and_gets_nothing_until_it_is_believed(
    claims: EmployerClaims, database_url: str, hot: Hot
) -> None:
    def contact() -> Contact:
        [firm] = firms(database_url, OCTOBER, "enterprise")
        return firm.contacts[0]

    assert contact().agreed
    assert SqlFirms(hot).speaks_for(BOSS, CODE)
    claims.make(Claim.WRONG, CODE, OCTOBER, BOSS)
    assert not contact().agreed
    assert not SqlFirms(hot).speaks_for(BOSS, CODE)
    believe(database_url, CODE, BOSS)
    assert contact().agreed
    assert SqlFirms(hot).speaks_for(BOSS, CODE)


def test_what_officers_decide(outbox: Outbox, hot: Hot) -> None:
    batches = Batches(outbox, Trail(hot))
    assert batches.get(BEFORE) == Batch()
    batches.hold(BEFORE, Hold.PAUSED, "a")
    batches.ask(BEFORE, 700, "a")
    batches.approve(BEFORE, batches.get(BEFORE), "b")
    assert batches.get(BEFORE) == Batch(700, "a", "b", Hold.PAUSED)
    batches.spend(BEFORE, 600)
    assert batches.get(BEFORE).approved == 100
    batches.spend(BEFORE, 600)
    assert batches.get(BEFORE).approved == 0
    batches.ask(BEFORE, 5, "a")
    assert batches.get(BEFORE) == Batch(5, "a", "", Hold.PAUSED)
    batches.hold(BEFORE, Hold.STOPPED, "b")
    with pytest.raises(Undecidable, match="stopped for good"):
        batches.hold(BEFORE, Hold.NONE, "b")
    others = BEFORE._replace(step="after"), BEFORE._replace(regime="state"), BEFORE._replace(month=OCTOBER + 1)
    assert [batches.get(other) for other in others] == [Batch()] * 3
