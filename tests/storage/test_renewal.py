"""Writing anew what older keys made: once, cut at any row, and never over what a hop wrote meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from gateway.storage.engines import open_engine
from gateway.storage.keys import Keys, rotate
from gateway.storage.renewal import Renewal, needing, phone_of_case, pin_of
from gateway.storage.tables import bindings, conversations, inbound, pins
from tests.channels.conftest import Line, looks, rows
from tests.storage.conftest import OpenApp
from tests.storage.crowd import NOW, bind, binding, member_of, phone_of


def test_renewal_is_done_once_and_may_be_cut_at_any_row(url: str, directory: Path) -> None:
    Keys(directory)
    bind(url, Keys(directory), [phone_of(1, number) for number in range(250)])
    for name in ("index", "data"):
        rotate(directory, name)
    keys, engine = Keys(directory), open_engine(url)

    class Cut(Exception):
        pass

    def cut(_rows: int) -> None:
        raise Cut

    before = Renewal(engine, keys).rows()
    assert before == 754  # four of them were bound before
    left = before
    for _again in range(3):
        with pytest.raises(Cut):
            Renewal(engine, keys, cut).run()
        assert 0 < Renewal(engine, keys).rows() < left
        left = Renewal(engine, keys).rows()
    assert Renewal(engine, keys).run() == {"renewed": left}
    whole = [rows(url, f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("bindings", "cases", "pins")]
    assert Renewal(engine, keys).run() == {}
    assert [rows(url, f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("bindings", "cases", "pins")] == whole
    for member, sealed, pending in rows(url, "SELECT member, hash, pending FROM pins"):
        assert {keys.sealer.open(text, pin_of(member)) for text in (sealed, pending)} == {f"1:argon2 of {member}"}
        assert sealed.startswith("2.")
    for caller, member, phone in rows(url, "SELECT caller, member, phone FROM cases"):
        opened = keys.sealer.open(phone, phone_of_case("number", caller, member, NOW))
        assert keys.hasher("caller", opened) == caller


def test_a_row_that_moved_since_it_was_read_is_left_alone(url: str, directory: Path) -> None:
    Keys(directory)
    phone = phone_of(1, 1)
    bind(url, Keys(directory), [phone])
    rotate(directory, "data")
    keys, engine = Keys(directory), open_engine(url)
    renewal = Renewal(engine, keys)
    with engine.connect() as connection:
        read = connection.execute(select(pins)).one()
        connection.rollback()
        fresh = keys.sealer.seal("1:another hash", pin_of(read.member))
        connection.execute(update(pins).values(hash=fresh, pending=None))
        connection.commit()
        assert renewal._pin(connection, read) == "moved"
        connection.commit()
    assert rows(url, "SELECT hash, pending FROM pins") == [(fresh, None)]


def test_a_binding_that_was_proved_again_since_wins(url: str, directory: Path) -> None:
    phone = phone_of(1, 1)
    bind(url, Keys(directory), [phone])
    rotate(directory, "index")
    keys, engine = Keys(directory), open_engine(url)
    fresh = binding(keys, keys.hasher("caller", phone), member_of(phone), phone)
    with engine.begin() as connection:
        connection.execute(insert(bindings).values({**fresh, "proved_at": NOW + 1}))
    Renewal(engine, keys).run()
    her = f"SELECT caller, proved_at FROM bindings WHERE member = '{member_of(phone)}'"
    assert rows(url, her) == [(fresh["caller"], NOW + 1)]


def test_rows_in_the_clear_are_emptied_and_rows_of_a_lost_key_are_left(
    url: str, directory: Path, start: OpenApp
) -> None:
    app = start()
    Line(app).in_english().call("s1", "1")
    clear, lost = "12 of the last 12 months", "7." + "A" * 80
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(update(conversations).values(place=clear))
        connection.execute(update(inbound).values(answer=clear, ends=False))
        connection.execute(insert(inbound).values(key="lost", answer=lost, ends=False, received_at=NOW))
    keys = Keys(directory)
    assert needing(engine, keys, NOW)["data"][0] == {"places": 1, "answers": 4}
    assert Renewal(engine, keys).run() == {"emptied": 4, "not opened": 1}
    assert rows(url, "SELECT place FROM conversations") == [(None,)]
    assert rows(url, "SELECT answer FROM inbound WHERE key = 'lost'") == [(lost,)]
    assert clear not in str(rows(url, "SELECT answer FROM inbound"))
    before = looks(url)
    assert Line(app).hop("s1", "1").startswith("END ")
    assert looks(url) == before
