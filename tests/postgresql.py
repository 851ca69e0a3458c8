"""A real PostgreSQL server for tests: Debian's, over a socket in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from leverageguard.stack import postgresql

SPEED = ("fsync=off", "shared_buffers=32MB", "max_connections=60")


def libpq(url: str) -> str:
    """A database's URL as libpq itself is told of it."""
    return url.replace("+psycopg", "", 1)


class Server:
    """A running server; each database it gives is empty."""

    def __init__(self) -> None:
        # Not pytest's folder: only root may enter that one, and the server is not root.
        self.folder = Path(tempfile.mkdtemp(prefix="lg-pg-"))
        self.data = self.folder / "data"
        postgresql.own_folder(self.folder)
        postgresql.create(self.data, "--auth=trust", "--no-sync")
        options = [part for option in SPEED for part in ("-c", option)]
        where = ["-D", str(self.data), "-k", str(self.folder), "-c", "listen_addresses="]
        self.process = subprocess.Popen(
            [postgresql.program("postgres"), *where, *options],
            user=postgresql.owner(), cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._numbers = count(1)
        self._free: list[str] = []
        self._wait()

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection of the superuser, each statement its own transaction."""
        where = {"host": str(self.folder), "user": postgresql.SUPERUSER, "dbname": database}
        return psycopg.connect(**where, autocommit=True)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty database that nobody else uses meanwhile.

        Afterwards it is emptied for the next one: a new one is a copy of a thousand files.
        """
        if not self._free:
            self._free.append(f"store_{next(self._numbers)}")
            with self.connect() as connection:
                connection.execute(f"CREATE DATABASE {self._free[-1]}")
        name = self._free.pop()
        yield f"postgresql+psycopg://{postgresql.SUPERUSER}@/{name}?host={self.folder}"
        with self.connect(name) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self._free.append(name)

    def close(self) -> None:
        """Stop the server at once and forget its databases."""
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise
                time.sleep(0.05)
