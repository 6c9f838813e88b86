"""Settings from the environment, prefix `PAKAN_`, checked at start; all problems are said at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from gateway.text.alphabet import USSD, USSD_MAX

PREFIX = "PAKAN_"
ROOT = Path(__file__).resolve().parents[1]
VAR = ROOT / "var"  # the embedded installation keeps its database and keys here
TOKEN_CHARACTERS = 22  # 128 bits in URL-safe characters: the least a webhook token may have


class BadSettings(SystemExit):
    """The environment cannot be run with; the message lists every problem."""


class Settings(BaseSettings):
    """What an installation decides. Defaults make a newcomer's machine work."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    database_url: str = f"sqlite:///{VAR / 'pakan.db'}"
    registry_url: str = ""  # empty: the register lives beside the sessions
    webhook_tokens: Annotated[tuple[str, ...], NoDecode] = ()  # empty: one is made in keys_dir
    keys_dir: Path = VAR / "keys"
    timezone: str = "Asia/Vientiane"
    service_code: str = Field("*1508#", pattern=r"^\*[0-9*]+#$")
    hotline: str = Field("", pattern=r"^[0-9 +]*$", max_length=16)  # empty: the scheme's own data
    default_language: str = Field("lo_Latn", pattern="^(en|lo|lo_Latn)$")  # until she chose
    ussd_gsm7: int = Field(USSD.gsm7, ge=100, le=USSD_MAX.gsm7)  # septets of one screen
    ussd_ucs2: int = Field(USSD.ucs2, ge=0, le=USSD_MAX.ucs2)  # 0: the operator carries no Lao script

    @field_validator("webhook_tokens", mode="before")
    @classmethod
    def _by_comma(cls, value: object) -> object:
        return tuple(filter(None, value.split(","))) if isinstance(value, str) else value

    @field_validator("webhook_tokens")
    @classmethod
    def _long_enough(cls, tokens: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(token) < TOKEN_CHARACTERS for token in tokens):
            raise ValueError(f"every token needs at least {TOKEN_CHARACTERS} characters (128 bits)")
        if any(not token.isascii() or set(token) & set("/?#% ") for token in tokens):
            raise ValueError("a token stands in an address: ASCII without / ? # % or spaces")
        return tokens

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

    @property
    def register_url(self) -> str:
        """Where the register is: its own database, or the gateway's."""
        return self.registry_url or self.database_url


def read_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the environment; raises `BadSettings` with one line for each problem."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    strange = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    problems = [f"{name}: no such setting" for name in strange if name not in TEST_SETTINGS]
    try:
        settings = Settings(**(overrides or {}))
    except ValidationError as invalid:
        for error in invalid.errors(include_input=False, include_url=False):
            name = PREFIX + "_".join(str(part) for part in error["loc"]).upper()
            problems.append(f"{name}: {error['msg'].removeprefix('Value error, ')}")
        raise BadSettings(_listed(problems)) from None
    if problems:
        raise BadSettings(_listed(problems))
    return settings


TEST_SETTINGS = {PREFIX + "TEST_POSTGRES"}  # read by the tests alone


def _listed(problems: list[str]) -> str:
    return "These settings do not work:\n" + "\n".join(f"  {problem}" for problem in problems)
