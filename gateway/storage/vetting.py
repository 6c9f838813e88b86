"""What production refuses of secrets: missing, short, made up, alike, or open to others' eyes (threat T35)."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import Final

from gateway.storage.keys import KEY_BYTES, NAMES, TOKEN, key_path, versions_in

MAKE: Final = "`flask --app app:setup keys make` makes it"
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO  # rights of anybody but the owner (reliability section 5.4)
# of 32 random bytes, at least so many are different in all but one of 10^10 keys; so are 8 of 22 random letters
KEY_DIFFERENT: Final = 18
TOKEN_DIFFERENT: Final = 8
RUN: Final = 8  # of random hexadecimal digits, one token in 10^5 has such a run
SAMPLE_WORDS: Final = (
    *("synthetic", "sample", "example", "changeme", "change-me", "change_me", "secret", "password"),
    *("placeholder", "default", "insecure", "dummy", "next-month"),
)


def problems(directory: Path, *, with_token: bool) -> list[str]:
    """One sentence for everything that is wrong with the secrets here, none of which quotes one.

    `with_token`: the webhook token is kept here, too.
    """
    if not directory.is_dir():
        return [f"there is no such directory: {MAKE}"]
    said = []
    if _open_to_others(directory):
        said.append("others than its owner may look into the directory: chmod 700")
    seen: dict[bytes, str] = {}
    versions = versions_in(directory)
    for name in NAMES:
        if name not in versions:
            said.append(f"there is no {name} key: {MAKE}")
        for version in versions.get(name, ()):
            path = key_path(directory, name, version)
            said += [f"{path.name} {wrong}" for wrong in _wrong_with(path, seen)]
    if with_token:
        said += [f"{TOKEN} {wrong}" for wrong in _wrong_with_token(directory / TOKEN)]
    return said


def is_sample(secret: str) -> bool:
    """Whether a text looks as if somebody made it up, or copied it from a document or a test."""
    words = any(word in secret.lower() for word in SAMPLE_WORDS)
    return words or len(set(secret)) < TOKEN_DIFFERENT or _counts(secret.encode())


def _wrong_with(path: Path, seen: dict[bytes, str]) -> Iterator[str]:
    """What is wrong with one key; `seen` is filled with what every key is."""
    try:
        if _open_to_others(path):
            yield "may be read by others than its owner: chmod 400"
        written = path.read_text("utf-8", "replace").strip()
    except OSError as problem:
        yield f"cannot be read ({type(problem).__name__})"
        return
    try:
        key = bytes.fromhex(written)
    except ValueError:
        yield "looks like a sample" if is_sample(written) else "is not written in hexadecimal digits"
        return
    if len(key) != KEY_BYTES:
        yield f"has {len(key)} bytes; {KEY_BYTES} are needed"
        return
    if len(set(key)) < KEY_DIFFERENT or _counts(key) or is_sample(key.decode("latin-1")):
        yield "looks like a sample"
    if key in seen:
        yield f"is the same as {seen[key]}"
    seen.setdefault(key, path.name)


def _wrong_with_token(path: Path) -> Iterator[str]:
    try:
        if _open_to_others(path):
            yield "may be read by others than its owner: chmod 400"
        if is_sample(path.read_text("ascii").strip()):
            yield "looks like a sample"
    except FileNotFoundError:
        yield f"is missing, and PAKAN_WEBHOOK_TOKENS names none: {MAKE}"
    except (OSError, ValueError) as problem:
        yield f"cannot be read ({type(problem).__name__})"


def _open_to_others(path: Path) -> bool:
    return bool(path.stat().st_mode & OTHERS)


def _counts(secret: bytes) -> bool:
    """Whether a run of bytes has one step: 00 01 02 03, 0246, ffff."""
    steps = [(after - before) % 256 for before, after in pairwise(secret)]
    return any(len(list(run)) >= RUN - 1 for _step, run in groupby(steps))
