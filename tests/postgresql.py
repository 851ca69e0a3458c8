"""A real PostgreSQL server for tests: Debian's, over a socket in a folder of its own."""

from __future__ import annotations

import shutil
import socket
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


class Server:
    """A running server; each database it gives is empty.

    With a folder of certificates it answers over TLS too, whoever shows one of its users.
    """

    def __init__(self, certificates: Path | None = None) -> None:
        self.port = 5432
        # Not pytest's folder: only root may enter that one, and the server is not root.
        self.folder = Path(tempfile.mkdtemp(prefix="lg-pg-"))
        self.data = self.folder / "data"
        postgresql.own_folder(self.folder)
        postgresql.create(self.data, "--auth=trust", "--no-sync")
        settings = (*SPEED, *self._doors(certificates))
        options = [part for setting in settings for part in ("-c", setting)]
        where = ["-D", str(self.data), "-k", str(self.folder)]
        self.process = subprocess.Popen(
            [postgresql.program("postgres"), *where, *options],
            user=postgresql.owner(), cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._numbers = count(1)
        self._free: list[str] = []
        self._wait()

    def _doors(self, certificates: Path | None) -> list[str]:
        if certificates is None:
            return ["listen_addresses="]
        for name in ("ca.crt", "server.crt", "server.key"):
            copy = self.data / name
            shutil.copyfile(certificates / name, copy)
            copy.chmod(0o600)
            if postgresql.owner() is not None:
                shutil.chown(copy, postgresql.owner())
        rules = "local all all trust\nhostssl all all 127.0.0.1/32 cert\n"
        (self.data / "pg_hba.conf").write_text(rules)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        files = ["ssl_ca_file=ca.crt", "ssl_cert_file=server.crt", "ssl_key_file=server.key"]
        return [f"port={self.port}", "listen_addresses=127.0.0.1", "ssl=on", *files]

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection of the superuser, each statement its own transaction."""
        where = {"host": str(self.folder), "user": postgresql.SUPERUSER, "dbname": database}
        return psycopg.connect(**where, port=self.port, autocommit=True)

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
