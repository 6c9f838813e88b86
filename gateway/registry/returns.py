"""What is due: the list behind form 2-01, one line a worker and month, assessed on the register.

A return changes what is due, never what was paid: a month that is posted stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any, Final

from sqlalchemy import Column as Cell
from sqlalchemy import Integer, MetaData, Select, SmallInteger, String, Table, and_, case, func, or_, select

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
from gateway.registry.line import read_amount, read_member
from gateway.registry.port import Posting
from gateway.registry.scheme import ENTERPRISE, Rate, Scheme, Terms
from gateway.registry.staging import Cells, repeats
from gateway.registry.tables import CODES, contributions, employers, members
from gateway.registry.upload import TOLERANCE, Upload
from gateway.text.reading import read_code
from gateway.text.values import Kip, Month

SHARES: Final = ("employer_share", "insured_share")

COLUMNS: Final = (
    EMPLOYER,
    MONTH,
    NUMBER,
    Column(
        "wage",
        "whole kip, before the floor and the ceiling",
        ("ເງິນເດືອນປະກັນຕົນ", "ເງິນເດືອນ", "Ngeun duan", "insured_earnings"),
        summed=True,
    ),
    Column(
        "employer_share",
        "the employer's part; may be left out, else it is checked",
        ("ເງິນສົມທົບຂອງຜູ້ໃຊ້ແຮງງານ", "ຜູ້ໃຊ້ແຮງງານ", "Phou xai hengngan"),
        needed=False,
        summed=True,
    ),
    Column(
        "insured_share",
        "the worker's part; may be left out, else it is checked",
        ("ເງິນສົມທົບຂອງຜູ້ອອກແຮງງານ", "ຜູ້ອອກແຮງງານ", "Phou ok hengngan"),
        needed=False,
        summed=True,
    ),
    Column(
        "due",
        "both together; may be left out, else it is checked",
        ("ລວມຈຳນວນເງິນສົມທົບທີ່ນຳສົ່ງ", "ລວມເງິນສົມທົບ"),
        needed=False,
        summed=True,
    ),
    Column("order", "running number; not read", ("ລ/ດ", "ລຳດັບ", "no"), needed=False),
    Column("name", "not read: the register knows it", ("ຊື່ ແລະ ນາມສະກຸນ",), needed=False),
)

lines = Table(
    "return_lines",
    MetaData(),
    Cell("line", Integer, primary_key=True, autoincrement=False),
    Cell("code", String),
    Cell("month", SmallInteger),
    Cell("number", String),
    Cell("wage", Integer),
    Cell("insured_earnings", Integer),
    Cell("employer_share", Integer),
    Cell("insured_share", Integer),
    Cell("due", Integer),
    prefixes=["TEMPORARY"],
)


def returns(scheme: Scheme) -> Upload:
    """The list of form 2-01, reckoned by the rates, floor and ceiling of each month."""
    return Upload(
        columns=COLUMNS,
        lines=lines,
        read=partial(_read, scheme),
        refused=(
            (UNKNOWN, without(lines, employers, "code")),
            (JOINED, without(lines, members, "number")),
            (REPEATED, repeats(lines, ("code", "month", "number"))),
        ),
        wanted=_wanted(),
        kept=_known().where(_IS_POSTED, or_(*(lines.c[name] != contributions.c[name] for name in _DUE))),
    )


_READERS: Final = readers(
    {
        "employer_code": read_code,
        "month": read_worked,
        "number": read_member,
        "wage": read_amount,
        **dict.fromkeys((*SHARES, "due"), lambda text: read_amount(text) if text else None),
    }
)


def _read(scheme: Scheme, cells: Cells, today: date) -> tuple[Row, list[str]]:
    """The values of a line in the order of `lines`, without its number."""
    values, reasons = read_values(cells, _READERS)
    if reasons:
        return (), reasons
    month: Month = values["month"]
    if month > Month.of(today):
        return (), ["month: after this month"]
    terms = scheme.on(month.first)
    rate = terms.rates.get(ENTERPRISE)
    if rate is None:
        return (), ["month: no source says what was due then"]
    insured = insurable(values["wage"], terms)
    shares = rate.value.shares(insured)
    reasons = list(_differing(values, rate.value, shares))
    if reasons:
        return (), reasons
    stated = [share if values[name] is None else values[name] for name, share in zip(SHARES, shares, strict=True)]
    due = values["due"] if values["due"] is not None else sum(stated)
    return (
        values["employer_code"],
        month.index,
        values["number"],
        values["wage"],
        insured,
        *stated,
        due,
    ), []


def insurable(wage: int, terms: Terms) -> Kip:
    """The part of a wage that is insured: not under the floor and not above the ceiling, where these are known.

    Of no wage nothing is, although no source says so: a floor is for who is paid.
    """
    least = terms.floor.value if terms.floor and wage else 0
    most = terms.ceiling.value if terms.ceiling else wage
    return Kip(min(max(wage, least), most))


def _differing(values: Mapping[str, Any], rate: Rate, shares: tuple[Kip, Kip]) -> Iterator[str]:
    """Stated amounts that are not those of the law."""
    for name, percent, share in zip(SHARES, (rate.employer, rate.insured), shares, strict=True):
        if values[name] is not None and abs(values[name] - share) > TOLERANCE:
            yield f"{name}: not {percent} % of the wage within the month's floor and ceiling"
    if values["due"] is not None and abs(values["due"] - sum(shares)) > len(shares) * TOLERANCE:
        yield "due: not the employer's and the worker's share together"


_DUE: Final = ("insured_earnings", "due")
_IS_POSTED: Final = contributions.c.status == CODES[Posting.POSTED]


def _known() -> Select[Any]:
    """Every line beside its contribution, which may be none yet."""
    same = and_(
        contributions.c.member_id == members.c.id,
        contributions.c.month == lines.c.month,
        contributions.c.employer_id == employers.c.id,
    )
    return select(lines.c.line).select_from(
        lines.join(members, members.c.number == lines.c.number)
        .join(employers, employers.c.code == lines.c.code)
        .outerjoin(contributions, same)
    )


def _wanted() -> Select[Any]:
    """Money and its status stay; what is due follows the return until it is posted."""
    return _known().with_only_columns(
        members.c.id.label("member_id"),
        lines.c.month,
        employers.c.id.label("employer_id"),
        *(case((_IS_POSTED, contributions.c[name]), else_=lines.c[name]).label(name) for name in _DUE),
        func.coalesce(contributions.c.paid, 0).label("paid"),
        contributions.c.posted_on,
        func.coalesce(contributions.c.status, CODES[Posting.ASSESSED]).label("status"),
    )
