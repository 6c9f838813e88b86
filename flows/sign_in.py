"""Who is calling? Asked only when what she wants to see needs it, and never more than it needs.

A phone that is bound to one member is enough for her months. Everybody else is asked the same two questions,
and whoever does not get in reads the same words, whatever the reason: nobody learns here whom a phone belongs
to, or whether somebody is insured at all.
"""

from __future__ import annotations

from datetime import date

from flows.ports import Ports
from gateway.conversation import FRESH, PHONE, PIN, WANTED, Ask, Do, Flow, Menu, Talk, Tell, _, fields
from gateway.conversation.assurance import PROOF_SECONDS
from gateway.identity.port import Opening, Sending, Verdict
from gateway.text.reading import read_date, read_digits, read_number

PIN_DIGITS = 6
CODE_DIGITS = 6
NUMBER_DIGITS = (4, 20)  # the last four of her number where this phone is hers already, or all of it
PURPOSE = "sign in"  # a code for anything else does not open here
CODE_TEXT = _("%(code)s is your LSSO code. Valid %(minutes)s min. Tell nobody.")

flow = Flow(
    "sign_in",
    proves=True,
    texts=(CODE_TEXT,),
    number=fields.Answer(),
    secret=fields.Answer(),
    pin=fields.Answer(),
    typed=fields.Answer(),
    code=fields.Once(CODE_DIGITS),
    minutes=fields.Count(10),
)


def read_secret(typed: str) -> str | date:
    """Six digits are a PIN, eight a birth date; raises ValueError for anything else."""
    if "*" in typed:  # the network's mark between two answers: never part of a secret
        raise ValueError("two answers at once")
    try:
        return read_digits(typed, PIN_DIGITS)
    except ValueError:
        return read_date(typed)


def read_pin(typed: str) -> str:
    if "*" in typed:
        raise ValueError("two answers at once")
    return read_digits(typed, PIN_DIGITS)


flow.states(
    Do("start", known=WANTED, ask="number", pin="pin", no_pin="no_pin", code="send_code", text="texts.elsewhere"),
    Ask(
        "number",
        _("Type your social security number:"),
        into="number",
        reads=lambda typed: read_number(typed, *NUMBER_DIGITS),
        to="secret",
        sorry=_("Please type numbers only."),
    ),
    Ask(
        "secret",
        _("Type your PIN of 6 numbers. No PIN yet? Type your birth date, as in 05111990:"),
        into="secret",
        reads=read_secret,
        to="open",
        sorry=_("Please type 6 numbers, or a date as in 05111990."),
        secret=True,
        hashed=True,
    ),
    Do("open", known=WANTED, pin="pin", no_pin="no_pin", code="send_code", refused="closed", busy="busy"),
    Tell(
        "closed",
        _(
            "Nothing can be shown. Check the number and try again; after many tries wait 15 minutes or longer. "
            "If they are right, LSSO will register this phone: bring your card. Hotline %(hotline)s."
        ),
    ),
    Tell("busy", _("Many people are calling. Please try again in a minute.")),
    Ask(
        "pin",
        _("Type your PIN of 6 numbers:"),
        into="pin",
        reads=read_pin,
        to="check_pin",
        sorry=_("Please type 6 numbers."),
        secret=True,
        hashed=True,
    ),
    Do("check_pin", known=WANTED, code="send_code", refused="wrong", busy="busy"),
    Menu(
        "wrong",
        _("This PIN does not open. After 5 wrong ones wait 15 minutes or longer."),
        {_("Try again"): "pin", _("I forgot my PIN"): "forgot"},
    ),
    Do("forgot", asked="asked"),
    Tell(
        "asked",
        _("LSSO will void your PIN when you show your card. Then get a new one here. Hotline %(hotline)s."),
    ),
    Menu("no_pin", _("This needs a PIN. You have none yet."), {_("Get a PIN"): "pin.start"}),
    Do("send_code", sent="code", off="no_codes"),
    Ask(
        "code",
        _("A code comes by SMS. Type its 6 numbers:"),
        into="typed",
        reads=lambda typed: read_digits(typed, CODE_DIGITS),
        to="check_code",
        sorry=_("Please type 6 numbers."),
        secret=True,
    ),
    Do("check_code", right=WANTED, wrong="wrong_code", again="start"),
    Menu("wrong_code", _("This code is wrong or too old."), {_("Send a new code"): "send_code"}),
    Tell("no_codes", _("No SMS code can be sent to you now. Try later or go to LSSO with your card.")),
)


@flow.work
def start(talk: Talk[Ports]) -> str:
    """Her phone is enough, or it is not; what she proved in this call counts."""
    if not talk.assurance:
        member = talk.ask.identity.recognise(talk.known)
        if member is None:
            return "ask" if talk.ceiling > PHONE else "text"  # no secret is asked for by text
        talk.prove(PHONE, member)
    return onward(talk)


def onward(talk: Talk[Ports]) -> str:
    """What is still missing between what she proved and what she wants to see."""
    if talk.needs <= PHONE:
        return "known"
    if talk.assurance < PIN and talk.ask.identity.has_pin(talk.member):
        talk["who"] = talk.member  # a question may be answered after the proof before it has grown old
        return "pin"
    if talk.needs <= PIN:
        return "known" if talk.assurance >= PIN else "no_pin"
    return "code" if has_first_proof(talk) else "ask"


@flow.work
def open(talk: Talk[Ports]) -> str:
    """Her number and her PIN, or her number and her birth date on the phone the register has for her."""
    number, secret = talk["number"], talk.take("secret")
    opening: Opening = talk.ask.identity.open(talk.caller, talk.known, number, secret, talk.event)
    if opening.verdict is not Verdict.OPENED:
        return opening.verdict.value
    talk.take("number")
    if opening.asks_pin:
        talk["who"] = opening.member
        return "pin"
    talk.prove(PIN if opening.by_pin else PHONE, opening.member)
    talk.note("signed.in", opening.member)
    if not opening.by_pin:
        talk["first_proof"] = talk.now
    return onward(talk)


@flow.work
def check_pin(talk: Talk[Ports]) -> str:
    """The PIN of whom her phone or her birth date has named."""
    member: str = talk["who"]
    verdict = talk.ask.identity.check_pin(talk.caller, member, talk.take("pin"), talk.event)
    if verdict is not Verdict.OPENED:
        return verdict.value
    talk.prove(PIN, member)
    talk.note("signed.in", member)
    return onward(talk)


@flow.work
def forgot(talk: Talk[Ports]) -> str:
    """An officer voids the PIN; nobody at the office ever sees or chooses one."""
    member: str = talk["who"]
    talk.ask.identity.ask_office(talk.caller, talk.known, member, "pin")
    talk.note("pin.forgotten", member)
    return "asked"


@flow.work
def send_code(talk: Talk[Ports]) -> str:
    """To the number she calls from: whoever only pretends to call from it does not get it."""
    sending = talk.ask.identity.send_code(talk.caller, PURPOSE, talk.say(CODE_TEXT))
    return "off" if sending is Sending.OFF else "sent"


@flow.work
def check_code(talk: Talk[Ports]) -> str:
    """The second proof counts only beside a first one of this call."""
    code = talk.take("typed")
    if not has_first_proof(talk):
        return "again"
    if not talk.ask.identity.check_code(talk.caller, PURPOSE, code):
        return "wrong"
    talk.data.pop("first_proof", None)
    talk.prove(FRESH, talk.member)
    return "right"


def has_first_proof(talk: Talk[Ports]) -> bool:
    """Her PIN, or, as long as she has none, her number and birth date; in this call."""
    if talk.assurance >= PIN:
        return True
    just_now = "first_proof" in talk and 0 <= talk.now - talk["first_proof"] <= PROOF_SECONDS
    return bool(talk.assurance) and just_now and not talk.ask.identity.has_pin(talk.member)
