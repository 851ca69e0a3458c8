"""Money that reaches the pool by none of its functions: transfers that no event of it announced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from leverageguard.settlement.contracts.call import Event, hex_of
from leverageguard.settlement.errors import StoreAndChainDisagree

TRANSFERRED = "TokenReceived"
# Events of the pool that are followed by their own transfer, with its payer and its amount.
ANNOUNCED = {"PolicyPurchased": ("buyer", "premium"), "Deposited": ("from", "amount")}


def transferred(log: Mapping[str, Any]) -> Event:
    """The token's Transfer log as an event of `payer` (lower case) and `amount` (micro-USDC)."""
    return Event(
        name=TRANSFERRED,
        args={
            "payer": "0x" + bytes(log["topics"][1])[-20:].hex(),
            "amount": int.from_bytes(bytes(log["data"]), "big"),
        },
        tx_hash=hex_of(log["transactionHash"]),
        log_index=int(log["logIndex"]),
        block_number=int(log["blockNumber"]),
        block_hash=hex_of(log["blockHash"]),
    )


def unannounced(events: Iterable[Event]) -> list[Event]:
    """The transfers that are no premium and no deposit, among events in the order of the chain.

    A transfer of nothing is left out: anybody can make one, and nothing arrived. Raises
    StoreAndChainDisagree when a purchase or deposit has no transfer of its amount.
    """
    due: Counter[tuple[str, str, int]] = Counter()
    found = []
    for event in events:
        if event.name in ANNOUNCED:
            payer, amount = (event.args[name] for name in ANNOUNCED[event.name])
            due[event.tx_hash, payer.lower(), amount] += 1
        elif due[key := (event.tx_hash, event.args["payer"], event.args["amount"])]:
            due[key] -= 1
        elif event.args["amount"]:
            found.append(event)
    missing = sorted({tx_hash for tx_hash, _, _ in +due})
    if missing:
        raise StoreAndChainDisagree(
            f"the pool tells of money in {', '.join(missing)} that the token did not move: "
            "land again"
        )
    return found
