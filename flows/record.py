"""Did my employer pay? The last twelve months, what is missing and why, every year, the right to treatment.

Only months and how they stand are shown here: no amount, no name, no employer. Whoever cannot be told from
others is answered with the same words as somebody who is on no register at all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from flows.ports import Ports
from gateway.conversation import Ask, Do, Each, Flow, Menu, Talk, Tell, _, fields
from gateway.registry.port import Contribution, Posting
from gateway.registry.standing import Why, judge, right_to_treatment, window
from gateway.text.reading import read_digits
from gateway.text.values import MONTHS_IN_YEAR, Month

ENDING = 4  # digits of the social-security number that tell members of one phone apart
MAX_YEARS = 30  # the enterprise scheme began in 2001

flow = Flow(
    "record",
    digits=fields.Answer(),
    paid=fields.Count(MONTHS_IN_YEAR),
    gaps=fields.Count(MONTHS_IN_YEAR),
    short=fields.Count(MONTHS_IN_YEAR),
    last=fields.Month(),
    month=fields.Month(),
    until=fields.Date(),
    year=fields.Count(9999),
    year_paid=fields.Count(MONTHS_IN_YEAR),
    numbers=fields.MonthNumbers(),
    why=fields.OneOf(
        paid=_("paid"),
        not_due=_("not due yet"),
        late=_("late"),
        unpaid=_("not paid"),
        posting=_("being posted"),
        partial=_("part paid"),
        unmatched=_("name or number unmatched"),
        nobody=_("no employer reported you"),
    ),
    advice=fields.OneOf(
        not_due=_("Your employer still has time to pay. Look again next month."),
        late=_("The due day has passed. Ask your employer to pay now."),
        unpaid=_("Ask your employer for the receipt of this month. No answer? Call LSSO."),
        posting=_("LSSO has the money and is posting it. Look again in a few days."),
        partial=_("Only a part was paid. Ask your employer to correct it on the next form 2-01."),
        unmatched=_("Money came under a name or number that does not fit. Show LSSO your card."),
        nobody=_("If you worked in this month, tell LSSO."),
    ),
)

MORE = {
    _("Missing months"): "find_missing",
    _("Month by month"): "find_years",
    _("Right to treatment"): "find_right",
}

flow.states(
    Do("contributions", known="summarise", ask="digits"),
    Do("treatment", known="find_right", ask="digits"),
    Ask(
        "digits",
        _("Type the last 4 digits of your social security number:"),
        into="digits",
        reads=lambda typed: read_digits(typed, ENDING),
        to="match",
        sorry=_("Please type 4 numbers."),
    ),
    Do("match", contributions="summarise", treatment="find_right", nobody="nobody"),
    Tell(
        "nobody",
        _(
            "No record can be shown for this phone and these digits. Ask your employer or LSSO "
            "to register your phone number; bring your card. Hotline %(hotline)s."
        ),
    ),
    Do("summarise", some="summary", none="nothing_paid"),
    Menu("summary", _("%(paid)s of the last 12 months are paid. Last paid: %(last)s."), MORE),
    Menu("nothing_paid", _("None of the last 12 months is paid."), MORE),
    Do("find_missing", some="missing", none="complete"),
    Tell("complete", _("No month is missing in the last 12.")),
    Menu(
        "missing",
        _("%(gaps)s of the last 12 months are not on your record. Choose one:"),
        each=Each("missing", "%(month)s %(why)s", most=MONTHS_IN_YEAR, to="advice"),
    ),
    Tell("advice", _("%(month)s: %(why)s. %(advice)s Hotline %(hotline)s.")),
    Do("find_years", some="years", none="no_years"),
    Tell("no_years", _("No contributions were found.")),
    Menu(
        "years",
        _("Months paid each year:"),
        each=Each("years", "%(year)s: %(year_paid)s/12", most=MAX_YEARS, to="find_months"),
    ),
    Do("find_months", found="months"),
    Tell("months", _("Year %(year)s"), each=Each("months", "%(why)s: %(numbers)s", most=len(Why))),
    Do("find_right", live="live", ended="ended", never="never", unknown="no_rule"),
    Tell("live", _("You have the right to treatment until %(until)s. Show your card at your hospital.")),
    Tell(
        "ended",
        _("Your right to treatment ended on %(until)s. Paid months needed to get it back: %(short)s."),
    ),
    Tell("never", _("No right to treatment yet. Paid months still needed: %(short)s.")),
    Tell("no_rule", _("The rule for treatment is not known for today. Call LSSO: %(hotline)s.")),
)


@flow.work
def contributions(talk: Talk[Ports]) -> str:
    """Whose record is it? Then the summary."""
    return identify(talk, "contributions")


@flow.work
def treatment(talk: Talk[Ports]) -> str:
    """Whose record is it? Then the right to treatment."""
    return identify(talk, "treatment")


def identify(talk: Talk[Ports], goal: str) -> str:
    """One member with this number is known by it; nobody and several are asked the same question."""
    talk["goal"] = goal
    return "known" if open_record(talk) else "ask"


@flow.work
def match(talk: Talk[Ports]) -> str:
    """The last digits choose among members of one phone; a wrong answer tells nothing."""
    goal: str = talk["goal"]
    return goal if open_record(talk, talk.take("digits")) else "nobody"


def open_record(talk: Talk[Ports], digits: str | None = None) -> bool:
    """Look up the one member this must be, and keep how her months stand; never an amount."""
    shown = window(talk.today)
    records = talk.ask.registry.records(talk.caller, shown[0], digits)
    if len(records) != 1:
        return False
    [record] = records
    early = [row.month for row in record.contributions if row.month > shown[-1]]  # paid before its time
    whys = judge_months(talk, record.member, record.contributions, [*shown, *early])
    paid = [month for month, why in whys.items() if why is Why.PAID]
    missing = [month for month in reversed(shown) if whys[month] is not Why.PAID]
    talk["member"] = record.member
    talk["paid"], talk["gaps"] = len(shown) - len(missing), len(missing)
    if paid:
        talk["last"] = paid[-1]
    talk.list("missing", [{"month": month, "why": whys[month], "advice": whys[month]} for month in missing])
    rule = talk.ask.scheme.on(talk.today).treatment
    if rule:
        right = right_to_treatment(paid, talk.today, rule.value)
        talk["live"], talk["short"] = right.live, right.months_short
        if right.until:
            talk["until"] = right.until
    talk.note("contributions.viewed", record.member)
    return True


def judge_months(
    talk: Talk[Ports], member: str, rows: Sequence[Contribution], months: Sequence[Month]
) -> dict[Month, Why]:
    """How each month stands. Employments are asked for only where a month has no row at all."""
    by_month: dict[Month, list[Contribution]] = {}
    for row in rows:
        by_month.setdefault(row.month, []).append(row)
    employed: Collection[Month] = ()
    if not all(month in by_month for month in months):
        employed = set(talk.ask.registry.employed(member, months[0]))
    full = {row.month for row in rows if row.full}

    def standing(month: Month) -> Why:
        if month in full:  # most months, and nothing more to ask
            return Why.PAID
        return judge(month, by_month.get(month, ()), month in employed, talk.today, talk.ask.scheme)

    return {month: standing(month) for month in months}


@flow.work
def summarise(talk: Talk[Ports]) -> str:
    return "some" if talk["paid"] else "none"


@flow.work
def find_missing(talk: Talk[Ports]) -> str:
    return "some" if talk["gaps"] else "none"


@flow.work
def find_right(talk: Talk[Ports]) -> str:
    if "live" not in talk:
        return "unknown"
    if talk["live"]:
        return "live"
    return "ended" if "until" in talk else "never"


@flow.work
def find_years(talk: Talk[Ports]) -> str:
    """Every year with a contribution, newest first."""
    rows = talk.ask.registry.history(talk["member"])
    paid = {row.month for row in rows if row.posting is Posting.POSTED and row.full}
    years = sorted({row.month.year for row in rows}, reverse=True)
    talk.list(
        "years",
        [{"year": year, "year_paid": sum(month.year == year for month in paid)} for year in years[:MAX_YEARS]],
    )
    return "some" if years else "none"


@flow.work
def find_months(talk: Talk[Ports]) -> str:
    """The months of the chosen year, those that stand alike on one line.

    A month under way or to come is named only where the register knows something of it already.
    """
    year: int = talk["year"]
    rows = [row for row in talk.ask.registry.history(talk["member"]) if row.month.year == year]
    this_month, known = Month.of(talk.today), {row.month for row in rows}
    whole_year = [Month(year, 1) + ahead for ahead in range(MONTHS_IN_YEAR)]
    months = [month for month in whole_year if month < this_month or month in known]
    numbers: dict[Why, list[int]] = {}
    for month, why in judge_months(talk, talk["member"], rows, months).items():
        numbers.setdefault(why, []).append(month.number)
    talk.list("months", [{"why": why, "numbers": numbers[why]} for why in Why if why in numbers])
    talk.note("contributions.viewed", talk["member"])
    return "found"
