"""A conversation with one fault of each kind that a graph can have; its words are in the catalogues."""

from __future__ import annotations

from gateway.conversation import RESUME, Ask, Atlas, Do, Each, End, Flow, Menu, Tell, _, fields

flow = Flow("broken", month=fields.Month(), tongue=fields.Named(en="English"))

flow.states(
    Menu("menu", _("Main menu"), {_("Help"): "help", _("Language"): "circle", _("Continue"): "ask"}),
    Menu("help", _("Help"), {_("Continue"): "nowhere", _("Main menu"): "menu"}),
    Do("circle", to="circle_back", out="told"),
    Do("circle_back", to="circle"),
    Tell("told", "%(why)s"),
    Ask("ask", _("Please type 6 numbers."), into="digits", reads=str, to="told", sorry=_("Invalid choice.")),
    Tell("island", _("Year %(year)s")),
    Menu("trap", _("Language"), {_("Continue"): "trap_too"}),
    Menu("trap_too", _("Language"), {_("Continue"): "trap"}),
    Tell("unspoken", "This has no wording anywhere."),
    Menu("crowd", _("Language"), {
        _("Help"): "told", _("Language"): "told", _("Continue"): "trap", _("Main menu"): "unspoken",
        _("My contributions"): "told", _("Missing months"): "told",
    }),
    Menu("welcome", "", each=Each("tongues", "%(tongue)s", 1, to="crowd")),
    Menu("resume", _("Welcome back."), {_("Continue"): RESUME}),
    End("down", _("Sorry, system error. Please try later.")),
)  # fmt: skip

atlas = Atlas(flow, home="broken.menu", welcome="broken.welcome", resume="broken.resume", down="broken.down")

FAULTS = """\
broken.help: leads to 'nowhere', which does not exist
broken.circle: no function does this work
broken.circle_back: no function does this work
broken.told: '%(why)s' shows %(why)s, which is no field of broken
broken.ask: the answer goes into 'digits', which is no field of broken
broken.island: 'Year %(year)s' shows %(year)s, which is no field of broken
broken.unspoken: 'This has no wording anywhere.' has no wording in lo_Latn
broken.unspoken: 'This has no wording anywhere.' has no wording in en
broken.unspoken: 'This has no wording anywhere.' has no wording in lo
broken.crowd: 6 choices, at most 5 can be kept in mind
broken.island: nothing leads here
broken.trap: no way from here to an end
broken.trap_too: no way from here to an end
broken.circle: work goes round in a circle: broken.circle > broken.circle_back > broken.circle
"""
