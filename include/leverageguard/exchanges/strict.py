"""A ccxt exchange that never turns a broken reply into an empty answer.

ccxt answers an HTTP 200 whose body is cut off, empty, HTML or `null` with no rows and no error. An
insurer reading that as "no liquidation" refuses an honest claim, so here it raises BadResponse.
Numbers stay the text the venue wrote.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from leverageguard.exchanges.venue import Venue

_loading = threading.RLock()


@dataclass(frozen=True)
class RawReply:
    """One reply as received: HTTP status, path and query without host or headers, body text.

    `request` carries the posted body after a space where the venue is asked by POST.
    """

    status: int
    request: str
    body: str
    retry_after: str | None


@cache
def errors() -> Any:
    """ccxt's error classes."""
    return _load("ccxt.base.errors")


@cache
def strict_class(
    name: str, code_of: Callable[[Any], str], transient_codes: frozenset[str], may_list: bool
) -> type[Any]:
    """The strict subclass of ccxt's exchange `name`.

    A reply that is neither a filled object nor (where the venue answers so) a list raises
    BadResponse; one whose code is in
    `transient_codes` raises OperationFailed, so that it is tried again.
    """
    base = getattr(_load(f"ccxt.{name}"), name)
    ccxt_errors = errors()

    class VenueBusy(ccxt_errors.OperationFailed):  # type: ignore[name-defined, misc]
        """The venue's own code says that a later attempt may pass, whatever the HTTP status."""

    class Strict(base):  # type: ignore[misc, valid-type]
        """ccxt's exchange with the venue's clock and no silent failure."""

        reply: RawReply | None = None
        posted: str = ""
        venue_now_ms: Callable[[], int]

        def nonce(self) -> int:
            return self.venue_now_ms()

        def fetch(
            self, url: str, method: str = "GET", headers: Any = None, body: Any = None
        ) -> Any:
            self.reply, self.posted = None, f" {body}" if body else ""
            try:
                return super().fetch(url, method, headers, body)
            except ccxt_errors.ExchangeError as error:
                if self.reply is not None:
                    raise
                # Nothing readable arrived: the line failed, the venue did not refuse.
                raise ccxt_errors.NetworkError(f"{name}: no readable reply: {error!r}") from error
            except (TypeError, ValueError, LookupError, AttributeError) as error:
                # ccxt stumbles over replies it does not expect; one account must not stop a group.
                raise ccxt_errors.BadResponse(f"{name}: {error!r} over a reply") from error

        def on_rest_response(
            self, code: int, reason: str, url: str, method: str, headers: Any, body: str, *rest: Any
        ) -> str:
            parts = urlsplit(url)
            request = f"{parts.path}?{parts.query}" if parts.query else parts.path
            request += self.posted
            self.reply = RawReply(code, request, body, headers.get("Retry-After"))
            return body

        def on_json_response(self, body: str) -> Any:
            if "\ufffd" in body:
                raise ValueError("a byte was no text: what it stood for is lost")
            return json.loads(body, parse_float=str, parse_int=str, object_pairs_hook=_object)

        def handle_errors(
            self, code: int, reason: str, url: str, method: str, headers: Any, body: str,
            response: Any, *rest: Any,
        ) -> Any:  # fmt: skip
            is_ok = 200 <= code < 300
            is_list = isinstance(response, list)
            if is_ok and not (may_list if is_list else response):
                raise ccxt_errors.BadResponse(f"{name} HTTP {code} without a usable body")
            if code_of(response) in transient_codes:
                raise VenueBusy(f"{name} {body}")
            return super().handle_errors(code, reason, url, method, headers, body, response, *rest)

    return Strict


def build(venue: Venue, url: str) -> Any:
    """A strict client of `venue` that talks to `url`; its own limiter and retries are off."""
    client = strict_class(venue.name, venue.code_of, venue.transient_codes, venue.may_answer_lists)(
        {"enableRateLimit": False, "options": {"maxRetriesOnFailure": 0}}
    )
    venue.point_at(client, url)
    client.number = str
    return client


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's members; one named twice has two meanings, which is no answer."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is named twice")
    return members


def _load(module: str) -> Any:
    """Import one ccxt module without the hundred exchanges that `import ccxt` brings (2-5 s)."""
    with _loading:
        if "ccxt" in sys.modules or module in sys.modules:
            return importlib.import_module(module)
        spec = importlib.util.find_spec("ccxt")
        if spec is None:
            raise ModuleNotFoundError("ccxt is not installed")
        package = types.ModuleType("ccxt")
        package.__path__ = list(spec.submodule_search_locations or [])
        sys.modules["ccxt"] = package
        try:
            return importlib.import_module(module)
        finally:
            del sys.modules["ccxt"]
