"""The outbox as conversations ask for it: stop, start, what was sent to her, and words nobody understood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import BigInteger, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.outbox.desk import Desk
from gateway.outbox.outbox import Outbox
from gateway.outbox.port import Letter
from gateway.outbox.replies import Replies
from gateway.outbox.statements import asked, value
from gateway.storage.keys import Unsealable
from gateway.storage.renewal import about_of_message
from gateway.storage.tables import missed

SQL_SECONDS: Final = 0.5  # share of a hop, as every other statement of the store
DAY_SECONDS: Final = 86_400
ASKED: Final = 8  # questions that are looked at: what a phone may get in a month


class Mailroom:
    """The `Mail` of the port. Raises what `Hot` raises."""

    def __init__(self, outbox: Outbox, desk: Desk, replies: Replies) -> None:
        self._outbox, self._desk, self._replies = outbox, desk, replies
        self._missed = outbox.hot.statement(_missed(outbox.hot.is_sqlite))
        self._asked = outbox.hot.statement(asked())
        self._words = outbox.hot.statement(select(missed.c.name, missed.c["count"], missed.c.gist))

    @property
    def carries(self) -> bool:
        """Whether texts can leave here at all."""
        return bool(self._outbox.first)

    def may_write(self, caller: str) -> bool:
        return self.carries and self._replies.may_go(caller, self._outbox.first)

    def stop(self, caller: str) -> int:
        newest, *older = self._outbox.keys.hashers
        for hasher in older:  # messages that an older key names are withdrawn, too
            self._outbox.reports.leave(hasher("caller", caller), caller)
        return self._outbox.reports.leave(newest("caller", caller), caller)

    def start(self, caller: str) -> bool:
        come_back, hashers = self._outbox.reports.come_back, self._outbox.keys.hashers
        return bool(sum(come_back(hasher("caller", caller)) for hasher in hashers))  # asked of every one

    def last(self, caller: str, member: str, since: int, most: int) -> Sequence[Letter]:
        return self._desk.letters(caller, member, since, most, SQL_SECONDS)

    def asked(self, caller: str, since: int) -> Sequence[str]:
        found: list[str] = []
        for hasher in self._outbox.keys.hashers:
            left = since + self._outbox.lease_seconds
            values = {"caller": hasher("caller", caller), "since": left, "most": ASKED}
            for ref, about in self._outbox.hot.rows(self._asked, values, SQL_SECONDS):
                with suppress(Unsealable):  # of a key that was retired since: nobody can say what it was about
                    found.append(self._outbox.keys.sealer.open(about, about_of_message(ref)))
        return list(dict.fromkeys(found))

    def missed(self, gist: str) -> None:
        keys, day = self._outbox.keys, self._outbox.now() // DAY_SECONDS
        name = keys.hasher("missed", gist)
        row = {"name": name, "gist": keys.sealer.seal(gist, f"missed:{name}"), "day": day}
        self._outbox.hot.rows(self._missed, row, SQL_SECONDS)

    def words(self) -> Sequence[tuple[int, str]]:
        """What was not understood, the commonest first, with how often."""
        found: Counter[str] = Counter()
        for name, count, gist in self._outbox.hot.rows(self._words, {}, SQL_SECONDS):
            with suppress(Unsealable):  # of a key that was retired since: it will be written again
                found[self._outbox.keys.sealer.open(gist, f"missed:{name}")] += count
        return [(count, gist) for gist, count in found.most_common()]


def _missed(is_sqlite: bool) -> Any:
    upsert = (sqlite.insert if is_sqlite else postgresql.insert)(missed)
    day = value("day", BigInteger)
    return (
        upsert.values(name=value("name"), gist=value("gist"), count=1, last_day=day)
        .on_conflict_do_update(
            index_elements=[missed.c.name], set_={"count": missed.c["count"] + 1, "last_day": day}
        )
        .returning(missed.c["count"])
    )
