"""What came: money posted to a member's month, or received from an employer and not yet divided.

An amount is all that stands on the record of that month so far, so that the same line twice is one posting. It
never falls here: what was posted by mistake is corrected with `flask members import`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Date,
    Integer,
    MetaData,
    Select,
    SmallInteger,
    String,
    Table,
    and_,
    case,
    false,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy import Column as Cell

from gateway.registry.bulk import Row
from gateway.registry.columns import (
    EMPLOYER,
    JOINED,
    MONTH,
    NUMBER,
    REPEATED,
    UNKNOWN,
    read_values,
    read_worked,
    readers,
    without,
)
from gateway.registry.form import Column
from gateway.registry.line import read_member
from gateway.registry.port import Posting
from gateway.registry.staging import Cells, repeats
from gateway.registry.tables import CODES, KIP_MAX, contributions, employers, members
from gateway.registry.upload import TOLERANCE, Upload
from gateway.text.reading import read_code, read_date, read_kip
from gateway.text.values import Month

NOTHING_DUE: Final = "month: nothing is due for it on the register; bring its return first"

COLUMNS: Final = (
    EMPLOYER,
    MONTH,
    NUMBER._replace(meaning="of the worker; empty for money that is not divided yet", needed=False),
    Column(
        "amount",
        "whole kip, all that came for this month",
        ("ຈຳນວນເງິນ", "ຈຳນວນເງິນຈ່າຍຕົວຈິງ", "Chamnouan ngeun", "paid"),
        summed=True,
    ),
    Column("posted_on", "day of the posting or of the bank slip", ("ວັນທີ", "ວັນທີຈ່າຍ", "Vanthi", "date")),
)

lines = Table(
    "posting_lines",
    MetaData(),
    Cell("line", Integer, primary_key=True, autoincrement=False),
    Cell("code", String),
    Cell("month", SmallInteger),
    Cell("number", String),  # empty: an employer's money for all its members
    Cell("divided", SmallInteger),  # 1 with a number, else 0
    Cell("amount", BigInteger),
    Cell("posted_on", Date),
    prefixes=["TEMPORARY"],
)

_READERS: Final = readers(
    {
        "employer_code": read_code,
        "month": read_worked,
        "number": lambda text: read_member(text) if text else "",
        "amount": read_kip,
        "posted_on": read_date,
    }
)


def _read(cells: Cells, today: date) -> tuple[Row, list[str]]:
    """The values of a line in the order of `lines`, without its number."""
    values, reasons = read_values(cells, _READERS)
    if not reasons:
        reasons = _together(values, today)
    if reasons:
        return (), reasons
    return (
        values["employer_code"],
        values["month"].index,
        values["number"],
        int(values["number"] != ""),
        int(values["amount"]),
        values["posted_on"].isoformat(),
    ), []


def _together(values: Mapping[str, Any], today: date) -> list[str]:
    wrong = {
        "month: after this month": values["month"] > Month.of(today),
        "posted_on: after today": values["posted_on"] > today,
        "amount: nothing was paid": not values["amount"],
        f"amount: more than {KIP_MAX} kip for one member": values["number"] and values["amount"] > KIP_MAX,
    }
    return [reason for reason, is_so in wrong.items() if is_so]


_OF_EMPLOYER: Final = and_(contributions.c.employer_id == employers.c.id, contributions.c.month == lines.c.month)
_IS_ASSESSED: Final = contributions.c.status == CODES[Posting.ASSESSED]
_IS_POSTED: Final = contributions.c.status == CODES[Posting.POSTED]


def _divided() -> Select[Any]:
    """Every member's line, beside her contribution, which may be none."""
    known = (
        lines.join(employers, employers.c.code == lines.c.code)
        .join(members, members.c.number == lines.c.number)
        .outerjoin(contributions, and_(_OF_EMPLOYER, contributions.c.member_id == members.c.id))
    )
    return select(lines.c.line).select_from(known)


def _undivided() -> Select[Any]:
    """Every employer's line, once for each contribution of its month."""
    known = lines.join(employers, employers.c.code == lines.c.code).outerjoin(contributions, _OF_EMPLOYER)
    return select(lines.c.line).select_from(known).where(lines.c.divided == 0)


def _wanted() -> CompoundSelect[Any]:
    """A member's line posts her month; an employer's line marks what is only assessed as received."""
    keys = (contributions.c.member_id, contributions.c.month, contributions.c.employer_id)
    due = (contributions.c.insured_earnings, contributions.c.due)
    posted = _divided().with_only_columns(
        *keys,
        *due,
        lines.c.amount.label("paid"),
        lines.c.posted_on,
        literal(CODES[Posting.POSTED]).label("status"),
    )
    received = case((_IS_ASSESSED, CODES[Posting.RECEIVED]), else_=contributions.c.status).label("status")
    came = _undivided().with_only_columns(*keys, *due, contributions.c.paid, contributions.c.posted_on, received)
    return union_all(posted, came)


POSTINGS: Final = Upload(
    columns=COLUMNS,
    lines=lines,
    read=_read,
    refused=(
        (UNKNOWN, without(lines, employers, "code")),
        (JOINED, without(lines, members, "number")),
        (REPEATED, repeats(lines, ("code", "month", "number"))),
        (
            "number: this employer and month stand with and without members, as on line {}",
            repeats(lines, ("code", "month"), ("divided",)),
        ),
        (NOTHING_DUE, _divided().where(contributions.c.status.is_(None))),
        (NOTHING_DUE, _undivided().where(contributions.c.status.is_(None))),
        (
            "amount: less than what is posted already",
            _divided().where(_IS_POSTED, lines.c.amount < contributions.c.paid),
        ),
        (
            "amount: less than what is due for this month; give it member by member",
            _undivided()
            .group_by(lines.c.line, lines.c.amount)
            .having(func.sum(contributions.c.due) > lines.c.amount + func.count() * TOLERANCE),
        ),
    ),
    wanted=_wanted(),
    kept=select(lines.c.line).where(false()),  # a posting that cannot stand is refused
)
