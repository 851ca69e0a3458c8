"""Superset as one command: prepare the metadata, then serve, on one start of the application.

.venv-superset/bin/python include/superset/serve.py
"""

from __future__ import annotations

import os
import ssl
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


def main() -> None:
    """Prepare, then serve on the loopback interface until told to stop."""
    data = Path(os.environ["LEVERAGEGUARD_DATA"])
    (data / "superset").mkdir(parents=True, exist_ok=True)
    from superset.app import create_app

    app = create_app()
    import bootstrap

    bootstrap.prepare(app, data)
    if "--prepare-only" not in sys.argv:
        _serve(app)


def _serve(app: Any) -> None:
    import services
    from gunicorn.app.base import BaseApplication
    from superset import db

    with app.app_context():
        # A worker must not inherit an open connection of its parent.
        db.engine.dispose()

    class Server(BaseApplication):
        def load_config(self) -> None:
            given = services.read(os.environ)
            self.cfg.set("bind", f"127.0.0.1:{given.port}")
            self.cfg.set("certfile", given.certificate)
            self.cfg.set("keyfile", given.key)
            if given.proxy_ca:
                self.cfg.set("ca_certs", given.proxy_ca)
                self.cfg.set("cert_reqs", ssl.CERT_REQUIRED)
            self.cfg.set("workers", 1)
            self.cfg.set("worker_class", "gthread")
            self.cfg.set("threads", 8)
            self.cfg.set("timeout", 120)
            self.cfg.set("graceful_timeout", 3)
            self.cfg.set("loglevel", "warning")
            self.cfg.set("proc_name", "superset")

        def load(self) -> Any:
            return app

    Server().run()


if __name__ == "__main__":
    main()
