"""What reminders did, told by comparing employers that get them with employers that were held out at random.

By arm: the share of months paid on time, with Wilson's interval as if an employer's months were one, for they are
not independent; and their difference, with Newcombe's interval. Of several months both are wider than need be.

The estimate that counts is stratified: employers of one size in one month are compared with each other, and the
differences weighed as Mantel and Haenszel do. Its standard error takes all months of an employer together
(clustered); its interval is Student's, with a degree of freedom for each employer held out, less the sizes.

scipy is imported where it is used: no server needs it, and it costs 0.7 s and 90 MB.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import ceil, sqrt
from typing import Final, NamedTuple

from gateway.reminders.arms import Arm
from gateway.reminders.outcomes import Outcome
from gateway.text.values import Month

CONFIDENCE: Final = 0.95
POWER: Final = 0.8  # chance of seeing a difference that is there (convention)
WORTH_SEEING: Final = 0.10  # difference of shares; studies of firms found 0 to 25 points (peers R9)
FEW: Final = 30  # employers in an arm (proposal); with 34 the intervals still hold, as the tests simulate


class Estimate(NamedTuple):
    """A share or a difference of shares, and the ends of its interval: 0.1 is 10 points."""

    value: float
    low: float
    high: float


class Side(NamedTuple):
    """One arm. `months` are those of all its employers together."""

    employers: int
    months: int
    on_time: int
    share: Estimate


class Effect(NamedTuple):
    """Both arms, how far they are apart, and how far size by size and month by month."""

    reminded: Side
    held_out: Side
    difference: Estimate
    stratified: Estimate

    @property
    def is_told(self) -> bool:
        """Whether the interval leaves out 0, so that there is an effect to speak of."""
        return self.stratified.low > 0 or self.stratified.high < 0

    @property
    def more(self) -> Estimate:
        """How many more months the reminded employers paid on time than they would have."""
        value, low, high = (share * self.reminded.months for share in self.stratified)
        return Estimate(value, low, high)


class NoArm(ValueError):
    """Nobody was held out, or everybody: there is nothing to compare with."""


class TooFew(ValueError):
    """Too few employers to tell; `needed` held out, of `total`, would show a difference that is `WORTH_SEEING`."""

    def __init__(self, smaller: int, needed: int, total: int) -> None:
        super().__init__(smaller, needed, total)
        self.smaller, self.needed, self.total = smaller, needed, total


def measure(outcomes: Iterable[Outcome]) -> Effect:
    """The effect on these employers and months; raises `NoArm` or `TooFew`, and then tells no number."""
    by_arm: dict[Arm, list[Outcome]] = {arm: [] for arm in Arm}
    for outcome in outcomes:
        by_arm[outcome.arm].append(outcome)
    if not all(by_arm.values()):
        raise NoArm
    many, few = (len(_employers(by_arm[arm])) for arm in (Arm.REMINDED, Arm.HELD_OUT))
    if min(many, few) < FEW:
        raise TooFew(min(many, few), *needed(many / few))
    reminded, held_out = _side(by_arm[Arm.REMINDED]), _side(by_arm[Arm.HELD_OUT])
    return Effect(
        reminded,
        held_out,
        newcombe(reminded.share, held_out.share),
        stratified([*by_arm[Arm.REMINDED], *by_arm[Arm.HELD_OUT]]),
    )


def wilson(successes: int, of: int) -> Estimate:
    """A share and Wilson's score interval."""
    from scipy.stats import binomtest

    interval = binomtest(successes, of).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(successes / of, float(interval.low), float(interval.high))


def newcombe(one: Estimate, other: Estimate) -> Estimate:
    """The difference of two shares, out of their intervals (Newcombe 1998, Statistics in Medicine 17, 873)."""
    difference = one.value - other.value
    down = sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    up = sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2)
    return Estimate(difference, difference - down, difference + up)


def stratified(outcomes: Sequence[Outcome]) -> Estimate:
    """The difference of shares within a size and month, and its clustered interval; raises `NoArm` for none."""
    from scipy.stats import t

    cells: dict[tuple[str, Month], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        cells[outcome.stratum, outcome.month].append(outcome)
    centred = [one for members in cells.values() for one in _centred(members)]
    weight = sum(reminded**2 for _code, reminded, _on_time in centred)
    if not weight:
        raise NoArm
    value = sum(reminded * on_time for _code, reminded, on_time in centred) / weight
    scores: dict[str, float] = defaultdict(float)
    for code, reminded, on_time in centred:
        scores[code] += reminded * (on_time - value * reminded)
    held = _employers(outcome for outcome in outcomes if not _is_reminded(outcome))
    freedom = len(held) - len({outcome.stratum for outcome in outcomes})
    error = sqrt(sum(score**2 for score in scores.values()) * len(held) / freedom) / weight
    low, high = t.interval(CONFIDENCE, freedom, value, error) if error else (value, value)
    return Estimate(value, float(low), float(high))


def needed(ratio: float, share: float = 0.5) -> tuple[int, int]:
    """How many employers to hold out, and of how many, to see what is `WORTH_SEEING` in one month.

    `ratio`: reminded for each held out. `share`: paid on time without reminders; one half takes the most.
    """
    from scipy.stats import norm

    sure = norm.ppf((1 + CONFIDENCE) / 2) + norm.ppf(POWER)
    held = ceil(sure**2 * share * (1 - share) * (1 + 1 / ratio) / WORTH_SEEING**2)
    return held, ceil(held * (1 + ratio))


def _side(outcomes: Sequence[Outcome]) -> Side:
    employers, on_time = len(_employers(outcomes)), sum(outcome.on_time for outcome in outcomes)
    share = on_time / len(outcomes)
    interval = wilson(round(share * employers), employers)
    return Side(employers, len(outcomes), on_time, interval._replace(value=share))


def _centred(members: Sequence[Outcome]) -> Iterator[tuple[str, float, float]]:
    """Of each employer in a cell, how far it is from the cell's mean: in being reminded, in paying on time."""
    reminded = sum(map(_is_reminded, members)) / len(members)
    on_time = sum(outcome.on_time for outcome in members) / len(members)
    return ((one.code, _is_reminded(one) - reminded, one.on_time - on_time) for one in members)


def _is_reminded(outcome: Outcome) -> bool:
    return outcome.arm is Arm.REMINDED


def _employers(outcomes: Iterable[Outcome]) -> set[str]:
    return {outcome.code for outcome in outcomes}
