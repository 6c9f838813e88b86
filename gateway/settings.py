"""Settings from the environment, prefix `PAKAN_`, checked at start; all problems are said at once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from gateway.identity.codes import A_DAY
from gateway.outbox.pace import PACE
from gateway.storage import vetting
from gateway.text.alphabet import USSD, USSD_MAX

PREFIX = "PAKAN_"
ROOT = Path(__file__).resolve().parents[1]
VAR = ROOT / "var"  # the embedded installation keeps its database and keys here
HEADER = r"^([!-~]([ -~]*[!-~])?)?$"  # what an HTTP header carries and Kannel does not strip
SENDER = r"\+?[0-9]{3,15}|[A-Za-z0-9 ]{1,11}|"  # a number, a short code or a registered name (TS 23.040, 9.1.2.5)
SERVICE = "MG[0-9a-f]{32}"  # a Messaging Service of Twilio
TOKEN_CHARACTERS = 22  # 128 bits in URL-safe characters: the least a webhook token may have


class BadSettings(SystemExit):
    """The environment cannot be run with; the message lists every problem."""


class Settings(BaseSettings):
    """What an installation decides. Defaults make a newcomer's machine work."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    production: bool = False  # secrets are never made, and vetted at every start
    database_url: str = f"sqlite:///{VAR / 'pakan.db'}"
    registry_url: str = ""  # empty: the register lives beside the sessions
    webhook_tokens: Annotated[tuple[str, ...], NoDecode] = ()  # empty: one is made in keys_dir
    keys_dir: Path = Field(VAR / "keys", validate_default=True)
    pin_choice: bool = False  # members may choose a PIN; those that half the country would choose are refused
    timezone: str = "Asia/Vientiane"
    service_code: str = Field("*1508#", pattern=r"^\*[0-9*]+#$")
    hotline: str = Field("", pattern=r"^[0-9 +]*$", max_length=16)  # empty: the scheme's own data
    default_language: str = Field("lo_Latn", pattern="^(en|lo|lo_Latn)$")  # until she chose
    ussd_gsm7: int = Field(USSD.gsm7, ge=100, le=USSD_MAX.gsm7)  # septets of one screen
    ussd_ucs2: int = Field(USSD.ucs2, ge=0, le=USSD_MAX.ucs2)  # 0: the operator carries no Lao script
    kannel_sendsms_url: str = ""  # empty: no operator is connected
    kannel_username: str = Field("", pattern=HEADER)
    kannel_password: SecretStr = Field(SecretStr(""), validate_default=True)
    kannel_dlr_url: str = Field("http://127.0.0.1:8000", min_length=1)  # how Kannel reaches us with its reports
    kannel_ussd: str = Field("smpp", pattern="^(smpp|sixdee|mica)$")  # how the operator's USSD speaks SMPP
    scheme_file: Path | None = None  # the scheme's dated facts, in place of those that ship with the gateway
    ussd_gateways: Annotated[tuple[Path, ...], NoDecode] = ()  # files that describe USSD over HTTP
    public_url: str = ""  # how providers reach us, such as https://pakan.example: they sign it and report to it
    at_username: str = Field("", pattern=HEADER)  # empty: Africa's Talking brings calls, and no texts
    at_url: str = Field("https://api.africastalking.com", min_length=1)
    at_sender: str = Field("", pattern=f"^({SENDER})$")
    at_api_key: SecretStr = Field(SecretStr(""), validate_default=True)
    twilio_account_sid: str = Field("", pattern=r"^(AC[0-9a-f]{32})?$")  # empty: Twilio is not connected
    twilio_url: str = Field("https://api.twilio.com", min_length=1)
    twilio_signing_key: SecretStr = SecretStr("")  # a shared key, by SHA-256; empty: the auth token, by SHA-1
    twilio_from: str = Field("", pattern=f"^({SERVICE}|{SENDER})$")
    twilio_whatsapp_from: str = Field("", pattern=r"^(\+[1-9][0-9]{7,14})?$")
    twilio_whatsapp_template: str = Field("", pattern=r"^(HX[0-9a-f]{32})?$")  # its variable 1 is the whole text
    twilio_auth_token: SecretStr = Field(SecretStr(""), validate_default=True)
    sms_carrier: str = Field("", pattern="^[a-z]*$")  # of what names none; empty: the first
    rates: Annotated[Mapping[str, int], NoDecode] = Field(default_factory=dict)  # messages a second, by carrier
    sms_prices: Annotated[Mapping[str, int], NoDecode] = Field(default_factory=dict)  # kip an SMS, by operator
    bulk_pace: int = Field(PACE, ge=1)  # bulk texts that leave in a second
    reminders_alone: int = Field(500, ge=0)  # texts to employers that one person may send: more needs two
    broker_url: SecretStr = SecretStr("")  # RabbitMQ, amqp://; empty: no broker, the sender is embedded
    codes_per_day: int = Field(A_DAY, ge=1)  # one-time codes of the whole platform
    holdout_percent: int = Field(10, ge=0, le=50)  # employers never reminded, to measure the effect; 0: none

    @field_validator("webhook_tokens", "ussd_gateways", mode="before")
    @classmethod
    def _by_comma(cls, value: object) -> object:
        return tuple(filter(None, value.split(","))) if isinstance(value, str) else value

    @field_validator("rates", "sms_prices", mode="before")
    @classmethod
    def _by_name(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        pairs = [pair.partition("=") for pair in filter(None, value.split(","))]
        if not all(name and number.isdecimal() and int(number) > 0 for name, _is, number in pairs):
            raise ValueError(NAMED[info.field_name or ""])
        return {name: int(number) for name, _is, number in pairs}

    @field_validator("webhook_tokens")
    @classmethod
    def _long_enough(cls, tokens: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if any(len(token) < TOKEN_CHARACTERS for token in tokens):
            raise ValueError(f"every token needs at least {TOKEN_CHARACTERS} characters (128 bits)")
        if any(not token.isascii() or set(token) & set("/?#% ") for token in tokens):
            raise ValueError("a token stands in an address: ASCII without / ? # % or spaces")
        if info.data.get("production") and any(map(vetting.is_sample, tokens)):
            raise ValueError("a token looks like a sample: `openssl rand -hex 24` makes one")
        return tokens

    @field_validator("keys_dir")
    @classmethod
    def _vetted(cls, directory: Path, info: ValidationInfo) -> Path:
        if info.data.get("production"):
            found = vetting.problems(directory, with_token=info.data.get("webhook_tokens") == ())
            if found:
                raise ValueError("\n".join(found))
        return directory

    @field_validator("ussd_ucs2")
    @classmethod
    def _some_or_none(cls, units: int) -> int:
        if 0 < units < 50:
            raise ValueError("a screen of fewer than 50 units cannot be read: 50 to 80, or 0 for none")
        return units

    @field_validator("timezone")
    @classmethod
    def _exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as problem:
            raise ValueError(f"{name!r} is no time zone, such as Asia/Vientiane") from problem
        return name

    @field_validator("database_url", "registry_url")
    @classmethod
    def _readable(cls, url: str, field: ValidationInfo) -> str:
        if not url and field.field_name == "database_url":
            raise ValueError("sessions need a database: sqlite:/// or postgresql://")
        if not url:
            return url
        try:
            database = make_url(url)
        except ArgumentError as problem:
            raise ValueError("not a database URL, such as postgresql://user@host/name") from problem
        if database.drivername not in {"sqlite", "postgresql", "postgresql+psycopg"}:
            raise ValueError(f"{database.drivername} is not supported: sqlite:/// or postgresql://")
        if "," in (database.host or "") or "host" in database.query:
            raise ValueError("name one host: a hop has no time to try several")
        if url.endswith(":memory:") or url in {"sqlite://", "sqlite:///"}:
            raise ValueError("a database in memory cannot be shared by two processes: name a file")
        return url

    @field_validator("kannel_sendsms_url", "kannel_dlr_url", "public_url", "at_url", "twilio_url")
    @classmethod
    def _plain_address(cls, url: str, field: ValidationInfo) -> str:
        example = EXAMPLES.get(field.field_name or "", "https://pakan.example")
        try:
            parts = urlsplit(url)
            known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        except ValueError as problem:
            raise ValueError(f"not an address, such as {example}") from problem
        if url and not (known and url.isascii() and url.isprintable() and " " not in url):
            raise ValueError(f"not an http:// or https:// address, such as {example}")
        if "@" in parts.netloc or "?" in url or "#" in url:
            raise ValueError("an address without user, ? and #: name and password have settings of their own")
        return url if field.field_name == "kannel_sendsms_url" else url.rstrip("/")

    @field_validator("kannel_password", "at_api_key", "twilio_signing_key", "twilio_auth_token")
    @classmethod
    def _fits_a_header(cls, secret: SecretStr) -> SecretStr:
        if re.fullmatch(HEADER, secret.get_secret_value()) is None:
            raise ValueError("printable ASCII, with no space at either end: it is sent in a header")
        return secret

    @field_validator("broker_url")
    @classmethod
    def _broker(cls, url: SecretStr) -> SecretStr:
        wanted = "not an address of RabbitMQ, such as amqp://name:password@127.0.0.1:5672/"
        try:
            broker = urlsplit(url.get_secret_value())
        except ValueError:
            raise ValueError(wanted) from None  # the words of the library quote the password
        if url and not (broker.scheme in {"amqp", "amqps"} and broker.hostname):
            raise ValueError(wanted)
        return url

    @field_validator("kannel_password")
    @classmethod
    def _kannel(cls, password: SecretStr, field: ValidationInfo) -> SecretStr:
        others = [field.data.get(name) for name in ("kannel_sendsms_url", "kannel_username")]
        if None not in others and len({bool(password), *map(bool, others)}) > 1:
            raise ValueError("KANNEL_SENDSMS_URL, KANNEL_USERNAME and KANNEL_PASSWORD: all three or none")
        return password

    @field_validator("at_api_key")
    @classmethod
    def _africastalking(cls, key: SecretStr, field: ValidationInfo) -> SecretStr:
        username = field.data.get("at_username")
        if username is not None and bool(username) != bool(key):
            raise ValueError("AT_USERNAME and AT_API_KEY: both or none")
        return key

    @field_validator("twilio_auth_token")
    @classmethod
    def _twilio(cls, token: SecretStr, field: ValidationInfo) -> SecretStr:
        account, url, number, whatsapp = (
            field.data.get(name)
            for name in ("twilio_account_sid", "public_url", "twilio_from", "twilio_whatsapp_from")
        )
        if None in (account, url, number, whatsapp):
            return token
        if bool(account) != bool(token):
            raise ValueError("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN: both or none")
        if account and not url:
            raise ValueError("with Twilio goes PUBLIC_URL: what it sends us is signed with that address")
        if account and "_" in (urlsplit(str(url)).hostname or ""):
            raise ValueError("Twilio reports to no PUBLIC_URL with _ in its host")
        if account and not (number or whatsapp):
            raise ValueError("with Twilio goes TWILIO_FROM, TWILIO_WHATSAPP_FROM or both: what we send from")
        return token

    @property
    def register_url(self) -> str:
        """Where the register is: its own database, or the gateway's."""
        return self.registry_url or self.database_url


def read_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the environment; raises `BadSettings` with one line for each problem."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    strange = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    problems = [f"{name}: no such setting" for name in strange if name not in OF_OTHERS]
    try:
        settings = Settings(**(overrides or {}))
    except ValidationError as invalid:
        for error in invalid.errors(include_input=False, include_url=False):
            name = PREFIX + "_".join(str(part) for part in error["loc"]).upper()
            said = error["msg"].removeprefix("Value error, ")
            problems += [f"{name}: {line}" for line in said.splitlines()]
        raise BadSettings(_listed(problems)) from None
    if problems:
        raise BadSettings(_listed(problems))
    return settings


EXAMPLES = {
    "kannel_sendsms_url": "http://127.0.0.1:13013/cgi-bin/sendsms",
    "kannel_dlr_url": "http://127.0.0.1:8000",
}
NAMED = {
    "rates": "messages a second by carrier, such as kannel=10,twilio=1",
    "sms_prices": "kip an SMS by operator, such as Unitel=150,other=200",
}
OF_OTHERS = {PREFIX + "OFFICER", PREFIX + "TEST_POSTGRES"}  # read by officers' commands, and by the tests


def _listed(problems: list[str]) -> str:
    return "These settings do not work:\n" + "\n".join(f"  {problem}" for problem in problems)
