"""One wired gateway, as web and commands find it in `app.extensions["pakan"]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import cast

from flask import current_app

from gateway.channels.africastalking import UssdChannel
from gateway.channels.hops import Hops
from gateway.channels.inbox import Inbox
from gateway.channels.pipeline import Pipeline
from gateway.channels.port import Provider
from gateway.conversation.engine import Engine
from gateway.conversation.fields import Field
from gateway.identity.cases import Cases
from gateway.identity.office import Office
from gateway.outbox.desk import Desk
from gateway.outbox.mail import Mailroom
from gateway.outbox.outbox import Outbox
from gateway.outbox.reaper import Reaper
from gateway.outbox.sender import Sender
from gateway.registry.port import Firms, Registry
from gateway.registry.scheme import Scheme
from gateway.reminders.batches import Batches
from gateway.settings import Settings
from gateway.storage.audit import Trail
from gateway.storage.keys import Keys
from gateway.storage.schema import Holds, shortfall
from gateway.text.alphabet import Budget


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything `app.create_app` built."""

    settings: Settings
    engine: Engine
    pipeline: Pipeline
    ussd: UssdChannel
    providers: Sequence[Provider]
    keys: Keys
    scheme: Scheme
    registry: Registry
    firms: Firms
    trail: Trail
    office: Office
    cases: Cases
    batches: Batches
    tokens: tuple[str, ...]
    facts: Mapping[str, Field]
    budgets: Mapping[str, Budget]
    locales: Path
    clock: Callable[[], datetime]
    timezone: tzinfo
    hops: Hops
    outbox: Outbox
    sender: Sender
    reaper: Reaper
    desk: Desk
    mail: Mailroom
    inboxes: Mapping[str, Inbox]  # where texts to simulated phones arrive, by the carrier's name

    @property
    def inbox(self) -> Inbox | None:
        """Where every text arrives while no operator is connected."""
        return self.inboxes.get(self.outbox.first)

    def databases(self) -> dict[str, frozenset[Holds]]:
        """Every database of this installation, and which groups of tables it holds."""
        held: dict[str, frozenset[Holds]] = {self.settings.database_url: frozenset({"store"})}
        register = self.settings.register_url
        held[register] = held.get(register, frozenset()) | {"register"}
        return held

    def shortfall(self) -> str:
        """What keeps this gateway from serving, as one sentence; empty when nothing does."""
        return shortfall(self.databases())

    def today(self) -> date:
        """The date where the scheme is, not where the server is."""
        return self.clock().astimezone(self.timezone).date()


def installation() -> Installation:
    """The gateway of the current Flask application."""
    return cast(Installation, current_app.extensions["pakan"])
