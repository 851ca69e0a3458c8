"""Where a stack listens: every port hangs above one, and all of it on one host.

Standard library only, as config.py is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from leverageguard.folders import Folders

# Every file there is a venue; their simulated twins take the ports from the third one on.
VENUES = tuple(
    sorted(
        path.stem
        for path in (Path(__file__).parent / "exchanges" / "venues").glob("*.py")
        if not path.stem.startswith("_")
    )
)
FIRST_VENUE_PORT = 3
DEFAULT_PORT = 18080


@dataclass(frozen=True)
class Ports(Folders):
    """The ports of one stack from `port_base` on; those of a cluster begin at the eighth."""

    port_base: int = field(default=DEFAULT_PORT, kw_only=True)
    host: str = field(default="127.0.0.1", kw_only=True)

    @property
    def airflow_port(self) -> int:
        """Airflow's UI and API, the gateway's among it; in a cluster the balancer before them."""
        return self.port_base

    @property
    def superset_port(self) -> int:
        """Superset; in a cluster the balancer before it."""
        return self.port_base + 1

    @property
    def chain_port(self) -> int:
        """The local chain's JSON-RPC."""
        return self.port_base + 2

    @property
    def postgresql_port(self) -> int:
        """A cluster's PostgreSQL."""
        return self.port_base + 8

    @property
    def rabbitmq_port(self) -> int:
        """A cluster's RabbitMQ."""
        return self.port_base + 9

    @property
    def redis_port(self) -> int:
        """A cluster's Redis."""
        return self.port_base + 10

    @property
    def api_server_ports(self) -> tuple[int, int]:
        """A cluster's Airflow API servers, behind the balancer."""
        return self.port_base + 11, self.port_base + 12

    @property
    def gateway_worker_ports(self) -> tuple[int, int]:
        """A cluster's gateways of their own, behind the balancer."""
        return self.port_base + 13, self.port_base + 14

    @property
    def worker_log_port(self) -> int:
        """Airflow's task-log server."""
        return self.port_base + 15

    @property
    def prometheus_port(self) -> int:
        """Prometheus, where it is started."""
        return self.port_base + 16

    @property
    def alertmanager_port(self) -> int:
        """Alertmanager, where it is started."""
        return self.port_base + 17

    @property
    def superset_server_port(self) -> int:
        """A cluster's Superset, behind the balancer."""
        return self.port_base + 18

    @property
    def gateway_port(self) -> int:
        """The balancer before a cluster's gateways."""
        return self.port_base + 19

    @property
    def rabbitmq_node_port(self) -> int:
        """Where RabbitMQ's own tools reach it."""
        return self.port_base + 20

    @property
    def epmd_port(self) -> int:
        """Erlang's register of nodes, which RabbitMQ needs."""
        return self.port_base + 21

    def venue_port(self, exchange: str) -> int:
        """The simulator's port for one venue; KeyError for a venue it does not serve."""
        if exchange not in VENUES:
            raise KeyError(f"no exchange {exchange!r}; known: {', '.join(VENUES)}")
        return self.port_base + FIRST_VENUE_PORT + VENUES.index(exchange)
