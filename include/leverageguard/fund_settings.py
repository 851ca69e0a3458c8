"""What is configured of the fund: how carefully its capital is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leverageguard.chain_settings import ConfigError

CAPITAL_PATHS = "LEVERAGEGUARD_CAPITAL_PATHS"
FEWEST_PATHS = 200  # with fewer no path lies beyond 99.5 % of them


@dataclass(frozen=True)
class FundSettings:
    """`capital_paths` is how many simulated price paths the fund's capital is asked of."""

    capital_paths: int = 10_000


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """These settings by name, as variables say; ConfigError names a bad one."""
    text = environment.get(CAPITAL_PATHS)
    if not text:
        return {}
    if not text.isascii() or not text.isdigit() or int(text) < FEWEST_PATHS:
        raise ConfigError(
            f"{CAPITAL_PATHS} must be a whole number, {FEWEST_PATHS} at least, not {text!r}"
        )
    return {"capital_paths": int(text)}
