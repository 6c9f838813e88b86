"""Settings are checked at start, and all problems are said at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.settings import PREFIX, TOKEN_CHARACTERS, BadSettings, read_settings

GOOD = "A-token_of.22+letters!"


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def problems(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    """The lines said about this environment, the first one left out."""
    for name, value in environment.items():
        monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(BadSettings) as refused:
        read_settings()
    first, *rest = str(refused.value).split("\n")
    assert first == "These settings do not work:"
    return [line.strip() for line in rest]


def test_without_any_setting_a_newcomers_machine_works() -> None:
    settings = read_settings()
    assert settings.database_url.startswith("sqlite:////")
    assert settings.database_url.endswith("/var/pakan.db")
    assert settings.register_url == settings.database_url
    assert settings.webhook_tokens == ()
    assert settings.keys_dir.name == "keys"
    assert (settings.timezone, settings.service_code, settings.hotline) == ("Asia/Vientiane", "*1508#", "")
    assert (settings.default_language, settings.ussd_gsm7, settings.ussd_ucs2) == ("lo_Latn", 160, 70)


def test_everything_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "DATABASE_URL": "postgresql://pakan@db.example/pakan",
        "REGISTRY_URL": "postgresql+psycopg://reader@register.example/register",
        "WEBHOOK_TOKENS": f"{GOOD},{GOOD}2",
        "KEYS_DIR": "/etc/pakan/keys",
        "TIMEZONE": "Asia/Bangkok",
        "SERVICE_CODE": "*100*7#",
        "HOTLINE": "021 212 345",
        "DEFAULT_LANGUAGE": "lo",
        "USSD_GSM7": "182",
        "USSD_UCS2": "0",
    }
    for name, value in environment.items():
        monkeypatch.setenv(PREFIX + name, value)
    settings = read_settings()
    assert settings.webhook_tokens == (GOOD, f"{GOOD}2")
    assert settings.keys_dir == Path("/etc/pakan/keys")
    assert settings.register_url.endswith("/register")
    assert (settings.ussd_gsm7, settings.ussd_ucs2, settings.default_language) == (182, 0, "lo")


def test_all_problems_are_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said = problems(
        monkeypatch,
        DATABASE_URL="mysql://root@db.example/x",
        WEBHOOK_TOKENS="short",
        TIMEZONE="Asia/Vientaine",
        SERVICE_CODE="1508",
        USSD_GSM7="500",
        DATABSE_URL="sqlite:///typo.db",
    )
    assert len(said) == 6
    assert said[0] == "PAKAN_DATABSE_URL: no such setting"
    named = {line.partition(":")[0] for line in said}
    assert named == {
        f"PAKAN_{name}"
        for name in ("DATABSE_URL", "DATABASE_URL", "WEBHOOK_TOKENS", "TIMEZONE", "SERVICE_CODE", "USSD_GSM7")
    }


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("WEBHOOK_TOKENS", "x" * (TOKEN_CHARACTERS - 1), "at least 22 characters"),
        ("WEBHOOK_TOKENS", f"{GOOD},short", "at least 22 characters"),
        ("WEBHOOK_TOKENS", f"{GOOD}/{GOOD}", "ASCII without"),
        ("WEBHOOK_TOKENS", f"{GOOD}%41", "ASCII without"),
        ("WEBHOOK_TOKENS", f"{GOOD}, {GOOD}", "ASCII without"),
        ("WEBHOOK_TOKENS", "ກ" * 30, "ASCII without"),
        ("DATABASE_URL", "no url at all", "not a database URL"),
        ("DATABASE_URL", "", "PAKAN_DATABASE_URL"),
        ("DATABASE_URL", "sqlite://", "cannot be shared"),
        ("DATABASE_URL", "sqlite:///:memory:", "cannot be shared"),
        ("REGISTRY_URL", "oracle://x@y/z", "oracle is not supported"),
        ("REGISTRY_URL", "postgresql+asyncpg://x@y/z", "postgresql+asyncpg is not supported"),
        ("DATABASE_URL", "postgresql://x@one,two/z", "name one host"),
        ("DATABASE_URL", "postgresql://x@/z?host=one:1&host=two:2", "name one host"),
        ("TIMEZONE", "Laos", "no time zone"),
        ("TIMEZONE", "", "no time zone"),
        ("TIMEZONE", "../../etc/passwd", "no time zone"),
        ("TIMEZONE", "Asia", "no time zone"),
        ("SERVICE_CODE", "*1508", "pattern"),
        ("SERVICE_CODE", "*໑໕#", "pattern"),
        ("HOTLINE", "call us", "pattern"),
        ("HOTLINE", "1" * 17, "16 characters"),
        ("DEFAULT_LANGUAGE", "fr", "pattern"),
        ("USSD_GSM7", "99", "100"),
        ("USSD_GSM7", "183", "182"),
        ("USSD_GSM7", "many", "integer"),
        ("USSD_UCS2", "49", "50 to 80"),
        ("USSD_UCS2", "81", "80"),
        ("USSD_UCS2", "-1", "0"),
    ],
)
def test_each_problem_is_one_line_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    [said] = problems(monkeypatch, **{name: value})
    assert said.startswith(f"PAKAN_{name}")
    assert says in said


def test_an_unknown_variable_is_named_so_that_a_typo_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(monkeypatch, HOTLNE="1508", ZZZ="") == [
        "PAKAN_HOTLNE: no such setting",
        "PAKAN_ZZZ: no such setting",
    ]


def test_no_problem_repeats_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    said = problems(
        monkeypatch,
        DATABASE_URL="mysql://root:pass-word-1@db/x",
        REGISTRY_URL="postgresql:/root:pass-word-2@db",
        WEBHOOK_TOKENS="a-short-token",
    )
    assert len(said) == 3
    for secret in ("pass-word", "a-short-token", "root"):
        assert secret not in "\n".join(said)


def test_a_variable_of_the_tests_is_no_typo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAKAN_TEST_POSTGRES", "postgresql://postgres@127.0.0.1")
    assert read_settings().service_code == "*1508#"


def test_what_a_caller_of_create_app_gives_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAKAN_HOTLINE", "1111")
    assert read_settings().hotline == "1111"
    assert read_settings({"hotline": "2222"}).hotline == "2222"
    with pytest.raises(BadSettings, match="PAKAN_HOTLNE"):
        read_settings({"hotlne": "2222"})


def test_settings_do_not_change_while_the_gateway_runs() -> None:
    settings = read_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.hotline = "1"
