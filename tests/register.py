"""A register that a test writes in one line a member."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import create_engine, insert, select

from gateway.registry.port import Posting
from gateway.registry.tables import CODES, contributions, employers, employments, members
from gateway.text.values import Month

DUE = 287_500  # kip: 11.5 % of 2,500,000


class Register:
    """Writes synthetic members into the register at `url`."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)
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
    ) -> str:
        """A member 9900..., with one row a month: a Posting, or "partial"; returns the register's reference."""
        with self.engine.begin() as connection:
            connection.execute(
                insert(members),
                {
                    "id": number,
                    "number": f"99{number:08d}",
                    "name_lo": f"ທົດລອງ {number}",
                    "name_latin": f"Thotlong {number}",
                    "birth_date": date(1990, 11, 5),
                    "msisdn": phone,
                },
            )
            if employed:
                started, ended = employed
                row = {"member_id": number, "employer_id": 1, "started_on": started, "ended_on": ended}
                connection.execute(insert(employments), row)
            for month, posting in months.items():
                connection.execute(insert(contributions), self._row(number, month, posting))
        return str(number)

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
