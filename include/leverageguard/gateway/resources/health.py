"""Health, readiness and version, for whoever asks."""

from __future__ import annotations

import sqlite3

from fastapi import APIRouter, Request
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from leverageguard.config import Settings
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.health import Health, Ready, Version
from leverageguard.gateway.problems import Problem, documented
from leverageguard.store import base
from leverageguard.store.gateway_tables import UsedNonce

router = APIRouter(tags=["health"])
RETRY_S = 5


@router.get("/health")
def health() -> Health:
    """The process answers."""
    return Health()


@router.get("/ready", responses=documented(503))
def ready(settings: SettingsDep) -> Ready:
    """Whether requests can be served: 503 while the store or the published figures are missing."""
    checks = {"store": _store(settings), "snapshot": _snapshot(settings)}
    missing = [name for name, found in checks.items() if found != "ok"]
    if missing:
        told = "; ".join(f"{name}: {checks[name]}" for name in missing)
        raise Problem(503, "NOT_READY", told, retry_after_s=RETRY_S)
    return Ready(checks=checks)


@router.get("/version")
def version(request: Request, settings: SettingsDep) -> Version:
    """What answers, for which chains, and whether its world is simulated."""
    return Version(
        version=request.app.version,
        api_version="v1",
        is_simulated=settings.is_simulated,
        chain_ids=[one.chain_id for one in settings.chains],
    )


def _store(settings: Settings) -> str:
    try:
        with base.engine(settings).connect() as connection:
            connection.execute(select(func.count()).select_from(UsedNonce))
    except (SQLAlchemyError, sqlite3.Error):
        return "out of reach or not migrated"
    return "ok"


def _snapshot(settings: Settings) -> str:
    return "ok" if (settings.serve_dir / "current").exists() else "nothing was published yet"
