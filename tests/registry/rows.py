"""A register of a few rows, written down by hand."""

from __future__ import annotations

from datetime import date

from sqlalchemy import create_engine, insert, pool

from gateway.registry.port import Posting
from gateway.registry.tables import CODES, contributions, employers, employments, members
from gateway.storage.schema import upgrade
from gateway.text.values import Month

SHARED, ALONE, NEW = "+8562020000001", "+8562020000002", "+8562020000003"
BORN = date(1990, 5, 17)  # all of them
DUE = 287_500


def contribution(
    member: int, month: str, posting: Posting, employer: int = 1, paid: int = 0, due: int = DUE
) -> dict[str, object]:
    return {
        "member_id": member,
        "employer_id": employer,
        "month": Month.parse(month).index,
        "insured_earnings": 2_500_000,
        "due": due,
        "paid": paid,
        "posted_on": None,
        "status": CODES[posting],
    }


def few(url: str) -> str:
    """Members 1 and 2 share a phone, 3 has one alone, 4 has a phone and no contribution, 5 has no phone."""
    upgrade(url, {"register"})
    people = [
        {"id": n, "number": number, "msisdn": phone}
        for n, (number, phone) in enumerate(
            [
                ("9900001234", SHARED),
                ("9900005678", SHARED),
                ("9900011234", ALONE),
                ("9900000004", NEW),
                ("9900000005", None),
            ],
            start=1,
        )
    ]
    naming = {"name_lo": "ທົດລອງ", "name_latin": "Thotlong"}
    rows = [
        contribution(1, "2026-02", Posting.POSTED, paid=DUE),
        contribution(1, "2026-03", Posting.POSTED, paid=DUE - 1),
        contribution(1, "2026-01", Posting.POSTED, paid=DUE + 1),
        contribution(1, "2026-04", Posting.RECEIVED),
        contribution(2, "2026-03", Posting.UNMATCHED),
        contribution(3, "2026-03", Posting.ASSESSED, employer=1),
        contribution(3, "2026-03", Posting.POSTED, employer=2, paid=DUE),
        contribution(3, "2026-02", Posting.POSTED, due=0),
        contribution(5, "2026-03", Posting.POSTED, paid=DUE),
    ]
    jobs = [
        {"member_id": 1, "employer_id": 1, "started_on": date(2025, 12, 31), "ended_on": date(2026, 2, 1)},
        {"member_id": 1, "employer_id": 2, "started_on": date(2026, 2, 15), "ended_on": date(2026, 2, 20)},
        {"member_id": 1, "employer_id": 1, "started_on": date(2026, 5, 31), "ended_on": None},
        {"member_id": 2, "employer_id": 1, "started_on": date(2026, 1, 1), "ended_on": date(2030, 1, 1)},
        {"member_id": 3, "employer_id": 1, "started_on": date(2026, 9, 1), "ended_on": None},
    ]
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        connection.execute(insert(members), [{**person, **naming, "birth_date": BORN} for person in people])
        connection.execute(insert(employers), [{"id": n, "code": f"0000{n}-01", **naming} for n in (1, 2)])
        connection.execute(insert(employments), jobs)
        connection.execute(insert(contributions), rows)
    return url
