"""What a stolen dump gives away: nothing of what was read, and no number by trying all of them (threat T40)."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, delete, insert, text, update
from sqlalchemy.pool import NullPool

from app import create_app
from gateway.channels.pipeline import RESUME_SECONDS
from gateway.installation import Installation
from gateway.storage.keys import Hasher, Keys, Sealer, Unsealable
from gateway.storage.store import Store, answer_of, place_of
from gateway.storage.tables import conversations, inbound
from gateway.storage.tables import store as tables
from tests.channels.conftest import ALL_PAID, NOTHING_PAID, SUMMARY, Line, fill, looks, rows, sorry, state
from tests.conftest import TOKEN, Clock
from tests.faults import hang_up
from tests.storage.conftest import SEALER, Open
from tests.storage.test_store import FIRST

MENU = "CON Social security"
RANGE = range(10_000)  # of numbers, among them the caller's


@pytest.fixture
def sealed_app(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Flask]:
    config = {
        "database_url": fill(database_url, tmp_path / "keys"),
        "keys_dir": tmp_path / "keys",
        "webhook_tokens": (TOKEN,),
    }
    app = create_app({**config, "hotline": "1508"}, clock=clock)
    yield app
    hang_up(app)


def keys_of(app: Flask) -> Keys:
    gateway: Installation = app.extensions["pakan"]
    return gateway.keys


def dump(url: str) -> str:
    """All that the gateway's own tables hold, as one text."""
    return "\n".join(
        str(row) for table in tables.sorted_tables for row in rows(url, f"SELECT * FROM {table.name}")
    )


def test_a_dump_shows_no_month_and_no_standing(sealed_app: Flask, database_url: str, clock: Clock) -> None:
    """What callers read and where they stand is in the tables, and no word of it can be read there."""
    said = ""
    for number in (ALL_PAID, NOTHING_PAID):
        for call, language in enumerate("123"):
            line = Line(sealed_app, number)
            clock.moves(seconds=RESUME_SECONDS + 1)
            said += "\n" + "\n".join(
                line.call(f"choose-{call}", "", *(["4", "4*1", f"4*1*{language}"] if call else [language]))
            )
            clock.moves(seconds=RESUME_SECONDS + 1)
            said += "\n" + "\n".join(line.call(f"read-{call}", "1", "1*1", "1*1*1", "1*1*1*00", "1*1*1*00*2"))
    stolen = dump(database_url)
    words = set(re.findall(r"[^\W\d_]{4,}|\d\d/\d{4}", said)) - {"africastalking", "contributions"}
    assert {"10/2026", "months", "paid", "employer"} <= words
    assert len(words) > 60
    assert len(rows(database_url, "SELECT place FROM conversations WHERE place IS NOT NULL")) == 2
    assert [word for word in sorted(words) if word in stolen] == []
    keys = keys_of(sealed_app)
    opened = [
        keys.sealer.open(answer, answer_of(key))
        for key, answer in rows(database_url, "SELECT key, answer FROM inbound")
    ]
    assert {*re.findall(r"[^\W\d_]{4,}|\d\d/\d{4}", "\n".join(opened))} >= words - {"CON", "END"}


def test_the_same_words_are_never_sealed_alike(sealed_app: Flask, database_url: str) -> None:
    line = Line(sealed_app).in_english()
    for number in range(20):
        line.hop(f"s{number}", "1")
    answers = [answer for (answer,) in rows(database_url, "SELECT answer FROM inbound")]
    assert len(set(answers)) == len(answers) == 22
    nonces = {b64decode(answer.partition(".")[2])[:12] for answer in answers}
    assert len(nonces) == 22


WHERES = (
    *(place_of("caller-1"), place_of("caller-2"), answer_of("caller-1"), answer_of("event-1")),
    *("place:", "place:caller-1 ", "caller-1", ""),
)


@pytest.mark.parametrize(("sealed_for", "opened_for"), list(product(WHERES, WHERES)))
def test_a_text_opens_only_in_the_row_and_the_column_it_was_sealed_for(sealed_for: str, opened_for: str) -> None:
    sealed = SEALER.seal("two months", sealed_for)
    if sealed_for == opened_for:
        assert SEALER.open(sealed, opened_for) == "two months"
    else:
        with pytest.raises(Unsealable):
            SEALER.open(sealed, opened_for)


def test_no_flipped_bit_opens() -> None:
    version, _dot, text = SEALER.seal("two months", "place:1").partition(".")
    data = b64decode(text)
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Unsealable):
            SEALER.open(f"{version}.{b64encode(flipped).decode()}", "place:1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "1",
        "1.",
        "2 months",
        '{"place": "main.menu"}',
        "1.AAAA",
        "1." + "A" * 40,
        "-1.AAAA",
        "9" * 5000 + ".A",
    ],
)
def test_what_was_never_sealed_does_not_open_and_is_not_quoted(text: str) -> None:
    with pytest.raises(Unsealable) as refused:
        SEALER.open(text, "place:1")
    assert str(refused.value) == "place"


def test_a_version_is_not_to_be_changed() -> None:
    two = Sealer({1: bytes(range(32)), 2: bytes(range(1, 33))})
    sealed = two.seal("two months", "place:1")
    assert sealed.startswith("2.")
    assert two.open(sealed, "place:1") == "two months"
    with pytest.raises(Unsealable):
        two.open("1" + sealed[1:], "place:1")
    with pytest.raises(Unsealable):
        SEALER.open(sealed, "place:1")


def test_swapped_rows_are_no_place_and_no_words(store: Store, store_url: str) -> None:
    """Whoever can write to the database cannot make one caller read another's screen."""
    for number in (1, 2):
        assert store.commit(FIRST._replace(key=f"event-{number}", caller=f"caller-{number}"))
    engine = create_engine(store_url, poolclass=NullPool)
    with engine.begin() as connection:
        for column, key in ((conversations.c.place, conversations.c.caller), (inbound.c.answer, inbound.c.key)):
            (one, its), (two, others) = sorted(
                map(tuple, connection.execute(text(f"SELECT {key.name}, {column.name} FROM {key.table.name}")))
            )
            for row, swapped in ((one, others), (two, its)):
                connection.execute(update(key.table).where(key == row).values({column: swapped}))
    for number in (1, 2):
        known, answer, _bound = store.load(f"caller-{number}", f"event-{number}")
        assert known is not None
        assert known.place is None
        assert answer == ("", True)


CLEAR = '{"place":"main.menu","history":[],"pages":["x"],"page":0}'


@pytest.mark.parametrize("how", ["in the clear", "by another key"])
def test_what_cannot_be_opened_is_no_place_and_a_repeat_without_words(
    sealed_app: Flask, database_url: str, how: str
) -> None:
    """As after an upgrade, or with a lost key: her language holds, and a repeat has no second effect."""
    line = Line(sealed_app).in_english()
    assert line.call("s1", "1", "1*2")[0].startswith(SUMMARY)
    other = Sealer({1: bytes(range(7, 39))})
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.begin() as connection:
        place, answer = (
            (CLEAR, "12 months") if how == "in the clear" else (other.seal(CLEAR, ""), other.seal("x", ""))
        )
        connection.execute(update(conversations).values(place=place))
        connection.execute(update(inbound).values(answer=answer, ends=False))
    before = state(database_url)
    assert line.hop("s1", "1") == line.hop("s1", "1*2") == sorry(sealed_app, "en")
    assert state(database_url) == before
    assert looks(database_url) == 1
    assert line.hop("s1", "1*2*1").startswith(MENU)  # the call goes on, from the main menu
    assert line.hop("s2", "1").startswith(SUMMARY)


def unkeyed(phone: str) -> Iterator[str]:
    """What somebody without keys can compute of a number: itself, and hashes of it in every usual form."""
    yield from (phone, phone[1:], phone.removeprefix("+856"), f"0{phone.removeprefix('+856')}")
    framed = f"6:caller{len(phone)}:{phone}"
    for message in (phone.encode(), phone[1:].encode(), framed.encode()):
        for name in ("sha256", "sha1", "md5", "blake2b"):
            yield hashlib.new(name, message).hexdigest()[:32]
        yield hashlib.blake2b(message, digest_size=16).hexdigest()
        yield hmac.digest(b"", message, "sha256").hex()[:32]
    yield Hasher(bytes(32))("caller", phone)


def recovered(stolen: str, guesses: Iterable[tuple[str, str]]) -> set[str]:
    """The numbers of which something computed stands in the dump."""
    kept = set(re.findall(r"\+?[0-9a-f]{8,}", stolen))
    return {phone for phone, guess in guesses if guess in kept}


def test_no_number_is_found_by_trying_all_of_them_without_the_keys(sealed_app: Flask, database_url: str) -> None:
    phones = [f"+85620555{number:05d}" for number in RANGE]
    caller = "+8562055507777"
    assert caller in phones
    Line(sealed_app, caller).in_english().call("s1", "1", "1*1", "1*1*1234")
    stolen = dump(database_url)

    without_keys = [(phone, guess) for phone in phones for guess in unkeyed(phone)]
    assert recovered(stolen, without_keys) == set()

    hasher = keys_of(sealed_app).hasher
    bound = {"+8562055500001", "+8562055500002", "+8562055500003"}  # their members have proved who they are
    assert recovered(stolen, ((phone, hasher("caller", phone)) for phone in phones)) == {caller, *bound}

    for kept in unkeyed(caller):  # had it been kept in any of these forms, the same search finds it
        assert recovered(f"{stolen} {kept}", without_keys) == {caller}


def test_a_forgotten_event_is_not_known_to_have_been_answered(
    store: Store, store_url: str, open_hot: Open
) -> None:
    """Only what is stored is a repeat: a deleted row is not, one that cannot be opened is."""
    store.commit(FIRST)
    engine = create_engine(store_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(delete(inbound))
    assert store.load(FIRST.caller, FIRST.key)[1] is None
    with engine.begin() as connection:
        connection.execute(insert(inbound).values(key=FIRST.key, answer="", ends=False, received_at=1))
    assert store.load(FIRST.caller, FIRST.key)[1] == ("", True)
