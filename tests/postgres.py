"""A PostgreSQL server for tests, started from Debian's package and reached by a socket in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

PACKAGE: Final = "postgresql"
_PATIENCE: Final = 60.0

# Nothing here needs to survive a power cut, except where a test is about that.
_QUICK: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_SETTINGS: Final = {
    "listen_addresses": "''",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "dynamic_shared_memory_type": "mmap",
}


def missing() -> str | None:
    """Return why no server can be started here, or None."""
    if _programs() is None:
        return f"no PostgreSQL server is installed; Debian's package is {PACKAGE!r}"
    return None


def _programs() -> Path | None:
    """Return the folder of `initdb` and `pg_ctl`; Debian keeps them out of the path."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    found = shutil.which("initdb")
    folders = [*reversed(versions), *([Path(found).parent] if found else [])]
    return next((folder for folder in folders if (folder / "pg_ctl").exists() and (folder / "initdb").exists()), None)


def _unprivileged() -> str | None:
    """Return whose process the server is to be: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class PostgresServer:
    """One server with an empty cluster; everyone who reaches its socket may do everything."""

    def __init__(self, *, durable: bool = False) -> None:
        """Make the cluster and start the server; `durable` keeps its promises when it is killed."""
        programs = _programs()
        assert programs is not None
        self._programs = programs
        self._user = _unprivileged()
        self._folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has at most 107 bytes
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        options = ("--no-locale", "--encoding=UTF8", "--auth=trust", "--username=lumbar", "--no-sync")
        self._run("initdb", *options)
        settings = _SETTINGS | ({} if durable else _QUICK) | {"unix_socket_directories": f"'{self._folder}'"}
        with (self._folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        self._schemas = 0
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._run("pg_ctl", "start", "--wait", f"--log={self._folder / 'log'}")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; `immediate` is like a crash."""
        self._run("pg_ctl", "stop", f"--mode={mode}", "--wait")

    def remove(self) -> None:
        """Stop the server and delete everything of it."""
        self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, schema: str = "public") -> str:
        """Return the address of a schema; the password is not asked for."""
        return f"postgresql://lumbar:pass-w0rd@/postgres?host={self._folder}&options=-csearch_path%3D{schema}"

    def create_schema(self) -> str:
        """Return the address of a new schema: as good as a database of its own, and much quicker made."""
        self._schemas += 1
        name = f"test_{self._schemas}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        return self.url(name)

    def _run(self, program: str, *options: str) -> None:
        command = [str(self._programs / program), f"--pgdata={self._folder / 'data'}", *options]
        output = self._folder / f"{program}.out"  # a pipe would stay open for as long as the server runs
        with output.open("wb") as stream:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                user=self._user,
                group=pwd.getpwnam(self._user).pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
                timeout=_PATIENCE,
                check=False,
            )
        assert done.returncode == 0, output.read_text()
