"""Approved payout items for tests."""

from __future__ import annotations

from leverageguard.settlement.planning import Item


def approved(
    number: int, group: str = "pending-0001", amount: int = 5_000_000, chain_id: int = 31337
) -> Item:
    """The n-th item, to the wallet 0x…n."""
    wallet = f"0x{number:040x}"
    event_id, policy_id = f"okx:uid:{number}", f"0x{number:064x}"
    return Item(group, f"clm_{number:04d}", event_id, policy_id, wallet, wallet, amount, chain_id)
