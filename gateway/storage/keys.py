"""Keyed hashes for everything that could name a caller, and the key they stand on.

All 10^8 Lao mobile numbers can be hashed in a minute, so a plain hash protects nothing: the key lives in
`PAKAN_KEYS_DIR`, outside the database and its backups, and is made there on the first run.
"""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path

KEY_BYTES = 32  # 256 bits (NIST SP 800-131A: at least 112)
TOKEN_BYTES = 24  # 192 bits; a webhook token needs at least 128
REFERENCE_CHARACTERS = 32  # 128 bits of the hash: enough that two callers never meet

HASH_KEY = "hash.key"
TOKEN = "webhook.token"  # noqa: S105 (the name of a file)


class Hasher:
    """HMAC-SHA-256 of text under one key, told apart by purpose."""

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the hash key has {len(key)} bytes, {KEY_BYTES} are needed")
        self._key = key

    def __call__(self, purpose: str, *parts: str) -> str:
        message = "\x1f".join((purpose, *parts)).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256").hex()[:REFERENCE_CHARACTERS]


def hasher(directory: Path) -> Hasher:
    """The installation's hasher; its key is made when `directory` has none."""
    return Hasher(bytes.fromhex(_read_or_make(directory / HASH_KEY, secrets.token_hex(KEY_BYTES))))


def webhook_token(directory: Path) -> str:
    """The token of webhook addresses for an installation that configured none."""
    return _read_or_make(directory / TOKEN, secrets.token_urlsafe(TOKEN_BYTES))


def _read_or_make(path: Path, fresh: str) -> str:
    """The content of a secret file; when it is missing, made for its owner's eyes only and by one process only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    if not path.exists():
        partial.touch(mode=0o600)
        partial.write_text(fresh, "ascii")
        try:
            path.hardlink_to(partial)  # whole or not at all, and the first of two processes wins
        except FileExistsError:
            pass
        finally:
            partial.unlink()
    return path.read_text("ascii").strip()
