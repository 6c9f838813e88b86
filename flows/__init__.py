"""The conversations of this installation. They know no phones, no HTTP, no SQL."""

from flows import main, record
from flows.ports import Ports
from gateway.conversation import Atlas

atlas = Atlas(
    main.flow,
    record.flow,
    home="main.menu",
    welcome="main.welcome",
    resume="main.welcome_back",
    down="main.try_later",
)

__all__ = ["Ports", "atlas"]
