"""What production refuses to start with, all of it at once (threat T35)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from app import create_app, setup
from gateway.cli.keys import keys as command_group
from gateway.settings import BadSettings
from gateway.storage.keys import KEY_BYTES, NAMES, TOKEN, make_missing
from tests.channels.conftest import fill
from tests.conftest import TOKEN as SAMPLE_TOKEN
from tests.conftest import Clock
from tests.faults import hang_up
from tests.web.conftest import NEXT_TOKEN

GOOD_TOKEN = "pV3vZr8Qn1Lx6Tb9Kd4Ws7Mf2Hc5Jg0y"
GOOD_KEY = "9f1c64e07ab35d28c2f08b6e14d7935fa86012cb4de97730f5b81e6c2493da57"

Command = Callable[..., Result]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> str:
    return fill(database_url, tmp_path / "of others")


def made(directory: Path) -> Path:
    make_missing(directory, 0o400)
    return directory


def refusals(directory: Path, **settings: object) -> list[str]:
    """What production says of these keys, line by line."""
    config = {"production": True, "keys_dir": directory, "webhook_tokens": (GOOD_TOKEN,), **settings}
    with pytest.raises(BadSettings) as refused:
        create_app(config)
    first, *rest = str(refused.value).split("\n")
    assert first == "These settings do not work:"
    return [line.strip().removeprefix("PAKAN_KEYS_DIR: ") for line in rest]


def write(path: Path, content: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(content)
    path.chmod(0o400)


def test_production_never_makes_a_key(directory: Path) -> None:
    said = refusals(directory)
    assert said == ["there is no such directory: `flask --app app:setup keys make` makes it"]
    assert not directory.exists()
    directory.mkdir(mode=0o700)
    said = refusals(directory)
    assert said == [f"there is no {name} key: `flask --app app:setup keys make` makes it" for name in NAMES]
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "has 0 bytes; 32 are needed"),
        (GOOD_KEY[:-2], "has 31 bytes; 32 are needed"),
        (GOOD_KEY[:32], "has 16 bytes; 32 are needed"),
        (GOOD_KEY * 2, "has 64 bytes; 32 are needed"),
        ("00" * KEY_BYTES, "looks like a sample"),
        ("ff" * KEY_BYTES, "looks like a sample"),
        (bytes(range(KEY_BYTES)).hex(), "looks like a sample"),
        (bytes(range(1, KEY_BYTES + 1)).hex(), "looks like a sample"),
        (bytes(range(KEY_BYTES, 0, -1)).hex(), "looks like a sample"),
        ("0123456789abcdef" * 4, "looks like a sample"),
        ("deadbeef" * 8, "looks like a sample"),
        (GOOD_KEY[:32] * 2, "looks like a sample"),
        (b"a synthetic key of 32 bytes, ok?".hex(), "looks like a sample"),
        (b"A Sample k3y: 9z8y7x6w5v4u3t2s1!".hex(), "looks like a sample"),
        ("changeme", "looks like a sample"),
        ("example-key-of-the-documentation", "looks like a sample"),
        ("9f1c64e07ab35d28 no key at all", "is not written in hexadecimal digits"),
        (GOOD_KEY[:-1], "is not written in hexadecimal digits"),
        ("ກຸນແຈຂອງລະບົບ", "is not written in hexadecimal digits"),
    ],
)
@pytest.mark.parametrize("file", ["data.1.key", "index.2.key"])
def test_production_refuses_a_key_that_protects_nothing(
    directory: Path, file: str, content: str, says: str
) -> None:
    write(made(directory) / file, content)
    [said] = refusals(directory)
    assert said.startswith(f"{file} {says}")
    assert not content or content not in said


@pytest.mark.parametrize("rights", [0o404, 0o440, 0o444, 0o600 | 0o020, 0o401])
def test_production_refuses_a_key_that_others_may_read(directory: Path, rights: int) -> None:
    (made(directory) / "pepper.1.key").chmod(rights)
    assert refusals(directory) == ["pepper.1.key may be read by others than its owner: chmod 400"]


@pytest.mark.parametrize("rights", [0o750, 0o705, 0o701, 0o777])
def test_production_refuses_a_directory_that_others_may_look_into(directory: Path, rights: int) -> None:
    made(directory).chmod(rights)
    assert refusals(directory) == ["others than its owner may look into the directory: chmod 700"]


def test_production_refuses_two_keys_that_are_one(directory: Path) -> None:
    write(made(directory) / "audit.1.key", (directory / "pepper.1.key").read_text().upper() + "\n")
    assert refusals(directory) == ["audit.1.key is the same as pepper.1.key"]
    write(directory / "audit.1.key", GOOD_KEY)
    write(directory / "audit.2.key", GOOD_KEY)
    assert refusals(directory) == ["audit.2.key is the same as audit.1.key"]


@pytest.mark.parametrize(
    "token",
    [
        *(
            SAMPLE_TOKEN,
            NEXT_TOKEN,
            "changeme-changeme-changeme",
            "an-example-token-98-xYz-Kq",
            "My-Sample-Kq7Zr4Wb1Np9Xy",
        ),
        *("x" * 30, "abababababababababababab", "0123456789012345678901234", "abcdefghijklmnopqrstuvwxyz"),
        *("ZYXWVUTSRQPONMLKJIHGFEDCBA", "PasswordPassword_Kq7Zr4Wb1N", "this-is-the-default-Kq7Zr4"),
    ],
)
def test_production_refuses_a_token_that_was_made_up(directory: Path, token: str) -> None:
    for tokens in ((token,), (GOOD_TOKEN, token)):
        [said] = refusals(made(directory), webhook_tokens=tokens)
        assert said.startswith("PAKAN_WEBHOOK_TOKENS: a token looks like a sample")
        assert token not in said


def test_production_without_a_token_wants_one_that_was_made(directory: Path) -> None:
    [said] = refusals(made(directory), webhook_tokens=())
    assert said.startswith(f"{TOKEN} is missing, and PAKAN_WEBHOOK_TOKENS names none")
    write(directory / TOKEN, SAMPLE_TOKEN)
    assert refusals(directory, webhook_tokens=()) == [f"{TOKEN} looks like a sample"]
    (directory / TOKEN).chmod(0o644)
    assert len(refusals(directory, webhook_tokens=())) == 2


def test_production_says_everything_at_once(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(directory).chmod(0o755)
    write(directory / "index.1.key", "00" * KEY_BYTES)
    write(directory / "data.1.key", GOOD_KEY[:10])
    (directory / "code.1.key").unlink()
    (directory / "number.1.key").chmod(0o444)
    monkeypatch.setenv("PAKAN_HOTLNE", "1508")
    said = refusals(directory, webhook_tokens=(SAMPLE_TOKEN,), timezone="Laos")
    assert len(said) == 8
    wanted = (
        "HOTLNE",
        "a token looks",
        "TIMEZONE",
        "directory",
        "index.1.key looks",
        "data.1.key has",
        "no code key",
    )
    for words in (*wanted, "number.1.key may"):
        assert any(words in line for line in said), words


def test_production_starts_with_good_secrets_and_nothing_else_is_vetted(
    directory: Path, url: str, clock: Clock
) -> None:
    """The same keys that production refuses are a newcomer's own business."""
    config = {"database_url": url, "keys_dir": directory, "hotline": "1508"}
    write(made(directory) / "data.1.key", "00" * KEY_BYTES)
    create_app({**config, "webhook_tokens": (SAMPLE_TOKEN,)}, clock=clock)
    assert refusals(directory) == ["data.1.key looks like a sample"]
    (directory / "data.1.key").unlink()
    made(directory)
    app = create_app({**config, "production": True, "webhook_tokens": (GOOD_TOKEN,)}, clock=clock)
    assert app.extensions["pakan"].tokens == (GOOD_TOKEN,)
    hang_up(app)


def test_random_secrets_are_never_taken_for_samples(tmp_path: Path) -> None:
    for number in range(40):
        directory = tmp_path / str(number)
        made(directory)
        setup({"keys_dir": directory}).test_cli_runner().invoke(command_group, ["make"])
        create_app({"production": True, "keys_dir": directory, "webhook_tokens": ()})
