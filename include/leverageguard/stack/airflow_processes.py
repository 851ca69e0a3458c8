"""Airflow's processes: which there are in either profile, and what each is told."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from leverageguard import airflow_secrets, config
from leverageguard.cluster_settings import AIRFLOW, TASKS_A_WORKER
from leverageguard.config import Settings
from leverageguard.stack import observing, secrets

API, SCHEDULER, PARSER, WORKER = (
    "airflow-api", "airflow-scheduler", "airflow-dag-processor", "airflow-worker",
)  # fmt: skip
# A task that was running on a worker that died is tried again when it was silent for so long.
SILENT_SECONDS = 60
# As many tasks are sent as can run at once, so who waits longer than this was lost with its broker.
LOST_SECONDS = 120


def components(settings: Settings) -> dict[str, list[str]]:
    """The words of the airflow command that starts each process, by the process's name."""
    rest = {SCHEDULER: ["scheduler", "--skip-serve-logs"], PARSER: ["dag-processor"]}
    if not settings.is_cluster:
        return {API: _server(settings, settings.airflow_port), **rest}
    servers = {
        f"{API}-{number}": [*_server(settings, port), "--proxy-headers"]
        for number, port in enumerate(settings.api_server_ports, start=1)
    }
    return {**servers, **rest, **workers(settings)}


def workers(settings: Settings) -> dict[str, list[str]]:
    """The Celery workers of a cluster."""
    concurrency = ["--concurrency", str(TASKS_A_WORKER)]
    # Logs are written to the shared folder, where the API servers read them.
    rest = ["--skip-serve-logs", "--without-mingle", "--without-gossip"]
    return {
        f"{WORKER}-{number}": [
            "celery", "worker", "--celery-hostname", f"{WORKER}-{number}@%h", *concurrency, *rest,
        ]
        for number in range(1, settings.workers + 1)
    }  # fmt: skip


def of_one(settings: Settings, name: str) -> dict[str, str]:
    """What one process alone is told: servers their certificate, workers what to load at once."""
    if name.startswith(WORKER):
        return {"LEVERAGEGUARD_PRELOAD": "1"}
    if settings.is_cluster and name.startswith(API):
        certificate, key = settings.certificate("airflow")
        return {"AIRFLOW__API__SSL_CERT": str(certificate), "AIRFLOW__API__SSL_KEY": str(key)}
    return {}


def metadata_file(settings: Settings) -> Path:
    """Airflow's own database, where it is a SQLite file."""
    return settings.airflow_home / "airflow.db"


def _server(settings: Settings, port: int) -> list[str]:
    return ["api-server", "--host", settings.host, "--port", str(port)]


def environment(settings: Settings) -> dict[str, str]:
    """The environment of every Airflow process and command of this stack."""
    inherited = config.child_environment(settings)
    users = ",".join(f"{user}:{role}" for user, role in secrets.AIRFLOW_USERS.items())
    base = settings.airflow_url
    include = settings.repo_dir / "include"
    return {
        **inherited,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}",
        "AIRFLOW_HOME": str(settings.airflow_home),
        "AIRFLOW_CONFIG": str(settings.repo_dir / "airflow.cfg"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(settings.repo_dir / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(settings.repo_dir / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": users,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(
            settings.secrets_dir / secrets.AIRFLOW_PASSWORDS
        ),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{base}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{metadata_file(settings)}?timeout=30",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.logs_dir / "tasks"),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(settings.worker_log_port),
        "AIRFLOW__API__BASE_URL": base,
        # This checkout's package, whichever one the environment was installed from.
        "PYTHONPATH": os.pathsep.join((f"{include / 'airflow_settings'}", f"{include}")),
        "PYTHONWARNINGS": "ignore",
        "PYTHONDONTWRITEBYTECODE": "",  # a task would compile the package anew at every start
        **airflow_secrets.environment(settings),
        **observing.airflow(settings),
        **(_of_cluster(settings) if settings.is_cluster else {}),
    }


def _of_cluster(settings: Settings) -> dict[str, str]:
    """What is different where servers share the work."""
    database = settings.postgresql_url(AIRFLOW)
    certificate, key = settings.certificate("client-leverageguard")
    tasks = settings.workers * TASKS_A_WORKER
    return {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(tasks),
        "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": str(tasks),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": database,
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
        "AIRFLOW__CELERY__SSL_ACTIVE": "True",
        # A worker's few helpers are forked: each fork server would hold all libraries once more.
        "AIRFLOW__CELERY__MP_START_METHOD": "fork",
        "AIRFLOW__CELERY__SSL_CACERT": str(settings.ca_file),
        "AIRFLOW__CELERY__SSL_CERT": str(certificate),
        "AIRFLOW__CELERY__SSL_KEY": str(key),
        "AIRFLOW__API__SSL_CA_FILE": str(settings.ca_file),
        # A broker that was killed has written down what it confirmed, and nothing else.
        "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__CONFIRM_PUBLISH": "True",
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": str(LOST_SECONDS),
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "15",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(SILENT_SECONDS),
    }
