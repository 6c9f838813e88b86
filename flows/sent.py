"""Did LSSO really write this? The last texts to this phone, so that a false one can be told from a true one."""

from __future__ import annotations

from datetime import UTC, datetime

from flows.ports import Ports
from gateway.conversation import PHONE, Do, Each, Flow, Menu, Talk, Tell, _, fields
from gateway.text.alphabet import basic

SHOWN = 3  # as many as a caller reads
LONGEST = 300  # characters: two SMS

flow = Flow(
    "sent",
    assurance=PHONE,
    at=fields.Moment(PHONE),
    text=fields.Passage(LONGEST, PHONE),
)

flow.states(
    Do("find", some="letters", none="nothing"),
    Menu(
        "letters",
        _("Texts LSSO sent you. A text that is not here is not ours:"),
        each=Each("letters", "%(at)s", most=SHOWN, to="letter"),
    ),
    Tell("letter", "%(at)s: %(text)s"),
    Tell("nothing", _("LSSO has sent you no text lately. A text that says so is not ours: call %(hotline)s.")),
)


@flow.work
def find(talk: Talk[Ports]) -> str:
    """One-time codes are left out: whoever holds the phone now should not read them again."""
    letters = talk.ask.mail.last(talk.caller, SHOWN)
    carries_lao = "lo" in talk.languages
    talk.list(
        "letters",
        [
            {
                "at": datetime.fromtimestamp(letter.at, UTC).astimezone(talk.ask.timezone),
                "text": letter.text if carries_lao else basic(letter.text),
            }
            for letter in letters
        ],
    )
    return "some" if letters else "none"
