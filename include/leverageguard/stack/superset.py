"""Superset: started in its own environment, beside the pipeline, by one shell-free command."""

from __future__ import annotations

import requests

from leverageguard import config
from leverageguard.config import Settings
from leverageguard.stack import processes

NAME = "superset"
READY_SECONDS = 240.0


def start(settings: Settings) -> None:
    """Start the dashboards unless they run; they come up on their own, see `wait_ready`."""
    if NAME in processes.running(settings):
        return
    python = settings.repo_dir / ".venv-superset" / "bin" / "python"
    script = settings.repo_dir / "include" / "superset" / "serve.py"
    argv = ["nice", "-n", "10", str(python), str(script)]  # the main job comes first
    processes.start(settings, NAME, argv, environment(settings))


def environment(settings: Settings) -> dict[str, str]:
    """The environment of Superset's process."""
    folder = settings.repo_dir / "include" / "superset"
    return {
        **config.child_environment(settings),
        "SUPERSET_CONFIG_PATH": str(folder / "superset_config.py"),
        "PYTHONWARNINGS": "ignore",
    }


def wait_ready(settings: Settings) -> None:
    """Wait until Superset answers; StackError with its log's end when it does not."""
    process = processes.running(settings).get(NAME)
    if process is None:
        process = processes.Running(NAME, 0, 0)
    processes.wait_until(lambda: _answers(settings), process, settings, READY_SECONDS)


def _answers(settings: Settings) -> bool:
    url = f"{settings.superset_url}/health"
    try:
        return bool(requests.get(url, timeout=5, verify=settings.verify).ok)
    except requests.RequestException:
        return False
