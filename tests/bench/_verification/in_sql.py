"""Two databases on the same SQL: SQLite in a file, PostgreSQL as a server of its own."""

from __future__ import annotations

import csv
import io
import os
import pwd
import resource
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from tests.bench._verification import evidence, rules
from tests.bench._verification.rules import Answer

INDEXES = {
    "fills": "account_id",
    "orders": "account_id, order_id",
    "ledger": "account_id, order_id",
    "positions": "account_id, order_id",
    "fetch_windows": "account_id, endpoint, window_from_ms",
    "candles": "exchange, inst_id, minute_at_ms",
    "order_lookups": "filing_id",
    "quotes": "quote_id",
    "policy_purchases": "quote_id",
    "accounts": "account_id",
}
PROGRAMS = ("initdb", "postgres", "psql")
ROWS_AT_ONCE = 200_000


class Unavailable(Exception):
    """A contender that cannot run here; the message says why."""


def _statements(least: str) -> list[str]:
    text = (Path(__file__).parent / "peer.sql").read_text().format(
        least=least, unit=10**rules.SCALE, per_micro=rules.PER_MICRO,
        margin_ms=rules.MARGIN_MS, hour_ms=rules.HOUR_MS, minute_ms=rules.MINUTE_MS,
        least_misses=rules.LEAST_MISSES, miss_span_ms=rules.MISS_SPAN_MS,
        touch_ms=rules.TOUCH_MS, touch_ppm=rules.TOUCH_PPM, wallet_day_cap=rules.WALLET_DAY_CAP,
    )  # fmt: skip
    return [part for part in text.split(";\n") if part.strip()]


def _create(name: str, table: pa.Table) -> str:
    kinds = [
        "bigint" if pa.types.is_integer(kind) else "boolean" if kind == pa.bool_() else "text"
        for kind in table.schema.types
    ]
    columns = zip(table.column_names, kinds, strict=True)
    return f"create table {name} ({', '.join(f'{column} {kind}' for column, kind in columns)})"


def _answer(rows: list[tuple[Any, ...]]) -> Answer:
    return {
        filing: (verdict, int(amount) if verdict == "verified" else None)
        for filing, verdict, amount in rows
    }


def in_sqlite(raw: Path) -> Answer:
    """Load, index and ask SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "evidence.db")
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        connection.execute("pragma cache_size = -400000")
        for path in evidence.COLUMNS:
            table = evidence.number_table(raw, path)
            name = path.partition("/")[2]
            connection.execute(_create(name, table))
            places = ", ".join("?" * table.num_columns)
            for batch in table.to_batches(ROWS_AT_ONCE):
                rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
                connection.executemany(f"insert into {name} values ({places})", rows)
            connection.commit()
        for name, columns in INDEXES.items():
            connection.execute(f"create index {name}_by_key on {name} ({columns})")
        connection.execute("analyze")
        *steps, question = _statements("min")
        for step in steps:
            connection.execute(step)
        found = connection.execute(question).fetchall()
        connection.close()
    return _answer(found)


def in_postgres(raw: Path) -> Answer:
    """Load, index and ask a fresh PostgreSQL; its server's CPU counts with ours."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        raise Unavailable(f"PostgreSQL is not installed ({', '.join(missing)} not found)")
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as psql:
        for path in evidence.COLUMNS:
            table = evidence.number_table(raw, path)
            name = path.partition("/")[2]
            rows = pa.BufferOutputStream()
            # The writer puts garbage out for a chunk without rows.
            table = table.combine_chunks()
            pa_csv.write_csv(table, rows, pa_csv.WriteOptions(include_header=False))
            psql(
                f"{_create(name, table)};\ncopy {name} from stdin with (format csv);\n",
                rows.getvalue().to_pybytes(),
            )
        for name, columns in INDEXES.items():
            psql(f"create index {name}_by_key on {name} ({columns});")
        psql("analyze;")
        *steps, question = _statements("least")
        script = ";\n".join(["set client_min_messages = warning", *_analyzed(steps)])
        found = psql(f"{script};\ncopy (\n{question}\n) to stdout with (format csv);\n")
    return _answer([tuple(row) for row in csv.reader(io.StringIO(found))])


def _analyzed(steps: list[str]) -> Iterator[str]:
    """Each temporary table analysed once it is there, as its planner needs it."""
    for step in steps:
        yield step
        if "create temporary table " in step:
            yield f"analyze {step.split('create temporary table ')[1].split()[0]}"


@contextmanager
def _server(folder: Path) -> Iterator[Any]:
    """A server of an unprivileged user on a free port and its client; gone afterwards."""
    as_user = _unprivileged(folder)
    data, port = folder / "data", _free_port()
    words = ["initdb", "--pgdata", str(data), "--username=bench", "--auth=trust", "--locale=C",
             "--encoding=UTF8", "--no-sync"]  # fmt: skip
    subprocess.run([*as_user, *words], check=True, capture_output=True)
    options = {
        "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
        "fsync": "off", "shared_buffers": "256MB", "work_mem": "128MB",
        "maintenance_work_mem": "256MB", "max_wal_size": "4GB", "synchronous_commit": "off",
    }  # fmt: skip
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    program = os.path.realpath(shutil.which("postgres") or "postgres")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*as_user, program, "-D", str(data), *settings], stderr=log)
    try:
        _await(port)
        yield lambda script, rows=None: _psql(port, script, rows)
    finally:
        server.terminate()
        server.wait(timeout=120)


def _psql(port: int, script: str, rows: bytes | None = None) -> str:
    url = f"postgresql://bench@127.0.0.1:{port}/postgres"
    words = ["psql", url, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"]
    content = script.encode() + (rows + b"\\.\n" if rows is not None else b"")
    done = subprocess.run(words, input=content, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"psql: {done.stderr.decode()[:2000]}")
    return done.stdout.decode()


def _unprivileged(folder: Path) -> list[str]:
    """Words before a command that make it run as somebody who may start a server."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        raise Unavailable("PostgreSQL does not run as root and setpriv is not installed")
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return ["setpriv", *ids]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("PostgreSQL did not answer within a minute")


def children_cpu() -> float:
    """CPU seconds of all processes started and ended here: the server with its backends."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
