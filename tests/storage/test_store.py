"""What one event changes, on both databases: all of it or nothing, once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.pool import NullPool

from gateway.storage.audit import Row
from gateway.storage.hot import Hot
from gateway.storage.schema import upgrade
from gateway.storage.store import ANSWER_DAYS, DAY_SECONDS, PLACE_HOURS, Answer, Conversation, Step, Store
from gateway.storage.tables import audit, conversations, inbound
from tests.faults import at_once
from tests.storage.conftest import SEALER, Open

EFFECTS: Sequence[Sequence[tuple[str, str]]] = ((), (("seen", "m1"),), (("seen", "m1"), ("seen", "m2")))
NOW = 1_795_000_000
FIRST = Step(
    key="event-1",
    caller="caller-1",
    seen=0,
    language=None,
    path_length=0,
    place={"place": "main.menu", "history": [], "pages": ["ໜ້າ 1 € \u0001 \"quoted\" 'single' %s :x"], "page": 0},
    at=NOW,
    answer=Answer("ສະບາຍດີ %(x)s :name", ends=False),
    channel="test",
    effects=(),
)
SECOND = FIRST._replace(key="event-2", seen=1, language="lo", path_length=1, at=NOW + 5)


def everything(url: str) -> dict[str, list[Any]]:
    """Every row of every table, opened; of the audit what happened, without what proves it."""
    engine = create_engine(url, poolclass=NullPool)
    columns = [audit.c[name] for name in Row._fields if name != "actor"]
    with engine.connect() as connection:
        return {
            "conversations": [
                {**row._mapping, "place": row.place and SEALER.open(row.place, f"place:{row.caller}")}
                for row in connection.execute(select(conversations))
            ],
            "inbound": [
                (key, SEALER.open(answer, f"answer:{key}"), *others)
                for key, answer, *others in connection.execute(select(inbound).order_by(inbound.c.key))
            ],
            "audit": [tuple(row) for row in connection.execute(select(*columns).order_by(audit.c.id))],
        }


def test_a_stranger_is_unknown_and_so_is_her_event(store: Store) -> None:
    assert store.load("caller-1", "event-1") == (None, None, [])


def test_a_first_step_is_read_back_as_it_was_written(store: Store) -> None:
    assert store.commit(FIRST)
    assert store.load("caller-1", "event-1") == (
        Conversation(None, "event-1", 0, FIRST.place, 1, NOW),
        FIRST.answer,
        [],
    )


def test_caller_and_event_are_found_each_on_its_own(store: Store) -> None:
    store.commit(FIRST)
    known, answer, _bound = store.load("caller-1", "event-9")
    assert known is not None
    assert answer is None
    assert store.load("caller-9", "event-1") == (None, FIRST.answer, [])


def test_the_next_step_replaces_the_place_and_keeps_both_answers(store: Store) -> None:
    store.commit(FIRST)
    after = SECOND._replace(place=None, answer=Answer("", ends=True))
    assert store.commit(after)
    assert store.load("caller-1", "event-2") == (
        Conversation("lo", "event-2", 1, None, 2, NOW + 5),
        Answer("", ends=True),
        [],
    )
    assert store.load("caller-1", "event-1")[1] == FIRST.answer


@pytest.mark.parametrize("effects", EFFECTS, ids=len)
def test_each_effect_is_one_audit_row(store: Store, store_url: str, effects: Sequence[tuple[str, str]]) -> None:
    assert store.commit(FIRST._replace(effects=effects))
    rows = [(NOW, "test", "caller-1", action, subject) for action, subject in effects]
    assert everything(store_url)["audit"] == rows


def test_whoever_comes_second_writes_nothing(store: Store, store_url: str) -> None:
    store.commit(FIRST)
    before = everything(store_url)
    for seen, effects in product((0, 2, 7), EFFECTS):
        assert store.commit(SECOND._replace(seen=seen, effects=effects)) is False
        assert everything(store_url) == before


def test_an_event_is_written_once_even_if_nobody_moved_the_caller(store: Store, store_url: str) -> None:
    store.commit(FIRST)
    before = everything(store_url)
    for effects in EFFECTS:
        assert store.commit(SECOND._replace(key="event-1", effects=effects)) is False
        assert everything(store_url) == before
    assert store.commit(SECOND)  # and the road is open for another event


def test_an_event_of_another_caller_under_a_taken_key_leaves_no_trace(store: Store, store_url: str) -> None:
    store.commit(FIRST)
    before = everything(store_url)
    assert store.commit(FIRST._replace(caller="caller-2", effects=(("seen", "m2"),))) is False
    assert everything(store_url) == before


def test_of_many_at_once_one_is_written(store: Store, store_url: str) -> None:
    store.commit(FIRST)

    def commit(number: int) -> bool:
        try:
            return store.commit(SECOND._replace(key=f"event-2{number}", effects=(("seen", f"m{number}"),)))
        finally:
            store._hot.close()

    for version in range(1, 11):
        step = [lambda n=n: commit(n) for n in range(version * 10, version * 10 + 6)]
        assert sorted(at_once(step)) == [False] * 5 + [True] if version == 1 else not any(at_once(step))
    rows = everything(store_url)
    assert len(rows["audit"]) == 1
    assert len(rows["inbound"]) == 2
    assert rows["conversations"][0]["version"] == 2


def test_one_statement_and_several_have_the_same_effect(postgres_url: str, open_hot: Open) -> None:
    upgrade(postgres_url, {"store"})
    whole, stepwise = (Store(open_hot(postgres_url), SEALER) for _road in range(2))
    assert len(whole._whole) == 2
    stepwise._whole = ()
    note = (("seen", "m1"),)
    scenario = [
        FIRST,
        FIRST._replace(key="event-0"),  # too late
        SECOND._replace(effects=note),
        SECOND._replace(seen=2, effects=note),  # a repeat
        SECOND._replace(key="event-3", seen=9, effects=note),
        SECOND._replace(key="event-4", seen=2, effects=note, place=None, answer=Answer("END", ends=True)),
        SECOND._replace(key="event-5", seen=3, effects=note * 2),
    ]
    outcomes = {}
    engine = create_engine(postgres_url, poolclass=NullPool)
    for name, store in (("whole", whole), ("stepwise", stepwise)):
        written = [store.commit(step) for step in scenario]
        outcomes[name] = (written, everything(postgres_url))
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER only_grows"))
            for table in (audit, inbound, conversations):
                connection.execute(table.delete())
    assert outcomes["whole"][0] == [True, False, True, False, False, True, True]
    assert outcomes["whole"] == outcomes["stepwise"]


def test_pruning_forgets_old_answers_and_old_screens_but_never_a_language(store: Store, store_url: str) -> None:
    store.commit(FIRST._replace(language="en", effects=(("seen", "m1"),)))
    store.commit(FIRST._replace(key="event-9", caller="caller-9", at=NOW + 10 * DAY_SECONDS))
    assert store.prune(NOW + PLACE_HOURS * 3600) == 0
    assert store.prune(NOW + PLACE_HOURS * 3600 + 1) == 1  # her screen
    known, answer, _bound = store.load("caller-1", "event-1")
    assert known is not None
    assert (known.place, known.language, known.version) == (None, "en", 1)
    assert answer == FIRST.answer
    assert store.prune(NOW + ANSWER_DAYS * DAY_SECONDS) == 1  # the other's screen
    assert store.prune(NOW + ANSWER_DAYS * DAY_SECONDS + 1) == 1  # her answer
    assert store.load("caller-1", "event-1")[1] is None
    assert store.load("caller-9", "event-9")[1] == FIRST.answer
    rows = everything(store_url)
    assert (len(rows["audit"]), len(rows["conversations"])) == (1, 2)


def test_a_step_after_pruning_goes_on_from_the_same_version(store: Store) -> None:
    store.commit(FIRST)
    store.prune(NOW + 90 * DAY_SECONDS)
    assert store.commit(SECOND)


def test_a_place_of_every_json_shape_comes_back(store: Store) -> None:
    place = {
        "data": {"list": [1, -5, None, True, {"x": ["ກໍ່", "\u0000", "👩‍👩‍👧", "\u202e"]}], "deep": {"": {}}},
        "choices": {},
    }
    store.commit(FIRST._replace(place=place))
    known, _answer, _bound = store.load("caller-1", "")
    assert known is not None
    assert known.place == place


def test_a_store_without_tables_is_a_connection_error_and_not_a_surprise(
    database_url: str, open_hot: Open
) -> None:
    hot: Hot = open_hot(database_url)
    with pytest.raises(ConnectionError):
        Store(hot, SEALER).load("caller-1", "event-1")
