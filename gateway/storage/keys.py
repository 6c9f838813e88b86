"""The keys of an installation, and what they do: hash what could name a caller, seal what must come back.

All 10^8 Lao mobile numbers can be hashed in a minute, so a plain hash protects nothing: keys live in
`PAKAN_KEYS_DIR`, outside the database and its backups. The embedded default makes them on its first run.

Every key is a file `<name>.<version>.key`, 64 hexadecimal digits. The newest version hashes and seals; older
ones still find and open what they made until it is written anew (`renewal`). What is stored says which version
made it: `2.` before the hash or the sealed text. A version that came while a process runs is found when needed.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32  # 256 bits (NIST SP 800-131A: at least 112)
KEY_BYTES_MAX: Final = 64  # what BLAKE2b takes
TOKEN_BYTES: Final = 24  # 192 bits; a webhook token needs at least 128
REFERENCE_BYTES: Final = 16  # 128 bits of the hash: enough that two callers never meet
NONCE_BYTES: Final = 12  # AES-GCM; random, so a key seals at most 2^32 texts (NIST SP 800-38D, 8.3)

NAMES: Final = ("index", "data", "pepper", "number", "code", "audit")
TOKEN: Final = "webhook.token"  # noqa: S105 (the name of a file)
KEY_FILE: Final = re.compile(r"(?P<name>[a-z]+)\.(?P<version>[1-9][0-9]*)\.key")
KEY_MODE: Final = 0o400  # reliability section 5.4
DIRECTORY_MODE: Final = 0o700


class Unsealable(ValueError):
    """A text was not sealed for this place, not by a key we hold, or was changed since."""


class Hasher:
    """Keyed BLAKE2b (RFC 7693) of text, told apart by purpose; a quarter of HMAC's time, five times a hop."""

    def __init__(self, key: bytes, version: int = 1) -> None:
        if not KEY_BYTES <= len(key) <= KEY_BYTES_MAX:
            raise ValueError(f"the hash key has {len(key)} bytes; {KEY_BYTES} to {KEY_BYTES_MAX} are needed")
        self._key, self.version = key, version
        self._prefix = "" if version == 1 else f"{version}."  # the first is older than the prefix

    def __call__(self, purpose: str, *parts: str) -> str:
        # each part with its length, so that no part can be typed to look like two
        message = "".join(f"{len(part)}:{part}" for part in (purpose, *parts)).encode("utf-8", "surrogatepass")
        return self._prefix + blake2b(message, key=self._key, digest_size=REFERENCE_BYTES).hexdigest()


class Sealer:
    """AES-256-GCM with versioned keys. `where` names table, column and row: a text opens only where it was sealed.

    >>> sealer = Sealer({1: bytes(32)})
    >>> sealer.open(sealer.seal("two months", "place:1"), "place:1")
    'two months'
    """

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self._keys = keys
        self._ciphers = {version: AESGCM(key) for version, key in keys.items()}

    @property
    def version(self) -> int:
        """The newest."""
        return max(self._keys)

    def seal(self, text: str, where: str) -> str:
        nonce, version = secrets.token_bytes(NONCE_BYTES), self.version
        sealed = nonce + self._cipher(version).encrypt(
            nonce, text.encode("utf-8", "surrogatepass"), where.encode()
        )
        return f"{version}.{b64encode(sealed).decode('ascii')}"

    def _cipher(self, version: int) -> AESGCM:
        cipher = self._ciphers.get(version)
        if cipher is None:
            cipher = self._ciphers[version] = AESGCM(self._keys[version])
        return cipher

    def open(self, sealed: str, where: str) -> str:
        """Raises `Unsealable`."""
        version, _dot, text = sealed.partition(".")
        try:
            data = b64decode(text, validate=True)
            cipher = self._cipher(int(version))
            return cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], where.encode()).decode(
                "utf-8", "surrogatepass"
            )
        except (InvalidTag, KeyError, ValueError) as problem:
            raise Unsealable(where.partition(":")[0]) from problem


class Ring(Mapping[int, bytes]):
    """Every version of one key. A version that is not held is looked for once more: it may have come since."""

    def __init__(self, directory: Path, name: str) -> None:
        """Raises ValueError for a key that is bad or missing."""
        self.directory, self.name = directory, name
        self._keys: Mapping[int, bytes] = {}
        self.hashers: tuple[Hasher, ...] = ()  # newest first
        if not self.reread():
            raise ValueError(f"there is no {name} key")

    def reread(self) -> bool:
        """Take in versions that came since; whether there were any. What is held is never let go of."""
        fresh = {}
        for version in set(self._versions()) - set(self._keys):
            try:
                fresh[version] = self._read(version)
            except (OSError, ValueError):
                if not self._keys:
                    raise
                # a process that runs goes on with what it has: the file may be half copied
        if fresh:
            self._keys = {**self._keys, **fresh}
            newest_first = sorted(self._keys.items(), reverse=True)
            self.hashers = tuple(Hasher(key, version) for version, key in newest_first)
        return bool(fresh)

    def __getitem__(self, version: int) -> bytes:
        if version not in self._keys:
            self.reread()
        return self._keys[version]

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def _versions(self) -> list[int]:
        return versions_in(self.directory).get(self.name, [])

    def _read(self, version: int) -> bytes:
        path = key_path(self.directory, self.name, version)
        try:
            key = bytes.fromhex(path.read_text("ascii").strip())
        except ValueError as problem:
            raise ValueError(f"{path.name} is not written in hexadecimal digits") from problem
        if len(key) != KEY_BYTES:
            raise ValueError(f"{path.name} has {len(key)} bytes; {KEY_BYTES} are needed")
        return key


class Keys:
    """The keys in one directory, each a ring of its versions."""

    def __init__(self, directory: Path, *, make: bool = True) -> None:
        """Read every key; `make` makes those that are missing. Raises ValueError for a bad one."""
        self.directory = directory
        if make:
            make_missing(directory)
        self.rings = {name: Ring(directory, name) for name in NAMES}
        self.sealer = Sealer(self.rings["data"])

    @property
    def hashers(self) -> tuple[Hasher, ...]:
        """For what could name a caller, newest first: more than one while the index key is being rotated."""
        return self.rings["index"].hashers

    @property
    def hasher(self) -> Hasher:
        return self.hashers[0]

    def hashes(self, purpose: str, *parts: str) -> tuple[str, ...]:
        """What these parts may be known by, newest first: by every live key, for the older ones made rows, too."""
        return tuple(hasher(purpose, *parts) for hasher in self.hashers)

    def look_again(self) -> bool:
        """Whether a newer index key came since: another process may have moved a caller to it."""
        return self.rings["index"].reread()

    @property
    def numbers(self) -> Hasher:
        """For social-security numbers and their endings. A stored one cannot be hashed anew without the number."""
        return self.rings["number"].hashers[0]

    def is_number(self, stored: str, purpose: str, *parts: str) -> bool:
        """Whether `numbers` made this stored hash of these parts, by whichever version it names."""
        try:
            version = version_of_hash(stored)
            ours = Hasher(self.rings["number"][version], version)(purpose, *parts)
        except KeyError:
            return False
        return hmac.compare_digest(ours, stored)

    @property
    def peppers(self) -> Mapping[int, bytes]:
        """By version: the keys under which PINs are hashed before argon2id."""
        return self.rings["pepper"]

    @property
    def codes(self) -> Hasher:
        """For one-time codes, which live for minutes."""
        return self.rings["code"].hashers[0]

    @property
    def signing_key(self) -> bytes:
        """32 bytes: the Ed25519 private key that signs the heads of the audit."""
        return self.signing_keys[0]

    @property
    def signing_keys(self) -> tuple[bytes, ...]:
        """The same and those before it, newest first: what they signed still holds."""
        ring = self.rings["audit"]
        return tuple(ring[version] for version in sorted(ring, reverse=True))


def version_of_hash(stored: str) -> int:
    """Which version of its key made a keyed hash."""
    version, dot, _hash = stored.partition(".")
    return int(version) if dot and version.isdecimal() else 1


def key_path(directory: Path, name: str, version: int) -> Path:
    return directory / f"{name}.{version}.key"


def versions_in(directory: Path) -> dict[str, list[int]]:
    """The versions of each key that has a file here, oldest first."""
    found: dict[str, list[int]] = {}
    for match in filter(None, map(KEY_FILE.fullmatch, os.listdir(directory) if directory.is_dir() else ())):
        found.setdefault(match["name"], []).append(int(match["version"]))
    return {name: sorted(versions) for name, versions in found.items()}


def make_missing(directory: Path, mode: int = 0o600) -> list[Path]:
    """Make the first version of every key that has none; returns their files."""
    missing = [key_path(directory, name, 1) for name in NAMES if name not in versions_in(directory)]
    for path in missing:
        _read_or_make(path, secrets.token_hex(KEY_BYTES), mode)
    return missing


def rotate(directory: Path, name: str) -> int:
    """Add a version of this key, the newest from now on; returns its number."""
    version = max(versions_in(directory).get(name, [0])) + 1
    _read_or_make(key_path(directory, name, version), secrets.token_hex(KEY_BYTES), KEY_MODE)
    return version


def webhook_token(directory: Path, mode: int = 0o600) -> str:
    """The token of webhook addresses for an installation that configured none."""
    return _read_or_make(directory / TOKEN, secrets.token_urlsafe(TOKEN_BYTES), mode)


def _read_or_make(path: Path, fresh: str, mode: int) -> str:
    """The content of a secret file; when it is missing, made for its owner's eyes only and by one process only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    if not path.exists():
        partial.touch(mode=0o600)
        partial.write_text(fresh, "ascii")
        partial.chmod(mode)
        try:
            path.hardlink_to(partial)  # whole or not at all, and the first of two processes wins
        except FileExistsError:
            pass
        finally:
            partial.unlink()
    return path.read_text("ascii").strip()
