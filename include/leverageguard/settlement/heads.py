"""What a chain's nodes say of its newest block, asked once and without patience.

For whoever watches: a node that does not answer in two seconds is the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from leverageguard.config import Settings

SECONDS = 2.0


@dataclass(frozen=True)
class Head:
    """The newest block: its number and its time in epoch seconds."""

    number: int
    at_s: int


def newest(settings: Settings) -> Head | None:
    """The head at the first of the chain's endpoints that answers, None when none does."""
    for url in settings.chain_rpc_urls:
        found = _ask(url)
        if found is not None:
            return found
    return None


def _ask(url: str) -> Head | None:
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "eth_getBlockByNumber",
        "params": ["latest", False],
    }
    try:
        answer = requests.post(url, json=body, timeout=SECONDS)
        block: Mapping[str, Any] = answer.json()["result"]
        return Head(int(block["number"], 16), int(block["timestamp"], 16))
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return None
