"""What is known of a chain before anybody connects to it: one block of chains.toml each.

Standard library only, as config.py is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SECRET = "secret:"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_WEI_DIGITS = {"gwei": 9, "ether": 18}


class ConfigError(Exception):
    """A setting is missing or wrong; the message names it and the fix."""


@dataclass(frozen=True)
class Deployment:
    """Where the pool lives: chain id, pool and token addresses (EIP-55), first block to read."""

    chain_id: int
    pool: str
    token: str
    deployed_block: int


@dataclass(frozen=True)
class ChainSettings:
    """One chain. `rpc` lists endpoints, the first one primary; none means the embedded chain.

    `max_fee_wei` caps a transaction's fee per gas, `priority_fee_wei` is the least tip offered, and
    a proposer that holds less than `gas_money_alert_wei` needs native coin. `explorer` is where
    people look its transactions up.
    """

    name: str
    chain_id: int
    rpc: tuple[str, ...] = ()
    confirmations: int = 2
    token: str | None = None
    pool: str | None = None
    deployed_block: int | None = None
    max_fee_wei: int | None = None
    priority_fee_wei: int = 0
    gas_money_alert_wei: int = 0
    explorer: str | None = None

    def deployment(self) -> Deployment | None:
        """The pool the block names, None when it names none."""
        if self.pool is None or self.token is None or self.deployed_block is None:
            return None
        return Deployment(self.chain_id, self.pool, self.token, self.deployed_block)


def read(path: Path) -> tuple[ChainSettings, ...]:
    """The chains of a file, in its order; raises ConfigError naming file, block and key."""
    try:
        blocks = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError(f"LEVERAGEGUARD_CHAINS names {path}, which does not exist") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from None
    try:
        chains = tuple(_chain(name, block) for name, block in blocks.items())
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    ids = [chain.chain_id for chain in chains]
    if not ids or len(set(ids)) != len(ids):
        raise ConfigError(f"{path} must name at least one chain, and each chain_id once")
    return chains


def shown_url(url: str) -> str:
    """An endpoint without what may be a key: neither user, path nor query."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def _chain(name: str, block: Any) -> ChainSettings:
    if not isinstance(block, Mapping) or not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no block of a chain: [a-z][a-z0-9_-]*")
    unknown = sorted(set(block) - set(_READERS))
    if unknown:
        raise ConfigError(f"[{name}] has unknown keys {', '.join(unknown)}")
    if "chain_id" not in block:
        raise ConfigError(f"[{name}] names no chain_id")
    values: dict[str, Any] = {}
    for key, value in block.items():
        field, reader = _READERS[key]
        try:
            values[field] = reader(value)
        except (ValueError, TypeError, InvalidOperation):
            raise ConfigError(f"[{name}] {key} cannot be {value!r}") from None
    chain = ChainSettings(name, **values)
    if (chain.pool or chain.deployed_block is not None) and chain.deployment() is None:
        raise ConfigError(f"[{name}] needs pool, token and deployed_block together")
    return chain


def _positive(value: Any) -> int:
    return _whole(value, least=1)


def _whole(value: Any, least: int = 0) -> int:
    if type(value) is not int or value < least:
        raise ValueError(value)
    return value


def _address(value: Any) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError(value)
    return str(value)


def _page(value: Any) -> str:
    """A web page's address without the slash at its end."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(value)
    return str(value).rstrip("/")


def _endpoints(value: Any) -> tuple[str, ...]:
    if type(value) is not list or not value or not all(_is_endpoint(one) for one in value):
        raise ValueError(value)
    return tuple(value)


def _is_endpoint(text: str) -> bool:
    return text.startswith(("http://", "https://", SECRET)) and text != SECRET


def _wei(unit: str) -> Callable[[Any], int]:
    """A reader of an amount in this unit, whole or as text: a float would round money."""

    def read_amount(value: Any) -> int:
        if type(value) not in (int, str):
            raise ValueError(value)
        amount = Decimal(value).scaleb(_WEI_DIGITS[unit])
        if not amount.is_finite() or amount < 0 or amount != amount.to_integral_value():
            raise ValueError(value)
        return int(amount)

    return read_amount


_READERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "chain_id": ("chain_id", _positive),
    "rpc": ("rpc", _endpoints),
    "confirmations": ("confirmations", _whole),
    "token": ("token", _address),
    "pool": ("pool", _address),
    "deployed_block": ("deployed_block", _whole),
    "max_fee_gwei": ("max_fee_wei", _wei("gwei")),
    "priority_fee_gwei": ("priority_fee_wei", _wei("gwei")),
    "gas_money_alert_ether": ("gas_money_alert_wei", _wei("ether")),
    "explorer": ("explorer", _page),
}
KEYS = frozenset(_READERS)
