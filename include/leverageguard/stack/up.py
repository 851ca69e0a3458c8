"""Bring the stack up: from nothing to paid claims, or from whatever is already there."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from alembic import command as alembic_command
from alembic.config import Config as AlembicConfig

from leverageguard import clock, config
from leverageguard.config import VENUES, Settings
from leverageguard.stack import (
    airflow,
    deployment,
    local_chain,
    processes,
    secrets,
    summary,
    superset,
    traders,
    world,
)
from leverageguard.stack.cluster import profile as cluster
from leverageguard.stack.progress import Progress, StackError
from leverageguard.warehouse import landing


def up(
    settings: Settings, scenario_folder: Path | None, with_superset: bool, say: Progress
) -> None:
    """Start what is not running, run the main job through the scheduler, leave the stack up."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with _only_one(settings):
        _up(settings, scenario_folder, with_superset, say)


def _up(
    settings: Settings, scenario_folder: Path | None, with_superset: bool, say: Progress
) -> None:
    check_chain(settings)
    cluster.check(settings)
    check_ports(settings)
    secrets.generate(settings)
    cluster.start(settings, say)
    with ThreadPoolExecutor(max_workers=1) as background:
        migration = background.submit(airflow.migrate, settings)
        scenario = world.prepare(settings, scenario_folder)
        if with_superset:
            superset.start(settings)
        say(f"world {scenario.name!r}: {len(scenario.accounts)} accounts (simulated)")
        migrate_store(settings)
        landing.ensure_schemas(settings)
        local_chain.start(settings, clock.now_ms())
        world.start_venues(settings)
        say(f"chain and {len(VENUES)} simulated exchanges are up")
        deployed = deployment.deploy(settings, scenario.pool_deposit_micro_usdc)
        bought = traders.trade(settings, scenario)
        world.come_to_now(scenario)
        say(f"pool {deployed.pool}: {bought} policies bought on the chain")
        migration.result()
    say("Airflow's database is ready")
    airflow.start(settings)
    cluster.start_gateways(settings)
    client = airflow.Client(settings)
    client.wait_ready()
    say("Airflow is up")
    before = summary.balances(settings)
    window = world.window(settings, scenario)
    airflow.run_main_job(client, window, say)
    world.window_is_done(settings, window[1])
    if with_superset:
        superset.wait_ready(settings)
        say("Superset is up")
    say("done")
    say.write(summary.text(settings, before))


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """Hold the data folder, so that two commands never bring up one stack at once."""
    with (settings.data_dir / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                f"another `up` is at work in {settings.data_dir}: wait for it, or choose --data"
            ) from None
        yield


def check_chain(settings: Settings) -> None:
    """Raise StackError unless the first chain is ours to start, to mint on and to deploy to."""
    if settings.chain.rpc:
        raise StackError(
            f"[{settings.chain.name}] has nodes of its own, and up runs a world on the embedded "
            "chain: put a block without rpc first"
        )


def check_ports(settings: Settings) -> None:
    """Raise StackError when a port that one of our own processes does not hold is taken."""
    alive = processes.running(settings)
    remembered = config.remembered_port(settings.data_dir)
    if alive and remembered not in (None, settings.port_base):
        raise StackError(
            f"the stack in {settings.data_dir} runs on port {remembered}: leave --port out, "
            "or stop it first with ./leverageguard down"
        )
    wanted = [
        *(cluster.ports(settings) or embedded_ports(settings)),
        (local_chain.NAME, settings.chain_port),
        *((world.SIMULATOR, settings.venue_port(venue)) for venue in VENUES),
    ]
    for name, port in wanted:
        if name not in alive and not processes.port_is_free(settings.host, port):
            raise StackError(
                f"port {port} for {name} is taken by another program: "
                "stop it, or choose other ports with --port"
            )
    (settings.data_dir / config.PORT_FILE).write_text(str(settings.port_base))


def embedded_ports(settings: Settings) -> list[tuple[str, int]]:
    """What listens to people where there is no balancer, and where."""
    return [("airflow-api", settings.airflow_port), (superset.NAME, settings.superset_port)]


def migrate_store(settings: Settings, to: str = "head") -> None:
    """Bring the transactional store to the newest schema, or to a revision before it."""
    settings.store_path.parent.mkdir(parents=True, exist_ok=True)
    migrations = AlembicConfig()
    folder = settings.repo_dir / "include" / "leverageguard" / "store" / "migrations"
    migrations.set_main_option("script_location", str(folder))
    migrations.set_main_option("sqlalchemy.url", settings.store_url.replace("%", "%%"))
    alembic_command.upgrade(migrations, to)
