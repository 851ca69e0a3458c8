"""What a simulated venue must offer: its endpoints, its handshake and its words for refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from leverageguard.simulator.limits import Limit

if TYPE_CHECKING:
    from leverageguard.simulator.replies import Row
    from leverageguard.simulator.scenario import Scenario
    from leverageguard.simulator.seeded.market import Symbol
    from leverageguard.simulator.seeded.records import Records


@dataclass(frozen=True)
class Call:
    """One request as a venue sees it; `target` is path and query exactly as sent."""

    method: str
    path: str
    target: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: str
    now_ms: int


@dataclass(frozen=True)
class Answer:
    """A reply before it meets the network: HTTP status and a JSON body."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The venue declines; `code` is its own error code, `answer` what goes over the wire."""

    def __init__(self, code: str, answer: Answer) -> None:
        super().__init__(code)
        self.code = code
        self.answer = answer


@dataclass(frozen=True)
class Endpoint:
    """One path: its limit, whether a key is needed, and what answers.

    The handler gets the call, the account of the key (None on public paths) and `rewind`: how
    many rows before the cursor a faulty page starts.
    """

    name: str
    limit: Limit
    is_private: bool
    handle: Callable[[Call, str | None, int], Answer]


class Venue(Protocol):
    """One exchange's wire format over the world's rows; inherit it for the parts it offers."""

    name: str

    def endpoints(self) -> Mapping[str, Endpoint]:
        """Endpoints by URL path."""
        ...

    def route(self, call: Call) -> Endpoint | None:
        """The endpoint a call means, None where there is none; by path unless a venue says more.

        A venue that posts what it asks chooses by the body as well.
        """
        return self.endpoints().get(call.path) if call.method == "GET" else None

    def authenticate(self, call: Call) -> str:
        """The account whose key signed the call (or that it names); raises Refusal otherwise."""
        ...

    def unknown_path(self, call: Call) -> Refusal:
        """The refusal of a path that does not exist."""
        ...

    def too_many_requests(self) -> Answer:
        """The refusal of a caller over its limit."""
        ...

    def server_error(self) -> Answer:
        """A failure on the venue's side."""
        ...

    def transient_error(self) -> Answer:
        """A refusal in the venue's own words that a later attempt cures."""
        return self.server_error()


@dataclass(frozen=True)
class Candle:
    """One minute of a symbol; prices and traded quote volume."""

    at_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    quote_volume: Decimal


@dataclass(frozen=True)
class Twin:
    """A venue as the simulator knows it; `simulator/venues/<venue>.py` defines one as TWIN.

    `tables` names the files of an account's rows in a scenario folder, `symbols` what the seeded
    world trades here by coin. `serve` answers for a scenario; `encode` writes an account's doings
    as rows of those tables, `instrument` and `candle` (kind mark or trade) the market's rows.
    `uid` makes an account's uid from a number; at a keyless venue the uid itself is what a reader
    needs. `share` is how many of 200 accounts the default world has here (0: the rest).
    """

    name: str
    tables: tuple[str, ...]
    symbols: Mapping[str, Symbol]
    serve: Callable[[Scenario], Venue]
    encode: Callable[[Records], dict[str, list[Row]]]
    instrument: Callable[[Symbol], Row]
    candle: Callable[[str, Symbol, Candle], Any]
    uid: Callable[[int], str] = str
    is_keyless: bool = False
    share: int = 0
