"""Flask commands. `flask --help` lists them; every one explains itself with `--help`."""

from gateway.cli.chat import chat
from gateway.cli.flows import flows
from gateway.cli.members import members
from gateway.cli.serve import serve
from gateway.cli.store import store

commands = (chat, flows, members, serve, store)

__all__ = ["commands"]
