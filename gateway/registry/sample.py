"""People to try, from a synthetic register, and what each should see on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from gateway.registry.archetypes import ARCHETYPES, STRANGER_LINE, STRANGER_STORY
from gateway.registry.port import Firms, Registry
from gateway.registry.scheme import Scheme
from gateway.registry.standing import Right, Why, judge, judge_firm, right_to_treatment, window
from gateway.registry.synthetic import CONTACT_LANGUAGES, code, contact, number, phone
from gateway.text.values import Month

EMPLOYERS: Final = 2  # whose contacts may be tried


class NoSampleError(LookupError):
    """The register does not hold the people that a synthetic one begins with."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Somebody to try; an employer's contact, or a phone on no record, has no number, birth date or right."""

    phone: str  # E.164
    number: str | None
    birth_date: date | None
    language: str  # to try it in, a catalogue's name
    story: str
    months: dict[Month, Why]  # the last twelve, oldest first
    right: Right | None

    @property
    def sees(self) -> str:
        """What the gateway should tell, in plain sentences."""
        if not self.months:
            return "No record can be shown."
        paid = sum(why is Why.PAID for why in self.months.values())
        missing = [f"{month} {why.replace('_', ' ')}" for month, why in self.months.items() if why is not Why.PAID]
        sentences = [f"{paid} of the last {len(self.months)} months are paid."]
        if missing:
            sentences.append(f"Not on the record: {', '.join(missing)}.")
        if self.right:
            sentences.append(_treatment(self.right))
        return " ".join(sentences)


def samples(registry: Registry, today: date, scheme: Scheme) -> Sequence[Sample]:
    """The fixed people and a phone on no record; raises `NoSampleError` when the register is not synthetic."""
    found = [_sample(registry, member, today, scheme) for member in range(1, len(ARCHETYPES) + 1)]
    stranger = phone(STRANGER_LINE)
    return [*found, Sample(stranger, None, None, "lo", STRANGER_STORY, {}, None)]


def speakers(firms: Firms, today: date, scheme: Scheme) -> Sequence[Sample]:
    """Contacts of the first employers of a synthetic register; their months are those of the whole firm."""
    found = []
    for employer in range(1, EMPLOYERS + 1):
        msisdn, its_code = contact(employer), code(employer)
        if firms.speaks_for(msisdn, its_code):
            totals = reversed(firms.dues(its_code, window(today)[0]))
            months = {one.month: judge_firm(one, today, scheme) for one in totals}
            language = CONTACT_LANGUAGES[employer % len(CONTACT_LANGUAGES)]
            story = f"Speaks for the employer {its_code}."
            found.append(Sample(msisdn, None, None, language, story, months, None))
    return found


def _sample(registry: Registry, member: int, today: date, scheme: Scheme) -> Sample:
    archetype = ARCHETYPES[member - 1]
    months = window(today)
    msisdn = phone(archetype.line)
    found = registry.find(number(member), archetype.birth_date)
    if found is None or found.msisdn != msisdn:
        raise NoSampleError("the register does not hold the synthetic members")
    employed = set(registry.employed(found.member, months[0]))
    history = registry.history(found.member)
    standing = {
        month: judge(month, [row for row in history if row.month == month], month in employed, today, scheme)
        for month in months
    }
    rule = scheme.on(today).treatment
    paid = {row.month for row in history if row.full}
    right = right_to_treatment(paid, today, rule.value) if rule else None
    return Sample(
        msisdn, number(member), archetype.birth_date, archetype.language, archetype.story, standing, right
    )


def _treatment(right: Right) -> str:
    if right.live:
        return f"Right to treatment until {right.until}."
    back = f"back after {right.months_short} more paid months"
    if right.until is None:
        return f"No right to treatment yet: {back.removeprefix('back ')}."
    return f"Right to treatment ended on {right.until}: {back}."
