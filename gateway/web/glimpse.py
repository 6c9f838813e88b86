"""What the gateway holds of one caller, as an officer would see it: masked, and no value of what was shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, NamedTuple

from gateway.channels.pipeline import seat_of_texts
from gateway.channels.simulator import CHAT, NAME
from gateway.conversation.assurance import Assurance
from gateway.conversation.talk import Session
from gateway.identity.office import mask
from gateway.installation import Installation
from gateway.outbox.desk import Line
from gateway.outbox.rounds import drain
from gateway.storage.store import Conversation
from gateway.text.alphabet import segments

DEEDS: Final = 6  # audit rows of the caller
LETTERS: Final = 6  # messages to her
SHORT: Final = 10  # characters of a keyed hash that tell callers apart on one screen


class Glimpse(NamedTuple):
    """One caller. `place` is empty when nothing is kept; `page` counts from 1; rows are label and value."""

    place: str
    language: str | None
    page: int
    pages: int
    history: Sequence[str]
    held: Sequence[tuple[str, str]]
    audit: Sequence[tuple[str, str]]
    sent: Sequence[tuple[str, str]]
    texts: Mapping[str, Sequence[Mapping[str, Any]]]


def glimpse(gateway: Installation, msisdn: str, by: str) -> Glimpse:
    """Read what is stored under every key that this number may be known by.

    `by` chooses the conversation: `sms` or `chat`, or else her calls.
    """
    channels = next((one.texts for one in gateway.providers if one.name == NAME), {})
    channel = channels.get(by)
    for hasher in gateway.keys.hashers:
        caller = hasher("caller", msisdn)
        seat = seat_of_texts(hasher, channel, msisdn) if channel else ""
        known, _answer, bound = gateway.pipeline.store.load(caller, "", seat)
        if known or bound:
            break
    session = Session.from_json(known.place) if known and known.place else None
    held = [("Phone", mask(msisdn)), ("Caller", f"{caller[:SHORT]}… (keyed hash)")]
    held += [("Bound to", ", ".join(f"member {one.member}" for one in bound) or "nobody")]
    if known:
        held += _held(gateway, known, session)
    texts = {name: _arrived(gateway, one.carrier, msisdn) for name, one in channels.items()}  # sends what is due
    deeds = gateway.trail.deeds(caller, DEEDS)
    return Glimpse(
        place=session.place if session else "",
        language=known.language if known else None,
        page=session.page + 1 if session else 1,
        pages=max(1, len(session.pages)) if session else 1,
        history=session.history if session else (),
        held=held,
        audit=[(_clock(gateway, deed.at), f"{deed.action} of {deed.subject} by {deed.actor}") for deed in deeds],
        sent=_sent(gateway, caller),
        texts=texts,
    )


def _arrived(gateway: Installation, carrier: str, msisdn: str) -> list[dict[str, Any]]:
    """What arrived at this phone, oldest first, each with what it costs as SMS."""
    inbox = gateway.inboxes.get(carrier)
    if inbox is None:
        return []
    drain(gateway.sender, gateway.reaper, only=(carrier,))  # no sender need run beside a phone that is looked at
    _mark, texts = inbox.after(0, msisdn)
    costs = map(segments, texts)
    return [{"text": text, **asdict(cost), "limit": cost.room} for text, cost in zip(texts, costs, strict=True)]


def _sent(gateway: Installation, caller: str) -> list[tuple[str, str]]:
    """Messages to her as `flask outbox` tells them: what became of each, never what it says."""
    return [
        (_clock(gateway, line.moved_at), f"{line.kind}, {_cost(line)} by {line.carrier}: {line.state}")
        for line in gateway.desk.lines_to(caller, LETTERS)
    ]


def _cost(line: Line) -> str:
    return "1 message" if line.carrier == CHAT else f"{line.parts} SMS"


def _held(gateway: Installation, known: Conversation, session: Session | None) -> list[tuple[str, str]]:
    moved = _clock(gateway, known.moved_at)
    rows = [("Language", known.language or "not chosen"), ("Steps", f"{known.version}, the last at {moved}")]
    if session is None:
        return [*rows, ("Place", "none: the call has ended")]
    proof = "nothing in this call"
    if session.proof:
        whose = session.proof.by or "member"
        proof = f"{Assurance(session.proof.assurance).name}, {whose} {session.proof.member}"
    rows += [("Place", session.place), ("Proved", proof)]
    rows += [("Waits for", ", ".join(name for name, _depth in session.wanted))] if session.wanted else []
    rows += [("Sealed", ", ".join(session.data))] if session.data else []
    return rows


def _clock(gateway: Installation, seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, gateway.timezone):%H:%M:%S}"
