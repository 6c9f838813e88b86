"""Did my employer pay? The last twelve months, what is missing and why, every year, the right to treatment.

Months and how they stand are shown to whoever calls from a phone that is bound to the member; what was paid,
and by whom, only after her PIN.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from flows.ports import Ports
from gateway.conversation import PHONE, PIN, Do, Each, Flow, Menu, Talk, Tell, _, fields
from gateway.outbox.port import Kind
from gateway.registry.port import Contribution, Posting
from gateway.registry.standing import Why, judge, right_to_treatment, window
from gateway.text.values import MONTHS_IN_YEAR, Month

MAX_YEARS = 30  # the enterprise scheme began in 2001
MAX_AMOUNTS = 24  # twelve months from two employers
MAX_KIP = 999_999_999  # of one month; the highest contribution known is 517,500 kip
SUMMARY_TEXT = _("LSSO: %(paid)s of your last 12 months are paid, last %(last)s. Missing: %(gaps)s. See %(code)s.")
NOTHING_TEXT = _("LSSO: none of your last 12 months is paid. Ask your employer, or dial %(code)s.")

flow = Flow(
    "record",
    assurance=PHONE,
    texts=(SUMMARY_TEXT, NOTHING_TEXT),
    paid=fields.Count(MONTHS_IN_YEAR, PHONE),
    gaps=fields.Count(MONTHS_IN_YEAR, PHONE),
    short=fields.Count(MONTHS_IN_YEAR, PHONE),
    last=fields.Month(PHONE),
    month=fields.Month(PHONE),
    until=fields.Date(PHONE),
    year=fields.Count(9999, PHONE),
    year_paid=fields.Count(MONTHS_IN_YEAR, PHONE),
    numbers=fields.MonthNumbers(PHONE),
    amount=fields.Kip(MAX_KIP, PIN),
    employer=fields.Name(20, PIN),
    why=fields.OneOf(
        PHONE,
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
        PHONE,
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
    _("Amounts"): "find_amounts",
    _("Send it by SMS"): "send",
}

flow.states(
    Do("contributions", known="summarise", gone="gone"),
    Do("gaps", known="find_missing", gone="gone"),
    Do("treatment", known="find_right", gone="gone"),
    Tell("gone", _("Your record is not in the register any more. Call LSSO: %(hotline)s.")),
    Do("summarise", some="summary", none="nothing_paid"),
    Menu("summary", _("%(paid)s of the last 12 months are paid. Last paid: %(last)s."), MORE),
    Menu("nothing_paid", _("None of the last 12 months is paid."), MORE),
    Do("send", sent="sent", off="not_sent"),
    Tell("sent", _("It comes to this phone by SMS. Whoever reads your texts can read it.")),
    Tell("not_sent", _("No SMS can be sent now.")),
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
    Do("find_amounts", some="amounts", none="no_amounts", assurance=PIN),
    Tell(
        "amounts",
        _("Paid for you in the last 12 months:"),
        each=Each("amounts", "%(month)s %(amount)s %(employer)s", most=MAX_AMOUNTS),
        assurance=PIN,
    ),
    Tell("no_amounts", _("Nothing was paid for you in the last 12 months."), assurance=PIN),
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
    """Her record, then the summary."""
    return "known" if open_record(talk) else "gone"


@flow.work
def gaps(talk: Talk[Ports]) -> str:
    """Her record, then what is missing in it."""
    return "known" if open_record(talk) else "gone"


@flow.work
def treatment(talk: Talk[Ports]) -> str:
    """Her record, then the right to treatment."""
    return "known" if open_record(talk) else "gone"


def open_record(talk: Talk[Ports]) -> bool:
    """Look her up, and keep how her months stand; never an amount."""
    shown = window(talk.today)
    record = talk.ask.registry.record(talk.member, shown[0])
    if record is None:
        return False
    early = [row.month for row in record.contributions if row.month > shown[-1]]  # paid before its time
    whys = judge_months(talk, record.member, record.contributions, [*shown, *early])
    paid = [month for month, why in whys.items() if why is Why.PAID]
    missing = [month for month in reversed(shown) if whys[month] is not Why.PAID]
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
def send(talk: Talk[Ports]) -> str:
    """To the number she calls from, in the transaction of this step."""
    if not talk.ask.mail.may_write(talk.caller):
        return "off"
    talk.send(Kind.REPLY, talk.text(SUMMARY_TEXT if talk["paid"] else NOTHING_TEXT))
    talk.note("contributions.sent", talk.member)
    return "sent"


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
def find_amounts(talk: Talk[Ports]) -> str:
    """What was paid for her, newest first, employer by employer."""
    paid = [amount for amount in talk.ask.registry.amounts(talk.member, window(talk.today)[0]) if amount.paid]
    talk.list(
        "amounts",
        [{"month": one.month, "amount": one.paid, "employer": one.employer} for one in paid[:MAX_AMOUNTS]],
    )
    talk.note("amounts.viewed", talk.member)
    return "some" if paid else "none"


@flow.work
def find_years(talk: Talk[Ports]) -> str:
    """Every year with a contribution, newest first."""
    rows = talk.ask.registry.history(talk.member)
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
    rows = [row for row in talk.ask.registry.history(talk.member) if row.month.year == year]
    this_month, known = Month.of(talk.today), {row.month for row in rows}
    whole_year = [Month(year, 1) + ahead for ahead in range(MONTHS_IN_YEAR)]
    months = [month for month in whole_year if month < this_month or month in known]
    numbers: dict[Why, list[int]] = {}
    for month, why in judge_months(talk, talk.member, rows, months).items():
        numbers.setdefault(why, []).append(month.number)
    talk.list("months", [{"why": why, "numbers": numbers[why]} for why in Why if why in numbers])
    talk.note("contributions.viewed", talk.member)
    return "found"
