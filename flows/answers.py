"""What an employer answers to a reminder, by its number: each answer changes what happens next.

Nobody proves anything here, and a text's sender is easily forged: an answer only keeps reminders back, and an
officer looks at it. Whatever would last is asked once more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from flows.ports import Ports
from gateway.conversation import Do, Each, Flow, Menu, Talk, Tell, _, fields
from gateway.registry.port import Asked, Claim
from gateway.text.lao import normalise

CODE_DIGITS = 8  # with the dash
ASKED = 8  # employers that one phone is asked about: as many as it may get texts in a month
NUMBERED = {"1": Claim.PAID, "2": Claim.PLAN, "3": Claim.CLOSED, "4": Claim.WRONG}  # as every reminder says
SAID = {  # beside each number, in the languages of the reminders
    Claim.PAID: ("paid", "thok leo", "ຖອກແລ້ວ"),
    Claim.PLAN: ("need a plan", "plan", "kho beng thok", "kho beng", "ຂໍແບ່ງຖອກ", "ຂໍແບ່ງ"),
    Claim.CLOSED: ("closed", "pit leo", "pit", "ປິດແລ້ວ", "ປິດ"),
    Claim.WRONG: ("wrong number", "wrong", "phit beu", "ຜິດເບີ"),
}

flow = Flow(
    "answers",
    claim=fields.Answer(),
    code=fields.Code(CODE_DIGITS),
    month=fields.Month(),
)

flow.states(
    Do("start", one="note", several="which"),
    Menu("which", _("About which employer?"), each=Each("asked", "%(code)s %(month)s", most=ASKED, to="note")),
    Do("note", paid="paid", plan="plan", closed="ask_closed", wrong="ask_wrong"),
    Tell("paid", _("Thank you. LSSO will look for it and sends %(code)s no more reminder for %(month)s.")),
    Tell(
        "plan",
        _("LSSO was told that %(code)s needs a plan: call %(hotline)s. No more reminder for %(month)s."),
    ),
    Menu(
        "ask_closed",
        _("Has the employer %(code)s closed?"),
        {_("Yes, it has closed"): "close", _("No"): "main.menu"},
    ),
    Do("close", done="closed"),
    Tell("closed", _("Thank you. LSSO will check that %(code)s has closed, and sends no reminder until then.")),
    Menu(
        "ask_wrong",
        _("Does this number speak for the employer %(code)s?"),
        {_("No, wrong number"): "leave", _("Yes"): "main.menu"},
    ),
    Do("leave", done="left"),
    Tell("left", _("Sorry. LSSO sends nothing about %(code)s to this number any more.")),
)


def claimed(words: str) -> Claim | None:
    """The answer that is meant by a number, alone or with the words that stand beside it: `1`, `1.`, `1 paid`."""
    found = re.fullmatch(r"[(]?([1-4])[).]?\s*(.*?)[.!]?", normalise(words).casefold())
    claim = NUMBERED[found[1]] if found else None
    return claim if claim and found and found[2] in {"", *SAID[claim]} else None


def hear(talk: Talk[Ports], claim: Claim, about: Sequence[Asked]) -> None:
    """What was answered and what it may be about, newest first, for `start`."""
    talk["claim"] = claim
    talk["asked"] = [{"code": one.code, "month": str(one.month)} for one in about[:ASKED]]


@flow.work
def start(talk: Talk[Ports]) -> str:
    about = talk["asked"]
    if len(about) > 1:
        return "several"
    talk.data.update(about[0])
    return "one"


@flow.work
def note(talk: Talk[Ports]) -> str:
    claim = Claim(talk["claim"])
    if claim in (Claim.PAID, Claim.PLAN):
        make(talk, claim)
    return claim


@flow.work
def close(talk: Talk[Ports]) -> str:
    make(talk, Claim.CLOSED)
    return "done"


@flow.work
def leave(talk: Talk[Ports]) -> str:
    make(talk, Claim.WRONG)
    return "done"


def make(talk: Talk[Ports], claim: Claim) -> None:
    talk.ask.claims.make(claim, talk["code"], talk["month"], talk.caller)
