"""Running the stack: processes, pages, simulated visitors."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def _stack(commands: Any) -> None:
    up = commands.add_parser(
        "up", help="install, start everything, run the main job, print results"
    )
    up.add_argument("--scenario", type=Path, help="replay this scenario folder instead")
    up.add_argument("--no-superset", action="store_true", help="leave the dashboards out")
    up.add_argument(
        "--monitoring", action="store_true", help="Prometheus and Alertmanager beside it"
    )
    up.add_argument(
        "--profile", choices=("embedded", "cluster"),
        help="one process of each kind (default), or servers that share the work; kept afterwards",
    )  # fmt: skip
    up.add_argument("--workers", type=int, metavar="N", help="Celery workers of a cluster (2)")
    commands.add_parser("monitoring", help="start Prometheus and Alertmanager beside the stack")
    commands.add_parser("down", help="stop every process of the stack")
    status = commands.add_parser("status", help="claims, payouts, pool and processes")
    status.add_argument("--json", action="store_true", help="one JSON object")
    logs = commands.add_parser("logs", help="show a process's log")
    logs.add_argument("name", nargs="?", help="process; without it the logs are listed")
    logs.add_argument("-f", "--follow", action="store_true", help="keep printing new lines")
    logs.add_argument("-n", "--lines", type=int, default=50, help="last lines to print")
    bench = commands.add_parser("bench", help="run one benchmark of tests/bench")
    bench.add_argument("name", nargs="?", help="benchmark; without it they are listed")
    bench.add_argument(
        "bench_args", nargs=argparse.REMAINDER, help="passed on to it: --json, --help and its own"
    )
    airflow = commands.add_parser("airflow", help="run an airflow command against this stack")
    airflow.add_argument("airflow_args", nargs=argparse.REMAINDER)


def _gateway(commands: Any) -> None:
    gateway = commands.add_parser(
        "gateway", help="serve the API and the trader's page in a process of its own"
    )
    gateway.add_argument(
        "--port", dest="listen", type=int, default=8080, metavar="N", help="where it listens"
    )
    gateway.add_argument(
        "--workers", type=int, default=1, metavar="K", help="processes; several need a Redis"
    )
    accounts = commands.add_parser("service-accounts", help="programs that call with a scoped key")
    actions = accounts.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="all of them (what you get without ACTION)")
    create = actions.add_parser("create", help="a new one; its key is shown once")
    create.add_argument("name", help="small letters, digits and -")
    create.add_argument(
        "--scope", action="append", required=True, help="what it may do, e.g. claims:write; repeat"
    )
    revoke = actions.add_parser("revoke", help="take its key away for good")
    revoke.add_argument("account_id", help="svc_…")


def _dashboards(commands: Any) -> None:
    dashboards = commands.add_parser("dashboards", help="Superset's dashboards and their files")
    actions = dashboards.add_subparsers(dest="action", required=True, metavar="ACTION")
    export = actions.add_parser("export", help="what was edited in Superset, into the YAML")
    export.add_argument(
        "--to", type=Path, metavar="FOLDER", help="another folder than include/superset/assets"
    )
    actions.add_parser("import", help="overwrite what was edited with what the YAML says")
    sync = actions.add_parser(
        "sync", help="datasets' metrics from dbt, filters' scopes from datasets, into the YAML"
    )
    sync.add_argument("--check", action="store_true", help="write nothing, fail where it would")
    sync.add_argument(
        "--to", type=Path, metavar="FOLDER", help="another folder than include/superset/assets"
    )
    guest = actions.add_parser(
        "guest-token", help="a token for Superset's API that shows one wallet's claims"
    )
    guest.add_argument("wallet", help="0x…")
    guest.add_argument("--minutes", type=int, default=10, metavar="N", help="how long it holds")


def _world(commands: Any) -> None:
    world = commands.add_parser("world", help="SIMULATED visitors to try the stack with")
    world.add_argument("--json", action="store_true", help="one JSON list")
    actions = world.add_subparsers(dest="action", metavar="ACTION")
    funded = actions.add_parser("fund", help="give an address test USDC and gas")
    funded.add_argument("address", metavar="ADDRESS", help="0x and 40 hex digits")
    advanced = actions.add_parser("advance", help="let the world's time pass, the chain's too")
    advanced.add_argument("--hours", type=int, required=True, help="how many")


def _keys(commands: Any) -> None:
    keys = commands.add_parser("keys", help="what wraps the sealed exchange keys and contacts")
    actions = keys.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="rows by wrapping key (what you get without ACTION)")
    actions.add_parser("rotate", help="a new wrapping key; every data key is wrapped by it")


def _secrets(commands: Any) -> None:
    secrets = commands.add_parser("secrets", help="where secrets live, and what is there")
    actions = secrets.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="the names (what you get without ACTION)")
    put = actions.add_parser("put", help="write one; its text comes on standard input")
    put.add_argument("name", help="connections/ID and variables/KEY are Airflow's")
    put.add_argument("--from", dest="file", type=Path, metavar="FILE", help="its text is there")
    dropped = actions.add_parser("drop", help="take one away")
    dropped.add_argument("name")
    actions.add_parser("import", help="bring those that are files to LEVERAGEGUARD_SECRETS")


def _containers(commands: Any) -> None:
    containers = commands.add_parser("containers", help="what docker/compose.yaml needs beforehand")
    actions = containers.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("prepare", help="secrets, certificates and configurations of the servers")
    actions.add_parser("migrate", help="the databases' schemas, once PostgreSQL answers")


def _doctor(commands: Any) -> None:
    commands.add_parser("doctor", help="what is insecure in the present configuration")


def _recovery(commands: Any) -> None:
    backup = commands.add_parser("backup", help="keep the whole stack elsewhere, while it runs")
    backup.add_argument(
        "--to", dest="shelf", required=True, metavar="FOLDER",
        help="of this stack alone, or an address as fsspec writes it: s3://bucket/backups",
    )  # fmt: skip
    backup.add_argument("--keep", type=int, metavar="N", help="drop all but the newest N after it")
    done = backup.add_mutually_exclusive_group()
    done.add_argument("--list", action="store_true", help="what is there, instead")
    done.add_argument("--verify", action="store_true", help="read one again, instead")
    restore = commands.add_parser("restore", help="a stack out of a backup, into the data folder")
    restore.add_argument(
        "--from", dest="shelf", required=True, metavar="FOLDER", help="where the backups are"
    )
    restore.add_argument("--replace", action="store_true", help="put aside what is there")
    restore.add_argument(
        "--without-secrets", action="store_true", help="the secrets folder is brought by hand"
    )
    for command in (backup, restore):
        command.add_argument("--name", help="which backup (default: the newest)")
        command.add_argument(
            "--secrets-passphrase", type=Path, metavar="FILE",
            help="holds the passphrase that seals the secrets folder",
        )  # fmt: skip


def _supply_chain(commands: Any) -> None:
    supply = commands.add_parser("supply-chain", help="what the stack is made of")
    actions = supply.add_subparsers(dest="action", required=True, metavar="ACTION")
    sbom = actions.add_parser("sbom", help="a CycloneDX bill of materials of what is pinned")
    sbom.add_argument("--to", type=Path, required=True, metavar="FILE.json", help="written anew")
    actions.add_parser("licences", help="the licence of each, and those not to be shipped")
    actions.add_parser("audit", help="known vulnerabilities, where the database can be reached")


def _rebuilding(commands: Any) -> None:
    rebuilt = commands.add_parser("rebuild-warehouse", help="warehouse and snapshot from raw alone")
    rebuilt.add_argument(
        "--check", action="store_true", help="fail when its marts are other than those before"
    )


COMMANDS = (
    _stack, _gateway, _dashboards, _keys, _secrets, _containers, _doctor, _recovery, _rebuilding,
    _supply_chain, _world,
)  # fmt: skip
