"""The catalogues say everything, in every language, and nothing that a handset cannot show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from babel.support import Translations

from app import LOCALES
from gateway.conversation.fields import placeholders
from gateway.conversation.screens import LAST_WORDS
from gateway.text.alphabet import USSD, is_gsm7
from gateway.text.catalogue import DOMAIN, LANGUAGES, Catalogues, read_entries
from gateway.text.lao import normalise

ROOT = LOCALES.parent


def wordings() -> set[str]:
    """Every wording that the code marks."""
    marked: Iterator[tuple[str, int, object, list[str], str | None]] = (
        found for folder in ("flows", "gateway") for found in extract_from_dir(ROOT / folder)
    )
    return {str(found[2]) for found in marked}


def test_the_template_holds_what_the_code_marks() -> None:
    """`make words` brings it up to date."""
    with (LOCALES / "messages.pot").open("rb") as file:
        template = {str(message.id) for message in read_po(file) if message.id}
    assert template == wordings()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_wording_is_said_and_reviewable(language: str) -> None:
    entries = read_entries(LOCALES)[language]
    assert set(entries) == wordings()
    for wording, entry in entries.items():
        assert entry.text, wording
        assert not entry.fuzzy, wording
        assert sorted(placeholders(entry.text)) == sorted(placeholders(wording))
        assert entry.text.strip() == entry.text


@pytest.mark.parametrize("language", ["en", "lo_Latn"])
def test_latin_wording_costs_latin_prices(language: str) -> None:
    assert [entry.text for entry in read_entries(LOCALES)[language].values() if not is_gsm7(entry.text)] == []


def test_lao_wording_is_in_canonical_form() -> None:
    entries = read_entries(LOCALES)["lo"].values()
    assert [entry.text for entry in entries if normalise(entry.text) != entry.text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_last_words_fit_one_screen(language: str) -> None:
    say = Catalogues.load(LOCALES).say
    for wording in LAST_WORDS:
        assert USSD.fits(say(language, wording))
        assert USSD.fits(f"{say('lo_Latn', wording)} / {say('en', wording)}")


def test_a_missing_compiled_catalogue_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no compiled catalogue for lo_Latn: run `make catalogues`"):
        Catalogues.load(tmp_path)


def test_romanised_lao_never_falls_back_to_lao_script() -> None:
    """`Locale.parse("lo_Latn")` silently becomes `lo`; catalogues are therefore loaded by string."""
    say = Catalogues.load(LOCALES).say
    assert say("lo_Latn", "Language") == "Phasa"
    assert say("lo_Latn", "not in any catalogue") == "not in any catalogue"
    wrong = Translations.load(LOCALES, ["lo"], domain=DOMAIN)
    assert wrong.gettext("Language") == say("lo", "Language") == "ພາສາ"
