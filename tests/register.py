"""A register that a test writes in one line a member, and the phones its members have proved to be theirs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import create_engine, insert, select

from gateway.registry.port import Posting
from gateway.registry.tables import CODES, contacts, contributions, employers, employments, members
from gateway.storage.keys import Keys
from gateway.storage.renewal import phone_of_binding
from gateway.storage.tables import bindings
from gateway.text.values import Month

DUE = 287_500  # kip: 11.5 % of 2,500,000
BORN = date(1990, 11, 5)  # every member
NOON_SECONDS = int(datetime(2026, 11, 23, 5, 0, tzinfo=UTC).timestamp())  # where the tests' clock starts


def social(number: int) -> str:
    """The social-security number of a member."""
    return f"99{number:08d}"


class Register:
    """Writes synthetic members into the register at `url`.

    With `keys`, the gateway's directory of keys, phones are bound to their members, as if each had proved just
    now who she is; the gateway's tables are in the same database then.
    """

    def __init__(self, url: str, keys: Path | None = None) -> None:
        self.engine = create_engine(url)
        self.keys = Keys(keys) if keys else None
        with self.engine.begin() as connection:
            row = {"id": 1, "code": "00001-01", "name_lo": "ທົດລອງ", "name_latin": "Thotlong"}
            if connection.execute(select(employers.c.id)).first() is None:
                connection.execute(insert(employers), row)

    def member(
        self,
        number: int,
        phone: str | None,
        months: Mapping[Month, Posting | str],
        employed: tuple[date, date | None] | None = (date(2024, 1, 1), None),
        bound: bool = True,
    ) -> str:
        """A member 99..., with one row a month: a Posting, or "partial"; returns the register's reference."""
        with self.engine.begin() as connection:
            connection.execute(
                insert(members),
                {
                    "id": number,
                    "number": social(number),
                    "name_lo": f"ທົດລອງ {number}",
                    "name_latin": f"Thotlong {number}",
                    "birth_date": BORN,
                    "msisdn": phone,
                },
            )
            if employed:
                started, ended = employed
                row = {"member_id": number, "employer_id": 1, "started_on": started, "ended_on": ended}
                connection.execute(insert(employments), row)
            for month, posting in months.items():
                connection.execute(insert(contributions), self._row(number, month, posting))
        if bound and phone and self.keys:
            self.bind(phone, number)
        return str(number)

    def bind(self, phone: str, number: int, proved_at: int = NOON_SECONDS) -> None:
        """This member has proved that she uses this phone."""
        assert self.keys
        caller, numbers, whole = self.keys.hasher("caller", phone), self.keys.numbers, social(number)
        with self.engine.begin() as connection:
            connection.execute(
                insert(bindings),
                {
                    "caller": caller,
                    "member": str(number),
                    "phone": self.keys.sealer.seal(phone, phone_of_binding(caller, str(number))),
                    "number": numbers("number", whole),
                    "ending": numbers("ending", whole[-4:]),
                    "proved_at": proved_at,
                    **dict.fromkeys(("asleep", "asks_pin", "shared"), False),
                    **dict.fromkeys(("fails", "locked_until", "tried_at"), 0),
                    "last_try": "",
                    "since": proved_at,
                },
            )

    def contact(self, phone: str, employer: int = 1) -> str:
        """This phone speaks for an employer, which is made unless it is there; returns the employer's code."""
        code = f"{employer:05d}-01"
        with self.engine.begin() as connection:
            if connection.execute(select(employers.c.id).where(employers.c.id == employer)).first() is None:
                named = {"id": employer, "code": code, "name_lo": "", "name_latin": "Thotlong"}
                connection.execute(insert(employers), named)
            row = {"employer_id": employer, "msisdn": phone, "language": "lo", "role": "-", "bounces": 0}
            connection.execute(insert(contacts), row)
        return code

    def close(self) -> None:
        self.engine.dispose()

    def _row(self, member: int, month: Month, posting: Posting | str) -> dict[str, object]:
        status = Posting.POSTED if posting == "partial" else Posting(posting)
        paid = {"partial": DUE // 2, Posting.POSTED: DUE}.get(posting, 0)
        return {
            "member_id": member,
            "employer_id": 1,
            "month": month.index,
            "insured_earnings": 2_500_000,
            "due": DUE,
            "paid": paid,
            "posted_on": (month + 1).first if status is Posting.POSTED else None,
            "status": CODES[status],
        }


def paid(
    since: Month, until: Month, without: Mapping[Month, Posting | str] | None = None
) -> dict[Month, Posting | str]:
    """Every month from `since` to `until` paid in full, but for those in `without`."""
    months: dict[Month, Posting | str] = {since + n: Posting.POSTED for n in range(until - since + 1)}
    return {**months, **(without or {})}
