"""The effect of reminders: told from the arms alone, with intervals that hold, or not told."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from math import sqrt
from random import Random
from statistics import NormalDist

import numpy as np
import pytest

from app import LOCALES
from gateway.registry.bulk import write_rows
from gateway.registry.port import Posting
from gateway.registry.tables import CODES, contributions, employers, members
from gateway.reminders.arms import STRATA, Arm, Block, assign, held_out, note
from gateway.reminders.effect import (
    CONFIDENCE,
    FEW,
    NoArm,
    TooFew,
    measure,
    needed,
    newcombe,
    stratified,
    wilson,
)
from gateway.reminders.outcomes import Outcome, outcomes, tried
from gateway.storage.engines import open_engine
from gateway.storage.schema import upgrade
from gateway.text.values import Month

OCTOBER = Month(2026, 10)
LAST_DAY = date(2026, 12, 10)
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


def simulated(seed: int, employers: int, months: int, effect: float) -> list[Outcome]:
    """A trial: larger ones pay more, an employer's months are alike, and reminders add `effect` to each chance."""
    random, found = Random(seed), []
    drawn, held = dict.fromkeys(STRATA, 0), dict.fromkeys(STRATA, 0)
    for number in range(employers):
        stratum = random.choices(STRATA, (1, 6, 4, 2, 1))[0]
        arm = Block.of(10).draw(drawn[stratum], held[stratum], random)
        drawn[stratum] += 1
        held[stratum] += arm is Arm.HELD_OUT
        usual = 0.3 + 0.08 * STRATA.index(stratum) + random.uniform(-0.15, 0.15)
        for month in range(random.randint(1, months)):
            chance = usual + effect * (arm is Arm.REMINDED) - 0.02 * month
            on_time = random.random() < chance
            found.append(Outcome(f"{number:05d}-01", OCTOBER + month, arm, stratum, on_time, undated=False))
    return found


def arm(arm: Arm, on_time: int, of: int, stratum: str = "1-9") -> list[Outcome]:
    return [
        Outcome(f"{n:05d}-{arm.index('e'):02d}", OCTOBER, arm, stratum, n < on_time, undated=False)
        for n in range(of)
    ]


@pytest.mark.parametrize(("successes", "of"), [(0, 30), (1, 31), (17, 40), (230, 230), (56, 70)])
def test_wilson_is_the_closed_form(successes: int, of: int) -> None:
    share = successes / of
    middle = (share + Z**2 / (2 * of)) / (1 + Z**2 / of)
    reach = Z / (1 + Z**2 / of) * sqrt(share * (1 - share) / of + Z**2 / (4 * of**2))
    assert wilson(successes, of) == pytest.approx((share, middle - reach, middle + reach), abs=1e-9)


def test_newcombe_is_the_one_he_printed() -> None:
    """56 of 70 against 48 of 80: 0.0524 to 0.3339 (Newcombe 1998, table II, method 10)."""
    assert newcombe(wilson(56, 70), wilson(48, 80)) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_the_stratified_estimate_is_mantel_and_haenszels() -> None:
    """Sizes with 30 points between them, each with 10 points between its arms: 10, however they are mixed."""
    few = arm(Arm.REMINDED, 36, 90) + arm(Arm.HELD_OUT, 3, 10)
    large = arm(Arm.REMINDED, 35, 50, "250+") + arm(Arm.HELD_OUT, 30, 50, "250+")
    assert stratified(few + large).value == pytest.approx(0.1)


def test_its_error_is_that_of_a_regression_with_a_dummy_for_each_cell_clustered_by_employer() -> None:
    found = simulated(5, 400, 4, 0.1)
    cells = sorted({(one.stratum, one.month) for one in found})
    codes = sorted({one.code for one in found})
    rows = [[one.arm is Arm.REMINDED, *((one.stratum, one.month) == cell for cell in cells)] for one in found]
    design, paid = np.array(rows, float), np.array([one.on_time for one in found], float)
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ paid
    scores = np.zeros((len(codes), design.shape[1]))
    for row, rest, one in zip(design, paid - design @ beta, found, strict=True):
        scores[codes.index(one.code)] += row * rest
    variance = (bread @ scores.T @ scores @ bread)[0, 0]
    held = len({one.code for one in found if one.arm is Arm.HELD_OUT})
    freedom = held - len(STRATA)
    told = stratified(found)
    assert told.value == pytest.approx(beta[0])
    at_least = Z * sqrt(variance * held / freedom)  # Student's is a little wider than the normal one
    assert at_least < told.high - told.value < at_least * 1.1


@pytest.mark.parametrize(
    ("employers", "months", "effect"),
    [(340, 1, 0.0), (340, 1, 0.15), (1_000, 1, 0.1), (400, 3, 0.0), (400, 6, 0.1)],
)
def test_its_interval_covers_the_truth_nineteen_times_in_twenty(
    employers: int, months: int, effect: float
) -> None:
    """Of 1,000 trials in 950, give or take four standard errors (28)."""
    covered = 0
    for seed in range(1_000):
        told = stratified(simulated(seed, employers, months, effect))
        covered += told.low <= effect <= told.high
    assert 922 <= covered <= 978


def test_of_one_month_the_arms_intervals_hold_too() -> None:
    covered = 0
    for seed in range(300):
        told = measure(simulated(seed, 400, 1, 0.1)).difference
        covered += told.low <= 0.1 <= told.high
    assert 270 <= covered <= 300


def test_both_arms_are_counted() -> None:
    told = measure(arm(Arm.REMINDED, 240, 300) + arm(Arm.HELD_OUT, 20, 40))
    assert (told.reminded.employers, told.reminded.months, told.reminded.on_time) == (300, 300, 240)
    assert (told.held_out.employers, told.held_out.on_time, told.held_out.share.value) == (40, 20, 0.5)
    assert told.is_told
    assert told.difference.value == pytest.approx(0.3)
    assert told.more.value == pytest.approx(90)
    assert told.more.low == pytest.approx(300 * told.stratified.low)


def test_months_of_one_employer_do_not_make_its_arm_surer() -> None:
    once = arm(Arm.REMINDED, 240, 300) + arm(Arm.HELD_OUT, 20, 40)
    thrice = [one._replace(month=OCTOBER + later) for one in once for later in range(3)]
    one, three = measure(once), measure(thrice)
    assert three.reminded.months == 900
    assert three.held_out.share == one.held_out.share
    assert three.stratified == pytest.approx(one.stratified)


def test_where_there_is_no_effect_none_is_told() -> None:
    assert not measure(arm(Arm.REMINDED, 150, 300) + arm(Arm.HELD_OUT, 19, 40)).is_told


@pytest.mark.parametrize("only", list(Arm))
def test_without_a_second_arm_nothing_is_told(only: Arm) -> None:
    with pytest.raises(NoArm):
        measure(arm(only, 200, 300))


def test_nor_where_no_size_has_both() -> None:
    with pytest.raises(NoArm):
        measure(arm(Arm.REMINDED, 40, 50) + arm(Arm.HELD_OUT, 20, 40, "250+"))


def test_of_too_few_it_is_said_how_many_it_takes() -> None:
    with pytest.raises(TooFew) as told:
        measure(arm(Arm.REMINDED, 200, 9 * (FEW - 1)) + arm(Arm.HELD_OUT, 20, FEW - 1))
    assert (told.value.smaller, told.value.needed, told.value.total) == (FEW - 1, 219, 2_190)


def test_what_it_takes_is_what_finds_it() -> None:
    """Simulated with as many as `needed` says, an effect of 10 points is found four times in five."""
    held, total = needed(ratio=9)
    found = 0
    for seed in range(200):
        random = Random(seed)
        paid = [
            sum(random.random() < chance for _ in range(of)) for chance, of in ((0.6, total - held), (0.5, held))
        ]
        found += measure(arm(Arm.REMINDED, paid[0], total - held) + arm(Arm.HELD_OUT, paid[1], held)).is_told
    assert 0.7 < found / 200 < 0.9


def test_no_server_loads_what_only_this_needs() -> None:
    look = "import app, sys; sys.exit(bool({'scipy', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", look], cwd=LOCALES.parent, timeout=60).returncode == 0


@pytest.fixture
def tried_url(database_url: str) -> str:
    """Forty employers with a worker each, half of them held out; 20 were eligible in October, 20 in November."""
    upgrade(database_url, {"register"})
    every = range(1, 41)
    with open_engine(database_url).begin() as connection:
        write_rows(connection, employers, ((n, code(n), "", "Thotlong", "enterprise") for n in every))
        write_rows(connection, members, ((n, f"9900{n:06d}", "", "Thotlong", "1990-01-01", None) for n in every))
    assign(database_url, dict.fromkeys(map(code, every), 1), 50, Random(1), date(2026, 11, 26))
    note(database_url, [code(n) for n in range(1, 21)], OCTOBER, 1_795_669_200)
    note(database_url, [code(n) for n in range(21, 41)], OCTOBER + 1, 1_798_261_200)
    return database_url


def code(number: int) -> str:
    return f"{number:05d}-01"


def pays(url: str, number: int, month: Month, posting: Posting, posted_on: date | None = None) -> None:
    paid = 115_000 if posting is Posting.POSTED else 0
    day = posted_on and posted_on.isoformat()
    row = number, number, 1_000_000, 115_000, paid, day, month.index, CODES[posting]
    with open_engine(url).begin() as connection:
        write_rows(connection, contributions, [row])


def counted(url: str, month: Month) -> dict[str, Outcome]:
    return {outcome.code: outcome for outcome in outcomes(url, month, lambda _regime: LAST_DAY)}


def test_an_employer_is_counted_from_its_first_trial_on_eligible_again_or_not(
    tried_url: str,
) -> None:
    assert tried(tried_url) == [OCTOBER, OCTOBER + 1]
    assert set(counted(tried_url, OCTOBER)) == {code(n) for n in range(1, 21)}
    assert set(counted(tried_url, OCTOBER + 1)) == {code(n) for n in range(1, 41)}
    held = {outcome.code for outcome in counted(tried_url, OCTOBER + 1).values() if outcome.arm is Arm.HELD_OUT}
    assert held == held_out(tried_url)
    assert len(held) == 20


@pytest.mark.parametrize(
    ("posting", "posted_on", "on_time", "undated"),
    [
        (Posting.POSTED, LAST_DAY, True, False),
        (Posting.POSTED, LAST_DAY + timedelta(1), False, False),
        (Posting.POSTED, None, False, True),
        (Posting.RECEIVED, None, False, True),
        (Posting.UNMATCHED, None, False, True),
        (Posting.ASSESSED, None, False, False),
    ],
)
def test_on_time_is_what_was_posted_by_the_last_day(
    tried_url: str, posting: Posting, posted_on: date | None, on_time: bool, undated: bool
) -> None:
    pays(tried_url, 7, OCTOBER, posting, posted_on)
    pays(tried_url, 7, OCTOBER + 1, Posting.POSTED, LAST_DAY)  # another month says nothing of this one
    outcome = counted(tried_url, OCTOBER)[code(7)]
    assert (outcome.on_time, outcome.undated) == (on_time, undated)
    assert not counted(tried_url, OCTOBER)[code(8)].on_time
