"""Nobody comes to a screen she has not proved enough for: by no edge, page, key, cut call or old session."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from gateway.conversation import (
    ANYONE,
    FRESH,
    PHONE,
    PIN,
    RESUME,
    WANTED,
    Ask,
    Atlas,
    Do,
    Each,
    Flow,
    Menu,
    Talk,
    Tell,
    fields,
)
from gateway.conversation.assurance import PROOF_SECONDS
from gateway.conversation.engine import Engine
from gateway.conversation.graph import End
from gateway.conversation.talk import Call, Session, Turn
from gateway.text.alphabet import Budget
from gateway.text.catalogue import LANGUAGES, Catalogues

SECRET = " ".join(f"secret{number}" for number in range(30))  # takes several pages


class World:
    """Who the phone speaks for, and a port that can be out of order."""

    def __init__(self) -> None:
        self.phone_of: str | None = "noy"
        self.down = False


def build() -> Engine:
    main, door, safe = Flow("main"), Flow("door", proves=True), Flow("safe", assurance=PHONE)
    firm = Flow("firm", assurance=PHONE, proves=True, sign_in="firm.ask")
    main.fields = {"tongue": fields.Named(en="English")}
    door.fields = {"pin": fields.Answer(), "who": fields.Answer(), "word": fields.Once(6)}
    safe.fields = {"owner": fields.OneOf(PHONE, noy="Noy", keo="Keo")}
    firm.fields = {"name": fields.Answer()}
    main.states(
        Do("welcome", to="tongues"),
        Menu("tongues", "", each=Each("tongues", "%(tongue)s", 1, to="menu")),
        Menu(
            "menu",
            "Home",
            {
                "Box": "safe.open",
                "Gold": "safe.gold",
                "New": "safe.renew",
                "Safe": "safe.lobby",
                "Firm": "firm.books",
            },
        ),
        Menu("back", "Welcome back", {"Continue": RESUME, "Home": "menu"}),
        End("later", "Later"),
    )
    door.states(
        Do("start", known=WANTED, pin="pin", who="who"),
        Ask("who", "Who?", into="who", reads=str, to="named", sorry="?"),
        Do("named", known=WANTED, pin="pin"),
        Ask("pin", "PIN?", into="pin", reads=str, to="check", sorry="?", secret=True),
        Do("check", right=WANTED, wrong="pin"),
    )
    safe.states(
        Menu("lobby", "Lobby", {"Open": "open", "Gold": "gold"}),
        Do("open", opened="box"),
        Tell("box", "Box of %(owner)s " + SECRET),
        Tell("gold", "Gold", assurance=PIN),
        Do("renew", done="renewed", assurance=FRESH),
        Tell("renewed", "Renewed"),
    )

    firm.states(
        Ask("ask", "Which firm?", into="name", reads=str, to="noted", sorry="?", assurance=ANYONE),
        Do("noted", known=WANTED, assurance=ANYONE),
        Menu("books", "Books", {"Box": "safe.open"}),
    )

    @firm.work
    def noted(talk: Talk[World]) -> str:
        talk.prove(PHONE, talk.take("name"))
        return "known"

    @main.work
    def welcome(talk: Talk[World]) -> str:
        talk.list("tongues", [{"tongue": "en"}])
        return "to"

    @door.work
    def start(talk: Talk[World]) -> str:
        if not talk.assurance and talk.ask.phone_of is None:
            return "who"
        if not talk.assurance:
            talk.prove(PHONE, talk.ask.phone_of or "")
        return "pin" if talk.needs > talk.assurance else "known"

    @door.work
    def named(talk: Talk[World]) -> str:
        talk.prove(PHONE, talk.take("who"))
        return "pin" if talk.needs > talk.assurance else "known"

    @door.work
    def check(talk: Talk[World]) -> str:
        if talk.ask.down:
            raise ConnectionError
        if talk.take("pin") != "1234":
            return "wrong"
        talk.prove(talk.needs, talk.member)
        return "right"

    @safe.work
    def open(talk: Talk[World]) -> str:
        if talk.ask.down:
            raise ConnectionError
        talk["owner"] = talk.member
        return "opened"

    @safe.work
    def renew(talk: Talk[World]) -> str:
        return "done"

    doors: dict[str, Any] = {
        "home": "main.menu",
        "welcome": "main.welcome",
        "resume": "main.back",
        "down": "main.later",
    }
    atlas = Atlas(main, door, safe, firm, **doors, sign_in="door.start")
    return Engine(atlas, Catalogues({language: {} for language in LANGUAGES}), {})


class Line:
    """One caller; `now` moves only when told."""

    def __init__(self) -> None:
        self.engine, self.world, self.now = build(), World(), 1_000
        self.turn: Turn | None = None

    @property
    def call(self) -> Call[Any]:
        return Call("me", self.world, date(2026, 11, 23), Budget(100, 70), "en", (), self.now)

    @property
    def session(self) -> Session:
        assert self.turn
        assert self.turn.session
        return self.turn.session

    def dials(self, *keys: str, cut: Session | None = None) -> str:
        self.turn = self.engine.dial(self.call, keys, cut)
        return self.turn.reply

    def says(self, *keys: str) -> str:
        for key in keys:
            stored = Session.from_json(self.session.to_json())
            assert stored == self.session
            self.turn = self.engine.hear(self.call, stored, key)
        assert self.turn
        return self.turn.reply


@pytest.fixture
def line() -> Line:
    return Line()


def test_her_phone_is_enough_and_nothing_is_asked(line: Line) -> None:
    line.dials()
    assert line.says("1").startswith("Box of Noy")
    assert line.says("0").startswith("Home")


def test_a_pin_is_asked_and_then_she_is_where_she_wanted_to_go(line: Line) -> None:
    line.dials()
    assert line.says("2").startswith("PIN?")
    assert line.says("9999").startswith("PIN?")
    assert line.says("1234").startswith("Gold")
    assert line.says("0").startswith("Home")  # the questions are no way back


def test_what_is_proved_is_not_asked_again(line: Line) -> None:
    line.dials()
    line.says("4", "2")
    assert line.says("1234").startswith("Gold")
    assert line.says("0", "2").startswith("Gold")


def test_a_proof_is_good_for_one_sitting(line: Line) -> None:
    line.dials()
    line.says("4", "2", "1234")
    line.now += PROOF_SECONDS
    assert line.says("0", "2").startswith("Gold")
    line.now += 1
    assert line.says("0").startswith("Lobby")  # her phone still is enough for this
    assert line.says("2").startswith("PIN?")


def test_a_clock_that_goes_back_ends_a_proof(line: Line) -> None:
    line.dials()
    line.says("4", "2", "1234")
    line.now -= 1
    assert line.says("0", "2").startswith("PIN?")


@pytest.mark.parametrize("key", ["9", "1", "x"])
def test_no_key_turns_a_page_of_a_screen_whose_proof_is_over(line: Line, key: str) -> None:
    line.dials()
    line.says("1")
    line.world.phone_of = None
    line.now += PROOF_SECONDS + 1
    assert line.says(key).startswith("Who?")


def test_the_main_menu_forgets_who_was_shown(line: Line) -> None:
    line.dials()
    line.says("4", "2", "1234", "00")
    assert line.session.proof is None
    assert line.session.data == {}
    assert line.says("2").startswith("PIN?")


def test_a_stronger_proof_is_asked_on_the_way(line: Line) -> None:
    line.dials()
    assert line.says("3").startswith("PIN?")
    assert line.says("1234").startswith("Renewed")


def test_a_secret_lives_for_one_hop_and_never_in_a_session(line: Line) -> None:
    line.dials()
    for keys in (["2", "9876"], ["00", "2", "1234"]):
        line.says(*keys)
        assert "9876" not in str(line.session.to_json())
        assert "1234" not in str(line.session.to_json())


def test_a_secret_whose_check_fell_over_is_asked_again(line: Line) -> None:
    line.dials()
    line.says("2")
    line.world.down = True
    assert line.says("1234") == "Later"
    assert "1234" not in str(line.session.to_json())
    line.world.down = False
    line.dials(cut=line.session)
    assert line.says("1").startswith("PIN?")
    assert line.says("1234").startswith("Gold")


def test_a_shortcut_never_goes_through_a_secret(line: Line) -> None:
    assert line.dials("2", "1234", "1").startswith("PIN?")
    assert line.dials("1").startswith("Box of Noy")


def test_a_cut_call_goes_on_where_it_was(line: Line) -> None:
    line.dials()
    first, second = line.says("1"), line.says("9")
    assert line.dials(cut=line.session).startswith("Welcome back")
    assert line.says("1") == second
    assert line.says("0") == first


def test_a_cut_call_asks_again_for_what_it_had_asked_for(line: Line) -> None:
    line.dials()
    line.says("2", "1234")
    line.dials(cut=line.session)
    assert line.says("1").startswith("PIN?")
    assert line.says("1234").startswith("Gold")


def test_a_cut_call_is_nobody_elses(line: Line) -> None:
    """Another member of the same phone takes it up: nothing of the first is shown, not even after a proof."""
    line.dials()
    line.says("1")
    line.world.phone_of = None
    line.dials(cut=line.session)
    assert line.says("1").startswith("Who?")
    assert line.says("keo").startswith("Home")
    assert "noy" not in str(line.session.to_json())


def test_whoever_signs_in_next_finds_nothing_of_who_was_there(line: Line) -> None:
    line.dials()
    line.says("4", "1")
    assert "noy" in str(line.session.to_json())
    line.world.phone_of = "keo"
    line.now += PROOF_SECONDS + 1
    reply = line.says("0")
    assert reply.startswith("Lobby")
    assert line.says("1").startswith("Box of Keo")
    line.world.phone_of = "noy"
    line.now += PROOF_SECONDS + 1
    assert line.says("9").startswith("The menu has changed.\nLobby")
    assert "keo" not in str(line.session.to_json())
    assert line.says("1").startswith("Box of Noy")


def test_going_elsewhere_forgets_what_was_wanted(line: Line) -> None:
    line.dials()
    line.says("4", "2")
    assert line.session.wanted
    assert line.says("0").startswith("Lobby")
    assert not line.session.wanted


def test_a_flow_with_a_sign_in_of_its_own_asks_there(line: Line) -> None:
    line.dials()
    assert line.says("5").startswith("Which firm?")
    assert line.says("noy").startswith("Books")
    assert line.says("0").startswith("Home")
    line.dials("5")
    line.says("noy")
    line.dials(cut=line.session)
    assert line.says("1").startswith("Which firm?")
    assert line.says("noy").startswith("Books")


def test_a_proof_counts_only_where_it_was_asked_for(line: Line) -> None:
    """A firm may be called as a member is: what was proved of the one opens nothing of the other."""
    line.world.phone_of = None
    line.dials()
    line.says("5", "noy")
    assert line.says("1").startswith("Who?")
    assert line.says("noy").startswith("Box of Noy")
    assert line.says("0").startswith("Which firm?")
    assert line.says("noy").startswith("Books")
    assert line.session.data == {}  # what was shown of the member is forgotten


def test_only_a_flow_that_proves_may_say_who_calls(line: Line) -> None:
    place = line.engine.atlas.get("safe.renew")
    assert place
    place.flow.works["renew"] = lambda talk: talk.prove(FRESH, "keo") or "done"
    line.dials()
    line.says("3")
    with pytest.raises(PermissionError, match="does not prove"):
        line.says("1234")


def test_a_sign_in_that_proves_nothing_does_not_go_round_for_ever(line: Line) -> None:
    place = line.engine.atlas.get("door.start")
    assert place
    place.flow.works["start"] = lambda _talk: "known"
    line.dials()
    with pytest.raises(RecursionError):
        line.says("1")


def test_what_is_shown_once_is_kept_nowhere() -> None:
    engine = build()
    door = engine.atlas.places["door.pin"].flow
    door.by_name["pin"] = Ask("pin", "Learn %(word)s", into="pin", reads=str, to="check", sorry="?")
    engine = Engine(
        Atlas(
            *engine.atlas.flows,
            home="main.menu",
            welcome="main.welcome",
            resume="main.back",
            down="main.later",
            sign_in="door.start",
        ),
        engine.catalogues,
        {},
    )

    def start(talk: Talk[World]) -> str:
        talk.prove(PHONE, "noy")
        talk["word"] = "482913"
        return "pin"

    door.works["start"] = start
    call: Call[Any] = Call("me", World(), date(2026, 11, 23), Budget(100, 70), "en", (), 1)
    turn = engine.dial(call, ["2"])
    assert turn.reply.startswith("Learn 482913")
    assert "482913" not in str(turn.session and turn.session.to_json())
