"""Forms as providers post them, and the numbers in them: read with a limit, whatever the bytes."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final
from urllib.parse import parse_qsl

import phonenumbers

from gateway.channels.port import NoNumber, Unreadable
from gateway.text.typed import Typed

MAX_BODY: Final = 65_536  # bytes; a WhatsApp text has up to 4,096 letters, of nine bytes each in Lao as a form
MAX_FIELDS: Final = 64  # reliability T31; the longest we know, a WhatsApp message with ten pictures, has about 50
REGION: Final = "LA"

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
E164 = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)


def read_form(body: bytes, wanted: Set[str], charset: str = "utf-8") -> dict[str, Typed]:
    """The wanted fields of a form or query, the first of each name; broken UTF-8 becomes a replacement character.

    `charset` is that of what was percent-encoded; "latin-1" keeps its bytes as they are.
    Raises `Unreadable` for a form that is too long.
    """
    if len(body) > MAX_BODY:
        raise Unreadable("the form is too long")
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"),
            keep_blank_values=True,
            max_num_fields=MAX_FIELDS,
            encoding=charset,
        )
    except ValueError as problem:
        raise Unreadable("the form has too many fields") from problem
    return {name: Typed(value) for name, value in reversed(pairs) if name in wanted}


def read_msisdn(number: Typed) -> str:
    """The number as E.164. Providers send it so; anything else is read the way Lao people write numbers.

    Raises `NoNumber` for what is hidden, a name or impossible.
    """
    if E164.fullmatch(number.reveal()):
        return number.reveal()
    try:
        parsed = phonenumbers.parse(number.reveal(), REGION)
    except phonenumbers.NumberParseException as problem:
        raise NoNumber from problem
    if not phonenumbers.is_possible_number(parsed):
        raise NoNumber
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def harmless(text: str) -> str:
    """A screen in which no control character can pose as anything else."""
    return text if text.replace("\n", "").isprintable() else CONTROL.sub("", text)


def shortcut(dialled: Typed, code: str) -> Typed:
    """The keys behind the service code: `1*2` of `*1508*1*2#`, with or without the outer signs; else none.

    >>> shortcut(Typed("*1508*1*2#"), "*1508#").reveal()
    '1*2'
    """
    ours, keys = f"{code.strip('*#')}*", dialled.reveal().removeprefix("*").removesuffix("#")
    return Typed(keys.removeprefix(ours) if keys.startswith(ours) else "")
