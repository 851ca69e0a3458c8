"""How Superset is started: alone, or sharing a cluster's servers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leverageguard.cluster_settings import CLUSTER
from leverageguard.stack import processes, superset


@pytest.fixture
def cluster(settings):
    (settings.secrets_dir / "redis_password").write_text("not-to-be-told")
    return replace(settings, profile=CLUSTER)


@pytest.fixture
def started(monkeypatch):
    """Name → command of what would have been started."""
    calls = {}

    def start(settings, name, argv, environment):
        calls[name] = argv
        return processes.Running(name, 1, 1)

    monkeypatch.setattr(processes, "start", start)
    return calls


def test_environment__embedded__names_no_server(settings):
    told = superset.environment(settings)

    named = {name for name in told if name.startswith("LEVERAGEGUARD_SUPERSET_")}
    assert named == set()
    assert told["LEVERAGEGUARD_AIRFLOW_URL"] == f"http://127.0.0.1:{settings.airflow_port}"


def test_environment__cluster__names_its_servers_and_tells_no_password(cluster):
    told = superset.environment(cluster)

    assert told["LEVERAGEGUARD_SUPERSET_DATABASE_URL"].startswith(
        f"postgresql+psycopg2://superset@127.0.0.1:{cluster.postgresql_port}/superset?sslmode=ver"
    )
    assert told["LEVERAGEGUARD_SUPERSET_PORT"] == str(cluster.superset_server_port)
    assert told["LEVERAGEGUARD_AIRFLOW_URL"].startswith("https://")
    assert not [name for name, value in told.items() if "not-to-be-told" in value]


def test_start__in_either_profile__gives_way_to_the_main_job(settings, cluster, started):
    superset.start(settings)
    alone = started[superset.NAME]
    superset.start(cluster)
    shared = started[superset.NAME]

    assert alone[:3] == shared[:3] == ["nice", "-n", "10"]
    assert alone[-1] == shared[-1] == str(settings.repo_dir / "include" / "superset" / "serve.py")
    assert "sh" in shared and "sh" not in alone
