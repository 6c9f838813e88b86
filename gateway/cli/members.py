"""`flask members`: fill a register with synthetic people, import a real one, name people to try."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

import click
from flask.cli import AppGroup

from gateway.cli.imports import FILE, REJECTS, importing, lines_read
from gateway.installation import installation
from gateway.registry.line import COLUMNS
from gateway.registry.load import load
from gateway.registry.sample import NoSampleError, Sample, samples
from gateway.registry.seed import seed
from gateway.registry.sql import SqlRegistry
from gateway.storage.hot import Hot

MEMBERS, EMPLOYERS, MONTHS = 1_000, 40, 24  # small enough for a first start of a few seconds

IMPORT_HELP: Final = f"""Import members and their contributions from FILE (.csv or .xlsx).

Each line is one member's month at one employer. The first line names the columns, in any order:

\b
{chr(10).join(f"  {column:<17}{meaning}" for column, meaning in COLUMNS.items())}

CSV is UTF-8 or Excel's Unicode text, with commas, semicolons or tabs; of a workbook the first sheet's values
count. Digits may be Lao. Either every line is imported or none: each line that cannot be is named with its
reason. Importing the same file again changes nothing; a line whose cells differ replaces what the register has
for that month. Months without a line count as "no employer reported you": give months that were reported
and not paid as assessed.

\b
Example:
  flask members import contributions-2026-10.csv
"""


@click.group("members", cls=AppGroup)
def members() -> None:
    """The register of members: synthetic or imported."""


@members.command("seed")
@click.option("--members", "member_count", default=MEMBERS, show_default=True, help="How many members.")
@click.option("--employers", "employer_count", default=EMPLOYERS, show_default=True, help="How many employers.")
@click.option("--months", default=MONTHS, show_default=True, help="How many months, up to the last completed one.")
@click.option("--replace", is_flag=True, help="Delete the synthetic register that is there.")
@click.option("--seed", "number", default=1, show_default=True, help="Another number, other people.")
def seed_command(member_count: int, employer_count: int, months: int, replace: bool, number: int) -> None:
    """Fill the register with people who do not exist.

    The same numbers on the same day give the same people. The first few are the ones that `flask members
    sample` names. A register that holds real members is never touched.

    \b
    Examples:
      flask members seed
      flask members seed --members 350000 --employers 2300 --replace
    """
    gateway = installation()
    started = time.monotonic()
    with click.progressbar(length=member_count, label="Members") as bar:
        try:
            seed(
                gateway.settings.register_url,
                member_count,
                employer_count,
                months,
                gateway.today(),
                gateway.scheme,
                seed=number,
                replace=replace,
                progress=bar.update,
            )
        except ValueError as problem:
            raise click.ClickException(str(problem)) from problem
    click.echo(
        f"{member_count:,} members of {employer_count:,} employers, {months} months, "
        f"in {time.monotonic() - started:.0f} s. Try: flask members sample"
    )


@members.command("import", help=IMPORT_HELP)
@FILE
@REJECTS
def import_command(file: Path, rejects: Path | None) -> None:
    gateway = installation()
    with importing(file, rejects) as tell:
        report = load(gateway.settings.register_url, file, gateway.today(), lines_read(), tell)
    click.echo(
        f"{report.lines:,} lines: {report.new:,} new, {report.changed:,} changed, {report.same:,} the same."
    )


@members.command("sample")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
def sample_command(as_json: bool) -> None:
    """Name a few synthetic people to try, and what each should see today.

    \b
    Examples:
      flask members sample
      flask members sample --json
    """
    gateway = installation()
    hot = Hot(gateway.settings.register_url)
    try:
        found = samples(SqlRegistry(hot, gateway.today), gateway.today(), gateway.scheme)
    except (NoSampleError, ConnectionError) as problem:
        raise click.ClickException("No synthetic register here. First: flask members seed") from problem
    finally:
        hot.close()
    if as_json:
        click.echo(json.dumps([_plain(sample) for sample in found], ensure_ascii=False, indent=2))
        return
    for sample in found:
        born = f", born {sample.birth_date:%d/%m/%Y}" if sample.birth_date else ""
        known = f"number {sample.number}{born}" if sample.number else "no number"
        click.echo(f"{sample.phone}  {known}, try in {sample.language}")
        click.echo(f"    {sample.story} {sample.sees}\n")


def _plain(sample: Sample) -> dict[str, object]:
    right = sample.right
    return {
        "phone": sample.phone,
        "number": sample.number,
        "birth_date": sample.birth_date and sample.birth_date.isoformat(),
        "language": sample.language,
        "story": sample.story,
        "sees": sample.sees,
        "months": {str(month): why for month, why in sample.months.items()},
        "right": right
        and {
            "live": right.live,
            "until": right.until and right.until.isoformat(),
            "months_short": right.months_short,
        },
    }
