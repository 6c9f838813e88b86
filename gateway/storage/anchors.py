"""Anchors: the signed heads of all chains, taken every hour and kept on another machine.

A chain alone proves that no row of its middle changed. That its end is still there, that it is there at all,
and that nobody computed its hashes anew is proved by an anchor: its signature cannot be made without the key,
and its copy elsewhere cannot be taken back with the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, and_, func, insert, select

from gateway.storage.audit import Chain
from gateway.storage.tables import anchors, audit


class Anchor(NamedTuple):
    """A row of `anchors`: at `at`, these were the heads of the chains that had grown since the anchor before."""

    number: int
    at: int
    heads: str
    hash: str
    signature: str

    @classmethod
    def signed(cls, number: int, at: int, heads: Sequence[Chain], before: str, key: Ed25519PrivateKey) -> Anchor:
        text = orjson.dumps([tuple(head) for head in heads]).decode()
        digest = _digest(number, at, text, before)
        return cls(number, at, text, digest, key.sign(bytes.fromhex(digest)).hex())

    @property
    def chains(self) -> list[Chain]:
        return [Chain(*head) for head in orjson.loads(self.heads)]

    def flaw(self, before: str, keys: Sequence[Ed25519PublicKey]) -> str:
        """What is wrong with it, given the hash of the anchor before: empty, or the end of a sentence."""
        if self.hash != _digest(self.number, self.at, self.heads, before):
            return "its hash is not that of what it says and of the anchor before it"
        if not any(_signed_by(key, self) for key in keys):
            return "it was not signed by this key"
        return ""

    def line(self, before: str) -> str:
        """One line of JSON, to be kept elsewhere."""
        kept = {**self._asdict(), "heads": orjson.loads(self.heads), "before": before}
        return orjson.dumps(kept).decode()


class Kept(NamedTuple):
    """An anchor as its line says it."""

    anchor: Anchor
    before: str

    @classmethod
    def read(cls, line: str) -> Kept:
        """Raises ValueError for a line that `Anchor.line` never wrote."""
        said = orjson.loads(line)
        try:
            anchor = Anchor(**{name: said[name] for name in Anchor._fields if name != "heads"}, heads="")
            heads = orjson.dumps([tuple(Chain(*head)) for head in said["heads"]]).decode()
            kept = cls(anchor._replace(heads=heads), said["before"])
        except (KeyError, TypeError) as problem:
            raise ValueError("not an anchor") from problem
        if not (isinstance(kept.anchor.number, int) and isinstance(kept.anchor.at, int)):
            raise ValueError("not an anchor")
        return kept


def take(connection: Connection, key: Ed25519PrivateKey, at: int) -> tuple[Anchor, str]:
    """Write the next anchor; returns it and the hash of the one before, which is empty for the first.

    Raises `sqlalchemy.exc.IntegrityError` when another process took the same number.
    """
    number, before = 0, ""
    known: dict[str, int] = {}
    for row in connection.execute(select(anchors).order_by(anchors.c.number)):
        last = Anchor(*row)
        number, before = last.number, last.hash
        known.update((head.name, head.seq) for head in last.chains)
    heads = [Chain(*row) for row in connection.execute(_heads())]
    grown = [head for head in heads if head.seq > known.get(head.name, 0)]
    anchor = Anchor.signed(number + 1, at, grown, before, key)
    connection.execute(insert(anchors).values(anchor._asdict()))
    return anchor, before


def _digest(number: int, at: int, heads: str, before: str) -> str:
    return sha256(orjson.dumps((number, at, heads, before))).hexdigest()


def _signed_by(key: Ed25519PublicKey, anchor: Anchor) -> bool:
    try:
        key.verify(bytes.fromhex(anchor.signature), bytes.fromhex(anchor.hash))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _heads() -> Any:
    """Every chain's last row. Steps over the index from chain to chain: millions of rows are not looked at."""
    names = select(func.min(audit.c.chain).label("chain")).cte("names", recursive=True)
    following = select(func.min(audit.c.chain)).where(audit.c.chain > names.c.chain).scalar_subquery()
    names = names.union_all(select(following).where(names.c.chain.is_not(None)))
    own = audit.alias("own")
    last = select(func.max(own.c.seq)).where(own.c.chain == names.c.chain).scalar_subquery()
    is_head = and_(audit.c.chain == names.c.chain, audit.c.seq == last)
    return (
        select(audit.c.chain, audit.c.seq, audit.c.hash)
        .select_from(names.join(audit, is_head))
        .order_by(audit.c.chain)
    )
