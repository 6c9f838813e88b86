"""Did LSSO really write this? The last texts about her record, so that a false one can be told from a true one.

They came to this phone, but are hers alone: another may share it, or have had its number before her.
"""

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
        _("Texts LSSO sent you about your record. One that is not here is not ours:"),
        each=Each("letters", "%(at)s", most=SHOWN, to="letter"),
    ),
    Tell("letter", "%(at)s: %(text)s"),
    Tell(
        "nothing",
        _("LSSO sent you no text about your record lately. A text that says so is not ours: call %(hotline)s."),
    ),
)


@flow.work
def find(talk: Talk[Ports]) -> str:
    """One-time codes are left out: whoever holds the phone now should not read them again."""
    since = talk.ask.identity.since(talk.known, talk.member)
    letters = talk.ask.mail.last(talk.caller, talk.member, since, SHOWN)
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
