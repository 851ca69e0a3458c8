"""What dbt's target `cluster` needs before it attaches the lake: a plugin of dbt-duckdb.

The profile names no catalogue, so that neither dbt's logs nor its errors can hold a password: the
lake is attached here, and the profile's own attachment finds it there.
"""

from __future__ import annotations

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from leverageguard import config
from leverageguard.warehouse import lake


class Plugin(BasePlugin):
    """Attaches the lake of the settings to dbt's own connection."""

    def configure_connection(self, conn: Any) -> None:
        """Raises LakeError when the lake cannot be reached or none is configured."""
        found = config.load().lake
        if found is None:
            raise lake.LakeError("dbt's target cluster needs LEVERAGEGUARD_LAKE_CATALOGUE")
        lake.attach(conn, found)
