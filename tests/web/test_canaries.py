"""A thousand members, each with a name, a number, a phone and amounts that are hers alone: nothing of them leaks.

They go every way, the ones that fail included; then everything that a stranger could get hold of is searched:
logs, standard output, every answer that is no screen of hers, metrics and health, and the gateway's own tables as
a thief without the keys has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, insert, text
from sqlalchemy.pool import NullPool

from app import create_app
from gateway.registry.port import Posting
from gateway.registry.sql import SqlRegistry
from gateway.registry.tables import CODES, contributions, employers, members
from gateway.storage.hot import Hot
from gateway.storage.schema import upgrade
from gateway.storage.store import Store
from gateway.storage.tables import store
from gateway.text.values import Month
from tests.conftest import TOKEN, Clock, Texts
from tests.faults import hang_up
from tests.web.test_redaction import Quoting, found_in, spellings

MADE = re.compile(
    r"\b(?:[1-9]\.)?[0-9a-f]{32}\b|\b[0-9a-f]{64}\b|\b[1-9]\.[A-Za-z0-9+/]{38,}={0,2}"
)  # may hold six digits by chance
MEASURED = re.compile(
    r"^(\w+_(?:sum|created)\{[^}]*\}) \S+$", re.MULTILINE
)  # a float may hold six digits by chance
PEOPLE = 1_000
WITH_PIN = 12  # of them: each PIN costs two hashes of 20 ms
BORN, BIRTH_DATE = date(1990, 11, 5), "05111990"
LAST = Month(2026, 10)


def phone(person: int) -> str:
    return f"+8562077{person:06d}"


def number(person: int) -> str:
    return f"9934{person:08d}"


def name(person: int) -> str:
    return f"Canary{person:04d}Thotlong"


def amount(person: int) -> int:
    return 611_000_000 + person * 7


@pytest.fixture
def urls(tmp_path: Path) -> tuple[str, str]:
    """The gateway's own database, and the register beside it."""
    own, register = (f"sqlite:///{tmp_path}/{name}.db" for name in ("own", "register"))
    upgrade(own, {"store"})
    upgrade(register, {"register"})
    people = range(1, PEOPLE + 1)
    with create_engine(register, poolclass=NullPool).begin() as connection:
        connection.execute(
            insert(employers),
            [{"id": n, "code": f"{n:05d}-77", "name_lo": "", "name_latin": f"Owner{n:04d}"} for n in people],
        )
        her = {"name_lo": "", "birth_date": BORN}
        connection.execute(
            insert(members),
            [{"id": n, "number": number(n), "name_latin": name(n), "msisdn": phone(n), **her} for n in people],
        )
        paid = {"month": LAST.index, "status": CODES[Posting.POSTED], "insured_earnings": 1, "posted_on": BORN}
        connection.execute(
            insert(contributions),
            [{"member_id": n, "employer_id": n, "due": amount(n), "paid": amount(n), **paid} for n in people],
        )
    return own, register


@pytest.fixture
def gateway(urls: tuple[str, str], tmp_path: Path, clock: Clock, texts: Texts) -> Iterator[Flask]:
    own, register = urls
    config = {"database_url": own, "registry_url": register, "keys_dir": tmp_path / "keys", "hotline": "1508"}
    texts.name = "africastalking"
    account = {"at_username": "synthetic-user", "at_api_key": "synthetic-key-of-many-letters"}
    app = create_app({**config, **account, "webhook_tokens": (TOKEN,)}, clock=clock, carriers=(texts,))
    texts.of(app)
    yield app
    hang_up(app)


class Overheard:
    """What the application answers, head and body, but for the screens of calls."""

    def __init__(self, app: Flask) -> None:
        self._serve, self.heads, self.bodies = app.wsgi_app, "", ""
        app.wsgi_app = self  # type: ignore[method-assign]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        said: list[str] = []

        def started(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            said.append(f"{status} {headers}\n")
            return start_response(status, headers, *error)

        body = b"".join(self._serve(environ, started))
        self.heads += "".join(said)
        if not body.startswith((b"CON ", b"END ")):
            self.bodies += body.decode()
        return [body]


class Caller:
    """One member on her phone; what she read is hers, and not searched."""

    def __init__(self, app: Flask, person: int) -> None:
        self.client, self.person, self.path, self.read = app.test_client(), person, "", ""

    def types(self, *keys: str) -> str:
        for key in keys:
            self.path = f"{self.path}*{key}".lstrip("*")
            form = {"sessionId": f"s{self.person}", "phoneNumber": phone(self.person), "text": self.path}
            self.read = self.client.post(f"/in/africastalking/{TOKEN}/ussd", data=form).text
        return self.read

    def writes(self, *words: str) -> None:
        """By SMS; each word is taken."""
        for word in words:
            form = {"id": f"{word} {self.person}", "from": phone(self.person), "text": word}
            assert self.client.post(f"/in/africastalking/{TOKEN}/sms", data=form).status_code == 200

    def fumbles(self) -> set[int]:
        """Her provider, and strangers who know of her, send what is refused, not understood or not kept."""
        her = {"phoneNumber": phone(self.person), "name": name(self.person), "text": number(self.person)}
        ours, query = f"/in/africastalking/{TOKEN}", f"?phone={phone(self.person)[1:]}&text={number(self.person)}"
        answers = [
            self.client.post(f"{ours}/ussd", data=her),  # no session
            self.client.post(f"{ours}/sms", data=her),
            self.client.post(f"{ours}/delivery", data=her),
            self.client.post(f"{ours}/{number(self.person)}", data=her),
            self.client.post(f"{ours}x/ussd{query}", data=her),
            self.client.get(f"{ours}/ussd{query}"),
            self.client.get(f"/{name(self.person)}{query}"),
            self.client.post(f"{ours}/ussd", data={**her, "text": number(self.person) * 10_000}),
            self.client.post("/metrics", data=her),
        ]
        with pytest.MonkeyPatch.context() as patch:
            Quoting.number, Quoting.canary = phone(self.person), number(self.person)
            patch.setattr(Store, "commit", Quoting(ConnectionError))
            form = {"id": f"lost {self.person}", "from": phone(self.person), "text": number(self.person)}
            answers.append(self.client.post(f"{ours}/sms", data=form))
            patch.setattr(Hot, "rows", Quoting(ConnectionError))
            assert self.client.get("/metrics").status_code == 503
        answers += [self.client.get(path) for path in ("/metrics", "/healthz", "/readyz")]
        return {answer.status_code for answer in answers}


def test_a_thousand_canaries_are_nowhere(
    gateway: Flask,
    urls: tuple[str, str],
    texts: Texts,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    overheard = Overheard(gateway)
    secrets: set[str] = {BIRTH_DATE, TOKEN}
    shown = 0
    for person in range(1, PEOPLE + 1):
        secrets |= {number(person), name(person), f"Owner{person:04d}", str(amount(person)), f"{amount(person):,}"}
        secrets |= {*spellings(phone(person))}
        caller = Caller(gateway, person)
        caller.types("", "2", "1", number(person), f"0611{1990 - person % 50}", "00")  # a wrong birth date first
        shown += "1 of the last 12 months are paid" in caller.types("1", number(person), BIRTH_DATE)
        caller.types("1", "0", "2", "0", "3", "0")
        caller.writes("somthop", name(person), number(person), "STOP")
        if person % 5 == 0:  # then something falls over, quoting her
            Quoting.number, Quoting.canary = phone(person), number(person)
            owner, method = ((SqlRegistry, "record"), (Store, "commit"), (SqlRegistry, "history"))[person % 3]
            with monkeypatch.context() as patch:
                patch.setattr(owner, method, Quoting(ConnectionError if person % 2 else ValueError))
                caller.types("2", "1")
        if person % 50 == 0:
            assert caller.fumbles() == {200, 400, 404, 503}
        if person <= WITH_PIN:
            caller = Caller(gateway, person)
            caller.path = ""
            caller.types("", "00", "1", "4", "1", number(person), BIRTH_DATE)
            code = texts.code(phone(person))
            screen = caller.types(code)
            pin = screen.partition("Your PIN: ")[2][:6]
            assert pin.isdecimal()
            secrets |= {code, pin}
            assert f"{amount(person):,}" in caller.types(pin)
    assert shown == PEOPLE
    assert all(any("1 of the last 12" in read for read in texts.to(phone(one))) for one in (1, PEOPLE))
    logged = "".join(capfd.readouterr())
    assert logged.count("\n") > PEOPLE // 10
    engine = create_engine(urls[0], poolclass=NullPool)
    with engine.connect() as connection:
        stolen = "\n".join(
            str(tuple(row)) for table in store.tables for row in connection.execute(text(f"SELECT * FROM {table}"))
        )
    assert stolen.count("\n") > PEOPLE * 5
    assert overheard.bodies.count("pakan_hop_seconds_sum") > PEOPLE // 50
    assert found_in(overheard.heads, secrets) == set()
    assert found_in(MEASURED.sub(r"\1", overheard.bodies), secrets) == set()
    assert found_in(logged, secrets) == set()
    assert found_in(MADE.sub("", stolen), secrets) == set()
