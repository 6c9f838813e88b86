"""A PIN of her own: given by the machine, shown once, typed back, and then known to nobody else.

Only after two proofs: the engine asks for them before anybody comes here.
"""

from __future__ import annotations

from flows.ports import Ports
from flows.sign_in import PIN_DIGITS, read_pin
from gateway.conversation import FRESH, PIN, WANTED, Ask, Do, Flow, Menu, Talk, Tell, _, fields
from gateway.identity.port import Verdict

CHANGED_TEXT = _("Your LSSO PIN was set. Not you? Call %(hotline)s.")

flow = Flow(
    "pin",
    assurance=FRESH,
    proves=True,
    texts=(CHANGED_TEXT,),
    pin=fields.Once(PIN_DIGITS),
    typed=fields.Answer(),
    chosen=fields.Answer(),
)

flow.states(
    Do("start", assign="assign", choose="choose"),
    Do("assign", assigned="confirm", busy="busy"),
    Ask(
        "confirm",
        _("Your PIN: %(pin)s. Learn it, tell nobody. Type it now:"),
        into="typed",
        reads=str,
        to="check",
        sorry="",
        secret=True,
        hashed=True,
    ),
    Ask(
        "choose",
        _("Choose a PIN of 6 numbers that nobody can guess:"),
        into="chosen",
        reads=read_pin,
        to="weigh",
        sorry=_("Please type 6 numbers."),
        secret=True,
        hashed=True,
    ),
    Do("weigh", good="repeat", weak="weak", busy="busy"),
    Menu("weak", _("Too easy to guess."), {_("Choose another"): "choose", _("Give me one"): "assign"}),
    Ask(
        "repeat",
        _("Type the same PIN again:"),
        into="typed",
        reads=str,
        to="check",
        sorry="",
        secret=True,
        hashed=True,
    ),
    Do("check", wanted=WANTED, done="done", wrong="not_the_same", busy="busy"),
    Menu("not_the_same", _("That was not the same PIN. It is not set."), {_("Try again"): "start"}),
    Tell("done", _("Your PIN is set. LSSO never asks for it."), assurance=PIN),
    Tell("busy", _("Many people are calling. Please try again in a minute.")),
)


@flow.work
def start(talk: Talk[Ports]) -> str:
    return "choose" if talk.ask.identity.chooses_pin else "assign"


@flow.work
def assign(talk: Talk[Ports]) -> str:
    """A PIN at random, which no habit helps to guess."""
    pin = talk.ask.identity.assign_pin(talk.caller, talk.member)
    if pin is None:
        return "busy"
    talk["pin"] = pin
    return "assigned"


@flow.work
def weigh(talk: Talk[Ports]) -> str:
    """Her own choice, unless half the country would choose the same."""
    verdict = talk.ask.identity.choose_pin(talk.caller, talk.known, talk.member, talk.take("chosen"))
    return {Verdict.OPENED: "good", Verdict.REFUSED: "weak", Verdict.BUSY: "busy"}[verdict]


@flow.work
def check(talk: Talk[Ports]) -> str:
    """Typed back, it is hers. The second proof is spent with it."""
    member = talk.member
    verdict = talk.ask.identity.confirm_pin(talk.caller, member, talk.take("typed"), talk.event)
    if verdict is not Verdict.OPENED:
        return "wrong" if verdict is Verdict.REFUSED else "busy"
    talk.prove(PIN, member)
    talk.note("pin.set", member)
    talk.ask.identity.tell(talk.caller, member, talk.text(CHANGED_TEXT), talk.event)
    return "wanted" if talk.wanted else "done"
