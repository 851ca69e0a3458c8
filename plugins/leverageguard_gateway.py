"""Mounts the gateway on Airflow's API server and links its pages from the menu."""

from airflow.api_fastapi.core_api.security import requires_authenticated
from airflow.plugins_manager import AirflowPlugin
from fastapi import Depends

from leverageguard import config
from leverageguard.gateway.app import PAGES, create_app

PREFIX = "/leverageguard"


class LeverageGuardGateway(AirflowPlugin):
    """Static pages behind Airflow's own login."""

    name = "leverageguard_gateway"
    fastapi_apps = [
        {
            "app": create_app(config.load(), [Depends(requires_authenticated())]),
            "url_prefix": PREFIX,
            "name": "LeverageGuard gateway",
        }
    ]
    external_views = [
        {
            "name": title.capitalize(),
            "href": f"{PREFIX}/{page}/",
            "destination": "nav",
            "url_route": f"leverageguard-{page}",
        }
        for page, title in PAGES.items()
    ]
