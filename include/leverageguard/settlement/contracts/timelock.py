"""The pool's owner: calls wait in the open for a delay before anybody may make them."""

from __future__ import annotations

from collections.abc import Sequence

from web3 import Web3

from leverageguard.config import Settings
from leverageguard.settlement.contracts import artifact
from leverageguard.settlement.contracts.call import Call

NAME = "PoolTimelock"


def deployment(
    settings: Settings, delay_s: int, proposers: Sequence[str], executors: Sequence[str]
) -> Call:
    """The call that deploys a timelock; proposers may also cancel what they proposed."""
    built = artifact.load(settings, NAME)
    factory = Web3().eth.contract(abi=built.abi, bytecode=built.bytecode)
    made = factory.constructor(delay_s, list(proposers), list(executors))
    return Call(None, str(made.data_in_transaction), f"deploy {NAME}")
