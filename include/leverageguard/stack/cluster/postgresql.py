"""The cluster's PostgreSQL: a database and a role for each user, entered by certificate alone."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql

from leverageguard.cluster_settings import DATABASES
from leverageguard.config import Settings
from leverageguard.stack import postgresql, processes
from leverageguard.stack.cluster import certificates, servers

SERVER = servers.Server(
    "postgresql", postgresql.PACKAGE, "pg_createcluster", postgresql.OWNER, stop="INT"
)
# Own users come over the socket, to make roles; over the network a certificate says the role.
HBA = f"""\
local   all        {postgresql.SUPERUSER}             peer map=own
hostssl sameuser   {",".join(DATABASES)}   all        cert
"""
IDENT = "own {user} leverageguard\n"
OPTIONS = {
    "max_connections": "120",
    "ssl_min_protocol_version": "TLSv1.2",
    "shared_buffers": "128MB",
    "password_encryption": "scram-sha-256",
}


def start(settings: Settings) -> processes.Running:
    """Start the server; it makes nothing yet, see `create_databases`."""
    folder = SERVER.folder(settings)
    data = folder / "data"
    postgresql.create(data, "--auth=reject")
    SERVER.write(settings, "data/pg_hba.conf", HBA)
    users = {"root", SERVER.owner() or _me(folder)}
    SERVER.write(settings, "data/pg_ident.conf", "".join(IDENT.format(user=u) for u in users))
    certificate, key, authority = SERVER.tls(settings)
    options = {
        **OPTIONS,
        "listen_addresses": settings.host,
        "port": str(settings.postgresql_port),
        "unix_socket_directories": str(folder),
        "ssl": "on",
        "ssl_cert_file": str(certificate),
        "ssl_key_file": str(key),
        "ssl_ca_file": str(authority),
    }
    words = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    argv = [postgresql.program("postgres"), "-D", str(data), *words]
    return SERVER.start(settings, argv)


def create_databases(settings: Settings, process: processes.Running) -> None:
    """Wait for the server, then give each role its database unless it has it."""
    processes.wait_until(lambda: _answers(settings), process, settings, servers.READY_SECONDS)
    with _as_owner(settings) as connection:
        known = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        for name in DATABASES:
            certificates.of_client(settings, name)
            if name in known:
                continue
            role = sql.Identifier(name)
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))


def _as_owner(settings: Settings) -> psycopg.Connection:
    return psycopg.connect(
        host=str(SERVER.folder(settings)),
        port=settings.postgresql_port,
        user=postgresql.SUPERUSER,
        dbname="postgres",
        autocommit=True,
    )


def _answers(settings: Settings) -> bool:
    try:
        _as_owner(settings).close()
    except psycopg.OperationalError:
        return False
    return True


def _me(folder: Path) -> str:
    return folder.owner()
