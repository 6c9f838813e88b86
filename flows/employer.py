"""What an employer can ask by phone: what is due, what was posted, how many workers, and what a wage costs.

Totals of the firm only, to a phone that the register has as its contact, once the firm's code is typed; whoever
does not get in reads the same words, whatever the reason. To calculate needs no proof.
"""

from __future__ import annotations

from collections.abc import Sequence

from flows.ports import Ports
from gateway.conversation import ANYONE, PHONE, WANTED, Ask, Do, Each, Flow, Menu, Talk, Tell, _, fields
from gateway.registry.port import Dues
from gateway.registry.standing import Why, judge_firm, window
from gateway.text.reading import read_code, read_kip
from gateway.text.values import MONTHS_IN_YEAR, Kip, Month

MAX_KIP = 99_999_999_999  # of one month; 117,509 private workers, all at the ceiling, are 60.8 billion
MAX_WORKERS = 999_999  # of one employer; 117,509 are all of the private sector (March 2020)
MAX_EARNINGS = 99_999_999  # kip that count of one wage; the ceiling would be 12.5 million at five minimum wages
MAX_SHARE = 9_999_999  # kip on one wage; the highest known, both shares together, is 517,500
MAX_MONTHS = MONTHS_IN_YEAR + 2  # the last twelve, and those paid early: the one under way and the next
UNKNOWN = _("unknown")

flow = Flow(
    "employer",
    assurance=PHONE,
    proves=True,
    sign_in="employer.code",
    code=fields.Answer(),
    wage=fields.Answer(),
    last=fields.Month(PHONE),
    due_on=fields.Known(fields.Date(PHONE), UNKNOWN),
    month=fields.Month(PHONE),
    owed=fields.Known(fields.Kip(MAX_KIP, PHONE), UNKNOWN),
    posted=fields.Kip(MAX_KIP, PHONE),
    workers=fields.Count(MAX_WORKERS, PHONE),
    why=fields.OneOf(
        PHONE,
        not_due=_("not due yet"),
        late=_("late"),
        unpaid=_("not paid"),
        posting=_("being posted"),
        partial=_("part paid"),
        nobody=_("no return"),
    ),
    this_month=fields.Month(),
    earnings=fields.Kip(MAX_EARNINGS),
    employer=fields.Kip(MAX_SHARE),
    insured=fields.Kip(MAX_SHARE),
    together=fields.Kip(MAX_SHARE),
    counts=fields.OneOf(
        whole=_("the whole wage"),
        floor=_("the floor"),
        ceiling=_("the ceiling"),
        floor_unsure=_("the floor, not confirmed by LSSO"),
        ceiling_unsure=_("the ceiling, not confirmed by LSSO"),
    ),
)


def read_wage(typed: str) -> Kip:
    """A monthly wage in kip; raises ValueError for nothing, too."""
    wage = read_kip(typed)
    if not wage:
        raise ValueError("no wage")
    return wage


flow.states(
    Menu(
        "menu",
        _("Employers"),
        {
            _("What is due"): "find_due",
            _("What was posted"): "find_posted",
            _("Workers on the last return"): "find_return",
            _("Calculate a contribution"): "wage",
        },
        assurance=ANYONE,
    ),
    Ask(
        "code",
        _("Type the code of your firm, as in 12345-01:"),
        into="code",
        reads=read_code,
        to="open",
        sorry=_("Please type 7 numbers, as in 12345-01."),
        assurance=ANYONE,
    ),
    Do("open", known=WANTED, refused="closed", assurance=ANYONE),
    Tell(
        "closed",
        _(
            "Nothing can be shown. Check the code and try again; after 5 wrong ones wait until tomorrow. "
            "If it is right, let LSSO register this phone for your firm. Hotline %(hotline)s."
        ),
        assurance=ANYONE,
    ),
    Do("find_due", some="due", none="all_posted", unknown="no_return"),
    Tell(
        "due",
        _("%(last)s is due by %(due_on)s. Not posted yet:"),
        each=Each("dues", "%(month)s: %(owed)s, %(why)s", most=MONTHS_IN_YEAR),
    ),
    Tell("all_posted", _("Everything for the last 12 months is posted in full.")),
    Do("find_posted", some="posted", none="none_posted"),
    Tell("posted", _("Posted in full or in part:"), each=Each("posts", "%(month)s: %(posted)s", most=MAX_MONTHS)),
    Tell("none_posted", _("Nothing was posted for the last 12 months.")),
    Do("find_return", found="last_return", unknown="no_return"),
    Tell("last_return", _("Workers on the return for %(month)s: %(workers)s.")),
    Tell("no_return", _("No return for the last 12 months is known here. Hotline %(hotline)s.")),
    Ask(
        "wage",
        _("Type the wage of one month in kip, as in 3000000:"),
        into="wage",
        reads=read_wage,
        to="assess",
        sorry=_("Please type an amount in kip, as in 3000000."),
        assurance=ANYONE,
    ),
    Do("assess", known="shares", unknown="no_rate", assurance=ANYONE),
    Tell(
        "shares",
        _(
            "Employer %(employer)s, worker %(insured)s, together %(together)s of %(earnings)s (%(counts)s), "
            "%(this_month)s."
        ),
        assurance=ANYONE,
    ),
    Tell(
        "no_rate",
        _("Rate, floor or ceiling are not known for %(this_month)s. Call LSSO: %(hotline)s."),
        assurance=ANYONE,
    ),
)


@flow.work
def open(talk: Talk[Ports]) -> str:
    """Whether her phone is a contact of this firm: the code alone opens nothing."""
    code = talk.take("code")
    if not talk.ask.identity.speaks_for(talk.caller, code, by_text=talk.ceiling <= PHONE):
        return "refused"
    talk.prove(PHONE, code)
    talk.note("signed.in", f"firm:{code}")
    return "known"


def totals(talk: Talk[Ports]) -> Sequence[Dues]:
    """The months of the firm she speaks for, newest first. A look is noted, as one at a member's record is."""
    code = talk.member
    found = talk.ask.firms.dues(code, window(talk.today)[0])
    talk.note("firm.viewed", f"firm:{code}")
    return found


@flow.work
def find_due(talk: Talk[Ports]) -> str:
    """What is not posted in full, from the first month on of which anything is known."""
    known = {one.month: one for one in totals(talk)}
    if not known:
        return "unknown"
    months = [month for month in window(talk.today) if month >= min(known)]
    silent = Dues(months[0], due=0, posted=0, workers=0, came=0, regime=known[max(known)].regime)
    shown = [known.get(month, silent._replace(month=month)) for month in reversed(months)]
    whys = [judge_firm(one, talk.today, talk.ask.scheme) for one in shown]
    owed = [(one, why) for one, why in zip(shown, whys, strict=True) if why is not Why.PAID]
    last = window(talk.today)[-1]
    talk["last"], talk["due_on"] = last, talk.ask.scheme.due_on(last, shown[0].regime)
    talk.list("dues", [{"month": one.month, "owed": owing(one), "why": why} for one, why in owed])
    return "some" if owed else "none"


def owing(one: Dues) -> Kip | None:
    """What is due and not posted; None where no return says how much."""
    return Kip(max(one.due - one.posted, 0)) if one.due else None


@flow.work
def find_posted(talk: Talk[Ports]) -> str:
    posts = [{"month": one.month, "posted": one.posted} for one in totals(talk) if one.posted]
    talk.list("posts", posts[:MAX_MONTHS])
    return "some" if posts else "none"


@flow.work
def find_return(talk: Talk[Ports]) -> str:
    """The newest return that names anybody; only how many they are."""
    last = next((one for one in totals(talk) if one.workers), None)
    if last is None:
        return "unknown"
    talk["month"], talk["workers"] = last.month, last.workers
    return "found"


@flow.work
def assess(talk: Talk[Ports]) -> str:
    """The two shares of this month's contribution on a wage, held to the floor and the ceiling of this month."""
    wage: Kip = talk.take("wage")
    talk["this_month"] = Month.of(talk.today)
    assessed = talk.ask.scheme.on(talk.today).assess(wage)
    if assessed is None:
        return "unknown"
    talk["earnings"], talk["employer"], talk["insured"] = assessed.earnings, assessed.employer, assessed.insured
    talk["together"] = assessed.employer + assessed.insured
    held = "floor" if assessed.earnings > wage else "ceiling" if assessed.earnings < wage else "whole"
    talk["counts"] = held if assessed.verified or held == "whole" else f"{held}_unsure"
    return "known"
