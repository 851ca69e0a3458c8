"""The worker of SQL Lab's asynchronous queries, behind the same fence as the server.

It takes them from Redis, so it runs where one is given, once the server prepared the metadata:
.venv-superset/bin/python include/superset/worker.py
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("SUPERSET_CONFIG_PATH", str(HERE / "superset_config.py"))
os.environ["TZ"] = "UTC"
time.tzset()
warnings.filterwarnings("ignore")

# Nobody's page waits for these queries, so they may take longer than the others.
SECONDS = os.environ.get("LEVERAGEGUARD_SUPERSET_ASYNC_SECONDS", "300")
os.environ["LEVERAGEGUARD_SUPERSET_QUERY_SECONDS"] = SECONDS
ARGUMENTS = ("worker", "--pool=prefork", "--concurrency=2", "--loglevel=WARNING")


def main() -> None:
    """Work until told to stop; a file says that it does."""
    from celery.signals import worker_ready
    from superset.tasks.celery_app import app

    ready = Path(os.environ["LEVERAGEGUARD_DATA"]) / "superset" / "worker.ready"
    ready.unlink(missing_ok=True)

    @worker_ready.connect(weak=False)
    def tell(**_: Any) -> None:
        ready.touch()

    app.worker_main([*ARGUMENTS, "--without-gossip", "--without-mingle", "-n", "superset@%h"])


if __name__ == "__main__":
    main()
