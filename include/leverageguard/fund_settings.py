"""What is configured of the fund: how carefully its capital is asked for, and whose keys act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leverageguard.chain_settings import ConfigError

CAPITAL_PATHS = "LEVERAGEGUARD_CAPITAL_PATHS"
KEYS = {
    "reserver_key": "LEVERAGEGUARD_RESERVER_KEY",
    "treasurer_key": "LEVERAGEGUARD_TREASURER_KEY",
    "canceller_key": "LEVERAGEGUARD_CANCELLER_KEY",
}
FEWEST_PATHS = 200  # with fewer no path lies beyond 99.5 % of them


@dataclass(frozen=True)
class FundSettings:
    """`capital_paths` is how many simulated price paths the fund's capital is asked of.

    The keys set aside reserves, ask for and take withdrawals, and cancel them: three people's in
    earnest. What has no key is a dry run.
    """

    capital_paths: int = 10_000
    reserver_key: str = "secret:chain_reserver"
    treasurer_key: str = "secret:chain_treasurer"
    canceller_key: str = "secret:chain_canceller"


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """These settings by name, as variables say; ConfigError names a bad one."""
    keys = {field: environment[name] for field, name in KEYS.items() if environment.get(name)}
    text = environment.get(CAPITAL_PATHS)
    if not text:
        return keys
    if not text.isascii() or not text.isdigit() or int(text) < FEWEST_PATHS:
        raise ConfigError(
            f"{CAPITAL_PATHS} must be a whole number, {FEWEST_PATHS} at least, not {text!r}"
        )
    return {**keys, "capital_paths": int(text)}
