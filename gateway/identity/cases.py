"""What a machine must not decide: requests for an officer, and changes of number that wait for their day.

A case is one row. It is `open` until somebody, or the day it takes effect, makes it `done` or `refused`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, Text, bindparam, insert, literal, select, update

from gateway.storage.hot import Hot
from gateway.storage.keys import Sealer
from gateway.storage.renewal import phone_of_case
from gateway.storage.tables import cases

CASE_SECONDS: Final = 0.5  # share of the 4.0 s of a hop
HOLD_SECONDS: Final = 48 * 3600  # a change of number waits so long for an objection from the old one


class Kind(StrEnum):
    """What is asked for."""

    BINDING = "binding"  # number and birth date fit, but the register has another phone for her, or none
    PIN = "pin"  # she forgot her PIN, or it was guessed away where it guarded her: she may make a new one
    NUMBER = "number"  # she announced from her old phone that another will be hers
    PAID = "paid"  # these four: an employer's answer to a reminder; `member` names the employer and the month
    PLAN = "plan"
    CLOSED = "closed"
    WRONG = "wrong"
    BOUNCED = "bounced"  # no text arrives at an employer's contact any more; `member` as above


OF_EMPLOYERS: Final = frozenset({Kind.PAID, Kind.PLAN, Kind.CLOSED, Kind.WRONG, Kind.BOUNCED})


class Cases:
    """The table of cases, on the short road; officers read and decide them by `flask cases`."""

    def __init__(self, hot: Hot, sealer: Sealer) -> None:
        self._hot, self._sealer = hot, sealer
        c = cases.c
        is_open = (c.kind == bindparam("kind"), c.member == bindparam("member"), c.state == literal("open"))
        self._open = hot.statement(_open())
        self._under_way = hot.statement(select(c.caller, c.due_at).where(*is_open))
        self._close = hot.statement(
            update(cases)
            .where(*is_open, c.caller == bindparam("caller"))
            .values(state=bindparam("to"), decided_at=bindparam("now"), decided_by=bindparam("by"))
            .returning(c.id)
        )

    def open(
        self, kind: Kind, caller: str, member: str, phone: str, number: str, ending: str, now: int, hold: int = 0
    ) -> None:
        """Open a case unless the same is open already; `phone` is E.164, the other texts are keyed hashes."""
        values = {
            "kind": kind.value,
            "caller": caller,
            "member": member,
            "phone": self._sealer.seal(phone, phone_of_case(kind, caller, member, now)),
            "number": number,
            "ending": ending,
            "now": now,
            "due_at": now + hold,
        }
        self._hot.rows(self._open, values, CASE_SECONDS)

    def under_way(self, kind: Kind, member: str) -> tuple[str, int] | None:
        """Who asked, and when it takes effect."""
        rows = self._hot.rows(self._under_way, {"kind": kind.value, "member": member}, CASE_SECONDS)
        return (rows[0][0], rows[0][1]) if rows else None

    def close(self, kind: Kind, caller: str, member: str, to: str, now: int, by: str = "") -> bool:
        """Make an open case `done` or `refused`; False when it no longer was open."""
        values = {"kind": kind.value, "caller": caller, "member": member, "to": to, "now": now, "by": by}
        return bool(self._hot.rows(self._close, values, CASE_SECONDS))


def _open() -> Any:
    c = cases.c
    there = select(c.id).where(
        c.kind == bindparam("kind"),
        c.caller == bindparam("caller"),
        c.member == bindparam("member"),
        c.state == literal("open"),
    )
    texts = ("kind", "caller", "member", "phone", "number", "ending")
    fresh: dict[str, Any] = {
        **{name: bindparam(name, type_=Text) for name in texts},
        "opened_at": bindparam("now", type_=BigInteger),
        "due_at": bindparam("due_at", type_=BigInteger),
        "state": literal("open"),
    }
    return insert(cases).from_select(list(fresh), select(*fresh.values()).where(~there.exists())).returning(c.id)
