"""How a gateway of USSD over HTTP speaks, read from a small file: `docs/ussd-gateways.md` explains every line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

PLACE: Final = re.compile(r"\{([^{}]+)\}")  # in the body of an answer: {text}, or a field of the request
TEXT: Final = "text"
NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,30}")  # it stands in an address

Template = str | dict[str, Any]


class Part(BaseModel):
    """One part of a gateway's file; what it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Says(Part):
    """A field of the request that says something: by one of these values, or by being there at all."""

    field: str
    values: tuple[str | bool | int, ...] = ()

    def is_said(self, value: object) -> bool:
        if value is None:
            return False
        return not self.values or str(value).casefold() in {str(one).casefold() for one in self.values}


class Frame(Part):
    """One kind of answer. In `body`, which is a table where answers are JSON, stand {text} and {field}."""

    body: Template
    headers: dict[str, str] = {}

    def places(self) -> set[str]:
        """The names in its body."""
        return {name for line in _lines(self.body) for name in PLACE.findall(line)}


class GatewayFile(Part):
    """One gateway. Fields of JSON and XML are named by their way from the outermost, parted by dots."""

    name: str
    request: Literal["query", "form", "json", "xml"]
    reply: Literal["text", "json", "xml"]
    msisdn: str
    text: str
    keys: Literal["all", "last"]  # what `text` holds: the whole key path, or what was typed last
    session: str = ""  # empty: a number has one call at a time
    hop: str = ""  # with `last`: what names a hop, so that a repeat is known; empty: nothing does
    begins: Says | None = None  # with `last`; none: what has an unknown session begins a call
    leaves: Says | None = None  # she hung up, or the gateway gave up
    asks: Frame
    ends: Frame
    left: Frame = Frame(body="")  # the answer to `leaves`

    @field_validator("name")
    @classmethod
    def _in_an_address(cls, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError("the file is named as the gateway in our address: small letters, digits and -")
        return name

    @field_validator("asks", "ends")
    @classmethod
    def _holds_the_screen(cls, frame: Frame) -> Frame:
        if TEXT not in frame.places():
            raise ValueError("its body has no {text}, so nobody would see the screen")
        return frame

    @property
    def echoes(self) -> frozenset[str]:
        """Fields of the request that answers repeat."""
        return frozenset((self.asks.places() | self.ends.places()) - {TEXT})


class BadGateway(SystemExit):
    """A file cannot be used; the message names it and lists every problem."""


def read_gateway(path: Path) -> GatewayFile:
    """Read one file; its own name is the gateway's. Raises `BadGateway`."""
    try:
        return GatewayFile(**{**tomllib.loads(path.read_text("utf-8")), "name": path.stem})
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadGateway(f"{path.name} cannot be read: {problem}") from None
    except ValidationError as invalid:
        lines = [
            f"  {'.'.join(map(str, error['loc']))}: {error['msg'].removeprefix('Value error, ')}"
            for error in invalid.errors(include_input=False, include_url=False)
        ]
        raise BadGateway("\n".join([f"{path.name} does not work:", *lines])) from None


def _lines(body: Template) -> Iterator[str]:
    if isinstance(body, str):
        yield body
    elif isinstance(body, dict):
        for value in body.values():
            yield from _lines(value)
