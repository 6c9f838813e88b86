"""What an officer decides: cases that a machine must not, and numbers that no longer speak for anybody.

Officers are named accounts; every decision is a row of the audit that the member can see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import bindparam, select

from gateway.identity.bindings import Bindings
from gateway.identity.cases import OF_EMPLOYERS, Cases, Kind
from gateway.identity.codes import Codes
from gateway.identity.pins import Pins
from gateway.storage.audit import Trail
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys
from gateway.storage.renewal import phone_of_case
from gateway.storage.tables import cases as table

OFFICE_SECONDS: Final = 5.0  # nobody waits on a phone
CHANNEL: Final = "office"


class Undecidable(ValueError):
    """This case is not the officer's to decide so; the message says why."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case as an officer sees it: the phone is masked, the member is the register's reference."""

    id: int
    kind: Kind
    member: str
    phone: str
    opened_at: datetime
    due_at: datetime
    state: str


class Office:
    """The officer's side of identity."""

    def __init__(
        self,
        hot: Hot,
        keys: Keys,
        clock: Callable[[], datetime],
        bindings: Bindings,
        pins: Pins,
        codes: Codes,
        cases: Cases,
        trail: Trail,
    ) -> None:
        self._hot, self._keys, self._clock = hot, keys, clock
        self._bindings, self._pins, self._codes = bindings, pins, codes
        self._cases, self._trail = cases, trail
        self._list = hot.statement(select(table).where(table.c.state == bindparam("state")).order_by(table.c.id))
        self._get = hot.statement(select(table).where(table.c.id == bindparam("id")))

    def cases(self, state: str = "open") -> Sequence[Case]:
        """Every case of this state, the oldest first."""
        rows = self._hot.rows(self._list, {"state": state}, OFFICE_SECONDS)
        return [self._seen(dict(zip(table.c.keys(), row, strict=True))) for row in rows]

    def approve(self, number: int, officer: str) -> Case:
        """Do what the case asks for: the member has shown her card, or the employer's claim is true.

        Raises `Undecidable`.
        """
        row = self._open(number)
        case, now = self._seen(row), self._now()
        if case.kind is Kind.NUMBER:
            raise Undecidable(f"A change of number takes effect by itself, on {case.due_at:%d/%m/%Y}.")
        if case.kind is Kind.BINDING:
            phone, hashes = self._phone(row), (row["number"], row["ending"])
            caller = self._bindings.kept_as(self._callers(phone))  # she may have called since she asked
            if not self._bindings.bind(caller, case.member, phone, *hashes, now):
                raise Undecidable("Five others use this number already.")
        elif case.kind not in OF_EMPLOYERS:
            self._pins.void(case.member)
        return self._decide(case, row["caller"], officer, "done", now)

    def refuse(self, number: int, officer: str) -> Case:
        """Leave everything as it is. Raises `Undecidable`."""
        row = self._open(number)
        return self._decide(self._seen(row), row["caller"], officer, "refused", self._now())

    def sleep(self, msisdn: str, officer: str) -> int:
        """A card was swapped or a number given up: its bindings sleep at once. How many there were."""
        caller, *older = self._callers(msisdn)
        count = sum(self._bindings.sleep(one) for one in (*reversed(older), caller))  # the way a hop moves her
        self._trail.note(f"officer:{officer}", CHANNEL, caller, "number.put_to_sleep", "", self._now())
        return count

    def prune(self) -> int:
        """Forget codes, and counts of tries, that no longer matter; returns how many rows went."""
        return self._codes.prune() + self._pins.prune()

    def _decide(self, case: Case, caller: str, officer: str, to: str, now: int) -> Case:
        if not self._cases.close(case.kind, caller, case.member, to, now, officer):
            raise Undecidable("Somebody else has decided this case just now.")
        self._trail.note(f"officer:{officer}", CHANNEL, caller, f"case.{case.kind}.{to}", case.member, now)
        return case

    def _open(self, number: int) -> Mapping[str, Any]:
        rows = self._hot.rows(self._get, {"id": number}, OFFICE_SECONDS)
        if not rows:
            raise Undecidable(f"There is no case {number}.")
        row = dict(zip(table.c.keys(), rows[0], strict=True))
        if row["state"] != "open":
            raise Undecidable(f"Case {number} is {row['state']} already.")
        return row

    def _seen(self, row: Mapping[str, Any]) -> Case:
        opened, due = _time(row["opened_at"]), _time(row["due_at"])
        phone = mask(self._phone(row))
        return Case(row["id"], Kind(row["kind"]), row["member"], phone, opened, due, row["state"])

    def phone(self, number: int) -> str:
        """The whole number of a case, E.164; for what follows from it, not for a screen."""
        [row] = self._hot.rows(self._get, {"id": number}, OFFICE_SECONDS)
        return self._phone(dict(zip(table.c.keys(), row, strict=True)))

    def _phone(self, row: Mapping[str, Any]) -> str:
        where = phone_of_case(row["kind"], row["caller"], row["member"], row["opened_at"])
        return self._keys.sealer.open(row["phone"], where)

    def _callers(self, msisdn: str) -> Sequence[str]:
        """What every live key calls her, newest first: by one that came since, she may be kept already."""
        self._keys.look_again()
        return self._keys.hashes("caller", msisdn)

    def _now(self) -> int:
        return int(self._clock().timestamp())


def mask(msisdn: str) -> str:
    """A number as officers see it.

    >>> mask("+8562055512345")
    '020 ••••2345'
    """
    national = f"0{msisdn.removeprefix('+856')}"
    return f"{national[:3]} ••••{national[-4:]}"


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
