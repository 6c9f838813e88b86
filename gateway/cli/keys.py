"""`flask keys`: make, look at, rotate, renew and retire the keys that lie outside the databases."""

from __future__ import annotations

import stat
from collections import Counter
from pathlib import Path
from typing import Final

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import Engine

from gateway.cli.ready import ready
from gateway.installation import installation
from gateway.storage.engines import open_engine
from gateway.storage.keys import (
    DIRECTORY_MODE,
    KEY_FILE,
    KEY_MODE,
    NAMES,
    TOKEN,
    key_path,
    make_missing,
    rotate,
    versions_in,
    webhook_token,
)
from gateway.storage.renewal import Renewal, forget_callers, needing

BACKUP_DAYS: Final = 35  # how long a backup is kept that needs the key (reliability section 5.3)

PROTECTS: Final = {
    "index": "finds callers and repeated events without naming them",
    "data": "seals places, answers, phone numbers and PIN hashes",
    "pepper": "goes into every PIN before it is hashed",
    "number": "hashes social-security numbers and their endings",
    "code": "hashes one-time codes, which live for minutes",
    "audit": "signs the heads of the audit",
}
SERVED_BY: Final = "Restart every gateway process, one after the other: all of them must hash and seal with it."
NEXT: Final = {
    "index": (
        SERVED_BY,
        "flask keys renew            bindings and cases are indexed anew",
        "wait: conversations move at their callers' next call, codes count for a day, answers for 30",
    ),
    "data": (SERVED_BY, "flask keys renew            everything older is sealed anew"),
    "pepper": (SERVED_BY, "wait: a PIN is hashed anew when it is next typed right"),
    "number": (SERVED_BY, "wait: a number is hashed anew when its member next proves herself"),
    "code": (SERVED_BY, "wait some minutes: codes sent before are refused once, and can be asked for again"),
    "audit": (SERVED_BY, "keep the older one: what it signed is verified with it"),
}

keys = AppGroup("keys", help="The keys of this installation, which no database and no backup of one holds.")


@keys.command("make")
def make_command() -> None:
    """Make every key that is missing, and close all of them to others.

    Production never makes keys on its own: a gateway that came up with new keys would know nobody. This makes
    them once, deliberately, before its first start. Keys that are there stay as they are.

    \b
    Examples:
      flask --app app:setup keys make      before the gateway can start
      flask keys make                      afterwards, to close what is open

    Then copy the directory to two sealed media that are kept apart from the databases and from each other:
    without `index` and `pepper` everybody has to enrol again.
    """
    directory: Path = current_app.config["KEYS_DIR"]
    made = make_missing(directory, KEY_MODE)
    if not (directory / TOKEN).exists():
        webhook_token(directory, KEY_MODE)
        made.append(directory / TOKEN)
    directory.chmod(DIRECTORY_MODE)
    for path in directory.iterdir():
        if KEY_FILE.fullmatch(path.name) or path.name == TOKEN:
            path.chmod(KEY_MODE)
    for path in made:
        click.echo(f"made: {path}")
    click.echo(f"{len(made)} made; all in {directory} are readable by their owner alone.")


@keys.command("status")
def status_command() -> None:
    """Every key: its versions, how old they are, who may read them, what they protect, and what needs them.

    An older version may go when nothing needs it. Data keys are due after a year, the others when somebody
    may have seen them.

    \b
    Example:
      flask keys status
    """
    needed = _needed()
    directory, now = installation().keys.directory, installation().clock().timestamp()
    click.echo(f"{directory}, rights {_rights(directory)}")
    for name in NAMES:
        click.echo(f"\n{name}: {PROTECTS[name]}")
        versions = versions_in(directory).get(name, [])
        for version in reversed(versions):
            path = key_path(directory, name, version)
            days = max(0, int(now - path.stat().st_mtime) // 86_400)
            newest = ", newest" if version == versions[-1] else ""
            rows = _told(needed.get(name, {}).get(version))
            click.echo(f"  version {version}{newest}: {days} days old, rights {_rights(path)}, {rows}")
        if lost := needed.get(name, {}).get(0):
            click.echo(f"  of no key that is here: {_told(lost)}")


@keys.command("rotate")
@click.argument("name", type=click.Choice(NAMES))
def rotate_command(name: str) -> None:
    """Add a version of the key NAME. Nothing is lost: the older one still opens what it made.

    A gateway that runs goes on, and finds the new version when it meets something that was made with it. Run
    this on one machine; where several serve, copy the new file to all of them before any is restarted.

    \b
    Examples:
      flask keys rotate data       once a year
      flask keys rotate index      when somebody may have seen it
    """
    version = rotate(installation().keys.directory, name)
    click.echo(f"{name} has a version {version}. Keep a sealed copy of it. Next:")
    for number, step in enumerate((*NEXT[name], "flask keys status           what still needs the older one"), 1):
        click.echo(f"  {number}. {step}")
    if name != "audit":
        click.echo(f"  {len(NEXT[name]) + 2}. flask keys retire {name} {max(1, version - 1)}")


@keys.command("renew")
def renew_command() -> None:
    """Write anew what older versions of `data` and `index` made. Safe while the gateway serves.

    It may be stopped and run again: what is done is not done twice. Rows that an older release wrote in the
    clear are emptied. What cannot be written anew, because what was hashed is stored nowhere, waits: see
    `flask keys rotate`.

    \b
    Example:
      flask keys renew
    """
    gateway = installation()
    engine = _engine()
    with click.progressbar(length=Renewal(engine, gateway.keys).rows(), label="Rows") as bar:
        done = Renewal(engine, gateway.keys, bar.update).run()
    click.echo(
        f"{done['renewed']:,} renewed, {done['emptied']:,} emptied, "
        f"{done['moved']:,} left to hops that were faster."
    )
    if done["not opened"]:
        raise click.ClickException(f"{done['not opened']:,} rows open with no key that is here: is one missing?")


@keys.command("retire")
@click.argument("name", type=click.Choice(NAMES))
@click.argument("version", type=click.IntRange(1))
@click.option("--forget", is_flag=True, help="With index: forget the callers that only this version finds.")
def retire_command(name: str, version: int, forget: bool) -> None:
    """Take VERSION of the key NAME out of use; refused while anything needs it.

    Before: every gateway process was restarted since `flask keys rotate`. The file is renamed, not deleted:
    older backups need it. Destroy it, and its sealed copies, when the last of them has gone.

    With --forget, callers who have not called since the rotation choose their language again, and events
    answered before it are answered anew when they are repeated. Bindings, cases and PINs are never forgotten.

    \b
    Examples:
      flask keys retire data 1
      flask keys retire index 1 --forget
    """
    gateway = installation()
    directory = gateway.keys.directory
    versions = versions_in(directory).get(name, [])
    if version not in versions:
        raise click.ClickException(f"There is no version {version} of {name}.")
    if version == versions[-1]:
        raise click.ClickException(f"Version {version} of {name} is the newest. First: flask keys rotate {name}")
    if name == "audit":
        raise click.ClickException("What it signed is verified with it: it stays.")
    needed = Counter(_needed().get(name, {}).get(version, Counter()))
    if name == "index" and forget:
        for forgotten in ("conversations", "answers"):
            needed.pop(forgotten, None)
    if needed:
        raise click.ClickException(f"{_told(needed)}. First: flask keys renew. Nothing was retired.")
    if name == "index":
        forget_callers(_engine(), version)
    path = key_path(directory, name, version)
    path.rename(path.with_suffix(".retired"))
    click.echo(
        f"Version {version} of {name} is retired: {path.with_suffix('.retired').name}. Restart the gateway, and "
        f"destroy the file when the last backup that needs it has gone ({BACKUP_DAYS} days)."
    )


def _needed() -> dict[str, dict[int, Counter[str]]]:
    gateway = installation()
    return needing(_engine(), gateway.keys, int(gateway.clock().timestamp()))


def _engine() -> Engine:
    return open_engine(ready().settings.database_url)


def _told(rows: Counter[str] | None) -> str:
    return (
        ", ".join(f"{count:,} {what}" for what, count in rows.items()) + " need it" if rows else "nothing needs it"
    )


def _rights(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"
