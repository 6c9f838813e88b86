"""What a text asks for: words instead of keys, and the way out of being told anything.

Whatever is not understood is answered with the four likeliest commands; a word that only looks like one is never
acted upon without a question when it has an effect.
"""

from __future__ import annotations

from collections.abc import Sequence

from flows import answers
from flows.ports import Ports
from flows.words import grammar
from gateway.conversation import Do, Each, Flow, Menu, Talk, Tell, _, fields
from gateway.registry.port import Asked
from gateway.text.words import OFFERED, gist

ASKED_SECONDS = 14 * 86_400  # a reminder is answered within two weeks: then its month's texts are over
LAO = range(0x0E80, 0x0F00)  # the Unicode block

flow = Flow(
    "texts",
    words=fields.Answer(),
    command=fields.OneOf(
        contributions=_("My contributions"),
        missing=_("Missing months"),
        treatment=_("Right to treatment"),
        help=_("Help"),
        language=_("Language"),
        menu=_("Main menu"),
        settings=_("Settings"),
        employer=_("Employers"),
        calculate=_("Calculate a contribution"),
        stop=_("No more texts"),
        start=_("Texts again"),
    ),
)

WAYS = {
    "contributions": "record.contributions",
    "missing": "record.gaps",
    "treatment": "record.treatment",
    "help": "main.help",
    "language": "main.welcome",
    "menu": "main.menu",
    "settings": "settings.menu",
    "employer": "employer.menu",
    "calculate": "employer.wage",
}
EFFECTS = {"stop": "stop", "start": "start"}

flow.states(
    Do(
        "understand",
        assurance=None,
        **WAYS,
        **EFFECTS,
        ask_stop="ask_stop",
        ask_start="ask_start",
        guess="guess",
        answer="answers.start",
    ),
    Menu(
        "guess",
        _("Not understood. Answer with a number:"),
        each=Each("guesses", "%(command)s", most=OFFERED, to="go"),
    ),
    Do("go", assurance=None, **WAYS, **EFFECTS),
    Menu("ask_stop", _("No more texts from LSSO?"), {_("Yes, stop them"): "stop", _("No"): "main.menu"}),
    Do("stop", done="stopped"),
    Tell("stopped", _("LSSO will send you only answers to your own texts. To get the others again write START.")),
    Menu("ask_start", _("Texts from LSSO again?"), {_("Yes"): "start", _("No"): "main.menu"}),
    Do("start", back="started", never_left="main.menu"),
    Tell("started", _("LSSO will text you again when there is news. To end it write STOP.")),
    Tell("elsewhere", _("This is not sent by text. Dial %(code)s on your phone, or call %(hotline)s.")),
)


@flow.work
def understand(talk: Talk[Ports]) -> str:
    """Sure words are followed at once; near ones too, unless they change something."""
    words: str = talk.take("words")
    about = [Asked.parse(one) for one in talk.ask.mail.asked(talk.caller, talk.now - ASKED_SECONDS)]
    speak(talk, words, about)
    understood = grammar.understand(words)
    if understood.command and (understood.sure or understood.command in WAYS):
        return understood.command
    if understood.command:
        return f"ask_{understood.command}"
    if about and (claim := answers.claimed(words)):
        answers.hear(talk, claim, about)
        return "answer"
    if said := gist(words):
        talk.ask.mail.missed(said)
    talk.puzzled = True
    talk.list("guesses", [{"command": command} for command in understood.likely])
    return "guess"


def speak(talk: Talk[Ports], words: str, about: Sequence[Asked]) -> None:
    """Whoever never chose a language is answered in Lao script if she wrote it, else as she was asked."""
    if talk.language is None and "lo" in talk.languages and any(ord(letter) in LAO for letter in words):
        talk.language = "lo"  # her phone shows it
    if talk.language is None and about and about[0].language in talk.languages:
        talk.language = about[0].language


@flow.work
def go(talk: Talk[Ports]) -> str:
    command: str = talk.take("command")
    return command


@flow.work
def stop(talk: Talk[Ports]) -> str:
    """However often it is written, it is confirmed once for each time she left."""
    talk.confirms = f"stopped {talk.ask.mail.stop(talk.caller)}"
    return "done"


@flow.work
def start(talk: Talk[Ports]) -> str:
    """Whoever never left is shown what there is."""
    if not talk.ask.mail.start(talk.caller):
        return "never_left"
    talk.confirms = f"started {talk.event}"
    return "back"


def is_word(typed: str) -> bool:
    """Whether a text is surely a command, whatever was asked before; a number is an answer."""
    return grammar.understand(typed).sure
