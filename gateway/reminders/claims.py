"""What an employer answers to a reminder, and what it changes: provisionally, for anybody can forge a text.

A claim keeps this month's texts back (that it closed: for as long as it takes to count as idle anyway), and is a
case for an officer, who makes it last or lifts it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Date, Text, bindparam, case, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.identity.cases import Cases, Kind
from gateway.registry.firms import Stop
from gateway.registry.port import Claim
from gateway.registry.scheme import Scheme
from gateway.registry.tables import contacts, employers, stops
from gateway.reminders.ladder import Ladder
from gateway.storage.audit import Trail
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys
from gateway.text.values import Month

SQL_SECONDS: Final = 0.5  # share of a hop, as every other statement of it
CHANNEL: Final = "text"
CLOSED_DAYS: Final = 92  # three months without a posting, and it is not reminded anyway (`firms.LATELY`)


class EmployerClaims:
    """The `Claims` of the port. Raises what `Hot` raises."""

    def __init__(
        self,
        register: Hot,
        cases: Cases,
        trail: Trail,
        keys: Keys,
        ladder: Ladder,
        scheme: Scheme,
        clock: Callable[[], datetime],
    ) -> None:
        self._register, self._cases, self._trail, self._keys = register, cases, trail, keys
        self._ladder, self._scheme, self._clock = ladder, scheme, clock
        self._regime = register.statement(_regime())
        self._stop = register.statement(_stop(register.is_sqlite))
        self._dispute = register.statement(_dispute())

    def make(self, claim: Claim, code: str, month: Month, msisdn: str) -> None:
        if claim is Claim.WRONG:
            today = self._clock().date()
            self._register.rows(self._dispute, {"code": code, "msisdn": msisdn, "today": today}, SQL_SECONDS)
        else:
            until = self._until(claim, code, month)
            self._register.rows(self._stop, {"code": code, "until": until}, SQL_SECONDS)
        caller, now = self._keys.hasher("caller", msisdn), int(self._clock().timestamp())
        self._cases.open(Kind(claim), caller, f"{code} {month}", msisdn, "", "", now)
        self._trail.note("employer", CHANNEL, caller, f"claim.{claim}", f"{code} {month}", now)

    def _until(self, claim: Claim, code: str, month: Month) -> date:
        """The last day on which this month's texts are kept back."""
        rows = self._register.rows(self._regime, {"code": code}, SQL_SECONDS)
        due = self._scheme.due_on(month, rows[0][0] if rows else None) or month.first
        days = CLOSED_DAYS if claim is Claim.CLOSED else self._ladder[-1].closes.days
        return due + timedelta(days)


def _employer() -> Any:
    return select(employers.c.id).where(employers.c.code == bindparam("code", type_=Text))


def _regime() -> Any:
    return select(employers.c.regime).where(employers.c.code == bindparam("code", type_=Text))


def _stop(is_sqlite: bool) -> Any:
    until = bindparam("until", type_=Date)
    row = _employer().add_columns(literal(str(Stop.ANSWERED)), until)
    upsert = (sqlite.insert if is_sqlite else postgresql.insert)(stops).from_select(
        ["employer_id", "why", "until"], row
    )
    later = case((upsert.excluded.until > stops.c.until, upsert.excluded.until), else_=stops.c.until)
    return upsert.on_conflict_do_update(
        index_elements=[stops.c.employer_id, stops.c.why], set_={"until": later}
    ).returning(stops.c.employer_id)


def _dispute() -> Any:
    hers = contacts.c.msisdn == bindparam("msisdn", type_=Text)
    return (
        update(contacts)
        .where(hers, contacts.c.employer_id.in_(_employer()))
        .values(disputed_on=bindparam("today", type_=Date))
        .returning(contacts.c.employer_id)
    )
