"""Mounts the gateway on Airflow's API server and links its pages from the menu.

Every Airflow process loads this file, tasks too: the gateway itself is built where a request comes.
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin
from anyio import from_thread, to_thread

if TYPE_CHECKING:
    from fastapi import Request

    from leverageguard.gateway.host import Person

PREFIX = "/leverageguard"
PAGES = {"": "overview", "dbt": "dbt docs", "quality": "data quality", "api/docs": "API"}


class Gateway:
    """The app, made by the first request."""

    def __init__(self) -> None:
        self._app: Any = None
        self._lock = Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if self._app is None:
            await to_thread.run_sync(self._make)
        await self._app(scope, receive, send)

    def _make(self) -> None:
        from leverageguard import config
        from leverageguard.filings import waiting
        from leverageguard.gateway.app import create_app
        from leverageguard.gateway.host import Host

        with self._lock:
            if self._app is None:
                settings = config.load()
                self._app = create_app(settings, Host(_operator_of, _announce))
                # A server that ended between a claim and its event told nobody of it.
                if waiting.filings(settings):
                    _announce()


def _operator_of(request: Request) -> Person | None:
    """The user whose token or cookie the request carries."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
    from jwt import InvalidTokenError

    from leverageguard.gateway.host import Person

    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    token = given if scheme.lower() == "bearer" else request.cookies.get(COOKIE_NAME_JWT_TOKEN)
    if not token:
        return None
    try:
        user = from_thread.run(get_auth_manager().get_user_from_token, token)
    except InvalidTokenError:
        return None
    return Person(user.get_name(), str(getattr(user, "role", None) or ""))


def _announce() -> None:
    """Record the event that claims were filed; without one, the clock starts ingest_filings."""
    from airflow.assets.manager import asset_manager
    from airflow.models.asset import AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from sqlalchemy.exc import SQLAlchemyError

    from leverageguard.gateway.announcing import FILED

    try:
        with create_session() as session:
            asset = session.scalar(select(AssetModel).where(AssetModel.uri == FILED))
            if asset is not None:
                asset_manager.register_asset_change(asset=asset, session=session)
    except SQLAlchemyError:
        logging.getLogger(__name__).exception("filing_not_announced")


class LeverageGuardGateway(AirflowPlugin):
    """The API and the pages."""

    name = "leverageguard_gateway"
    fastapi_apps = [{"app": Gateway(), "url_prefix": PREFIX, "name": "LeverageGuard gateway"}]
    external_views = [
        {
            "name": title[0].upper() + title[1:],
            "href": f"{PREFIX}/{page}/".replace("//", "/"),
            "destination": "nav",
            "url_route": f"leverageguard-{page.replace('/', '-') or 'overview'}",
        }
        for page, title in PAGES.items()
    ]
