"""Settings are checked at start, and all problems are said at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.settings import PREFIX, TOKEN_CHARACTERS, BadSettings, read_settings

GOOD = "A-token_of.22+letters!"
KANNEL = {
    "KANNEL_SENDSMS_URL": "https://sms.example:13013/cgi-bin/sendsms",
    "KANNEL_USERNAME": "pakan",
    "KANNEL_PASSWORD": "s3cret word",
}

AT = {"AT_USERNAME": "pakan", "AT_API_KEY": "s3cret-key"}
TWILIO = {
    "PUBLIC_URL": "https://pakan.example",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "s3cret-token",
    "TWILIO_FROM": "+14155550100",
}


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
    assert settings.production is False
    assert (settings.timezone, settings.service_code, settings.hotline) == ("Asia/Vientiane", "*1508#", "")
    assert (settings.default_language, settings.ussd_gsm7, settings.ussd_ucs2) == ("lo_Latn", 160, 70)
    assert (settings.kannel_sendsms_url, settings.kannel_password.get_secret_value()) == ("", "")
    assert (settings.codes_per_day, settings.holdout_percent) == (2_000, 10)


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
        **KANNEL,
        **AT,
        "KANNEL_DLR_URL": "http://10.0.0.7:8000/",
        "KANNEL_USSD": "sixdee",
        "USSD_GATEWAYS": "deploy/ussd/nalo.toml,/etc/pakan/unitel.toml",
        "AT_URL": "https://api.sandbox.africastalking.com/",
        "AT_SENDER": "LSSO",
        **TWILIO,
        "PUBLIC_URL": "https://pakan.example/gateway/",
        "TWILIO_URL": "http://127.0.0.1:4010",
        "TWILIO_SIGNING_KEY": "s3cret-shared",
        "TWILIO_WHATSAPP_FROM": "+14155550101",
        "TWILIO_WHATSAPP_TEMPLATE": "HX" + "0" * 32,
        "CODES_PER_DAY": "1",
        "HOLDOUT_PERCENT": "0",
    }
    for name, value in environment.items():
        monkeypatch.setenv(PREFIX + name, value)
    settings = read_settings()
    assert settings.webhook_tokens == (GOOD, f"{GOOD}2")
    assert settings.keys_dir == Path("/etc/pakan/keys")
    assert settings.register_url.endswith("/register")
    assert (settings.ussd_gsm7, settings.ussd_ucs2, settings.default_language) == (182, 0, "lo")
    assert settings.kannel_sendsms_url == "https://sms.example:13013/cgi-bin/sendsms"
    assert settings.kannel_password.get_secret_value() == "s3cret word"
    assert settings.ussd_gateways == (Path("deploy/ussd/nalo.toml"), Path("/etc/pakan/unitel.toml"))
    assert (settings.kannel_dlr_url, settings.kannel_ussd) == ("http://10.0.0.7:8000", "sixdee")
    assert (settings.at_url, settings.at_sender) == ("https://api.sandbox.africastalking.com", "LSSO")
    assert settings.at_api_key.get_secret_value() == "s3cret-key"
    assert (settings.public_url, settings.twilio_url) == ("https://pakan.example/gateway", "http://127.0.0.1:4010")
    assert settings.twilio_auth_token.get_secret_value() == "s3cret-token"
    assert settings.twilio_signing_key.get_secret_value() == "s3cret-shared"
    assert (settings.twilio_from, settings.twilio_whatsapp_from) == ("+14155550100", "+14155550101")
    assert "s3cret" not in repr(settings)
    assert (settings.codes_per_day, settings.holdout_percent) == (1, 0)


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
        ("KANNEL_SENDSMS_URL", "file:///etc/passwd", "not an http"),
        ("KANNEL_SENDSMS_URL", "sms.example:13013", "not an http"),
        ("KANNEL_SENDSMS_URL", "gopher://sms.example/1", "not an http"),
        ("KANNEL_SENDSMS_URL", "http:///cgi-bin/sendsms", "not an http"),
        ("KANNEL_SENDSMS_URL", "http://sms.example/ sendsms", "not an http"),
        ("KANNEL_SENDSMS_URL", "http://sms.example:0/", "not an http"),
        ("KANNEL_SENDSMS_URL", "http://sms.example:http/", "not an address"),
        ("KANNEL_SENDSMS_URL", "http://[::1/", "not an address"),
        ("KANNEL_SENDSMS_URL", "http://pakan:s3cret@sms.example/", "settings of their own"),
        ("KANNEL_SENDSMS_URL", "http://sms.example/?password=s3cret", "settings of their own"),
        ("KANNEL_SENDSMS_URL", "http://sms.example/#x", "settings of their own"),
        ("KANNEL_USERNAME", "pakan ", "pattern"),
        ("KANNEL_USERNAME", "ປະກັນ", "pattern"),
        ("KANNEL_PASSWORD", "s3cret\r\nX-Kannel-To: 1", "printable ASCII"),
        ("KANNEL_PASSWORD", " s3cret", "printable ASCII"),
        ("KANNEL_PASSWORD", "s3cret\n", "printable ASCII"),
        ("KANNEL_USSD", "comverse", "pattern"),
        ("KANNEL_DLR_URL", "", "at least 1 character"),
        ("KANNEL_DLR_URL", "127.0.0.1:8000", "such as http://127.0.0.1:8000"),
        ("PUBLIC_URL", "pakan.example", "not an http"),
        ("PUBLIC_URL", "https://pakan.example/?x", "settings of their own"),
        ("AT_URL", "", "at least 1 character"),
        ("AT_URL", "api.africastalking.com", "such as https://"),
        ("AT_SENDER", "a name too long", "pattern"),
        ("AT_SENDER", "ປະກັນ", "pattern"),
        ("AT_USERNAME", "", "both or none"),
        ("AT_API_KEY", "", "both or none"),
        ("AT_API_KEY", "s3cret\r\nX: 1", "printable ASCII"),
        ("TWILIO_ACCOUNT_SID", "", "both or none"),
        ("TWILIO_ACCOUNT_SID", "SK" + "0" * 32, "pattern"),
        ("TWILIO_AUTH_TOKEN", "", "both or none"),
        ("TWILIO_SIGNING_KEY", "s3cret ", "printable ASCII"),
        ("TWILIO_FROM", "whatsapp:+14155550100", "pattern"),
        ("TWILIO_FROM", "", "what we send from"),
        ("TWILIO_WHATSAPP_FROM", "0205550100", "pattern"),
        ("TWILIO_WHATSAPP_TEMPLATE", "welcome", "pattern"),
        ("CODES_PER_DAY", "0", "greater"),
        ("CODES_PER_DAY", "many", "integer"),
        ("HOLDOUT_PERCENT", "51", "less than or equal to 50"),
        ("HOLDOUT_PERCENT", "-1", "greater"),
    ],
)
def test_each_problem_is_one_line_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    others = next((group for group in (KANNEL, AT, TWILIO) if name in group), {})
    [said] = problems(monkeypatch, **{**others, name: value})
    assert "s3cret" not in said
    assert said.startswith(f"PAKAN_{BLAMED.get((name, value), name)}")
    assert says in said


BLAMED = {  # of settings that go together, the secret is named
    ("AT_USERNAME", ""): "AT_API_KEY",
    ("TWILIO_ACCOUNT_SID", ""): "TWILIO_AUTH_TOKEN",
    ("TWILIO_FROM", ""): "TWILIO_AUTH_TOKEN",
}


def test_what_twilio_signs_is_the_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    [said] = problems(monkeypatch, **{**TWILIO, "PUBLIC_URL": ""})
    assert said.startswith("PAKAN_TWILIO_AUTH_TOKEN: with Twilio goes PUBLIC_URL")
    [said] = problems(monkeypatch, **{**TWILIO, "PUBLIC_URL": "https://pakan_1.example"})
    assert said.startswith("PAKAN_TWILIO_AUTH_TOKEN: Twilio reports to no PUBLIC_URL with _")


@pytest.mark.parametrize("sender", ["+14155550100", "1508", "LSSO", "MG" + "0" * 32])
def test_twilio_sends_from_a_number_a_name_or_a_service(monkeypatch: pytest.MonkeyPatch, sender: str) -> None:
    for name, value in {**TWILIO, "TWILIO_FROM": sender}.items():
        monkeypatch.setenv(PREFIX + name, value)
    assert read_settings().twilio_from == sender


@pytest.mark.parametrize(
    "given", [{name} for name in KANNEL] + [set(KANNEL) - {name} for name in KANNEL], ids=sorted
)
def test_kannel_is_named_with_all_three_or_not_at_all(monkeypatch: pytest.MonkeyPatch, given: set[str]) -> None:
    [said] = problems(monkeypatch, **{name: KANNEL[name] for name in given})
    assert said.startswith("PAKAN_KANNEL_PASSWORD: ")
    assert said.endswith("all three or none")


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


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1",
        "amqp://",
        "127.0.0.1:5672",
        "amqp://pakan:s3cret[@host",
        "amqp://pakan:s3cret\u2100@host",
    ],
)
def test_a_broker_is_rabbitmq(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    said = problems(monkeypatch, BROKER_URL=url)
    wanted = "not an address of RabbitMQ, such as amqp://name:password@127.0.0.1:5672/"
    assert said == [f"PAKAN_BROKER_URL: {wanted}"]


def test_the_password_of_a_broker_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAKAN_BROKER_URL", "amqps://pakan:s3cret@mq.example/pakan")
    settings = read_settings()
    assert settings.broker_url.get_secret_value() == "amqps://pakan:s3cret@mq.example/pakan"
    assert "s3cret" not in repr(settings)
