"""The same conversations by SMS: words in, an answer to the number that is bound, and nothing to anybody else."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest
from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy import text as sql

from app import create_app
from gateway.installation import Installation
from gateway.outbox.port import Draft, Kind, Receipt, Status
from gateway.text.alphabet import is_gsm7, segments
from gateway.text.values import Month
from tests.chat import Phone
from tests.conftest import TOKEN, Clock, Texts
from tests.faults import hang_up
from tests.register import Register, paid

NOY, KEO, NOBODY = "+8562020000001", "+8562020000002", "+8562020000077"
SUMMARY = "%(paid)s of the last 12 months are paid. Last paid: %(last)s."
ELSEWHERE = "This is not sent by text. Dial %(code)s on your phone, or call %(hotline)s."
GUESS = "Not understood. Answer with a number:"
STOPPED = "LSSO will send you only answers to your own texts. To get the others again write START."
WORD = {"en": "BAL", "lo_Latn": "somthop", "lo": "ຍອດ"}
TWO_MONTHS = paid(Month(2026, 9), Month(2026, 10))


class Texting:
    """A handset that writes to our number by Africa's Talking, and what comes back to it."""

    _ids = itertools.count(1)

    def __init__(self, app: Flask, operator: Texts, number: str, language: str = "lo_Latn") -> None:
        self.client, self.operator, self.number, self.language = app.test_client(), operator, number, language
        self.gateway: Installation = app.extensions["pakan"]
        self.form: dict[str, str] = {}

    def writes(self, *texts: str) -> Self:
        for text in texts:
            at = {"to": "1508", "date": "2026-11-23 05:00:00", "linkId": "", "networkCode": "99999"}
            self.form = {"id": f"text-{next(self._ids)}", "from": self.number, "text": text, **at}
            self.again()
            assert self.inbox  # whatever is written is answered
        return self

    def again(self, status: int = 200) -> Self:
        """The same text is brought, as the provider brought it."""
        answer = self.client.post(f"/in/africastalking/{TOKEN}/sms", data=self.form)
        assert answer.status_code == status, answer.text
        return self

    @property
    def inbox(self) -> list[str]:
        return self.operator.to(self.number)

    def reads(self, wording: str, **values: object) -> Self:
        """The last text holds this wording, in her language; it is of the alphabet and length it may be."""
        said = self.gateway.engine.catalogues.say(self.language, wording)
        wanted, text = (said % values if values else said), self.inbox[-1]
        assert "".join(wanted.split()) in "".join(text.split()), f"{wanted!r} is not in {text!r}"
        assert segments(text).parts <= 3
        assert is_gsm7(text) or self.language == "lo" or "ລາວ" in text
        return self


TextingPhone = Callable[..., Texting]


@pytest.fixture
def operator() -> Texts:
    return Texts("africastalking")


@pytest.fixture
def app(gateway_url: str, clock: Clock, tmp_path: Path, operator: Texts) -> Flask:
    account = {"at_username": "synthetic-user", "at_api_key": "synthetic-key-of-many-letters"}
    config = {"database_url": gateway_url, "keys_dir": tmp_path / "keys", "webhook_tokens": (TOKEN,)}
    return operator.of(create_app({**config, **account, "hotline": "1508"}, clock=clock, carriers=(operator,)))


@pytest.fixture
def texting(app: Flask, operator: Texts) -> TextingPhone:
    return lambda number=NOY, language="lo_Latn": Texting(app, operator, number, language)


def speaks(phone: Callable[..., Phone], number: str, language: str) -> None:
    """She chose her language by USSD once; her texts are answered in it."""
    phone(number, language)


def test_a_word_and_her_answer(
    phone: Callable[..., Phone], texting: TextingPhone, register: Register, language: str
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    speaks(phone, NOY, language)
    noy = texting(NOY, language).writes(WORD[language]).reads(SUMMARY, paid=2, last="10/2026")
    noy.writes("1").reads("%(gaps)s of the last 12 months are not on your record. Choose one:", gaps=10)
    noy.writes("1", "0", "00").reads("My contributions")
    assert len(noy.inbox) == 5


def test_lao_script_is_answered_in_lao_script(texting: TextingPhone, register: Register) -> None:
    register.member(1, NOY, TWO_MONTHS)
    texting(NOY, "lo").writes("ຂໍຮູ້ ຍອດ ເງິນສົມທົບ ແດ່").reads(SUMMARY, paid=2, last="10/2026")


@pytest.mark.parametrize(
    ("words", "wording"),
    [
        ("missing", "%(gaps)s of the last 12 months are not on your record. Choose one:"),
        ("sit pinpoua", "No right to treatment yet. Paid months still needed: %(short)s."),
        ("HELP", "Hotline %(hotline)s, office hours. 0 goes back, 00 to the main menu."),
        ("menu", "My contributions"),
        ("settings", "Who looked at my record"),
        ("phasa", "English"),
        ("employer", "What is due"),
        ("calc", "Type the wage of one month in kip, as in 3000000:"),
    ],
)
def test_every_word_leads_somewhere(
    phone: Callable[..., Phone], texting: TextingPhone, register: Register, words: str, wording: str
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    speaks(phone, NOY, "en")
    values = {"gaps": 10, "short": 1, "hotline": "1508"} if "%" in wording else {}
    noy = texting(NOY, "en").writes(words)
    said = wording % values if values else wording
    assert said.split(". 0 goes")[0] in " ".join(noy.inbox[-1].split())


@pytest.mark.parametrize(
    ("language", "word", "calculate"),
    [("en", "EMPLOYER", "CALC"), ("lo_Latn", "naychang", "khit lai"), ("lo", "ຂໍຮູ້ ນາຍຈ້າງ", "ຄິດໄລ່ ເງິນສົມທົບ")],
)
def test_an_employer_asks_by_text(
    phone: Callable[..., Phone],
    texting: TextingPhone,
    register: Register,
    language: str,
    word: str,
    calculate: str,
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    code = register.contact(NOY)
    speaks(phone, NOY, language)
    noy = texting(NOY, language).writes(word).reads("What is due")
    noy.writes("3").reads("Type the code of your firm, as in 12345-01:")
    noy.writes(code).reads("Workers on the return for %(month)s: %(workers)s.", month="10/2026", workers=1)
    noy.writes(WORD[language]).reads(SUMMARY, paid=2, last="10/2026")  # her own, by her phone alone
    noy.writes(word, "3").reads("Type the code of your firm, as in 12345-01:")  # not the firm's any more
    noy.writes(calculate).reads("Type the wage of one month in kip, as in 3000000:").writes("1000000")
    assert "150" in noy.inbox[-1]


def test_codes_that_are_forged_by_text_use_up_no_call(
    phone: Callable[..., Phone], texting: TextingPhone, register: Register, operator: Texts
) -> None:
    code = register.contact(NOY)
    speaks(phone, NOY, "en")
    closed = "Nothing can be shown. Check the code and try again; after 5 wrong ones wait until tomorrow."
    for tried in range(5):
        texting(NOY, "en").writes("employer", "3", f"9000{tried}-01")
    assert closed in texting(NOY, "en").writes("employer", "3", code).inbox[-1]
    phone(NOY, "en").dial("5*3").says(code).sees("No return for the last 12 months is known here.")
    assert {msisdn for msisdn, _text in operator.sent} == {NOY}


def test_nonsense_gets_the_four_likeliest_commands_and_a_number_follows_one(
    texting: TextingPhone, register: Register, app: Flask
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = texting(NOY).writes("manu xyz").reads(GUESS)
    assert [line[:2] for line in noy.inbox[-1].split("\n")[1:5]] == ["1 ", "2 ", "3 ", "4 "]
    offered = [
        noy.gateway.engine.catalogues.say("lo_Latn", "Main menu") in line for line in noy.inbox[-1].split("\n")
    ]
    noy.writes(str(offered.index(True))).reads("My contributions")
    gateway: Installation = app.extensions["pakan"]
    assert gateway.mail.words() == [(1, "manu xyz")]


def test_stop_wins_over_any_screen_and_is_confirmed(texting: TextingPhone, register: Register, app: Flask) -> None:
    register.member(1, NOY, TWO_MONTHS)
    gateway: Installation = app.extensions["pakan"]
    noy = texting(NOY).writes("somthop", "STOP").reads(STOPPED)
    gateway.outbox.post(Draft(Kind.REMINDER, NOY, "a reminder", purpose="reminder"))
    assert "a reminder" not in noy.inbox
    noy.writes("somthop").reads(SUMMARY, paid=2, last="10/2026")  # what she asks for still comes
    noy.writes("PEUT").reads("LSSO will text you again when there is news. To end it write STOP.")
    gateway.outbox.post(Draft(Kind.REMINDER, NOY, "a reminder", purpose="reminder"))
    assert noy.inbox[-1] == "a reminder"


def test_a_word_that_only_looks_like_stop_is_asked_first(texting: TextingPhone, app: Flask) -> None:
    gateway: Installation = app.extensions["pakan"]
    noy = texting(NOBODY).writes("unsubscrbe").reads("No more texts from LSSO?")
    gateway.outbox.post(Draft(Kind.REMINDER, NOBODY, "a reminder", purpose="reminder"))
    assert noy.inbox[-1] == "a reminder"
    noy.writes("1").reads(STOPPED)


@pytest.mark.parametrize("who", ["nobody", "shared", "asks her PIN", "asleep"])
def test_who_is_not_surely_known_by_the_phone_alone_is_sent_to_the_phone(
    texting: TextingPhone, phone: Callable[..., Phone], register: Register, clock: Clock, who: str
) -> None:
    """A text proves nobody: no number, no PIN and no birth date is ever asked for by text."""
    register.member(1, NOY, TWO_MONTHS)
    if who == "shared":
        register.member(2, NOY, TWO_MONTHS)
    if who == "asks her PIN":
        with register.engine.begin() as connection:
            connection.execute(sql("UPDATE bindings SET asks_pin = true"))
    if who == "asleep":
        clock.moves(days=46)
    number = NOBODY if who == "nobody" else NOY
    texting(number).writes("somthop").reads(ELSEWHERE, code="*1508#", hotline="1508")
    texting(number).writes("sit pinpoua").reads(ELSEWHERE, code="*1508#", hotline="1508")


def test_amounts_are_never_sent_by_text(texting: TextingPhone, register: Register) -> None:
    register.member(1, NOY, TWO_MONTHS)
    texting(NOY).writes("somthop", "4").reads(ELSEWHERE, code="*1508#", hotline="1508")


def test_a_text_that_is_brought_again_is_answered_once(texting: TextingPhone, register: Register) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = texting(NOY).writes("somthop")
    for _time in range(4):
        noy.again()
    assert len(noy.inbox) == 1


def test_a_forged_sender_learns_nothing_and_the_number_itself_gets_the_answer(
    texting: TextingPhone, register: Register, operator: Texts
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    texting(NOY).writes("somthop")
    assert {msisdn for msisdn, _text in operator.sent} == {NOY}


def test_texts_do_not_move_a_call(phone: Callable[..., Phone], texting: TextingPhone, register: Register) -> None:
    """Whoever forges a text in her name does not turn a page of the call she is in."""
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, "en").says("1").sees(SUMMARY, paid=2, last="10/2026")
    texting(NOY, "en").writes("help", "STOP")
    noy.says("1").sees("%(gaps)s of the last 12 months are not on your record. Choose one:", gaps=10)


def test_send_it_to_me_by_sms(
    phone: Callable[..., Phone], register: Register, operator: Texts, language: str
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, language).says("1", "5")
    noy.sees("It comes to this phone by SMS. Whoever reads your texts can read it.")
    said = noy.spoken(
        "LSSO: %(paid)s of your last 12 months are paid, last %(last)s. Missing: %(gaps)s. See %(code)s.",
        paid=2,
        last="10/2026",
        gaps=10,
        code="*1508#",
    )
    noy.again()
    assert operator.to(NOY) == [said]


def test_the_last_three_texts_can_be_verified_by_dialling(
    phone: Callable[..., Phone], texting: TextingPhone, register: Register, app: Flask, clock: Clock
) -> None:
    register.member(1, NOY, TWO_MONTHS)
    noy = phone(NOY, "en").says("3", "1")
    noy.sees(
        "LSSO sent you no text about your record lately. A text that says so is not ours: call %(hotline)s.",
        hotline="1508",
    )
    texts = texting(NOY, "en")
    for words in ("help", "bal", "missing", "health"):
        clock.moves(minutes=1)
        texts.writes(words)
        assert texts.inbox
    app.extensions["pakan"].outbox.post(Draft(Kind.CODE, NOY, "123456 is your LSSO code."))
    assert texts.inbox[-1].startswith("123456")
    noy.dial().says("00", "3", "1").sees(
        "Texts LSSO sent you about your record. One that is not here is not ours:"
    )
    assert noy.screen.count("23/11/2026") == 3
    noy.says("1").sees("No right to treatment yet.")
    assert "123456" not in noy.reading()


def test_what_is_for_nobody_in_particular_is_no_members_text(
    app: Flask, phone: Callable[..., Phone], texting: TextingPhone, register: Register
) -> None:
    """What an employer's contact is told, or anybody who wrote, is not of a member who shares the phone."""
    register.member(1, NOY, TWO_MONTHS)
    gateway: Installation = app.extensions["pakan"]
    gateway.outbox.post(Draft(Kind.REMINDER, NOY, "00001-01: 1,250,000 kip due"))
    assert len(texting(NOY).writes("STOP", "unheard of").inbox) == 3
    phone(NOY, "en").says("3", "1").sees(
        "LSSO sent you no text about your record lately. A text that says so is not ours: call %(hotline)s.",
        hotline="1508",
    )


def test_a_phone_that_left_by_the_provider_gets_nothing_more(app: Flask, texting: TextingPhone) -> None:
    gateway: Installation = app.extensions["pakan"]
    left = {"senderId": "1508", "phoneNumber": NOY}
    answer = app.test_client().post(f"/in/africastalking/{TOKEN}/opt-out", data=left)
    assert answer.status_code == 200
    gateway.outbox.post(Draft(Kind.REMINDER, NOY, "a reminder", purpose="reminder"))
    assert texting(NOY).inbox == []


def test_a_delivery_report_ends_as_delivered(app: Flask, texting: TextingPhone, gateway_url: str) -> None:
    noy = texting(NOY).writes("help")
    assert len(noy.inbox) == 1
    gateway: Installation = app.extensions["pakan"]
    with create_engine(gateway_url).connect() as connection:
        [theirs] = connection.execute(sql("SELECT provider_id FROM outbox")).scalars()
    report = {"id": theirs, "status": "Success", "phoneNumber": NOY, "networkCode": "99999"}
    assert app.test_client().post(f"/in/africastalking/{TOKEN}/delivery", data=report).status_code == 200
    assert [count.state for count in gateway.desk.counts()] == ["delivered"]
    assert not gateway.outbox.reports.apply(Receipt("africastalking", Status.FAILED, provider_id=theirs))


def test_what_cannot_be_kept_is_asked_for_again(
    app: Flask, texting: TextingPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never a 200 without durability (reliability F5); brought again, it is answered once."""
    gateway: Installation = app.extensions["pakan"]

    def gone(*_arguments: object) -> None:
        raise ConnectionError

    noy = texting(NOBODY).writes("help")
    noy.form["id"] = "another"
    with monkeypatch.context() as broken:
        broken.setattr(gateway.pipeline.store, "commit", gone)
        noy.again(503)
        broken.setattr(gateway.outbox.reports, "apply", gone)
        report = {"id": "ATXid_1", "status": "Success", "phoneNumber": NOY}
        assert app.test_client().post(f"/in/africastalking/{TOKEN}/delivery", data=report).status_code == 503
    noy.again()
    assert len(noy.inbox) == 2
    hang_up(app)
