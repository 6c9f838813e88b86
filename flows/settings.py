"""What a member decides for herself: language, PIN, privacy on this phone, her number, and who looked."""

from __future__ import annotations

from flows.ports import Ports
from gateway.conversation import FRESH, PHONE, PIN, Ask, Do, Each, Flow, Menu, Talk, Tell, _, fields
from gateway.identity.port import Alerts, Privacy
from gateway.text.reading import read_mobile

MOVE_TEXT = _("Your LSSO number will change on %(day)s. Not you? Dial %(code)s, Settings, or call %(hotline)s.")
LOOKS = 5  # the last ones; all of them at an office

flow = Flow(
    "settings",
    texts=(MOVE_TEXT,),
    asks_pin=fields.OneOf(PHONE, on=_("yes"), off=_("no")),
    shared=fields.OneOf(PHONE, on=_("yes"), off=_("no")),
    alerts=fields.OneOf(PHONE, off=_("no"), notice=_("only a notice"), full=_("in full")),
    at=fields.Moment(PHONE),
    by=fields.OneOf(PHONE, you=_("this phone"), other=_("another phone"), office=_("LSSO office")),
    to=fields.Answer(),
    day=fields.Date(PHONE),
)

flow.states(
    Menu(
        "menu",
        _("Settings"),
        {
            _("Language"): "main.welcome",
            _("New PIN"): "pin.start",
            _("Privacy"): "find_privacy",
            _("Who looked at my record"): "find_looks",
            _("Change my number"): "find_move",
        },
    ),
    Do("find_privacy", found="privacy", assurance=PIN),
    Menu(
        "privacy",
        _("Privacy on this phone. Choose to change:"),
        {
            _("Always ask my PIN: %(asks_pin)s"): "turn_asks_pin",
            _("Others use it too: %(shared)s"): "turn_shared",
            _("Monthly text: %(alerts)s"): "alerts",
            _("Main menu"): "main.menu",
        },
        assurance=PIN,
    ),
    Do("turn_asks_pin", done="privacy", assurance=PIN),
    Do("turn_shared", done="privacy", assurance=PIN),
    Menu(
        "alerts",
        _(
            "Each month LSSO can text you whether your month is paid. "
            "If others use this phone, it says only that you have a notice."
        ),
        {
            _("Text me in full"): "tell_all",
            _("Only that I have a notice"): "tell_notice",
            _("No monthly text"): "tell_nothing",
        },
        assurance=PIN,
    ),
    Do("tell_all", done="told", assurance=PIN),
    Do("tell_notice", done="told", assurance=PIN),
    Do("tell_nothing", done="privacy", assurance=PIN),
    Tell(
        "told",
        _("Monthly text to this phone: %(alerts)s. To end it write STOP. If you wrote STOP before, write START."),
        assurance=PIN,
    ),
    Do("find_looks", some="looks", none="no_looks", assurance=PHONE),
    Tell(
        "looks",
        _("Who looked at your record:"),
        each=Each("looks", "%(at)s %(by)s", most=LOOKS),
        assurance=PHONE,
    ),
    Tell("no_looks", _("Nobody has looked at your record.")),
    Do("find_move", free="to", moving="moving", assurance=FRESH),
    Ask(
        "to",
        _("Type your new phone number:"),
        into="to",
        reads=read_mobile,
        to="move",
        sorry=_("Please type a Lao mobile number, as in 02055512345."),
        assurance=FRESH,
    ),
    Do("move", moving="moving", off="not_now", assurance=FRESH),
    Menu(
        "moving",
        _("Your number changes on %(day)s. Sign in from the new phone after that."),
        {_("Stop the change"): "stop"},
        assurance=FRESH,
    ),
    Do("stop", stopped="stopped", assurance=FRESH),
    Tell("stopped", _("The change is stopped. Your number stays as it is.")),
    Tell("not_now", _("Your number cannot be changed now. Try later or call %(hotline)s.")),
)


@flow.work
def find_privacy(talk: Talk[Ports]) -> str:
    privacy = talk.ask.identity.privacy(talk.known, talk.member)
    talk["asks_pin"], talk["shared"] = _switch(privacy.asks_pin), _switch(privacy.shared)
    talk["alerts"] = privacy.alerts
    return "found"


@flow.work
def turn_asks_pin(talk: Talk[Ports]) -> str:
    return _turn(talk, "asks_pin")


@flow.work
def turn_shared(talk: Talk[Ports]) -> str:
    return _turn(talk, "shared")


def _turn(talk: Talk[Ports], name: str) -> str:
    talk[name] = _switch(talk[name] == "off")
    return _choose(talk, name)


@flow.work
def tell_all(talk: Talk[Ports]) -> str:
    return _tell(talk, Alerts.FULL)


@flow.work
def tell_notice(talk: Talk[Ports]) -> str:
    return _tell(talk, Alerts.NOTICE)


@flow.work
def tell_nothing(talk: Talk[Ports]) -> str:
    return _tell(talk, Alerts.OFF)


def _tell(talk: Talk[Ports], alerts: Alerts) -> str:
    talk["alerts"] = alerts
    return _choose(talk, "alerts")


def _choose(talk: Talk[Ports], changed: str) -> str:
    """What she reads next is what counts: a text in full is none for a phone that others use."""
    privacy = Privacy(talk["asks_pin"] == "on", talk["shared"] == "on", Alerts(talk["alerts"]))
    talk["alerts"] = talk.ask.identity.choose_privacy(talk.caller, talk.known, talk.member, privacy).alerts
    talk.note(f"privacy.{changed}.{talk[changed]}", talk.member)
    return "done"


def _switch(on: bool) -> str:
    return "on" if on else "off"


@flow.work
def find_looks(talk: Talk[Ports]) -> str:
    """The same audit that the office keeps."""
    looks = talk.ask.identity.looks(talk.caller, talk.member)
    talk.list("looks", [{"at": look.at, "by": look.by} for look in looks])
    return "some" if looks else "none"


@flow.work
def find_move(talk: Talk[Ports]) -> str:
    day = talk.ask.identity.moving(talk.member)
    if day is None:
        return "free"
    talk["day"] = day
    return "moving"


@flow.work
def move(talk: Talk[Ports]) -> str:
    """Announced to the old number before it begins to count; two days are left to object."""
    identity, to = talk.ask.identity, talk.take("to")
    talk["day"] = identity.move_day()
    if not identity.tell(talk.caller, talk.member, talk.text(MOVE_TEXT), talk.event):
        return "off"
    identity.move(talk.known, talk.member, to)
    talk.note("number.announced", talk.member)
    return "moving"


@flow.work
def stop(talk: Talk[Ports]) -> str:
    talk.ask.identity.stop_moving(talk.member)
    talk.note("number.stopped", talk.member)
    return "stopped"
