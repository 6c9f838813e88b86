"""The first screens of a call: the language once, the main menu, help, and the way back after a cut."""

from __future__ import annotations

from flows.ports import Ports
from gateway.conversation import RESUME, Do, Each, End, Flow, Menu, Talk, _, fields

flow = Flow("main", tongue=fields.Named(lo_Latn="Lao ABC", en="English", lo="ລາວ"))


flow.states(
    Do("welcome", choose="language"),
    Menu("language", "", each=Each("tongues", "%(tongue)s", most=3, to="remember")),
    Do("remember", done="menu"),
    Menu(
        "menu",
        _("Social security"),
        {
            _("My contributions"): "record.contributions",
            _("Right to treatment"): "record.treatment",
            _("Help"): "help",
            _("Settings"): "settings.menu",
            _("Employers"): "employer.menu",
        },
    ),
    Menu(
        "help",
        _(
            "Hotline %(hotline)s, office hours. 0 goes back, 00 to the main menu. "
            "Boxes instead of letters? Choose Lao ABC under Settings."
        ),
        {_("Texts from LSSO"): "sent.find"},
    ),
    Menu("welcome_back", _("Welcome back."), {_("Continue"): RESUME, _("Main menu"): "menu"}),
    End(
        "try_later",
        _("The record cannot be reached now. Dial %(code)s again in a few minutes, or call %(hotline)s."),
    ),
)


@flow.work
def welcome(talk: Talk[Ports]) -> str:
    """Offer only languages whose script this channel can carry."""
    talk.list("tongues", [{"tongue": language} for language in talk.languages])
    return "choose"


@flow.work
def remember(talk: Talk[Ports]) -> str:
    """The choice stays with her number; it is asked once."""
    talk.language = talk.take("tongue")
    return "done"
