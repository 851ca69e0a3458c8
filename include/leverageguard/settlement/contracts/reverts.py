"""A contract's refusal in words: the custom error's name and arguments."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import decode
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from leverageguard.config import Settings
from leverageguard.settlement.contracts import artifact, pool, token

_TEXT_ERROR = keccak(b"Error(string)")[:4]


def explain(settings: Settings, data: Any, fallback: str) -> str:
    """`Name(argument=value, …)` for revert data of a known contract, else `fallback`."""
    if not isinstance(data, str) or not data.startswith("0x") or len(data) < 10:
        return fallback
    raw = bytes.fromhex(data[2:])
    if raw[:4] == _TEXT_ERROR:
        return str(decode(["string"], raw[4:])[0])
    for name in (pool.NAME, token.NAME):
        for item in artifact.load(settings, name).abi:
            if item["type"] == "error" and _selector(item) == raw[:4]:
                types = [collapse_if_tuple(part) for part in item["inputs"]]
                values = zip(item["inputs"], decode(types, raw[4:]), strict=True)
                shown = ", ".join(f"{part['name']}={_show(value)}" for part, value in values)
                return f"{item['name']}({shown})"
    return fallback


def _selector(item: dict[str, Any]) -> bytes:
    types = ",".join(collapse_if_tuple(part) for part in item["inputs"])
    return keccak(f"{item['name']}({types})".encode())[:4]


def _show(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
