"""What the law says, by date: rates, limits, due days and benefit rules, read from `data/scheme.toml`.

A fact that is not known on a day is None, never a guess. Each fact carries its source and whether the
law's or LSSO's own words were read (`verified`), so that a screen can say how sure it is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeVar

from gateway.text.values import Kip, Month

Value = TypeVar("Value")
Entry = dict[str, Any]  # one table of the data file

REMEMBERED: Final = 1_024  # days and months whose terms are kept; callers ask about the same few
ENTERPRISE: Final = "enterprise"  # the regime of ordinary employers, and of whoever the register says nothing of
REGIME_MAX: Final = 16  # characters of a regime's name, as the register keeps it
OF_EVERY_FACT: Final = frozenset({"since", "until", "source", "verified"})
LONGEST_MONTH: Final = 31
END_OF_MONTH: Final = 0  # how the data file writes a due day that is the last of its month


@dataclass(frozen=True, slots=True)
class Fact(Generic[Value]):
    """One value, the days on which it holds (both included), and how sure we are."""

    value: Value
    since: date
    until: date | None
    source: str
    verified: bool

    def holds(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Rate:
    """Contribution rates of a regime, percent of insured earnings."""

    employer: Decimal
    insured: Decimal

    def shares(self, earnings: Kip) -> tuple[Kip, Kip]:
        """The employer's and the insured person's, each rounded to whole kip (our rule: none was found)."""
        return Kip(_share(earnings, self.employer)), Kip(_share(earnings, self.insured))

    def due(self, earnings: Kip) -> Kip:
        """Both shares together."""
        return Kip(sum(self.shares(earnings)))


class Assessed(NamedTuple):
    """The contribution on one wage of one month."""

    earnings: Kip  # the part of the wage that counts
    employer: Kip
    insured: Kip
    verified: bool  # the rate, and the floor or ceiling where the wage was held to it


@dataclass(frozen=True, slots=True)
class DueDay:
    """Day of the month after the one worked, END_OF_MONTH for its last; for employers of one regime, or of any."""

    day: int
    regime: str | None

    def of(self, month: Month) -> date:
        """The day on which what was earned before this month is due."""
        last = month.last
        return last if self.day == END_OF_MONTH else min(last, month.first + timedelta(days=self.day - 1))


@dataclass(frozen=True, slots=True)
class TreatmentRule:
    """Health care: `qualifying` paid months among the `within` latest; it continues `tail` months."""

    qualifying: int
    within: int
    tail: int


@dataclass(frozen=True, slots=True)
class BenefitRule:
    """Paid months a benefit needs, in all or among the `within` latest."""

    qualifying: int
    within: int | None


@dataclass(frozen=True, slots=True)
class Terms:
    """The scheme on one day; None, or no key, where it is not known."""

    rates: Mapping[str, Fact[Rate]]  # by regime: enterprise, state, voluntary
    floor: Fact[Kip] | None  # of insurable earnings a month
    ceiling: Fact[Kip] | None
    minimum_wage: Fact[Kip] | None
    treatment: Fact[TreatmentRule] | None
    benefits: Mapping[str, Fact[BenefitRule]]  # by name, e.g. maternity
    hotline: Fact[str] | None

    def assess(self, wage: Kip, regime: str = ENTERPRISE) -> Assessed | None:
        """The contribution on a wage; None where the rate, the floor or the ceiling is not known."""
        rate, floor, ceiling = self.rates.get(regime), self.floor, self.ceiling
        if rate is None or floor is None or ceiling is None:
            return None
        bound = floor if wage < floor.value else ceiling if wage > ceiling.value else None
        earnings = bound.value if bound else wage
        verified = rate.verified and (bound is None or bound.verified)
        return Assessed(earnings, *rate.value.shares(earnings), verified)


@dataclass(frozen=True, slots=True, eq=False)  # one object is one scheme: its answers can be remembered
class Scheme:
    """Every dated fact; of two that hold on a day, the one that began later counts."""

    rates: Mapping[str, tuple[Fact[Rate], ...]]
    floors: tuple[Fact[Kip], ...]
    ceilings: tuple[Fact[Kip], ...]
    minimum_wages: tuple[Fact[Kip], ...]
    due_days: tuple[Fact[DueDay], ...]
    treatment: tuple[Fact[TreatmentRule], ...]
    benefits: Mapping[str, tuple[Fact[BenefitRule], ...]]
    hotlines: tuple[Fact[str], ...]

    @lru_cache(maxsize=REMEMBERED)  # noqa: B019 (a scheme lives as long as the process)
    def on(self, day: date) -> Terms:
        return Terms(
            rates=_held(self.rates, day),
            floor=_latest(self.floors, day),
            ceiling=_latest(self.ceilings, day),
            minimum_wage=_latest(self.minimum_wages, day),
            treatment=_latest(self.treatment, day),
            benefits=_held(self.benefits, day),
            hotline=_latest(self.hotlines, day),
        )

    @lru_cache(maxsize=REMEMBERED)  # noqa: B019 (a scheme lives as long as the process)
    def due_on(self, month: Month, regime: str | None = None) -> date | None:
        """The day by which employers of this regime pay for this month, none where no source says so.

        Sources conflict and the law was not read, so this is the latest day that any of them claims:
        an employer is never called late early. Once a claim is verified, only verified claims count. Claims for
        the regime come before those for any; where the regime is not known, the latest day of them all counts.
        """
        payable = month + 1
        claims = [claim for claim in self.due_days if claim.holds(payable.first)]
        of_regime: dict[str | None, list[Fact[DueDay]]] = {}
        for claim in claims:
            of_regime.setdefault(claim.value.regime, []).append(claim)
        groups = of_regime.values() if regime is None else (of_regime.get(regime) or of_regime.get(None, []),)
        return max((claim.value.of(payable) for group in groups for claim in _trusted(group)), default=None)

    @property
    def regimes(self) -> Sequence[str]:
        """Every regime of which a rate or a due day is known, the commonest first."""
        named = [*self.rates, *(claim.value.regime for claim in self.due_days if claim.value.regime)]
        return tuple(dict.fromkeys(named))


@cache
def load_scheme() -> Scheme:
    """Read the data that ships with the gateway; raises as `read_scheme` does."""
    return read_scheme(resources.files("gateway.registry").joinpath("data/scheme.toml").read_text("utf-8"))


def open_scheme(path: Path) -> Scheme:
    """A scheme out of a file of its own; raises ValueError with what is wrong with it."""
    try:
        return read_scheme(path.read_text("utf-8"))
    except OSError as problem:
        raise ValueError(f"{path}: {problem.strerror}") from problem
    except KeyError as problem:
        raise ValueError(f"{path}: {problem} is missing") from problem
    except (TypeError, ArithmeticError, ValueError) as problem:
        raise ValueError(f"{path}: {problem}") from problem


def read_scheme(toml: str) -> Scheme:
    """The facts as written; raises KeyError, TypeError or ValueError where one says too little or too much."""
    data = tomllib.loads(toml)
    if data["rates"] and all(entry["regime"] != ENTERPRISE for entry in data["rates"]):
        raise ValueError(f"the rates of ordinary employers are those of the regime {ENTERPRISE!r}: it has none")
    return Scheme(
        rates=_named(data["rates"], "regime", _rate, {"employer", "insured"}),
        floors=_facts(data["floors"], _kip, {"kip"}),
        ceilings=_facts(data["ceilings"], _kip, {"kip"}),
        minimum_wages=_facts(data["minimum_wages"], _kip, {"kip"}),
        due_days=_facts(data["due_days"], _due_day, {"day", "regime"}),
        treatment=_facts(
            data["treatment"],
            lambda entry: TreatmentRule(entry["qualifying"], entry["within"], entry["tail"]),
            {"qualifying", "within", "tail"},
        ),
        benefits=_named(
            data["benefits"],
            "name",
            lambda entry: BenefitRule(entry["qualifying"], entry.get("within")),
            {"qualifying", "within"},
        ),
        hotlines=_facts(data["hotlines"], lambda entry: str(entry["number"]), {"number"}),
    )


def _facts(entries: Iterable[Entry], value: Callable[[Entry], Value], keys: Set[str]) -> tuple[Fact[Value], ...]:
    """Facts out of entries that may have these keys of their own; a word misspelt would change what they mean."""
    found = []
    for entry in entries:
        if unknown := entry.keys() - keys - OF_EVERY_FACT:
            raise ValueError(f"{min(unknown)!r} is nothing that such a fact has: {entry}")
        fact = Fact(value(entry), entry["since"], entry.get("until"), entry["source"], entry["verified"])
        found.append(fact)
    return tuple(found)


def _named(
    entries: list[Entry], key: str, value: Callable[[Entry], Value], keys: Set[str]
) -> Mapping[str, tuple[Fact[Value], ...]]:
    names = dict.fromkeys(entry[key] for entry in entries)
    return MappingProxyType(
        {name: _facts((entry for entry in entries if entry[key] == name), value, {key, *keys}) for name in names}
    )


def _due_day(entry: Entry) -> DueDay:
    day, regime = int(entry["day"]), entry.get("regime")
    if not END_OF_MONTH <= day <= LONGEST_MONTH:
        raise ValueError(f"no month has a day {day}: {entry}")
    if regime is not None and not 0 < len(regime) <= REGIME_MAX:
        raise ValueError(f"the name of a regime has 1 to {REGIME_MAX} characters: {entry}")
    return DueDay(day, regime)


def _kip(entry: Entry) -> Kip:
    return Kip(entry["kip"])


def _rate(entry: Entry) -> Rate:
    return Rate(Decimal(entry["employer"]), Decimal(entry["insured"]))


def _share(earnings: Kip, percent: Decimal) -> int:
    return int((earnings * percent / 100).quantize(Decimal(1), ROUND_HALF_UP))


def _latest(facts: tuple[Fact[Value], ...], day: date) -> Fact[Value] | None:
    return max((fact for fact in facts if fact.holds(day)), key=lambda fact: fact.since, default=None)


def _held(named: Mapping[str, tuple[Fact[Value], ...]], day: date) -> Mapping[str, Fact[Value]]:
    held = ((name, _latest(facts, day)) for name, facts in named.items())
    return MappingProxyType({name: fact for name, fact in held if fact is not None})


def _trusted(claims: Sequence[Fact[Value]]) -> Sequence[Fact[Value]]:
    return [claim for claim in claims if claim.verified] or claims
