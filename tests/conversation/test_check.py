"""Broken conversations, each with the exact sentence the check says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from app import LOCALES
from flows import atlas as ours
from gateway.conversation import (
    ANYONE,
    PHONE,
    PIN,
    RESUME,
    WANTED,
    Ask,
    Atlas,
    Do,
    Each,
    End,
    Flow,
    Menu,
    Tell,
    fields,
)
from gateway.conversation.check import all_wordings, check
from gateway.conversation.fields import Fact
from gateway.conversation.graph import State
from gateway.conversation.screens import SYSTEM_WORDINGS
from gateway.text.alphabet import USSD
from gateway.text.catalogue import LANGUAGES, Entries, Entry, read_entries

FACTS = {"hotline": Fact("1508")}
BUDGETS = {"USSD": USSD}


def atlas(*states: State, doors: dict[str, str] | None = None, **kinds: fields.Field) -> Atlas:
    """A small sound conversation of one flow `f`, with these states beside its menu."""
    flow = Flow("f")
    flow.fields = {"n": fields.Count(12), "tongue": fields.Named(lo="ລາວ", en="English"), **kinds}
    flow.states(
        Menu("menu", "Hello", {"Go on": states[0].name if states else "bye"}),
        Menu("welcome", "", each=Each("tongues", "%(tongue)s", 2, to="menu")),
        Menu("resume", "Welcome", {"Continue": RESUME}),
        End("down", "Later"),
        Tell("bye", "Bye"),
        *states,
    )
    for state in states:
        if isinstance(state, Do):
            flow.works[state.name] = lambda _talk: "to"
    if states:  # keep `bye` within reach, so that only the planted fault is left
        menu = flow.by_name["menu"]
        assert isinstance(menu, Menu)
        flow.by_name["menu"] = Menu("menu", "Hello", {**menu.choices, "Leave": "bye"})
    places: dict[str, Any] = {"home": "f.menu", "welcome": "f.welcome", "resume": "f.resume", "down": "f.down"}
    return Atlas(flow, **{**places, **(doors or {})})


def spoken(conversation: Atlas, changes: Mapping[tuple[str, str], Entry | None] | None = None) -> Entries:
    """Catalogues in which everything is said as in English, but for `changes` by (language, wording)."""
    wordings = {wording for place in conversation for wording in all_wordings(place)} | set(SYSTEM_WORDINGS)
    wordings |= {text for flow in conversation.flows for text in flow.texts}
    entries = {language: {w: Entry(w, fuzzy=False) for w in wordings} for language in LANGUAGES}
    for (language, wording), entry in (changes or {}).items():
        if entry is None:
            del entries[language][wording]
        else:
            entries[language][wording] = entry
    return entries


def faults(conversation: Atlas, changes: Mapping[tuple[str, str], Entry | None] | None = None) -> list[str]:
    return check(conversation, spoken(conversation, changes), BUDGETS, FACTS)


def with_text(text: str) -> Atlas:
    conversation = atlas()
    conversation.flows[0].texts = (text,)
    return conversation


LONG = "word " * 31
PLANTED: list[tuple[str, Callable[[], Atlas], str]] = [
    (
        "unknown target",
        lambda: atlas(Menu("s", "Choose", {"One": "nowhere", "Two": "bye"})),
        "f.s: leads to 'nowhere', which does not exist",
    ),
    (
        "unknown flow",
        lambda: atlas(Menu("s", "Choose", {"One": "g.menu", "Two": "bye"})),
        "f.s: leads to 'g.menu', which does not exist",
    ),
    (
        "unreachable",
        lambda: atlas(Tell("s", "Read"), Tell("lost", "Nobody reads this")),
        "f.lost: nothing leads here",
    ),
    (
        "trap",
        lambda: atlas(Menu("s", "Choose", {"Again": "t"}), Menu("t", "Choose", {"Again": "s"})),
        "f.s: no way from here to an end",
    ),
    (
        "circle of work",
        lambda: atlas(Do("s", to="t", out="bye"), Do("t", to="s")),
        "f.s: work goes round in a circle: f.s > f.t > f.s",
    ),
    (
        "work on itself",
        lambda: atlas(Do("s", to="s", out="bye")),
        "f.s: work goes round in a circle: f.s > f.s",
    ),
    ("work that leads nowhere", lambda: atlas(Do("s")), "f.s: work that leads nowhere"),
    (
        "too many choices",
        lambda: atlas(Menu("s", "Choose", {f"Number {n}": "bye" for n in "abcdef"})),
        "f.s: 6 choices, at most 5 can be kept in mind",
    ),
    ("nothing to choose", lambda: atlas(Menu("s", "Choose")), "f.s: a menu with nothing to choose; use Tell"),
    (
        "no such field",
        lambda: atlas(Tell("s", "%(m)s months")),
        "f.s: '%(m)s months' shows %(m)s, which is no field of f",
    ),
    (
        "no field for the answer",
        lambda: atlas(Ask("s", "Type", into="x", reads=str, to="bye", sorry="Again")),
        "f.s: the answer goes into 'x', which is no field of f",
    ),
    (
        "a last word of two pages",
        lambda: atlas(Menu("s", "Choose", {"One": "long"}), End("long", LONG + LONG)),
        "f.long: takes 2 pages on USSD in lo_Latn at worst, 1 allowed",
    ),
    (
        "too much to read",
        lambda: atlas(Tell("s", LONG * 4)),
        "f.s: takes 5 pages on USSD in lo_Latn at worst, 3 allowed",
    ),
    (
        "a line no page can hold",
        lambda: atlas(Menu("s", "Choose", {LONG + "x": "bye"})),
        "f.s: does not fit USSD in lo_Latn: item 1 and the last line take 165 units of 160",
    ),
    (
        "a missing door",
        lambda: atlas(doors={"down": "f.gone"}),
        "f.gone: the engine needs this state, and it does not exist",
    ),
    (
        "a month shown to anyone",
        lambda: atlas(Tell("s", "Paid: %(m)s"), m=fields.Month(PHONE)),
        "f.s: 'Paid: %(m)s' shows %(m)s, which needs PHONE; callers here are ANYONE",
    ),
    (
        "an amount shown without a PIN",
        lambda: atlas(Tell("s", "Paid: %(m)s", assurance=PHONE), m=fields.Kip(9, PIN)),
        "f.s: 'Paid: %(m)s' shows %(m)s, which needs PIN; callers here are PHONE",
    ),
    (
        "an amount in a line of a list",
        lambda: atlas(Tell("s", "All", each=Each("all", "%(m)s", 2)), m=fields.Kip(9, PIN)),
        "f.s: '%(m)s' shows %(m)s, which needs PIN; callers here are ANYONE",
    ),
    (
        "a proof that nobody can give",
        lambda: atlas(Tell("s", "Yours", assurance=PIN)),
        "f.s: asks for PIN, and no state of this atlas signs anybody in",
    ),
    (
        "a sign-in behind a sign-in",
        lambda: atlas(Tell("s", "Who?", assurance=PHONE), doors={"sign_in": "f.s"}),
        "f.s: the engine needs this state for anyone, and it asks for PHONE",
    ),
    (
        "a way back from where nothing was proved",
        lambda: atlas(Do("s", to=WANTED)),
        "f.s: leads to where she wanted to go, but f proves nothing",
    ),
    (
        "a secret on two pages",
        lambda: atlas(Tell("s", LONG + "%(m)s"), m=fields.Once(6, ANYONE)),
        "f.s: takes 2 pages on USSD in lo_Latn at worst, 1 allowed",
    ),
    (
        "an SMS of two parts",
        lambda: with_text(LONG + "%(n)s" + LONG),
        f"f: {LONG + '%(n)s' + LONG!r} takes 3 SMS in en at worst, 1 allowed",
    ),
    (
        "an SMS with a placeholder of nobody",
        lambda: with_text("Your %(m)s"),
        "f: 'Your %(m)s' shows %(m)s, which is no field of f",
    ),
]


@pytest.mark.parametrize(("conversation", "sentence"), [p[1:] for p in PLANTED], ids=[p[0] for p in PLANTED])
def test_every_planted_fault_is_named(conversation: Callable[[], Atlas], sentence: str) -> None:
    assert sentence in faults(conversation())


def test_a_sound_conversation_has_no_faults() -> None:
    assert faults(atlas()) == []
    assert (
        faults(atlas(Do("s", to="t"), Ask("t", "How many?", into="n", reads=int, to="bye", sorry="Again"))) == []
    )


def test_work_without_its_function() -> None:
    conversation = atlas(Do("s", to="bye"))
    conversation.flows[0].works.clear()
    assert faults(conversation) == ["f.s: no function does this work"]


def test_two_states_of_one_name_are_refused_at_once() -> None:
    flow = Flow("f")
    with pytest.raises(ValueError, match=r"f\.a: two states have this name"):
        flow.states(Tell("a", "One"), Tell("a", "Two"))


def test_work_for_a_state_that_is_none_is_refused_at_once() -> None:
    flow = Flow("f")
    with pytest.raises(ValueError, match=r"f\.look: no Do state has this name"):
        flow.work(type("look", (), {"__name__": "look", "__call__": lambda self, talk: ""})())


@pytest.mark.parametrize(
    ("language", "entry", "sentence"),
    [
        ("lo", None, "f.bye: 'Bye' has no wording in lo"),
        ("en", Entry("", fuzzy=False), "f.bye: 'Bye' has no wording in en"),
        ("lo_Latn", Entry("Lakon", fuzzy=True), "f.bye: 'Bye' is fuzzy in lo_Latn"),
        ("lo", Entry("ລາກ່ອນ %(n)s", fuzzy=False), "f.bye: 'Bye' has other placeholders in lo: n for none"),
        ("lo_Latn", Entry("ລາກ່ອນ", fuzzy=False), "f.bye: 'Bye' needs UCS-2 in lo_Latn because of 'ລາກ່ອນ'"),
        ("en", Entry("Bye…", fuzzy=False), "f.bye: 'Bye' needs UCS-2 in en because of '…'"),
    ],
)
def test_a_fault_of_wording(language: str, entry: Entry | None, sentence: str) -> None:
    assert faults(atlas(), {(language, "Bye"): entry}) == [sentence]


def test_a_lost_placeholder() -> None:
    conversation = atlas(Tell("s", "%(n)s months"))
    lost = {("lo", "%(n)s months"): Entry("ເດືອນ", fuzzy=False)}
    assert faults(conversation, lost) == [
        "f.s: '%(n)s months' has other placeholders in lo: none for n",
    ]


def test_words_of_a_field_need_a_wording_too() -> None:
    conversation = atlas(Tell("s", "It is %(why)s"), why=fields.OneOf(late="late"))
    assert faults(conversation, {("lo", "late"): None}) == ["f.s: 'late' has no wording in lo"]


def test_the_words_for_what_is_not_known_need_a_wording_too() -> None:
    conversation = atlas(Tell("s", "It is %(m)s"), m=fields.Known(fields.Month(), "not known"))
    assert faults(conversation, {("lo", "not known"): None}) == ["f.s: 'not known' has no wording in lo"]


def test_the_worst_case_counts_not_the_sample() -> None:
    """Two digits fit where three would not; the field's bound decides."""
    wording = "x" * 65 + " %(months)s"
    entries = {("lo", wording): Entry("ກ" * 68 + " %(months)s", fuzzy=False)}

    def ending(months: fields.Field) -> Atlas:
        return atlas(Menu("s", "Choose", {"One": "t"}), End("t", wording), months=months)

    assert faults(ending(fields.Count(9)), entries) == []
    assert faults(ending(fields.Count(10)), entries) == ["f.t: takes 2 pages on USSD in lo at worst, 1 allowed"]


def test_our_own_conversations_are_sound() -> None:
    """The same check as `flask flows check`, so that a failing test names the fault too."""
    facts = {"hotline": Fact("1508"), "code": Fact("*1508#")}
    assert check(ours, read_entries(LOCALES), BUDGETS, facts) == []
