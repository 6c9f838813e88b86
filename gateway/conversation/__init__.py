"""The engine: pure. No I/O, no clock of its own, no per-caller state in memory.

What a flow needs is all here; see `graph` for the vocabulary and `fields` for what wording can show.
"""

from gateway.conversation import fields
from gateway.conversation.assurance import Assurance
from gateway.conversation.graph import RESUME, WANTED, Ask, Atlas, Do, Each, End, Flow, Menu, Tell, _
from gateway.conversation.talk import Talk

ANYONE, PHONE, PIN, FRESH = Assurance

__all__ = [
    "ANYONE",
    "FRESH",
    "PHONE",
    "PIN",
    "RESUME",
    "WANTED",
    "Ask",
    "Atlas",
    "Do",
    "Each",
    "End",
    "Flow",
    "Menu",
    "Talk",
    "Tell",
    "_",
    "fields",
]
