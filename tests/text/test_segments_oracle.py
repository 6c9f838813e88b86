"""Our count of SMS parts against Twilio's own calculator, on thousands of texts and every character there is."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.text.alphabet import BASIC, EXTENSION, segments
from tests.text.lao_samples import SENTENCES, WORDS

ORACLE = Path(__file__).parent / "oracle"
SEED = 1508
SURROGATES = range(0xD800, 0xE000)

Ask = Callable[[list[str]], list[tuple[str, int, int]]]


@pytest.fixture(scope="module")
def ask() -> Ask:
    """Ask the oracle; installs it on first use. Without node: skipped at a desk, a failure in CI."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        if os.environ.get("CI"):
            pytest.fail("node and npm are needed to check SMS parts against Twilio's calculator")
        pytest.skip("node and npm are not installed: SMS parts are not checked against Twilio's calculator")
    if not (ORACLE / "node_modules").exists():
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=ORACLE, check=True, capture_output=True)

    def answers(texts: list[str]) -> list[tuple[str, int, int]]:
        lines = "".join(f"{json.dumps(text)}\n" for text in texts)
        done = subprocess.run(
            [node, "segments.mjs"], cwd=ORACLE, input=lines, text=True, check=True, capture_output=True
        )
        found = [tuple(json.loads(line)) for line in done.stdout.splitlines()]
        assert len(found) == len(texts)
        return found

    return answers


def ours(text: str) -> tuple[str, int, int]:
    found = segments(text)
    return found.alphabet, found.units, found.parts


def differences(ask: Ask, texts: list[str]) -> list[tuple[str, object, object]]:
    answers = zip(texts, map(ours, texts), ask(texts), strict=True)
    return [answer for answer in answers if answer[1] != answer[2]]


def corpus() -> Iterator[str]:
    """Texts around every boundary, with what must not be divided on it, and random mixtures."""
    yield ""
    for count in (1, 69, 70, 71, 133, 134, 135, 152, 153, 154, 159, 160, 161, 305, 306, 307, 459, 460):
        for filler in ("a", "@", "{", "€", "ກ", "é", "`", "😀"):
            yield filler * count
    for pair in ("{", "€", "\f", "😀", "👨‍👩‍👧", "👍🏽", "🇱🇦", "ນ້ຳ", "ຜູ້", "e\u0301", "\r\n"):
        for before, after in itertools.product((*range(63, 71), *range(130, 136)), (0, 1, 64, 65, 66, 67, 70)):
            yield "ກ" * before + pair + "ກ" * after
        for before, after in itertools.product((*range(150, 161), 305, 306), (0, 1, 152, 153)):
            yield "a" * before + pair + "a" * after
    chance = random.Random(SEED)
    alphabets = (
        list(BASIC + EXTENSION),
        [*"abc {}", *EXTENSION],
        [*WORDS, " ", " ", "12/2026"],
        [*WORDS, *"abc {[€", "😀", "👩‍⚕️", "🇱🇦", "ໆ"],
        ["ນ້ຳ", "ກ", "😀", "a"],
    )
    for _ in range(60):
        for letters in alphabets:
            yield "".join(chance.choices(letters, k=330))[: chance.randrange(1, 330)]
    for sentence in SENTENCES:
        for times in (1, 2, 3):
            yield sentence.replace("|", "") * times


def test_parts_are_those_of_twilio(ask: Ask) -> None:
    texts = list(corpus())
    assert len(texts) >= 2000
    assert {segments(text).parts for text in texts} >= {1, 2, 3, 4, 5}
    assert differences(ask, texts) == []


def test_every_character_has_the_alphabet_and_size_twilio_gives_it(ask: Ask) -> None:
    plane = (chr(code) for code in range(0x10000) if code not in SURROGATES)
    assert differences(ask, list(plane)) == []


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (ORACLE / "package-lock.json").read_text()
