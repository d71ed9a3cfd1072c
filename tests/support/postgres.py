"""A PostgreSQL server of the tests' own: in a folder of its own, on loopback, gone when they end."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from journey_widgets.publish.dashboards import _free_port

SECONDS = 60
_numbers = count(1)


def programs() -> Path | None:
    """Return the folder of the server's programs; None where it is not installed."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((p for p in places if (p / "initdb").exists() and (p / "postgres").exists()), None)


@contextlib.contextmanager
def server(*, fsync: bool = False) -> Iterator[str]:
    """Run a server; give the address of its databases, which ends before their name."""
    own = programs()
    if own is None:
        words = "There is no PostgreSQL server. On Debian: apt-get install postgresql"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    with tempfile.TemporaryDirectory(prefix="journey_pg_", ignore_cleanup_errors=True) as folder:
        as_user = {}
        if os.getuid() == 0:  # it refuses to run as root
            names = {p.pw_name for p in pwd.getpwall()}
            user = next(n for n in ("postgres", "nobody") if n in names)
            shutil.chown(folder, user)
            as_user = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
        data, port = Path(folder) / "data", _free_port(0)
        run = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **as_user}
        made = [
            own / "initdb",
            "-D",
            data,
            "-U",
            "journey",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]
        subprocess.run(made, check=True, **run)
        told = [
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
            "-c",
            f"fsync={'on' if fsync else 'off'}",
        ]
        process = subprocess.Popen([own / "postgres", "-D", data, "-p", str(port), *told], **run)
        try:
            _wait(port)
            yield f"postgresql+psycopg://journey@127.0.0.1:{port}/"
        finally:
            process.send_signal(signal.SIGINT)  # whoever is still connected is cut off
            process.wait(SECONDS)


def _wait(port: int) -> None:
    end = time.monotonic() + SECONDS
    while True:
        try:
            _connect(port).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _connect(port: int) -> psycopg.Connection:
    address = f"host=127.0.0.1 port={port} user=journey dbname=postgres"
    return psycopg.connect(address, autocommit=True)


def new_database(base: str) -> str:
    """Make an empty database; return its address."""
    name = f"journey_{next(_numbers)}"
    with contextlib.closing(_connect(int(base.rstrip("/").rpartition(":")[2]))) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return base + name
