"""`flask chat`: a phone in the terminal. Every key goes through the same webhook a provider would call."""

from __future__ import annotations

import secrets

import click
from flask import current_app
from flask.cli import with_appcontext
from flask.testing import FlaskClient

from gateway.cli.ready import ready
from gateway.installation import Installation
from gateway.outbox.rounds import drain
from gateway.text.alphabet import Budget, is_gsm7, units
from gateway.text.catalogue import LANGUAGES

FRAME = 40  # characters of the drawn screen
LANGUAGE_KEYS = {language: str(number) for number, language in enumerate(LANGUAGES, 1)}


@click.command("chat")
@with_appcontext
@click.option(
    "--phone", default="+8562020000000", show_default=True, help="Who calls; see `flask members sample`."
)
@click.option("--locale", type=click.Choice(LANGUAGES), help="Choose this language as a first-time caller would.")
@click.argument("keys", nargs=-1)
def chat(phone: str, locale: str | None, keys: tuple[str, ...]) -> None:
    """A phone in the terminal: dial, read, type a number, read on.

    \b
    flask chat                      dial and type
    flask chat --locale lo          in Lao, whatever was chosen before
    flask chat --phone +8562020000001 1 2
                                    dial, press 1, then 2, and stop

    An empty line redials, `q` hangs up. While no operator is connected, texts to this phone are shown, too.
    """
    gateway = ready()
    client = current_app.test_client()
    handset = Handset(client, gateway, phone)
    ends = handset.dial()
    if locale:
        ends = handset.choose(locale)
    for key in keys:
        if ends:
            break
        ends = handset.press(key)
    if keys:
        return
    while True:
        try:
            key = click.prompt("(ended) Enter redials, q quits" if ends else ">", default="", show_default=False)
        except click.Abort:
            return
        if key == "q":
            return
        ends = handset.press(key) if key and not ends else handset.dial()


class Handset:
    """One phone: remembers the key path of its call, as the network does, and draws each screen and each text."""

    def __init__(self, client: FlaskClient, gateway: Installation, phone: str) -> None:
        self.client, self.gateway, self.phone = client, gateway, phone
        self.session, self.path = "", ""
        self.mark, _old = gateway.inbox.after(0, phone) if gateway.inbox else (0, [])

    def dial(self) -> bool:
        self.session, self.path = f"chat-{secrets.token_hex(8)}", ""
        return self._send()

    def press(self, key: str) -> bool:
        self.path = f"{self.path}*{key}" if self.path else key
        return self._send()

    def choose(self, language: str) -> bool:
        """Go to the language screen from wherever the call is, and choose."""
        if "Lao ABC" not in self.screen:  # not a first-time caller: by the main menu
            self.press("00")
            self.press("4")
        return self.press(LANGUAGE_KEYS[language])

    def _send(self) -> bool:
        token = self.gateway.tokens[0]
        answer = self.client.post(
            f"/in/africastalking/{token}/ussd",
            data={
                "sessionId": self.session,
                "phoneNumber": self.phone,
                "networkCode": "99999",
                "serviceCode": self.gateway.settings.service_code,
                "text": self.path,
            },
        )
        kind, _space, self.screen = answer.text.partition(" ")
        self._draw(kind)
        if self.gateway.inbox:
            drain(self.gateway.sender, self.gateway.reaper)  # no sender need run beside a phone in a terminal
            self.mark, texts = self.gateway.inbox.after(self.mark, self.phone)
            for text in texts:
                click.echo(f" SMS: {text}")
        return kind != "CON"

    def _draw(self, kind: str) -> None:
        budget: Budget = self.gateway.ussd.budget
        alphabet = "GSM-7" if is_gsm7(self.screen) else "UCS-2"
        meter = f"{units(self.screen)}/{budget.limit(self.screen)} {alphabet}"
        typed = self.path.rpartition("*")[2] or self.gateway.settings.service_code
        click.echo(f"\n {typed}\n .{'-' * FRAME}.")
        for line in self.screen.split("\n"):
            click.echo(f" | {line}")
        click.echo(f" '{('- ' + meter + (' - end ' if kind == 'END' else ' ')).ljust(FRAME, '-')}'")
