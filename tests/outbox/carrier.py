"""A provider in this process: it takes what it is told to take, and can be asked for a message."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gateway.outbox.port import Message, NotThere, Outcome, Sent, Unknown

Answers = Callable[[Message], Outcome]


class Provider:
    """What a carrier hands over; `answers` decides what comes back, and whether it was taken."""

    name = "synthetic"

    def __init__(self, finds: bool = True) -> None:
        self.finds = finds
        self.taken: list[Message] = []
        self.answers: Answers = self.takes
        self._lock = threading.Lock()

    def takes(self, message: Message) -> Outcome:
        with self._lock:
            self.taken.append(message)
        return Sent(f"id-{message.ref}")

    def send(self, message: Message) -> Outcome:
        return self.answers(message)

    def find(self, ref: str) -> Sent | NotThere | Unknown:
        return Sent(f"id-{ref}") if ref in {message.ref for message in self.taken} else NotThere()

    def texts(self, msisdn: str) -> list[str]:
        return [message.text for message in self.taken if message.msisdn == msisdn]
