"""A key is rotated while callers are on the line: nobody notices (reliability target R27)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from gateway.channels.pipeline import Pipeline
from gateway.installation import Installation
from gateway.storage.engines import open_engine
from gateway.storage.keys import Keys, rotate, version_of_hash
from gateway.storage.renewal import Renewal, needing, phone_of_binding
from gateway.storage.store import LEFT, Store
from tests.channels.conftest import ALL_PAID, NOTHING_PAID, SHARED, SUMMARY, Line, looks, rows
from tests.conftest import TOKEN
from tests.faults import at_once, hang_up
from tests.storage.conftest import OpenApp
from tests.storage.crowd import CALLERS, CALLS, MENUS, NOW, THREADS, Crowd, bind

ROOT = Path(__file__).resolve().parents[2]
COMMAND_SECONDS = 120
ROTATIONS = 5


def pipeline_of(app: Flask) -> Pipeline:
    gateway: Installation = app.extensions["pakan"]
    return gateway.pipeline


def flask(url: str, directory: Path, *words: str) -> str:
    """`flask keys ...` in a process of its own."""
    settings = {"PAKAN_DATABASE_URL": url, "PAKAN_KEYS_DIR": str(directory), "PAKAN_WEBHOOK_TOKENS": TOKEN}
    ran = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "keys", *words],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("name", ["index", "data"])
def test_nobody_on_the_line_notices_a_rotation(url: str, directory: Path, start: OpenApp, name: str) -> None:
    """A process that is not restarted, one that is, and commands: no hop fails, nothing is forgotten."""
    apps = [start()]
    crowd = Crowd(url, apps)
    bind(url, Keys(directory), [number for caller in crowd.callers for number in caller.numbers])
    before = len(rows(url, "SELECT key FROM inbound"))
    with crowd:
        crowd.calls_on()
        flask(url, directory, "rotate", name)
        crowd.calls_on()
        flask(url, directory, "renew")
        crowd.calls_on()
        apps.append(start())  # the first of two is restarted: any hop of a call may reach either
        crowd.calls_on()
        flask(url, directory, "renew")
        crowd.calls_on()
    assert crowd.problems() == []
    calls = sum(caller.calls for caller in crowd.callers)
    repeats = sum(caller.repeats for caller in crowd.callers)
    assert calls >= THREADS * CALLS * 5
    assert repeats > calls
    assert looks(url) == calls  # each record was looked at once a call: no event had two effects
    assert len(rows(url, "SELECT key FROM inbound")) >= before + 4 * (calls - THREADS * CALLERS)
    languages = rows(
        url, f"SELECT language, count(*) FROM conversations WHERE event <> '{LEFT}' GROUP BY language"
    )
    assert sorted(languages) == [("en", CALLERS), ("lo", CALLERS), ("lo_Latn", CALLERS)]

    keys, engine = Keys(directory), open_engine(url)
    Renewal(engine, keys).run()
    needed = needing(engine, keys, NOW)[name]
    assert set(needed[1]) <= {"answers"} if name == "index" else not needed[1]  # every caller called since
    assert needed[2]
    assert not needed[0]
    phones = [
        keys.sealer.open(phone, phone_of_binding(caller, member))
        for caller, member, phone in rows(url, "SELECT caller, member, phone FROM bindings")
    ]
    others = [ALL_PAID, NOTHING_PAID, SHARED, SHARED]
    assert sorted(phones) == sorted([*others, *(number for caller in crowd.callers for number in caller.numbers)])
    callers = {caller for (caller,) in rows(url, "SELECT caller FROM bindings")}
    assert callers == {keys.hasher("caller", phone) for phone in phones}


@pytest.mark.parametrize("restarted", [True, False])
def test_an_event_answered_before_the_rotation_is_a_repeat_after_it(
    url: str, directory: Path, start: OpenApp, restarted: bool
) -> None:
    """At once, after she moved to the newer key, and from either process."""
    old = start()
    line = Line(old).in_english()
    journey = ("", "00", "00*1", "00*1*2")
    said = line.call("s1", *journey)
    rotate(directory, "index")
    app = start() if restarted else old
    assert Line(app).call("s1", *journey) == said
    assert looks(url) == 1
    assert Line(app).hop("s1", "00*1*2*0").startswith(SUMMARY)  # the call goes on from where it was
    assert Line(app).call("s1", *journey) == said
    assert Line(old).call("s1", *journey) == said
    assert Line(start()).call("s1", *journey) == said
    assert looks(url) == 1
    versions = [
        version_of_hash(caller) for (caller,) in rows(url, "SELECT caller FROM conversations ORDER BY caller")
    ]
    assert sorted(versions) == ([1, 2] if restarted else [1])


def test_a_caller_who_moved_is_found_by_a_process_that_does_not_know_the_key(
    url: str, directory: Path, start: OpenApp
) -> None:
    old = start()
    Line(old).in_english()
    rotate(directory, "index")
    new = start()
    first = Line(new).call("s1", "", "00")
    assert len(pipeline_of(old).keys.hashers) == 1
    assert Line(old).hop("s1", "00*1").startswith(SUMMARY)
    assert len(pipeline_of(old).keys.hashers) == 2
    assert Line(old).call("s1", "", "00") == first
    assert Line(new).hop("s1", "00*1*0") == first[1]


def test_copies_of_the_hop_that_moves_a_caller_have_one_effect(url: str, directory: Path, start: OpenApp) -> None:
    """In two processes that know the newer key and one that does not, at the same moment."""
    old = start()
    Line(old).in_english()
    for number in range(ROTATIONS):
        Line(old).call(f"before-{number}", "", "00")
        rotate(directory, "index")
        apps = [old, start(), start()]

        def hop(app: Flask, session: str = f"s{number}") -> str:
            try:
                return Line(app).hop(session, "1")
            finally:
                hang_up(app)

        said = at_once([lambda app=app: hop(app) for app in apps * 2])  # type: ignore[misc]
        assert len(set(said)) == 1
        assert said[0].startswith(SUMMARY)
        assert looks(url) == number + 1
        assert len(rows(url, f"SELECT caller FROM conversations WHERE event <> '{LEFT}'")) == 1


def test_one_live_version_costs_one_read(
    url: str, directory: Path, start: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two live, a hop costs a second one: the event may have been answered under the older."""
    reads: list[str] = []
    load = Store.load

    def counted(store: Store, caller: str, key: str, seat: str = "") -> object:
        reads.append(caller)
        return load(store, caller, key, seat)

    monkeypatch.setattr(Store, "load", counted)
    line = Line(start()).in_english()
    line.call("s1", "", "00", "00*1", "00*1")
    assert len(reads) == 6
    rotate(directory, "index")
    line = Line(start())
    reads.clear()
    line.call("s2", "", "00", "00*1", "00*1")
    assert len(reads) == 7


def test_a_stranger_is_a_stranger_under_two_keys(url: str, directory: Path, start: OpenApp) -> None:
    start()
    rotate(directory, "index")
    app = start()
    assert Line(app).call("s1", "", "2")[1].startswith(MENUS["2"])
    [(caller, version)] = rows(url, "SELECT caller, version FROM conversations")
    assert (version_of_hash(caller), version) == (2, 2)
