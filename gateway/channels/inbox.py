"""The texts to a simulated phone, in a file: read by `flask chat` and by the phone in the browser.

A carrier like any other, but for what it carries to: a file. Numbers and texts stand there in the clear, for the
owner of the file alone: never in production.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from gateway.outbox.port import Message, NotThere, Outcome, Retry, Sent, Unknown

NAME: Final = "inbox"
KEPT: Final = 100  # texts: a newcomer reads the last one
BUSY_SECONDS: Final = 0.5  # longest wait for another process of this installation
TABLE: Final = """
CREATE TABLE IF NOT EXISTS texts (id INTEGER PRIMARY KEY AUTOINCREMENT, ref TEXT UNIQUE, msisdn TEXT, text TEXT)
"""


class Inbox:
    """The last texts, in a file that is made with the first of them."""

    finds = True

    def __init__(self, path: Path, name: str = NAME) -> None:
        self.path, self.name = path, name

    def send(self, message: Message) -> Outcome:
        """Take one text, as an operator would; the same one only once."""
        try:
            with self._open() as file:
                row = (message.ref, message.msisdn, message.text)
                file.execute("INSERT OR IGNORE INTO texts (ref, msisdn, text) VALUES (?, ?, ?)", row)
                file.execute("DELETE FROM texts WHERE id <= (SELECT max(id) FROM texts) - ?", (KEPT,))
        except (OSError, sqlite3.Error):
            return Retry("the inbox cannot be written", provider_is_ill=True)
        return Sent(message.ref)

    def find(self, ref: str) -> Sent | NotThere | Unknown:
        if not self.path.exists():
            return NotThere()
        try:
            with self._open() as file:
                there = file.execute("SELECT 1 FROM texts WHERE ref = ?", (ref,)).fetchone()
        except (OSError, sqlite3.Error):
            return Unknown("the inbox cannot be read")
        return Sent(ref) if there else NotThere()

    def after(self, mark: int, msisdn: str) -> tuple[int, list[str]]:
        """What arrived for this number after a mark, oldest first, and the next mark. The first is 0."""
        if not self.path.exists():
            return mark, []
        with self._open() as file:
            rows = file.execute("SELECT id, msisdn, text FROM texts WHERE id > ? ORDER BY id", (mark,)).fetchall()
        last = rows[-1][0] if rows else mark
        return last, [text for _id, number, text in rows if number == msisdn]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
        with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as file, file:
            file.execute("PRAGMA synchronous=OFF")  # what a power cut may take: nobody waits for the disk
            file.execute("BEGIN IMMEDIATE")  # a writer that starts as a reader may be refused half-way
            file.execute(TABLE)
            yield file
