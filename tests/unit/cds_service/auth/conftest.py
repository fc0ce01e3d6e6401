"""A real Redis server, for what workers remember and count together."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REDIS_SERVER = shutil.which("redis-server")


@pytest.fixture(scope="session")
def redis_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A real Redis server on a socket of its own; skipped where none is installed."""
    if REDIS_SERVER is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    folder = tmp_path_factory.mktemp("redis")
    socket = folder / "redis.sock"
    options = {"port": "0", "unixsocket": str(socket), "dir": str(folder), "save": "", "appendonly": "no"}
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    with subprocess.Popen([REDIS_SERVER, *arguments], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        ready = any("accept connections" in line for line in server.stdout)
        assert ready, "the Redis server did not start"
        yield socket
        server.terminate()
        server.communicate()
