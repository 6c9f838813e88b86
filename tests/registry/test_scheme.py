"""The dated facts of the scheme: what holds on a day, and what stays unknown."""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from importlib import resources
from pathlib import Path

import pytest

from app import create_app
from gateway.registry.scheme import Assessed, TreatmentRule, load_scheme, read_scheme
from gateway.text.values import Kip, Month

SCHEME = load_scheme()
TODAY = date(2026, 11, 23)
EMPTY = "\n".join(
    f"{table} = []"
    for table in (
        "rates",
        "floors",
        "ceilings",
        "minimum_wages",
        "due_days",
        "treatment",
        "benefits",
        "hotlines",
    )
)


def test_today() -> None:
    terms = SCHEME.on(TODAY)
    enterprise = terms.rates["enterprise"]
    assert (enterprise.value.employer, enterprise.value.insured) == (Decimal("6.0"), Decimal("5.5"))
    assert enterprise.verified
    assert terms.treatment is not None
    assert terms.treatment.value == TreatmentRule(qualifying=3, within=6, tail=3)
    assert terms.hotline is not None
    assert (terms.hotline.value, terms.hotline.verified) == ("1508", False)
    assert terms.benefits["unemployment"].value.within == 24


@pytest.mark.parametrize(
    ("day", "kip"),
    [
        (date(2003, 12, 31), None),
        (date(2013, 12, 31), None),
        (date(2016, 12, 31), 2_000_000),
        (date(2017, 1, 1), 4_500_000),
        (TODAY, 4_500_000),
    ],
)
def test_ceiling_by_day(day: date, kip: int | None) -> None:
    ceiling = SCHEME.on(day).ceiling
    assert (ceiling.value if ceiling else None) == kip


@pytest.mark.parametrize(
    ("day", "kip"),
    [
        (date(2011, 12, 31), None),
        (date(2023, 9, 30), 1_300_000),
        (date(2023, 10, 1), 1_600_000),
        (TODAY, 2_500_000),
    ],
)
def test_minimum_wage_by_day(day: date, kip: int | None) -> None:
    wage = SCHEME.on(day).minimum_wage
    assert (wage.value if wage else None) == kip


def test_the_disputed_floor_of_2017_to_2025_stays_unknown() -> None:
    assert SCHEME.on(date(2017, 1, 1)).floor is None
    assert SCHEME.on(date(2025, 12, 31)).floor is None
    assert SCHEME.on(date(2026, 1, 1)).floor is not None


def test_before_the_law_of_2018_its_benefits_are_unknown() -> None:
    terms = SCHEME.on(date(2018, 6, 26))
    assert terms.treatment is None
    assert not terms.benefits


@pytest.mark.parametrize(
    ("month", "due"),
    [
        (Month(2026, 10), date(2026, 11, 30)),
        (Month(2026, 12), date(2027, 1, 31)),
        (Month(2027, 1), date(2027, 2, 28)),
        (Month(2028, 1), date(2028, 2, 29)),
        (Month(2018, 6), date(2018, 7, 31)),
        (Month(2018, 5), None),
    ],
)
def test_due_is_the_latest_day_any_source_claims(month: Month, due: date | None) -> None:
    assert SCHEME.due_on(month) == due


def test_a_verified_due_day_silences_the_others() -> None:
    claims = """
    [[due_days]]
    since = 2018-06-27
    day = 0
    source = "a survey"
    verified = false

    [[due_days]]
    since = 2027-01-01
    day = 20
    source = "the law"
    verified = true
    """
    scheme = read_scheme(EMPTY.replace("due_days = []", "") + claims)
    assert scheme.due_on(Month(2026, 11)) == date(2026, 12, 31)
    assert scheme.due_on(Month(2026, 12)) == date(2027, 1, 20)


REGIMES = """
[[due_days]]
since = 2018-06-27
day = 0
source = "a survey"
verified = true

[[due_days]]
regime = "state"
since = 2018-06-27
day = 10
source = "a survey"
verified = false

[[due_days]]
regime = "state"
since = 2018-06-27
day = 12
source = "another"
verified = false

[[due_days]]
regime = "farmers"
since = 2027-01-01
day = 15
source = "a plan"
verified = false
"""


@pytest.mark.parametrize(
    ("regime", "day"),
    [
        ("enterprise", 31),
        ("state", 12),  # its own words come before verified ones about everybody
        ("farmers", 31),  # nothing holds for them alone yet
        (None, 31),
    ],
)
def test_a_regime_has_a_due_day_of_its_own(regime: str | None, day: int) -> None:
    scheme = read_scheme(EMPTY.replace("due_days = []", "") + REGIMES)
    assert scheme.due_on(Month(2026, 11), regime) == date(2026, 12, day)
    assert scheme.regimes == ("state", "farmers")  # this scheme has no rates


def one_claim(line: str) -> str:
    claim = f'[[due_days]]\nsince = 2018-06-27\nsource = "a survey"\nverified = false\n{line}\n'
    return EMPTY.replace("due_days = []", "") + "\n" + claim


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("day = 32", "no month has a day 32"),
        ("day = -3", "no month has a day -3"),
        ('day = 15\nregim = "state"', "'regim' is nothing that such a fact has"),
        ('day = 15\nregime = ""', "1 to 16 characters"),
        ('day = 15\nregime = "seventeen-letters"', "1 to 16 characters"),
    ],
)
def test_what_is_misspelt_does_not_move_a_due_day_in_silence(line: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        read_scheme(one_claim(line))


@pytest.mark.parametrize(
    ("month", "due"),
    [
        (Month(2027, 1), date(2027, 2, 28)),
        (Month(2027, 3), date(2027, 4, 30)),
        (Month(2027, 2), date(2027, 3, 31)),
    ],
)
def test_a_day_that_a_month_does_not_have_is_its_last(month: Month, due: date) -> None:
    assert read_scheme(one_claim("day = 31")).due_on(month) == due


@pytest.mark.parametrize(
    ("toml", "wrong"),
    [
        ("rates = [", "Invalid value"),
        ("rates = []", "'floors' is missing"),
        (one_claim("day = 40"), "no month has a day 40"),
        (EMPTY.replace("floors = []", "floors = [{kip = 1, since = 2026-01-01}]"), "'source' is missing"),
        (
            EMPTY.replace(
                "rates = []",
                "rates = [{regime = 'private', employer = '6', insured = '5', since = 2026-01-01, "
                "source = '-', verified = true}]",
            ),
            "the rates of ordinary employers are those of the regime 'enterprise'",
        ),
        (None, "No such file"),
    ],
)
def test_a_scheme_of_ones_own_that_does_not_work_is_refused_at_start(
    toml: str | None, wrong: str, tmp_path: Path
) -> None:
    file = tmp_path / "scheme.toml"
    if toml is not None:
        file.write_text(toml)
    with pytest.raises(SystemExit, match=f"PAKAN_SCHEME_FILE does not work: .*{wrong}"):
        create_app({"keys_dir": tmp_path / "keys", "scheme_file": file})


def test_a_scheme_of_ones_own_is_what_the_gateway_goes_by(tmp_path: Path) -> None:
    file = tmp_path / "scheme.toml"
    shipped = resources.files("gateway.registry").joinpath("data/scheme.toml").read_text("utf-8")
    file.write_text(shipped.replace("day = 0", "day = 28"))
    app = create_app({"keys_dir": tmp_path / "keys", "scheme_file": file})
    assert app.extensions["pakan"].scheme.due_on(Month(2026, 10)) == date(2026, 11, 28)


def test_where_only_one_regime_has_a_day_the_others_have_none() -> None:
    of_state = REGIMES[REGIMES.index('[[due_days]]\nregime = "state"') :]
    scheme = read_scheme(EMPTY.replace("due_days = []", "") + "\n" + of_state)
    assert scheme.due_on(Month(2026, 11), "enterprise") is None
    assert scheme.due_on(Month(2026, 11)) == date(2026, 12, 12)  # the latest of those that are known


def test_the_shipped_scheme_names_its_regimes_and_no_source_tells_their_days_apart() -> None:
    assert SCHEME.regimes == ("enterprise", "state", "voluntary")
    assert {SCHEME.due_on(Month(2026, 10), regime) for regime in SCHEME.regimes} == {date(2026, 11, 30)}


def test_at_the_ceiling_the_shares_are_what_the_survey_prints() -> None:
    rate = SCHEME.on(TODAY).rates["enterprise"].value
    assert rate.due(Kip(4_500_000)) == 517_500
    assert rate.due(Kip(100)) == 6 + 6  # each share is rounded by itself, halves up
    assert rate.due(Kip(0)) == 0


def test_every_fact_of_the_file_names_its_source_and_no_two_begin_together() -> None:
    data = tomllib.loads(resources.files("gateway.registry").joinpath("data/scheme.toml").read_text("utf-8"))
    for table, entries in data.items():
        assert all(entry["source"] and isinstance(entry["verified"], bool) for entry in entries), table
        keys = [(entry.get("regime"), entry.get("name"), entry.get("day"), entry["since"]) for entry in entries]
        assert len(set(keys)) == len(keys), table


def test_a_wage_is_held_to_floor_and_ceiling_of_its_day() -> None:
    terms = SCHEME.on(TODAY)
    assert terms.assess(Kip(1)) == Assessed(Kip(2_500_000), Kip(150_000), Kip(137_500), verified=False)
    assert terms.assess(Kip(3_000_001)) == Assessed(Kip(3_000_001), Kip(180_000), Kip(165_000), verified=True)
    assert terms.assess(Kip(4_500_001)) == Assessed(Kip(4_500_000), Kip(270_000), Kip(247_500), verified=True)


@pytest.mark.parametrize("day", [date(2020, 6, 15), date(2012, 6, 15), date(1999, 1, 1)])
def test_without_a_floor_a_ceiling_or_a_rate_nothing_is_assessed(day: date) -> None:
    assert SCHEME.on(day).assess(Kip(3_000_000)) is None
