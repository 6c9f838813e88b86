"""What every import of a file says: how far it is, and why nothing was imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final, TextIO

import click
from sqlalchemy.exc import SQLAlchemyError

from gateway.registry.problems import LinesError, Problem, Tell
from gateway.registry.sheet import SheetError
from gateway.text.table import write_table

FILE: Final = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
REJECTS: Final = click.option(
    "--rejects",
    metavar="CSV",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the number of every refused line here, with its reason.",
)


@contextmanager
def importing(file: Path, rejects: Path | None = None) -> Iterator[Tell]:
    """Give what hears every problem and writes it to `rejects`; turn what is wrong into words for the terminal."""
    with _opened(file, rejects) if rejects else nullcontext() as out:

        def tell(problem: Problem) -> None:
            if out:
                write_table(out, [(str(problem.line), problem.reason)])

        if out:
            write_table(out, [("line", "reason")])
        try:
            yield tell
        except SheetError as problem:
            raise click.ClickException(f"{problem} Nothing was imported.") from problem
        except SQLAlchemyError as problem:
            raise click.ClickException(
                f"The register did not take it ({type(problem).__name__}). Nothing was imported."
            ) from None  # its own words may quote a member
        except LinesError as bad:
            raise click.ClickException(f"{_listed(bad)} Nothing was imported.") from bad


def _opened(file: Path, rejects: Path) -> TextIO:
    try:
        if rejects.exists() and rejects.samefile(file):
            raise click.BadParameter("this is the file to import", param_hint="--rejects")
        return rejects.open("w", encoding="utf-8-sig")
    except OSError as problem:
        raise click.BadParameter(f"cannot be written: {problem.strerror}", param_hint="--rejects") from problem


def lines_read() -> Callable[[int], None]:
    """Tells on the error stream how many lines were read, so that long work is seen to go on."""
    read = 0

    def tell(lines: int) -> None:
        nonlocal read
        read += lines
        click.echo(f"{read:,} lines read", err=True)

    return tell


def _listed(bad: LinesError) -> str:
    """Every problem that is kept on a line of its own, and a sentence about them all."""
    for wrong in bad.problems:
        click.echo(f"line {wrong.line}: {wrong.reason}", err=True)
    rest = bad.count - len(bad.problems)
    more = f" The other {rest:,} are not shown." if rest else ""
    noun = "problem" if bad.count == 1 else "problems"
    return f"{bad.count:,} {noun}.{more}"
