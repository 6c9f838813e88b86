"""People who do not exist, employed by nobody: a register to try the gateway on.

They look synthetic on purpose: everybody's given name is ທົດລອງ (Thotlong, "test"), numbers start with 9900
and phones count up from +856 20 2000 0001. The same arguments give the same rows on every machine. Rows are
plain values in the order of the tables' columns, dates as ISO text, ready for a database driver.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple

from gateway.registry import archetypes
from gateway.registry.archetypes import ARCHETYPES, Archetype
from gateway.registry.bulk import Row
from gateway.registry.port import Posting
from gateway.registry.scheme import ENTERPRISE, Scheme
from gateway.registry.tables import CODES
from gateway.text.values import Kip, Month

NUMBER_START: Final = "9900"
MEMBERS_MAX: Final = 999_998  # six digits follow in numbers and phones; the last is the phone of nobody
EMPLOYERS_MAX: Final = 99_999  # five digits in an employer's code
MONTHS_MIN: Final = 12  # the year that the fixed people's stories fill
MONTHS_MAX: Final = 120  # ten years
BATCH_MEMBERS: Final = 5_000  # about 105,000 contributions; a process stays near 100 MB

# Shares below are ours, chosen so that 80 to 85 % of employed months are paid in full.
SHARED_PHONES, SHARED_BY = 0.02, (2, 3, 4)  # a SIM owner may hold 5 lines, so few share more
NO_PHONE = 0.01
STOPS, RESUMES = 0.021, 0.14  # of employers a month: one in eight owes, for seven months on average
SILENT = 0.3  # employers in arrears that do not even file the return
SLOW, SLOW_MONTHS, SLOW_DAYS = 0.15, 0.35, 75  # employers that pay some months up to so many days late
OFFICE_DAYS = (1, 10)  # from payment to posting
PARTIAL, UNMATCHED, UNMATCHED_MONTHS = 0.012, 0.006, 12  # unmatched money is cleared up within a year
JOINED, LEFT, CHANGED, SECOND_JOB = 0.12, 0.08, 0.08, 0.03  # of members, within the months seeded
GAP_MONTHS = 5  # longest gap between two jobs
AT_MINIMUM = 0.4  # of members, on the lowest wage
ABOVE, STEP = 900_000, 50_000  # kip: what the others earn above it on average; wages are rounded to this

AGES, EARLIER_MONTHS = (18, 60), 120  # years; and how long before the first month a job may have begun
LARGEST: Final = 20  # sizes fall as 1/(rank + 20): of 2,300 employers the first has one member in a hundred
MEMBER_STRIDE, EMPLOYER_STRIDE = 7907, 7919  # primes, so that neighbours are not called alike

CONTACT_LANGUAGES: Final = ("lo", "lo_Latn", "en")
GIVEN: Final = ("ທົດລອງ", "Thotlong")
SYLLABLES: Final = tuple(
    (first_lo + last_lo, first + last)
    for first_lo, first in (
        ("ກ", "k"),
        ("ມ", "m"),
        ("ນ", "n"),
        ("ສ", "s"),
        ("ບ", "b"),
        ("ວ", "v"),
        ("ດ", "d"),
    )
    for last_lo, last in (("າ", "a"), ("ີ", "i"), ("ູ", "u"))
)

ASSESSED, RECEIVED, FITS_NOBODY, POSTED = (
    CODES[posting] for posting in (Posting.ASSESSED, Posting.RECEIVED, Posting.UNMATCHED, Posting.POSTED)
)

State = tuple[int, str | None] | None  # status and day of posting; None: no return was filed


class Job(NamedTuple):
    """One employment; `ended` is its last day, None while it lasts."""

    employer: int
    started: date
    ended: date | None


class Batch(NamedTuple):
    """Some members with all that belongs to them."""

    members: list[Row]
    employments: list[Row]
    contributions: list[Row]


class Calendar(NamedTuple):
    """The months of a register, oldest first, and what the scheme says of each."""

    today: date
    months: tuple[Month, ...]
    due_on: tuple[date, ...]
    ceilings: tuple[int, ...]  # kip of insurable earnings
    due: tuple[Callable[[Kip], int], ...]  # kip due on so much
    lowest: int  # kip, the minimum wage of the last month


def number(member: int) -> str:
    """A ten-digit social-security number that cannot be mistaken for a real one."""
    return f"{NUMBER_START}{member:06d}"


def phone(line: int) -> str:
    """The E.164 number of a line: mobile by its pattern, one after the other."""
    return f"+8562020{line:06d}"


def contact(employer: int) -> str:
    """The E.164 number of an employer's contact: none of the members' lines."""
    return f"+8562021{employer:06d}"


def code(employer: int) -> str:
    """An employer's code: the form's 5 + 2 digits."""
    return f"{employer:05d}-01"


def name(index: int) -> tuple[str, str]:
    """Lao and Latin name; 21 syllables in four places, about 194,000 names."""
    lo, latin = "", ""
    for _ in range(4):
        index, place = divmod(index, len(SYLLABLES))
        lo, latin = lo + SYLLABLES[place][0], latin + SYLLABLES[place][1]
    return f"{GIVEN[0]} {lo}", f"{GIVEN[1]} {latin.capitalize()}"


def calendar(months: int, today: date, scheme: Scheme) -> Calendar:
    """The months up to the last completed one; raises ValueError where the scheme's figures are not known."""
    span = tuple(Month.of(today) + back for back in range(-months, 0))
    terms = [scheme.on(month.first) for month in span]
    rates = [term.rates[ENTERPRISE].value for term in terms if ENTERPRISE in term.rates]
    ceilings = [term.ceiling.value for term in terms if term.ceiling]
    wage = terms[-1].minimum_wage
    if wage is None or not len(rates) == len(ceilings) == len(span):
        raise ValueError(f"the scheme's rates, ceiling or minimum wage are not known from {span[0]} on")
    due_on = tuple(scheme.due_on(month, ENTERPRISE) or (month + 1).last for month in span)
    owed = {rate: cache(rate.due) for rate in rates}
    return Calendar(today, span, due_on, tuple(ceilings), tuple(owed[rate] for rate in rates), wage.value)


def employers(count: int) -> list[Row]:
    """Rows of employers."""
    rows = []
    for employer in range(1, count + 1):
        lo, latin = name(employer * EMPLOYER_STRIDE)
        rows.append((employer, code(employer), f"ບໍລິສັດ {lo}", f"{latin} Company", ENTERPRISE))
    return rows


def contacts(count: int, agreed_on: date) -> list[Row]:
    """Rows of one contact an employer: each in one of the three languages, one in ten not asked for texts."""
    return [
        (
            employer,
            contact(employer),
            CONTACT_LANGUAGES[employer % len(CONTACT_LANGUAGES)],
            "ບັນຊີ ທົດລອງ",
            None if employer % 10 == 0 else agreed_on.isoformat(),
            0,
            0,
            None,
        )
        for employer in range(1, count + 1)
    ]


def batches(count: int, employer_count: int, span: Calendar, seed: int) -> Iterator[Batch]:
    """All members, in order of their ids, a batch at a time; memory stays that of one batch."""
    random = Random(seed)  # noqa: S311 - synthetic data must be the same every time
    habits = [_habit(random, span) for _ in range(employer_count)]
    sizes = list(accumulate(1 / (rank + LARGEST) for rank in range(employer_count)))
    lines = _lines(random, max(archetype.line for archetype in ARCHETYPES) + 1)
    batch = Batch([], [], [])
    for member in range(1, count + 1):
        if member <= len(ARCHETYPES):
            archetype = ARCHETYPES[member - 1]
            line: int | None = archetype.line
            born = archetype.birth_date
            jobs = [_archetype_job(archetype, span)]
            contributions = _archetype_contributions(archetype, member, span)
        else:
            line = next(lines)
            born = date(span.today.year - AGES[1], 1, 1) + timedelta(random.randrange(365 * (AGES[1] - AGES[0])))
            jobs = _jobs(random, span, lambda: bisect(sizes, random.random() * sizes[-1]) + 1)
            contributions = _contributions(random, member, jobs, span, habits)
        msisdn = None if line is None else phone(line)
        batch.members.append((member, number(member), *name(member * MEMBER_STRIDE), born.isoformat(), msisdn))
        batch.employments.extend(
            (member, employer, started.isoformat(), ended and ended.isoformat())
            for employer, started, ended in jobs
        )
        batch.contributions.extend(contributions)
        if len(batch.members) == BATCH_MEMBERS or member == count:
            yield batch
            batch = Batch([], [], [])


def _lines(random: Random, first: int) -> Iterator[int | None]:
    """Each next member's phone: mostly a line of her own, now and then one the family shares, or none."""
    line = first
    while True:
        if random.random() < NO_PHONE:
            yield None
            continue
        for _ in range(random.choice(SHARED_BY) if random.random() < SHARED_PHONES else 1):
            yield line
        line += 1


def _habit(random: Random, span: Calendar) -> list[State]:
    """How one employer pays: on time mostly, some are slow, and some stop for months on end."""
    slow = random.random() < SLOW
    silent = random.random() < SILENT
    stopped = random.random() < STOPS / (STOPS + RESUMES)
    states: list[State] = []
    for month, due_on in zip(span.months, span.due_on, strict=True):
        stopped = random.random() >= RESUMES if stopped else random.random() < STOPS
        payable = (month + 1).first
        if slow and random.random() < SLOW_MONTHS:
            paid_on = due_on + timedelta(random.randint(1, SLOW_DAYS))
        else:
            paid_on = payable + timedelta(random.randrange((due_on - payable).days + 1))
        posted_on = paid_on + timedelta(random.randint(*OFFICE_DAYS))
        if stopped or paid_on > span.today:
            states.append(None if silent else (ASSESSED, None))
        elif posted_on > span.today:
            states.append((RECEIVED, None))
        else:
            states.append((POSTED, posted_on.isoformat()))
    return states


def _jobs(random: Random, span: Calendar, employer: Callable[[], int]) -> list[Job]:
    """Where one member worked: mostly in one place throughout."""
    months, last = span.months, len(span.months) - 1
    first = employer()
    joined = months[0] + -random.randrange(EARLIER_MONTHS)
    if random.random() < JOINED:
        joined = months[random.randint(0, last)]
    started = joined.first + timedelta(random.randrange(joined.last.day))
    chance = random.random()
    if chance < LEFT + CHANGED:
        left = months[max(random.randint(0, last), joined - months[0])]
        jobs = [Job(first, started, left.last)]
        again = left + random.randint(1, 1 + GAP_MONTHS)
        if chance < CHANGED and again <= months[-1]:
            jobs.append(Job(employer(), again.first, None))
        return jobs
    jobs = [Job(first, started, None)]
    if chance > 1 - SECOND_JOB and (second := employer()) != first:
        begun = months[random.randint(0, last)]
        jobs.append(Job(second, begun.first, None))
    return jobs


def _contributions(
    random: Random, member: int, jobs: Sequence[Job], span: Calendar, habits: Sequence[Sequence[State]]
) -> Iterator[Row]:
    wage = span.lowest
    if random.random() >= AT_MINIMUM:
        wage += int(random.expovariate(1 / ABOVE)) // STEP * STEP
    oldest, newest = span.months[0].index, len(span.months) - 1
    for employer, started, ended in jobs:
        first = max(Month.of(started).index - oldest, 0)
        last = newest if ended is None else Month.of(ended).index - oldest
        habit = habits[employer - 1]
        for at in range(first, last + 1):
            state = habit[at]
            if state is None:
                continue
            status, posted_on = state
            earnings = min(wage, span.ceilings[at])
            due = span.due[at](Kip(earnings))
            paid = 0
            if status == POSTED:
                paid, chance = due, random.random()
                if chance < PARTIAL:
                    paid = due * random.randint(3, 9) // 10
                elif chance > 1 - UNMATCHED and at > newest - UNMATCHED_MONTHS:
                    status, posted_on, paid = FITS_NOBODY, None, 0
            yield member, employer, earnings, due, paid, posted_on, oldest + at, status


def _archetype_job(archetype: Archetype, span: Calendar) -> Job:
    last = span.months[-1]
    joined = span.months[0] + -1 if archetype.joined is None else last + -archetype.joined
    return Job(1, joined.first, None if archetype.left is None else (last + -archetype.left).last)


def _archetype_contributions(archetype: Archetype, member: int, span: Calendar) -> Iterator[Row]:
    statuses = {
        archetypes.ASSESSED: ASSESSED,
        archetypes.RECEIVED: RECEIVED,
        archetypes.UNMATCHED: FITS_NOBODY,
    }
    job = _archetype_job(archetype, span)
    for at, month in enumerate(span.months):
        back = len(span.months) - 1 - at
        letter = archetype.months[back] if back < len(archetype.months) else archetypes.PAID
        worked = job.started <= month.last and (job.ended is None or month.first <= job.ended)
        if not worked or letter == archetypes.SILENT:
            continue
        due = span.due[at](Kip(span.lowest))
        status, paid, posted_on = statuses.get(letter, POSTED), 0, None
        if status == POSTED:
            paid = due if letter == archetypes.PAID else due // 2
            posted_on = min((month + 1).first + timedelta(OFFICE_DAYS[1]), span.today).isoformat()
        yield member, job.employer, span.lowest, due, paid, posted_on, month.index, status
