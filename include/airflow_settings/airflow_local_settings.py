"""Airflow's own hook for settings: how a long command opens the metadata database.

On SQLite a transaction that reads first and writes later is refused at once ("database is locked",
whatever the timeout) when another process wrote in between. Creating a backfill is one long such
transaction, so it takes the write lock when it begins and waits for its turn. Nothing else does:
`airflow db migrate` and the API server nest transactions and would wait for themselves.
"""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

__all__: list[str] = []


def _leave_transactions_to_us(dbapi_connection: Any, _record: Any) -> None:
    if "sqlite" in type(dbapi_connection).__module__:
        dbapi_connection.isolation_level = None


def _begin_with_the_lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


if os.environ.get("LEVERAGEGUARD_BEGIN_IMMEDIATE"):
    event.listen(Engine, "connect", _leave_transactions_to_us)
    event.listen(Engine, "begin", _begin_with_the_lock)

# A Celery worker forks its tasks: what they all need is loaded once, as airflow.cfg has the
# embedded executor's fork server do.
if os.environ.get("LEVERAGEGUARD_PRELOAD"):
    from importlib import import_module

    from airflow.configuration import conf

    for name in conf.get("core", "mp_forkserver_preload").split(","):
        import_module(name)
