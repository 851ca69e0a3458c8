"""How often one may call: by wallet, service key or person, and by address, in classes.

The counters are `limits`' (sliding windows): in this process's memory, or in a Redis that several
processes share. While that Redis is out of reach each process counts by itself.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address, IPv6Network

import structlog
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from leverageguard.config import Settings
from leverageguard.gateway.problems import Problem
from leverageguard.gateway_settings import MEMORY

_API = "/api/v1/"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_UNSEEN = "unknown"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Class:
    """How many requests of one kind a minute takes, from one caller and from one address.

    Behind one address there may be many callers; a service account is a partner's whole system.
    """

    name: str
    per_address: int
    per_caller: int
    per_service: int


SIGN_IN = Class("sign-in", 60, 60, 60)
PROOFS = Class("proofs", 10, 10, 60)
QUOTES = Class("quotes", 120, 30, 600)
WRITES = Class("writes", 300, 60, 600)
READS = Class("reads", 1200, 300, 1200)
PAGES = Class("pages", 1200, 1200, 1200)
CLASSES = (SIGN_IN, PROOFS, QUOTES, WRITES, READS, PAGES)


def class_of(method: str, path: str) -> Class:
    """What a request counts as; `path` without the prefix."""
    if not path.startswith(_API):
        return PAGES
    resource = path.removeprefix(_API)
    if resource.startswith("auth/"):
        return SIGN_IN
    if resource == "proofs/verify":
        return PROOFS
    if method in _READING:
        return READS
    return QUOTES if resource == "quotes" else WRITES


class Limiter:
    """The counters of one app."""

    def __init__(self, settings: Settings) -> None:
        self._percent = settings.rate_percent
        self._is_local = settings.counting_url == MEMORY
        self._own = SlidingWindowCounterRateLimiter(storage_from_string(MEMORY))
        self._shared = self._own
        if not self._is_local:
            storage = storage_from_string(settings.counting_url, wrap_exceptions=True)
            self._shared = SlidingWindowCounterRateLimiter(storage)

    async def of_address(self, scope: Scope, path: str) -> Problem | None:
        """Count a request for the address it comes from; the refusal of one too many."""
        kind = class_of(str(scope["method"]), path)
        return await self._counted(kind.per_address, kind.name, "address", _address(scope))

    async def of_caller(self, method: str, path: str, actor: str, is_service: bool) -> None:
        """Count a request for whoever sent it; raises Problem 429 for one too many."""
        kind = class_of(method, path)
        most = kind.per_service if is_service else kind.per_caller
        refusal = await self._counted(most, kind.name, "caller", actor)
        if refusal is not None:
            raise refusal

    async def _counted(self, most: int, *whom: str) -> Problem | None:
        if self._is_local:
            return self._hit(self._own, most, whom)
        return await run_in_threadpool(self._hit_shared, most, whom)

    def _hit_shared(self, most: int, whom: tuple[str, ...]) -> Problem | None:
        try:
            return self._hit(self._shared, most, whom)
        except StorageError as error:
            _log.warning("rate_limits_out_of_reach", kind=type(error.storage_error).__name__)
            return self._hit(self._own, most, whom)

    def _hit(
        self, limiter: SlidingWindowCounterRateLimiter, most: int, whom: tuple[str, ...]
    ) -> Problem | None:
        item = RateLimitItemPerMinute(
            max(1, most * self._percent // 100), namespace="leverageguard"
        )
        if limiter.hit(item, *whom):
            return None
        wait = limiter.get_window_stats(item, *whom).reset_time - time.time()
        told = f"{item.amount} {whom[0]} a minute are taken from one {whom[1]}"
        return Problem(429, "TOO_MANY", told, retry_after_s=max(1, math.ceil(wait)))


def _address(scope: Scope) -> str:
    """Whose connection it is; of an IPv6 address its network, for one has a whole one."""
    host = str((scope.get("client") or (_UNSEEN,))[0])
    try:
        return str(IPv6Network((IPv6Address(host), 64), strict=False))
    except AddressValueError:
        return host
