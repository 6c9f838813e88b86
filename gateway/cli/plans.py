"""What plans of bulk texts have in common: the month they are of, and how they are told as sums and samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Final, TypeVar

import click

from gateway.installation import Installation
from gateway.reminders.cost import cost_of, operator_of
from gateway.reminders.ladder import Ladder, current_month
from gateway.text.catalogue import LANGUAGES
from gateway.text.showing import show_kip, show_month
from gateway.text.values import Month

ALONE: Final = 500  # texts that one person may send; more is for two to look at
SAMPLES: Final = 3  # texts shown of each language
TICK: Final = 1_000  # entries between two signs of life

PERIOD: Final = click.option(
    "--period", metavar="YYYY-MM", help="The month worked that is to be paid for.  [default: the first not over]"
)

REGIME: Final = click.option(
    "--regime", metavar="NAME", help="Only employers of this regime.  [default: each in its turn]"
)

One = TypeVar("One")


class Sums:
    """What becomes of how many, and what the texts are, of any number of entries."""

    def __init__(self, prices: Mapping[str, int]) -> None:
        """`prices`: kip an SMS, by operator."""
        self._prices = prices
        self._carried: Counter[str] = Counter()
        self._whys: Counter[StrEnum] = Counter()
        self._texts: Counter[str] = Counter()
        self._parts: Counter[str] = Counter()
        self._samples: dict[str, list[str]] = {language: [] for language in LANGUAGES}

    def add(self, why: StrEnum) -> None:
        self._whys[why] += 1

    def add_text(self, language: str, words: str, parts: int, msisdn: str) -> None:
        self._carried[operator_of(msisdn)] += parts
        self._texts[language] += 1
        self._parts[language] += parts
        if len(self._samples[language]) < SAMPLES:
            self._samples[language].append(f"  {language}, {parts} SMS: {words}")

    def lines(self, one: str, more: str, whys: Iterable[StrEnum]) -> Iterator[str]:
        """The whole of it, of one such or of more; `whys` in the order in which they are told."""
        total = self._whys.total()
        yield f"\n{total:,} {one if total == 1 else more}:"
        for why in whys:
            if self._whys[why]:
                yield f"  {self._whys[why]:>7,}  {why}"
        cost = cost_of(self._carried, self._prices)
        price = show_kip(cost, "en") if cost is not None else "no price is set for all (PAKAN_SMS_PRICES)"
        yield f"\n{many(self._texts.total())}, {self._parts.total():,} SMS: {price}."
        for language in LANGUAGES:
            if self._texts[language]:
                yield f"  {language:<8}{many(self._texts[language])}, {self._parts[language]:,} SMS"
        for operator, count in self._carried.most_common():
            yield f"  {operator}, by its range: {count:,} SMS"
        for samples in self._samples.values():
            yield from samples


def counted(found: Iterable[One], of: str) -> Iterator[One]:
    """Every thousandth is told on the error stream, so that long work is seen to go on."""
    for number, one in enumerate(found, start=1):
        if number % TICK == 0:
            click.echo(f"{number:,} {of} read", err=True)
        yield one


def month_and_due(
    gateway: Installation, ladder: Ladder, period: str | None, regime: str | None = None
) -> tuple[Month, date]:
    """The month as it was typed, or the first that is not over for this regime, or any; and its due day."""
    due_on = partial(gateway.scheme.due_on, regime=regime)
    month = month_of(period) if period else current_month(ladder, due_on, gateway.clock(), gateway.timezone)
    due = due_on(month)
    if due is None:
        of = f" ({regime})" if regime else ""
        raise click.ClickException(
            f"No source says when {show_month(month, 'en')} is due{of}: see data/scheme.toml."
        )
    return month, due


def refuse_more_than(most: int, fresh: int, taken_back: int) -> None:
    """Stop before more is sent than one person may answer for."""
    if fresh > most:
        raise click.ClickException(
            f"{many(fresh)} would be sent, and --most is {most:,}. None was sent; {many(taken_back)} taken back. "
            "Let a second person look at the plan, then give the number."
        )


def refuse_without_operator(gateway: Installation) -> None:
    if not gateway.mail.carries:
        raise click.ClickException("No operator is connected for SMS, so nothing would leave: see the settings.")


def many(count: int, of: str = "text") -> str:
    return f"{count:,} {of}{'' if count == 1 else 's'}"


def month_of(period: str, option: str = "--period") -> Month:
    """The month that was typed for an option."""
    try:
        return Month.parse(period)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint=option) from problem
