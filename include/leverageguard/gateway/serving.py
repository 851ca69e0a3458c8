"""The gateway alone under uvicorn, beside Airflow's API server: `./leverageguard gateway`."""

from __future__ import annotations

import logging
import shutil
from typing import Any

import requests
import structlog
import uvicorn
from fastapi import Request
from starlette.applications import Starlette
from starlette.routing import Mount

from leverageguard import config
from leverageguard.config import ConfigError, Settings
from leverageguard.gateway import announcing
from leverageguard.gateway.app import API, PREFIX, create_app
from leverageguard.gateway.callers import OF_AIRFLOW, Role
from leverageguard.gateway.host import Host, Person
from leverageguard.gateway.problems import Problem
from leverageguard.gateway_settings import MEMORY

ASK_SECONDS = 5
KEEP_ALIVE_SECONDS = 15
_AIRFLOW_COOKIE = "_token"


def run(settings: Settings, port: int, workers: int) -> None:
    """Serve until stopped. Raises ConfigError for several workers that each count by themselves."""
    if workers > 1 and settings.counting_url == MEMORY:
        raise ConfigError(
            "several workers must count requests together: set LEVERAGEGUARD_RATE_LIMITS to a "
            "redis:// URL"
        )
    with config.environment(
        config.child_environment(settings) | _together(settings, port, workers)
    ):
        uvicorn.run(
            f"{__name__}:served",
            factory=True,
            host=settings.host,
            port=port,
            workers=workers,
            server_header=False,
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            log_level="warning",
            **_certified(settings),
        )


def _certified(settings: Settings) -> dict[str, Any]:
    """In a cluster TLS alone is spoken; who may call is the gateway's affair, not TLS's."""
    if not settings.is_cluster:
        return {}
    certificate, key = settings.certificate("gateway")
    return {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}


def _together(settings: Settings, port: int, workers: int) -> dict[str, str]:
    """Where several workers count their requests together: whichever is asked tells of all."""
    if workers == 1:
        return {}
    folder = settings.run_dir / f"gateway-{port}-counts"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return {"PROMETHEUS_MULTIPROC_DIR": str(folder)}


def served() -> Starlette:
    """The app under its prefix, for one worker."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        cache_logger_on_first_use=True,
    )
    settings = config.load()
    announce = announcing.over_http(settings)
    host = Host(lambda request: _operator_of(settings, request), announce)
    return Starlette(routes=[Mount(PREFIX, create_app(settings, host))])


def _operator_of(settings: Settings, request: Request) -> Person | None:
    """Whom Airflow's own gateway takes the caller for: its users and tokens are Airflow's affair.

    Raises Problem 503 while Airflow does not answer.
    """
    sent = _airflow_credential(request)
    if not sent:
        return None
    url = f"{settings.airflow_url}{PREFIX}{API}/me"
    try:
        answer = requests.get(url, headers=sent, timeout=ASK_SECONDS, verify=settings.verify)
    except requests.RequestException:
        told = "Airflow, which knows its users, does not answer"
        raise Problem(503, "AIRFLOW_UNREACHABLE", told, retry_after_s=ASK_SECONDS) from None
    if answer.status_code != requests.codes.ok:
        return None
    said: dict[str, Any] = answer.json()
    names = {role: name for name, role in OF_AIRFLOW.items()}
    return Person(said["actor"], next((names[Role(one)] for one in said["roles"]), ""))


def _airflow_credential(request: Request) -> dict[str, str]:
    """What of the request may be Airflow's: a token of three parts, or its cookie."""
    given = request.headers.get("authorization", "")
    if given:
        return {"Authorization": given} if given.count(".") == 2 else {}
    cookie = request.cookies.get(_AIRFLOW_COOKIE, "")
    return {"Cookie": f"{_AIRFLOW_COOKIE}={cookie}"} if cookie.count(".") == 2 else {}
