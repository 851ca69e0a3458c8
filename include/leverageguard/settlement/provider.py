"""The HTTP connection to a chain's nodes: patient with each, and on to the next when one is down.

Whatever is asked twice here may be asked twice: reads change nothing, and signed bytes sent again
are the same transaction.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import requests
import structlog
import tenacity
from web3 import HTTPProvider
from web3.providers import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from leverageguard.chain_settings import shown_url
from leverageguard.settlement import errors

TIMEOUT_S = 20
TRIES = 5  # of one request at one node
WAIT_S, LONGEST_WAIT_S = 0.25, 10.0
_BUSY = frozenset({-32005, 429})  # JSON-RPC codes of "too many requests"
_log = structlog.get_logger(__name__)
T = TypeVar("T")


class _Again(Exception):
    """No usable answer, and the next try may have one; `after_s` is what the node asked for."""

    def __init__(self, why: str, after_s: float = 0) -> None:
        super().__init__(why)
        self.after_s = after_s


class NodeProvider(HTTPProvider):
    """One node over HTTP; raises ChainUnreachable when every try at it went wrong."""

    def __init__(self, url: str) -> None:
        super().__init__(
            url, request_kwargs={"timeout": TIMEOUT_S}, exception_retry_configuration=None
        )

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One call; raises ChainUnreachable when no usable answer came."""
        return self._patiently(lambda: super(NodeProvider, self).make_request(method, params))

    def make_batch_request(
        self, batch_requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        """Several calls in one request; raises ChainUnreachable as above."""
        return self._patiently(lambda: super(NodeProvider, self).make_batch_request(batch_requests))

    @property
    def name(self) -> str:
        """The node's address without what may be secret in it: key, path and password."""
        return shown_url(str(self.endpoint_uri))

    def _patiently(self, ask: Callable[[], T]) -> T:
        tries = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(TRIES),
            wait=_wait_s,
            retry=tenacity.retry_if_exception_type(_Again),
            reraise=True,
        )
        try:
            answer: T = tries(self._once, ask)
            return answer
        except _Again as fault:
            raise errors.ChainUnreachable(
                f"no answer from the chain at {self.name} in {TRIES} tries: {fault}"
            ) from None

    def _once(self, ask: Callable[[], T]) -> T:
        with self._faults():
            answer = ask()
        for one in answer if isinstance(answer, list) else [answer]:
            error = one.get("error")
            if isinstance(error, dict) and error.get("code") in _BUSY:
                raise _Again(str(error.get("message")))
        return answer

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except requests.HTTPError as fault:
            status = fault.response.status_code
            if status not in (408, 429) and status < 500:
                raise errors.ChainUnreachable(
                    f"the chain at {self.name} answers HTTP {status}: see LEVERAGEGUARD_CHAIN_RPC"
                ) from None
            asked = fault.response.headers.get("Retry-After", "")
            raise _Again(f"HTTP {status}", int(asked) if asked.isdecimal() else 0) from None
        except (requests.RequestException, ConnectionError, TimeoutError, ValueError) as fault:
            raise _Again(type(fault).__name__) from None


class FallbackProvider(JSONBaseProvider):
    """The nodes of one chain in order of preference; another is used when one does not answer.

    A node is asked for its chain id before anything else is believed of it. One that served is
    kept for as long as this object lives.
    """

    def __init__(self, urls: Sequence[str], chain_id: int) -> None:
        super().__init__()
        self._chain_id = chain_id
        self._nodes = [NodeProvider(url) for url in urls]
        self._trusted: set[NodeProvider] = set()

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One call; raises ChainUnreachable when no node of this chain answered."""
        return self._first(lambda node: node.make_request(method, params))

    def make_batch_request(
        self, requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        """Several calls in one request; raises ChainUnreachable as above."""
        return self._first(lambda node: node.make_batch_request(requests))

    @property
    def name(self) -> str:
        """The node in use."""
        return self._nodes[0].name

    def _first(self, ask: Callable[[NodeProvider], T]) -> T:
        faults: list[errors.SettlementError] = []
        for node in list(self._nodes):
            try:
                self._trust(node)
                answer = ask(node)
            except (errors.ChainUnreachable, errors.WrongChain) as fault:
                faults.append(fault)
                _log.warning("chain_node_failed", node=node.name, reason=str(fault))
                continue
            if faults:
                _log.warning("chain_node_in_use", node=node.name, instead_of=self.name)
                self._nodes.remove(node)
                self._nodes.insert(0, node)
            return answer
        wrong = [fault for fault in faults if isinstance(fault, errors.WrongChain)]
        if wrong:
            raise wrong[0]
        raise errors.ChainUnreachable("; ".join(map(str, faults)))

    def _trust(self, node: NodeProvider) -> None:
        """Raise WrongChain unless the node serves our chain; asked once a node."""
        if node in self._trusted:
            return
        answer = node.make_request(RPCEndpoint("eth_chainId"), [])
        served = int(str(answer.get("result")), 16)
        if served != self._chain_id:
            raise errors.WrongChain(
                f"the node at {node.name} serves chain {served}, the settings say "
                f"{self._chain_id}: set LEVERAGEGUARD_CHAIN_ID or LEVERAGEGUARD_CHAIN_RPC"
            )
        self._trusted.add(node)


def _wait_s(state: tenacity.RetryCallState) -> float:
    """Exponential, half of it random, the node's Retry-After if longer, and never too long."""
    doubled = WAIT_S * cast("float", 2 ** (state.attempt_number - 1))
    fault = state.outcome.exception() if state.outcome else None
    asked = fault.after_s if isinstance(fault, _Again) else 0
    return min(LONGEST_WAIT_S, max(doubled * (0.5 + random.random() / 2), asked))  # noqa: S311 - spreads callers
