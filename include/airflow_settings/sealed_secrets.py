"""Airflow's secrets backend while secrets are files: one file, sealed by the wrapping key.

Airflow asks it before its own database. The package is imported when something is looked up and
no earlier: a server that forks tasks loads this file, and tasks shall read the package afresh.
"""

from __future__ import annotations

from airflow.secrets import BaseSecretsBackend


class SealedFile(BaseSecretsBackend):
    """Connections and variables that `./leverageguard secrets put` wrote."""

    def get_conn_value(self, conn_id: str, team_name: str | None = None) -> str | None:
        """A connection as its address or JSON, None where there is none."""
        return self._found(f"connections/{conn_id}")

    def get_variable(self, key: str, team_name: str | None = None) -> str | None:
        """A variable's text, None where there is none."""
        return self._found(f"variables/{key}")

    def _found(self, name: str) -> str | None:
        from leverageguard import airflow_secrets, config

        return airflow_secrets.read(config.load()).get(name)
