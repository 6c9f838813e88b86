"""What is texted to employers: short, whole, and nothing that a fraud could copy to advantage."""

from __future__ import annotations

import re
from datetime import date

import pytest

from app import LOCALES
from flows import atlas
from gateway.conversation.check import check
from gateway.conversation.fields import Fact
from gateway.registry.tables import KIP_MAX
from gateway.reminders.ladder import load_ladder
from gateway.reminders.wording import PARTS, SAID, SAYS, WORDINGS, Reminder, render
from gateway.text.alphabet import is_gsm7, segments, sendable
from gateway.text.catalogue import Catalogues, Entry, read_entries
from gateway.text.values import Kip, Month

EVERY = [(says, known) for says in sorted(SAYS) for known in (True, False)]


def text(says: str, known: bool, language: str) -> str:
    """The longest that this text can be: 99 workers' highest amount and an eight-digit hotline."""
    amount = Kip(KIP_MAX) if known else None
    reminder = Reminder(says, "12345-01", Month(2026, 12), date(2027, 1, 31), amount, "02112345")
    return sendable(render(reminder, language, Catalogues.load(LOCALES).say))


def test_every_step_has_its_words_with_an_amount_and_without() -> None:
    assert set(WORDINGS) == set(EVERY)
    assert {step.says for step in load_ladder()} == SAYS


@pytest.mark.parametrize(("says", "known"), EVERY)
def test_it_fits(says: str, known: bool, language: str) -> None:
    words = text(says, known, language)
    assert segments(words).parts <= PARTS[language], (len(words), words)
    assert is_gsm7(words) == (language != "lo")


@pytest.mark.parametrize(("says", "known"), EVERY)
def test_it_says_who_what_when_and_the_way_out(says: str, known: bool, language: str) -> None:
    words = text(says, known, language)
    for needed in ("12345-01", "12/2026", "31/01/2027", "02112345", "STOP", "ອປຊ" if language == "lo" else "LSSO"):
        assert needed in words
    assert (re.search(r"2[.,]147[.,]483[.,]647", words) is not None) == known
    assert not re.search(r"https?:|www\.|PIN|%\(", words)


def test_a_translation_that_lost_its_month_is_refused_before_it_is_sent() -> None:
    entries = {language: dict(found) for language, found in read_entries(LOCALES).items()}
    wording = WORDINGS["due", True]
    entries["lo"][wording] = Entry(entries["lo"][wording].text.replace("%(month)s", ""), fuzzy=False)
    [fault] = check(atlas, entries, {}, {"hotline": Fact("1508"), "code": Fact("*1#")}, SAID)
    assert fault.startswith("reminders: ")
    assert "other placeholders in lo" in fault
