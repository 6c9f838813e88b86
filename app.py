"""Build, wire, register: the only place that knows both the conversations and the machinery."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from flows import Ports, atlas
from gateway.channels.africastalking import UssdChannel
from gateway.channels.connections import ANSWERS, by_sms, connected
from gateway.channels.forms import MAX_BODY
from gateway.channels.hops import Hops
from gateway.channels.inbox import Inbox
from gateway.channels.pipeline import Pipeline
from gateway.cli import commands
from gateway.cli.keys import keys as keys_commands
from gateway.conversation.check import check
from gateway.conversation.engine import Engine
from gateway.conversation.fields import Fact
from gateway.identity.bindings import Bindings
from gateway.identity.cases import Cases
from gateway.identity.codes import Codes
from gateway.identity.doorkeeper import Doorkeeper
from gateway.identity.hashing import Gate
from gateway.identity.office import Office
from gateway.identity.pins import Pins
from gateway.installation import Installation
from gateway.logs import configure_logs, seal_process
from gateway.outbox.desk import Desk
from gateway.outbox.mail import Mailroom
from gateway.outbox.outbox import Outbox
from gateway.outbox.port import Carrier
from gateway.outbox.reaper import Reaper
from gateway.outbox.replies import Replies
from gateway.outbox.sender import Sender
from gateway.registry.port import Registry
from gateway.registry.scheme import Scheme, load_scheme, open_scheme
from gateway.registry.sql import SqlRegistry
from gateway.registry.sql_firms import SqlFirms
from gateway.reminders.batches import Batches
from gateway.reminders.claims import EmployerClaims
from gateway.reminders.ladder import load_ladder
from gateway.reminders.wording import SAID
from gateway.settings import Settings, read_settings
from gateway.storage.audit import Trail
from gateway.storage.hot import Hot
from gateway.storage.keys import Keys, webhook_token
from gateway.storage.store import Store
from gateway.storage.tallies import Tallies
from gateway.text.alphabet import Budget
from gateway.text.catalogue import Catalogues, read_entries
from gateway.web.edge import Edge, failed, not_found
from gateway.web.health import health
from gateway.web.metrics import metrics
from gateway.web.phone import phone
from gateway.web.webhooks import webhooks

LOCALES = Path(__file__).parent / "locales"
DIAGRAMS = Path(__file__).parent / "docs"  # drawn by `make diagrams`, one a flow


def create_app(
    config: Mapping[str, Any] | None = None,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    registry: Registry | None = None,
    carriers: Sequence[Carrier] = (),
    scheme: Scheme | None = None,
) -> Flask:
    """The gateway as a WSGI application.

    `config` overrides settings by name; `clock` gives aware UTC times; `registry` replaces the SQL register,
    `carriers` what the settings would connect, `scheme` the facts that ship with the gateway.
    Raises SystemExit with every problem at once when settings or conversations cannot be run with.
    """
    configure_logs()
    settings = read_settings(config)
    gateway = build(settings, clock, registry, carriers, scheme)
    app = Edge("pakan", static_folder=None)
    app.config["KEYS_DIR"] = settings.keys_dir
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.extensions["pakan"] = gateway
    app.register_blueprint(webhooks(gateway.pipeline, gateway.providers))
    app.register_blueprint(health(gateway.shortfall))
    app.register_blueprint(metrics(gateway.desk.counts, gateway.outbox.now, gateway.hops))
    if not settings.production:
        app.register_blueprint(phone(gateway, DIAGRAMS))
    app.register_error_handler(404, not_found)
    app.register_error_handler(405, not_found)
    app.register_error_handler(500, failed)
    for command in commands:
        app.cli.add_command(command)
    return app


def setup(config: Mapping[str, Any] | None = None) -> Flask:
    """Only `flask --app app:setup keys make`, which production needs before the gateway itself can start."""
    app = Flask("pakan", static_folder=None)
    app.config["KEYS_DIR"] = read_settings({**(config or {}), "production": False}).keys_dir
    app.cli.add_command(keys_commands)
    return app


def serve() -> Flask:
    """The gateway in a process that serves it: for `granian --factory app:serve`, or `gunicorn 'app:serve()'`.

    Beside what `create_app` does, nothing that libraries say in this process is written out (`seal_process`).
    """
    seal_process()
    app = create_app()
    seal_process()  # once more: libraries that came along may have brought handlers of their own
    return app


def scheme_of(settings: Settings) -> Scheme:
    """The facts that this installation goes by; raises SystemExit where its file cannot be used."""
    if settings.scheme_file is None:
        return load_scheme()
    try:
        return open_scheme(settings.scheme_file)
    except ValueError as problem:
        raise SystemExit(f"PAKAN_SCHEME_FILE does not work: {problem}") from problem


def build(
    settings: Settings,
    clock: Callable[[], datetime],
    registry: Registry | None = None,
    carriers: Sequence[Carrier] = (),
    scheme: Scheme | None = None,
) -> Installation:
    """Wire one gateway, and refuse a conversation that some caller could not read."""
    timezone = ZoneInfo(settings.timezone)
    scheme = scheme or scheme_of(settings)

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
    faults = check(atlas, read_entries(LOCALES), budgets, facts, SAID)
    if faults:
        raise SystemExit("This conversation cannot be run:\n" + "\n".join(f"  {fault}" for fault in faults))
    engine = Engine(atlas, catalogues, facts)
    keys = Keys(settings.keys_dir, make=not settings.production)
    hot = Hot(settings.database_url)
    # one SQLite file, one link: its cache serves both; a link to a server is lost with a slow look-up
    shared = hot.is_sqlite and settings.register_url == settings.database_url
    register = hot if shared else Hot(settings.register_url)
    registry, firms = registry or SqlRegistry(register, today), SqlFirms(register)
    tokens = settings.webhook_tokens or (webhook_token(settings.keys_dir),)
    providers = connected(settings, ussd, tokens[0])
    carriers = carriers or [carrier for provider in providers for carrier in provider.carriers]
    first = by_sms(carriers, settings.sms_carrier)
    outbox = Outbox(hot, keys, clock, first)
    tallies, by_name = Tallies(hot), {carrier.name: carrier for carrier in carriers}
    trail, bindings, cases, pins = (
        Trail(hot),
        Bindings(hot, keys.sealer),
        Cases(hot, keys.sealer),
        Pins(hot, keys, clock, Gate()),
    )
    codes = Codes(hot, keys, clock, outbox.step if first else None, settings.codes_per_day)
    doorkeeper = Doorkeeper(
        keys=keys,
        clock=clock,
        timezone=timezone,
        registry=registry,
        firms=firms,
        bindings=bindings,
        pins=pins,
        codes=codes,
        cases=cases,
        tallies=tallies,
        trail=trail,
        post=outbox.post if first else None,
        chooses_pin=settings.pin_choice,
    )
    desk = Desk(outbox)
    replies = Replies(tallies, keys, clock, chats=ANSWERS)
    mail = Mailroom(outbox, desk, replies)
    claims = EmployerClaims(register, cases, trail, keys, load_ladder(), scheme, clock)
    ports = Ports(registry, firms, scheme, doorkeeper, mail, claims, timezone)
    calls = {channel.name for provider in providers for channel in provider.calls.values()}
    hops = Hops(calls | {channel.name for provider in providers for channel in provider.texts.values()})
    return Installation(
        settings=settings,
        engine=engine,
        pipeline=Pipeline(
            engine, ports, Store(hot, keys.sealer), outbox, replies, keys, tokens, clock, timezone, hops
        ),
        ussd=ussd,
        providers=providers,
        keys=keys,
        scheme=scheme,
        registry=registry,
        firms=firms,
        trail=trail,
        cases=cases,
        batches=Batches(outbox, trail),
        office=Office(hot, keys, clock, bindings, pins, codes, cases, trail),
        tokens=tokens,
        facts=facts,
        budgets=budgets,
        locales=LOCALES,
        clock=clock,
        timezone=timezone,
        hops=hops,
        outbox=outbox,
        sender=Sender(outbox, by_name, tallies, timezone, settings.rates, bulk_pace=settings.bulk_pace),
        reaper=Reaper(outbox, by_name),
        desk=desk,
        mail=mail,
        inboxes={carrier.name: carrier for carrier in carriers if isinstance(carrier, Inbox)},
    )
