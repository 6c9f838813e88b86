"""The engine alone: keys that mean the same everywhere, history, resuming, releases that change the graph."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from gateway.conversation import RESUME, Ask, Atlas, Do, Each, End, Flow, Menu, Talk, Tell, fields
from gateway.conversation.engine import MAX_HISTORY, Engine
from gateway.conversation.fields import Fact
from gateway.conversation.talk import Call, Session, Turn
from gateway.text.alphabet import Budget
from gateway.text.catalogue import LANGUAGES, Catalogues

BUDGET = Budget(100, 70)
LONG = " ".join(f"word{n}" for n in range(40))


class Shelf:
    """A port that can be out of order."""

    broken: Exception | None = None
    asked = 0

    def books(self) -> list[str]:
        self.asked += 1
        if self.broken:
            raise self.broken
        return ["one", "two"]


def build(change: Callable[[Flow], None] = lambda flow: None) -> Engine:
    flow = Flow(
        "a",
        tongue=fields.Named(lo_Latn="Lao ABC", en="English", lo="ລາວ"),
        book=fields.Count(9),
        pin=fields.Answer(),
    )
    flow.states(
        Do("hello", to="language"),
        Menu("language", "", each=Each("tongues", "%(tongue)s", 3, to="chosen")),
        Do("chosen", to="menu"),
        Menu("menu", "Home", {"Books": "find", "Read": "long", "Pin": "pin", "Leave": "bye"}),
        Do("find", found="books"),
        Menu("books", "Which?", each=Each("books", "Book %(book)s", 9, to="book")),
        Tell("book", "You took %(book)s"),
        Tell("long", LONG),
        Ask("pin", "PIN?", into="pin", reads=read_pin, to="checked", sorry="Four digits.", secret=True),
        Do("checked", to="inside"),
        Tell("inside", "Inside"),
        End("bye", "Bye"),
        End("later", "Later, %(code)s"),
        Menu("back", "Welcome back", {"Continue": RESUME, "Home": "menu"}),
    )  # fmt: skip

    @flow.work
    def hello(talk: Talk[Shelf]) -> str:
        talk.list("tongues", [{"tongue": language} for language in talk.languages])
        return "to"

    @flow.work
    def chosen(talk: Talk[Shelf]) -> str:
        talk.language = talk.take("tongue")
        return "to"

    @flow.work
    def find(talk: Talk[Shelf]) -> str:
        talk.list("books", [{"book": number} for number, _ in enumerate(talk.ask.books(), 1)])
        talk.note("books.viewed", "shelf")
        return "found"

    @flow.work
    def checked(talk: Talk[Shelf]) -> str:
        assert talk.take("pin") == "1234"
        return "to"

    change(flow)
    atlas = Atlas(flow, home="a.menu", welcome="a.hello", resume="a.back", down="a.later")
    catalogues = Catalogues({language: {} for language in LANGUAGES})
    return Engine(atlas, catalogues, {"code": Fact("*1#")})


def read_pin(typed: str) -> str:
    if not (len(typed) == 4 and typed.isdecimal()):
        raise ValueError
    return typed


def remove(*names: str) -> Callable[[Flow], None]:
    def change(flow: Flow) -> None:
        for name in names:
            del flow.by_name[name]

    return change


class Line:
    """One caller on one engine; `call` is what comes with each hop."""

    def __init__(self, engine: Engine | None = None, language: str | None = "en") -> None:
        self.engine = engine or build()
        self.shelf = Shelf()
        self.call: Call[Any] = Call("me", self.shelf, date(2026, 11, 23), BUDGET, language)
        self.turn: Turn | None = None

    def dials(self, *keys: str, cut: Session | None = None) -> str:
        return self._took(self.engine.dial(self.call, keys, cut))

    def says(self, *keys: str) -> str:
        for key in keys:
            assert self.turn
            assert self.turn.session
            self._took(self.engine.hear(self.call, self.turn.session, key))
        return self.reads

    def _took(self, turn: Turn) -> str:
        stored = turn.session.to_json() if turn.session else None
        session = Session.from_json(stored) if stored else None
        self.turn = turn._replace(session=session)
        self.call = self.call._replace(language=turn.language)
        return turn.reply

    @property
    def reads(self) -> str:
        assert self.turn
        return self.turn.reply


HOME = "Home\n1 Books\n2 Read\n3 Pin\n4 Leave"


def test_choosing_going_back_and_home() -> None:
    line = Line()
    assert line.dials() == HOME
    assert line.says("1") == "Which?\n1 Book 1\n2 Book 2\n0 Back"
    assert line.says("2") == "You took 2\n0 Back"
    assert line.says("0") == "Which?\n1 Book 1\n2 Book 2\n0 Back"
    assert line.says("1", "0", "0") == HOME
    assert line.says("1", "2", "00") == HOME
    assert line.says("0").startswith("Invalid choice.")  # nothing is left to go back to


def test_going_back_does_no_work_again() -> None:
    line = Line()
    line.dials()
    line.says("1", "2", "0", "1", "0")
    assert line.shelf.asked == 1


def test_more_turns_pages_and_back_turns_them_back() -> None:
    line = Line()
    line.dials()
    first = line.says("2")
    assert first.endswith("\n9 More 0 Back")
    second = line.says("9")
    assert second != first
    assert line.says("0") == first
    assert line.says("0") == HOME
    last = line.says("2", "9", "9", "9")
    assert last.endswith("\n0 Back")
    assert line.says("9").startswith("Invalid choice.")


@pytest.mark.parametrize("typed", ["5", "", "x", "01", "1 1", "\x00", "1" * 10_000, "\ud800", "²", "9", "*", "ກ"])
def test_a_wrong_answer_shows_the_same_screen_again(typed: str) -> None:
    line = Line()
    line.dials()
    assert line.says(typed) == f"Invalid choice.\n{HOME}"
    assert line.says("1").startswith("Which?")


@pytest.mark.parametrize("typed", ["1", "໑", "１", " 1 ", "1\n"])
def test_digits_of_any_script_choose(typed: str) -> None:
    line = Line()
    line.dials()
    assert line.says(typed).startswith("Which?")


def test_a_question_reads_or_says_sorry() -> None:
    line = Line()
    line.dials()
    assert line.says("3") == "PIN?\n0 Back"
    assert line.says("12") == "Four digits.\nPIN?\n0 Back"
    assert line.says("໑໒໓໔") == "Inside\n0 Back"
    assert line.turn
    assert line.turn.session
    assert "pin" not in line.turn.session.data


def test_an_end_ends() -> None:
    line = Line()
    line.dials()
    line.says("4")
    assert line.turn
    assert (line.reads, line.turn.ends, line.turn.session) == ("Bye", True, None)


def test_the_language_is_asked_before_anything_else_and_a_shortcut_waits_for_it() -> None:
    line = Line(language=None)
    assert line.dials("1", "2") == "1 Lao ABC\n2 English\n3 ລາວ"
    assert line.says("7") == "Invalid choice.\n1 Lao ABC\n2 English\n3 ລາວ"
    assert line.says("2") == "You took 2\n0 Back"
    assert line.turn
    assert line.turn.language == "en"
    assert [effect.action for effect in line.turn.effects] == ["books.viewed"]


def test_an_answer_dialled_before_the_language_is_known_is_not_kept() -> None:
    """What waits is stored; a key of a menu has two characters at most, an answer may be a secret."""
    line = Line(language=None)
    line.dials("3", "864209", "1")
    assert line.turn
    assert line.turn.session
    assert line.turn.session.pending == ("3",)
    assert line.says("2") == "PIN?\n0 Back"


def test_a_channel_without_lao_script_does_not_offer_it() -> None:
    line = Line(language=None)
    line.call = line.call._replace(budget=Budget(100, 0))
    assert line.dials() == "1 Lao ABC\n2 English"


def test_a_shortcut_walks_but_never_through_a_secret() -> None:
    line = Line()
    assert line.dials("1", "1") == "You took 1\n0 Back"
    assert line.says("0", "0") == HOME  # as if she had pressed the keys
    assert line.dials("3", "1234") == "PIN?\n0 Back"
    assert line.dials("4", "1") == "Bye"
    assert line.dials("8").startswith("Invalid choice.")


def test_a_call_cut_off_is_offered_again_page_and_all() -> None:
    line = Line()
    line.dials()
    second = line.says("2", "9")
    assert line.turn
    cut = line.turn.session
    assert line.dials(cut=cut) == "Welcome back\n1 Continue\n2 Home"
    offer = line.turn.session
    assert line.says("1") == second
    assert line.says("0", "0") == HOME
    assert line.dials(cut=offer) == "Welcome back\n1 Continue\n2 Home"  # dropped at the offer itself
    assert line.says("1") == second
    assert line.dials(cut=cut)
    assert line.says("2") == HOME
    assert line.dials("1", cut=cut).startswith("Which?")  # a shortcut knows where it wants to go


def test_a_call_cut_off_at_home_is_not_offered() -> None:
    line = Line()
    line.dials()
    assert line.turn
    assert line.dials(cut=line.turn.session) == HOME


def test_a_port_that_fails_ends_politely_and_keeps_the_place() -> None:
    line = Line()
    line.dials()
    line.shelf.broken = TimeoutError("slow")
    line.says("1")
    assert line.turn
    assert (line.reads, line.turn.ends) == ("Later, *1#", True)
    assert isinstance(line.turn.failed, TimeoutError)
    kept = line.turn.session
    line.shelf.broken = None
    line.dials(cut=kept)
    assert line.says("1") == "Which?\n1 Book 1\n2 Book 2\n0 Back"
    assert line.says("0") == HOME


def test_a_fault_in_a_flow_is_not_hidden_as_a_port() -> None:
    line = Line()
    line.dials()
    line.shelf.broken = KeyError("a mistake in the code")
    with pytest.raises(KeyError):
        line.says("1")


def test_a_release_that_removed_the_state_lands_on_the_nearest_that_stands() -> None:
    line = Line()
    line.dials()
    line.says("1", "2")
    line.engine = build(remove("book"))
    assert line.says("0") == "The menu has changed.\nWhich?\n1 Book 1\n2 Book 2\n0 Back"
    line.engine = build(remove("book", "books"))
    assert line.says("2") == f"The menu has changed.\n{HOME}"


def test_a_choice_whose_target_went_away() -> None:
    line = Line()
    line.dials()
    line.engine = build(remove("long"))
    assert line.says("2") == f"The menu has changed.\n{HOME}"


def test_a_release_whose_wording_wants_more_than_the_session_holds() -> None:
    def change(flow: Flow) -> None:
        flow.by_name["books"] = Menu("books", "Which of %(count)s?", {"Home": "menu"})
        flow.fields = {**flow.fields, "count": fields.Count(9)}

    line = Line()
    line.dials()
    line.says("1", "2")
    line.engine = build(change)
    assert line.says("0") == f"The menu has changed.\n{HOME}"


def test_resuming_into_a_state_that_went_away() -> None:
    line = Line()
    line.dials()
    line.says("1", "2")
    assert line.turn
    cut = line.turn.session
    line.engine = build(remove("book"))
    line.dials(cut=cut)
    assert line.says("1") == f"The menu has changed.\n{HOME}"


def test_a_session_of_another_shape_is_no_session() -> None:
    assert Session.from_json({"place": "a.menu", "gone": 1}) is None
    assert Session.from_json({}) is None


def test_history_is_bounded() -> None:
    line = Line()
    line.dials()
    for _ in range(MAX_HISTORY + 5):
        line.says("1", "2", "0")  # books and back: no growth
    assert line.turn
    assert line.turn.session
    assert len(line.turn.session.history) <= MAX_HISTORY


def test_a_long_chain_of_work_stops() -> None:
    def change(flow: Flow) -> None:
        flow.by_name["find"] = Do("find", found="find")

    line = Line(build(change))
    line.dials()
    with pytest.raises(RecursionError, match="more than 10 work states in a row"):
        line.says("1")


def test_two_callers_share_nothing() -> None:
    engine = build()
    ours, theirs = Line(engine), Line(engine)
    ours.dials()
    theirs.dials()
    ours.says("1", "1")
    assert theirs.says("2").startswith("word0")
    assert ours.says("0").startswith("Which?")
