"""Fresh databases for tests: real ones, never a stand-in, and never left out in silence.

PAKAN_TEST_POSTGRES names a server to create databases on; without it the one on 127.0.0.1:5432 is tried,
then Debian's binaries are started in a temporary directory. With none of them a build fails and a
developer's run skips and says why.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import psycopg
import pytest
from sqlalchemy import make_url

LOCAL = "postgresql://postgres@127.0.0.1:5432"
BINARIES = "/usr/lib/postgresql"  # where Debian and Ubuntu put them, one directory a version
START_SECONDS = 60


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases may be created."""
    given = os.environ.get("PAKAN_TEST_POSTGRES")
    if given:
        yield given
    elif _answers(LOCAL):
        yield LOCAL
    elif (binaries := _binaries()) is not None:
        with _started(binaries) as url:
            yield url
    else:
        missing = f"no PostgreSQL: set PAKAN_TEST_POSTGRES, start one at {LOCAL} or install Debian's postgresql"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database, dropped after the test."""
    with database_on(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind the gateway runs on."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@contextmanager
def database_on(server: str) -> Iterator[str]:
    """Create a database with a name of its own on this server, and drop it in the end."""
    name = f"pakan_test_{token_hex(6)}"
    url = make_url(server)
    admin = url.set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _binaries() -> Path | None:
    found = sorted(Path(BINARIES).glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def _started(binaries: Path) -> Iterator[str]:
    """A server of our own: data in a temporary directory, trusted on the loopback only."""
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    home = Path(tempfile.mkdtemp(prefix="pakan-postgres-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if user:
        account = pwd.getpwnam(user)
        os.chown(home, account.pw_uid, account.pw_gid)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, user=user, cwd=home, stdout=subprocess.DEVNULL, timeout=START_SECONDS)

    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off"
    control = (str(binaries / "pg_ctl"), "-D", str(home / "data"), "-w")
    try:
        run(str(binaries / "initdb"), "-D", str(home / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8")
        run(*control, "-o", options, "-l", str(home / "log"), "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}"
        finally:
            run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)
