"""The engine: pure. No I/O, no clock of its own, no per-caller state in memory.

What a flow needs is all here; see `graph` for the vocabulary and `fields` for what wording can show.
"""

from gateway.conversation import fields
from gateway.conversation.engine import Talk
from gateway.conversation.graph import RESUME, Ask, Atlas, Do, Each, End, Flow, Menu, Tell, _

__all__ = ["RESUME", "Ask", "Atlas", "Do", "Each", "End", "Flow", "Menu", "Talk", "Tell", "_", "fields"]
