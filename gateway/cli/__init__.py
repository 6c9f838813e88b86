"""Flask commands. `flask --help` lists them; every one explains itself with `--help`."""

from gateway.cli.alerts import alerts
from gateway.cli.audit import audit
from gateway.cli.cases import bindings, cases
from gateway.cli.chat import chat
from gateway.cli.effect import effect
from gateway.cli.flows import flows
from gateway.cli.keys import keys
from gateway.cli.members import members
from gateway.cli.outbox import outbox
from gateway.cli.reminders import reminders
from gateway.cli.returns import returns
from gateway.cli.serve import serve
from gateway.cli.store import store
from gateway.cli.words import words

from gateway.cli import reminders_office  # noqa: F401 isort: skip (adds its commands to those of `reminders`)

reminders.add_command(effect)

commands = (
    *(alerts, audit, bindings, cases, chat, flows, keys, members, outbox),
    *(reminders, returns, serve, store, words),
)

__all__ = ["commands"]
