"""The HTTP connection to a node: no hidden retries, and a fault in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from web3 import HTTPProvider
from web3.types import RPCEndpoint, RPCResponse

from leverageguard.settlement import errors

TIMEOUT_S = 20


class PlainProvider(HTTPProvider):
    """HTTP without retries of its own; a fault on the way becomes ChainUnreachable."""

    def __init__(self, url: str) -> None:
        super().__init__(
            url, request_kwargs={"timeout": TIMEOUT_S}, exception_retry_configuration=None
        )

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One call; raises ChainUnreachable when no usable answer came."""
        with self._faults():
            return super().make_request(method, params)

    def make_batch_request(
        self, batch_requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        """Several calls in one request; raises ChainUnreachable as above."""
        with self._faults():
            return super().make_batch_request(batch_requests)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (requests.RequestException, ConnectionError, TimeoutError, ValueError) as fault:
            raise errors.ChainUnreachable(
                f"no answer from the chain at {self.endpoint_uri}: {type(fault).__name__}"
            ) from None
