"""The phone in your hand: tests read like calls.

    phone.dial().says("1").sees("%(paid)s of the last 12 months are paid.", paid=10)

Every key goes through the webhook, in Africa's Talking's own form, and every screen is checked for what must
hold of all of them: the frame, the budget, the alphabet.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Self

from flask import Flask

from gateway.installation import Installation
from gateway.text.alphabet import is_gsm7
from gateway.text.catalogue import LANGUAGES

LAO = re.compile(r"[\u0e80-\u0eff]")
MAX_PAGES = 40


class Phone:
    """One handset. `language` is what its user expects to read; None before she chose."""

    _calls = itertools.count(1)

    def __init__(self, app: Flask, number: str, language: str | None = None) -> None:
        self.client = app.test_client()
        self.gateway: Installation = app.extensions["pakan"]
        self.number = number
        self.language = language
        self.path = self.session = self.screen = ""
        self.ended = True
        if language:
            self.dial()
            if "Lao ABC" in self.screen:
                self.says(self.language_key)

    def dial(self, keys: str = "") -> Self:
        """Dial the service code, or `*code*1*2#` with `keys="1*2"`."""
        self.session, self.path = f"call-{next(self._calls)}", keys
        return self._send()

    @property
    def language_key(self) -> str:
        """What she presses at the language screen."""
        return str(LANGUAGES.index(self.language or "") + 1)

    def digits(self) -> str:
        """The one run of six digits on the screen: a PIN that is shown once."""
        [found] = re.findall(r"\b\d{6}\b", self.screen)
        return str(found)

    def says(self, *keys: str | Callable[[], str]) -> Self:
        """Type answers, one hop each; one that is not known before the last screen came is given as a function."""
        for typed in keys:
            key = typed if isinstance(typed, str) else typed()
            assert not self.ended, f"the call is over: {self.screen!r}"
            self.path = f"{self.path}*{key}" if self.path else key
            self._send()
        return self

    def again(self) -> Self:
        """The network repeats the last hop: the same bytes must come back."""
        before = self.screen
        self._send()
        assert self.screen == before
        return self

    def sees(self, wording: str, **values: object) -> Self:
        """This English wording, in the phone's language and with these values, is on the screen or its pages."""
        wanted, reading = self.spoken(wording, **values), self.reading()
        # pages of Lao break between words, where the wording itself has no space
        assert "".join(wanted.split()) in "".join(reading.split()), f"{wanted!r} is not in {reading!r}"
        return self

    def sees_end(self) -> Self:
        assert self.ended, f"the call goes on: {self.screen!r}"
        return self

    def spoken(self, wording: str, **values: object) -> str:
        said = self.gateway.engine.catalogues.say(self.language, wording)
        return " ".join((said % values if values else said).split())

    def reading(self) -> str:
        """All pages of the screen as one text, without the keys; then back to the first page."""
        say = self.gateway.engine.catalogues.say
        more, back = (say(self.language, wording) for wording in ("9 More", "0 Back"))
        pages, turned = [self.screen], 0
        while not self.ended and more in self.screen.split("\n")[-1] and turned < MAX_PAGES:
            self.says("9")
            pages.append(self.screen)
            turned += 1
        for _page in range(turned):
            self.says("0")
        bodies = []
        for page in pages:
            lines = page.split("\n")
            if lines[-1] in {more, back, f"{more} {back}"}:
                lines.pop()
            bodies.append(" ".join(lines))
        return " ".join(" ".join(bodies).split())

    def _send(self) -> Self:
        answer = self.client.post(
            f"/in/africastalking/{self.gateway.tokens[0]}/ussd",
            data={
                "sessionId": self.session,
                "phoneNumber": self.number,
                "networkCode": "99999",
                "serviceCode": "*1508#",
                "text": self.path,
            },
        )
        assert answer.status_code == 200, answer.text
        assert answer.content_type == "text/plain; charset=utf-8"
        kind, _space, self.screen = answer.text.partition(" ")
        assert kind in {"CON", "END"}
        self.ended = kind == "END"
        assert self.gateway.ussd.budget.fits(self.screen), f"too long for the handset: {self.screen!r}"
        names = {"Lao ABC", "ລາວ"}  # the language screen names each language in its own script
        if self.language in {"en", "lo_Latn"} and not all(name in self.screen for name in names):
            assert is_gsm7(self.screen), f"needs UCS-2: {self.screen!r}"
            assert not LAO.search(self.screen)
        return self
