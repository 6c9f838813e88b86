"""Build, wire, register: the only place that knows both the conversations and the machinery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from flows import Ports, atlas
from gateway.channels.africastalking import MAX_BODY, UssdChannel
from gateway.channels.pipeline import Pipeline
from gateway.cli import commands
from gateway.conversation.check import check
from gateway.conversation.engine import Engine
from gateway.conversation.fields import Fact
from gateway.installation import Installation
from gateway.logs import configure_logs
from gateway.registry.scheme import load_scheme
from gateway.registry.sql import SqlRegistry
from gateway.settings import Settings, read_settings
from gateway.storage.hot import Hot
from gateway.storage.keys import hasher, webhook_token
from gateway.storage.store import Store
from gateway.text.alphabet import Budget
from gateway.text.catalogue import Catalogues, read_entries
from gateway.web.health import health
from gateway.web.webhooks import not_found, webhooks

LOCALES = Path(__file__).parent / "locales"


def create_app(
    config: Mapping[str, Any] | None = None,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ports: Ports | None = None,
) -> Flask:
    """The gateway as a WSGI application.

    `config` overrides settings by name; `clock` gives aware UTC times; `ports` replaces the SQL register.
    Raises SystemExit with every problem at once when settings or conversations cannot be run with.
    """
    configure_logs()
    gateway = build(read_settings(config), clock, ports)
    app = Flask("pakan", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.extensions["pakan"] = gateway
    app.register_blueprint(webhooks(gateway.pipeline, gateway.ussd))
    app.register_blueprint(health(gateway.shortfall))
    app.register_error_handler(404, not_found)
    app.register_error_handler(405, not_found)
    for command in commands:
        app.cli.add_command(command)
    return app


def build(settings: Settings, clock: Callable[[], datetime], ports: Ports | None = None) -> Installation:
    """Wire one gateway, and refuse a conversation that some caller could not read."""
    timezone = ZoneInfo(settings.timezone)
    scheme = load_scheme()

    def today() -> date:
        return clock().astimezone(timezone).date()

    told = scheme.on(today()).hotline
    facts = {
        "hotline": Fact(settings.hotline or (told.value if told else "-")),
        "code": Fact(settings.service_code),
    }
    ussd = UssdChannel(Budget(settings.ussd_gsm7, settings.ussd_ucs2))
    budgets = {"USSD": ussd.budget}
    catalogues = Catalogues.load(LOCALES, settings.default_language)
    faults = check(atlas, read_entries(LOCALES), budgets, facts)
    if faults:
        raise SystemExit("This conversation cannot be run:\n" + "\n".join(f"  {fault}" for fault in faults))
    engine = Engine(atlas, catalogues, facts)
    hot = Hot(settings.database_url)
    if ports is None:
        # one SQLite file, one link: its cache serves both; a link to a server is lost with a slow look-up
        shared = hot.is_sqlite and settings.register_url == settings.database_url
        ports = Ports(SqlRegistry(hot if shared else Hot(settings.register_url), today), scheme)
    tokens = settings.webhook_tokens or (webhook_token(settings.keys_dir),)
    pipeline = Pipeline(engine, ports, Store(hot), hasher(settings.keys_dir), tokens, clock, timezone)
    return Installation(settings, engine, pipeline, ussd, tokens, facts, budgets, LOCALES, clock, timezone)
