"""Calls made ready to be measured: the caller has dialled and reads the main menu; what is left is to press 1."""

from __future__ import annotations

import secrets
from typing import cast
from urllib.parse import urlencode

import click

from app import create_app
from bench.data import Data
from gateway.channels.port import Asked
from gateway.installation import Installation

PATH = "/in/africastalking/{token}/ussd"


class Calls:
    """The stock of prepared calls on one database, by language. A call is handed out once."""

    def __init__(self, data: Data, settings: dict[str, str]) -> None:
        self.data = data
        config = {name.removeprefix("PAKAN_").lower(): value for name, value in settings.items()}
        self.gateway = cast(Installation, create_app(config).extensions["pakan"])
        data.remember(self.gateway.keys)
        self._ready: dict[str, list[str]] = {language: [] for language in data.phones}
        self._next = dict.fromkeys(data.phones, 0)

    def ready(self, language: str, count: int) -> list[str]:
        """At least so many bodies, each of its own call, in the order they will be sent."""
        stock = self._ready[language]
        if count > len(self.data.phones[language]):
            raise click.ClickException(
                f"{count} calls in one round need more than {len(self.data.phones[language])} callers: "
                "more --members or fewer --seconds"
            )
        while len(stock) < count:
            stock.append(self._dial(language))
        return stock

    def used(self, language: str, count: int) -> None:
        """These were sent: never again."""
        del self._ready[language][:count]

    def hop(self, body: str) -> str:
        """One hop through the pipeline of this process; returns what is answered."""
        asked = Asked("POST", "", "", {}, body.encode())
        return self.gateway.pipeline.receive(self.gateway.ussd, asked).body

    def _dial(self, language: str) -> str:
        phones = self.data.phones[language]
        if self._next[language] == len(phones):
            self._start_over(language)
        phone = phones[self._next[language]]
        self._next[language] += 1
        session = secrets.token_hex(16)
        answer = self.hop(form(session, phone, ""))
        if not answer.startswith("CON ") or "\n1 " not in answer:
            raise click.ClickException(f"A dial was not answered with the main menu but with: {answer}")
        return form(session, phone, "1")

    def _start_over(self, language: str) -> None:
        """Everybody has called: call again, in new sessions; those who wait at the menu lose their place."""
        self._ready[language].clear()
        self._next[language] = 0
        self.data.forget_places(language)


def form(session: str, phone: str, typed: str) -> str:
    """One hop as Africa's Talking posts it."""
    return urlencode(
        {
            "sessionId": f"ATUid_{session}",
            "phoneNumber": phone,
            "networkCode": "45703",
            "serviceCode": "*1508#",
            "text": typed,
        }
    )
