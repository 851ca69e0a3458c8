"""Bring the stack up: from nothing to paid claims, or from whatever is already there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alembic import command as alembic_command
from alembic.config import Config as AlembicConfig

from leverageguard import clock
from leverageguard.config import VENUE_PORT_OFFSETS, Settings
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
from leverageguard.stack.progress import Progress, StackError
from leverageguard.warehouse import landing


def up(
    settings: Settings, scenario_folder: Path | None, with_superset: bool, say: Progress
) -> None:
    """Start what is not running, run the main job through the scheduler, leave the stack up."""
    check_ports(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    secrets.generate(settings)
    with ThreadPoolExecutor(max_workers=1) as background:
        migration = background.submit(airflow.migrate, settings)
        scenario = world.prepare(settings, scenario_folder)
        say(f"world {scenario.name!r}: {len(scenario.accounts)} accounts (simulated)")
        migrate_store(settings)
        landing.ensure_schemas(settings)
        local_chain.start(settings, clock.now_ms())
        world.start_venues(settings)
        say("chain and exchange simulator are up")
        deployed = deployment.deploy(settings, scenario.pool_deposit_micro_usdc)
        bought = traders.trade(settings, scenario)
        world.come_to_now(scenario)
        say(f"pool {deployed.pool}: {bought} policies bought on the chain")
        migration.result()
    say("Airflow's database is ready")
    airflow.start(settings)
    if with_superset:
        superset.start(settings)
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


def check_ports(settings: Settings) -> None:
    """Raise StackError when a port that one of our own processes does not hold is taken."""
    alive = processes.running(settings)
    wanted = {
        "airflow-api": settings.airflow_port,
        superset.NAME: settings.superset_port,
        local_chain.NAME: settings.chain_port,
        **{f"simulator-{venue}": settings.venue_port(venue) for venue in VENUE_PORT_OFFSETS},
    }
    for name, port in wanted.items():
        if name not in alive and not processes.port_is_free(settings.host, port):
            raise StackError(
                f"port {port} for {name} is taken by another program: "
                "stop it, or choose other ports with --port"
            )


def migrate_store(settings: Settings) -> None:
    """Bring the transactional store to the newest schema."""
    settings.store_path.parent.mkdir(parents=True, exist_ok=True)
    migrations = AlembicConfig()
    folder = settings.repo_dir / "include" / "leverageguard" / "store" / "migrations"
    migrations.set_main_option("script_location", str(folder))
    migrations.set_main_option("sqlalchemy.url", settings.store_url)
    alembic_command.upgrade(migrations, "head")
