"""Superset: started in its own environment, beside the pipeline, by one shell-free command.

In a cluster it listens behind the balancer, and a worker takes SQL Lab's background queries.
"""

from __future__ import annotations

from urllib.parse import urlencode

import requests

from leverageguard import config
from leverageguard.cluster_settings import CLIENT, SUPERSET
from leverageguard.config import Settings
from leverageguard.stack import processes

NAME, WORKER = "superset", "superset-worker"
SCRIPTS = {NAME: "serve.py", WORKER: "worker.py"}
READY_SECONDS = 240.0
DRIVER = "postgresql+psycopg2://"  # Superset's SQLAlchemy is an older one


def start(settings: Settings) -> None:
    """Start the dashboards unless they run; they come up on their own, see `wait_ready`."""
    _start(settings, NAME)


def _start(settings: Settings, name: str) -> processes.Running:
    alive = processes.running(settings).get(name)
    if alive is not None:
        return alive
    python = settings.repo_dir / ".venv-superset" / "bin" / "python"
    command = [str(python), str(settings.repo_dir / "include" / "superset" / SCRIPTS[name])]
    if settings.is_cluster:
        command = processes.kept_alive(name, command)
    argv = ["nice", "-n", "10", *command]  # the main job comes first
    return processes.start(settings, name, argv, environment(settings))


def environment(settings: Settings) -> dict[str, str]:
    """The environment of Superset's processes; no secret is in it."""
    folder = settings.repo_dir / "include" / "superset"
    return {
        **config.child_environment(settings),
        "LEVERAGEGUARD_AIRFLOW_URL": settings.airflow_url,
        "SUPERSET_CONFIG_PATH": str(folder / "superset_config.py"),
        "PYTHONWARNINGS": "ignore",
        **(_shared(settings) if settings.is_cluster else {}),
    }


def _shared(settings: Settings) -> dict[str, str]:
    """What a cluster's Superset shares, as `include/superset/services.py` is told of it."""
    certificate, key = settings.certificate(NAME)
    own, own_key = settings.certificate(f"client-{CLIENT}")
    files = {"ssl_ca_certs": settings.ca_file, "ssl_certfile": own, "ssl_keyfile": own_key}
    redis = f"rediss://{settings.host}:{settings.redis_port}?{urlencode(files, safe='/')}"
    return {
        "LEVERAGEGUARD_SUPERSET_DATABASE_URL": settings.postgresql_url(SUPERSET, DRIVER),
        "LEVERAGEGUARD_SUPERSET_REDIS_URL": redis,
        "LEVERAGEGUARD_SUPERSET_REDIS_PASSWORD_FILE": str(settings.secrets_dir / "redis_password"),
        "LEVERAGEGUARD_SUPERSET_TLS_CERTIFICATE": str(certificate),
        "LEVERAGEGUARD_SUPERSET_TLS_KEY": str(key),
        "LEVERAGEGUARD_SUPERSET_PROXY_CA": str(settings.ca_file),
        "LEVERAGEGUARD_SUPERSET_PORT": str(settings.superset_server_port),
    }


def wait_ready(settings: Settings) -> None:
    """Wait until Superset answers, in a cluster its worker too; StackError with the log's end.

    The worker comes after the server, which makes the metadata that both of them use.
    """
    process = processes.running(settings).get(NAME)
    if process is None:
        process = processes.Running(NAME, 0, 0)
    processes.wait_until(lambda: _answers(settings), process, settings, READY_SECONDS)
    if settings.is_cluster:
        _wait_for_worker(settings)


def _wait_for_worker(settings: Settings) -> None:
    # The worker makes this file once it takes queries.
    ready = settings.data_dir / "superset" / "worker.ready"
    if WORKER not in processes.running(settings):
        ready.unlink(missing_ok=True)
    worker = _start(settings, WORKER)
    processes.wait_until(ready.exists, worker, settings, READY_SECONDS)


def _answers(settings: Settings) -> bool:
    url = f"{settings.superset_url}/health"
    try:
        return bool(requests.get(url, timeout=5, verify=settings.verify).ok)
    except requests.RequestException:
        return False
