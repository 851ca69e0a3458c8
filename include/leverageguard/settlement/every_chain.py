"""The same on every chain: one that fails keeps no other from its turn, and is named at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import structlog

from leverageguard.config import ConfigError, Settings
from leverageguard.settlement.errors import ChainsFailed, SettlementError

_log = structlog.get_logger(__name__)


def summed(settings: Settings, count: Callable[[Settings], Mapping[str, int]]) -> dict[str, int]:
    """What `count` counts on each chain, added up.

    Raises ChainsFailed, after every chain had its turn, naming those that stopped with a
    SettlementError or ConfigError; of a single chain its own error.
    """
    total: Counter[str] = Counter()
    failed: dict[str, Exception] = {}
    for chain in settings.chains:
        try:
            total.update(count(settings.on_chain(chain.chain_id)))
        except (SettlementError, ConfigError) as error:
            if len(settings.chains) == 1:
                raise
            _log.exception("chain_failed", chain=chain.name, chain_id=chain.chain_id)
            failed[f"{chain.name} ({chain.chain_id})"] = error
    if failed:
        raise ChainsFailed("; ".join(f"chain {name}: {error}" for name, error in failed.items()))
    return dict(total)
