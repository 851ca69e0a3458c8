"""Gas per payout: our signed batch against one transfer a payout, on one chain in one run.

Both pay the same amounts in the same token; `fresh` recipients never held it, `existing` ones do.
Gas is deterministic, so this benchmark has no noise. Run it with `./leverageguard bench gas`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from eth_utils import keccak
from web3 import HTTPProvider, Web3
from web3.contract import Contract

from tests.anvil import Anvil
from tests.contracts.pool_world import USDC, PoolWorld, account, artifact, recipient

SIZES = (1, 10, 100, 400)
ROLES = {
    "PROPOSER_ROLE": ["proposer"],
    "VERIFIER_ROLE": ["verifier 1", "verifier 2"],
}


def deploy(w3: Web3, name: str, *arguments: object) -> Contract:
    """A committed contract, deployed by the admin."""
    found = artifact(name)
    factory = w3.eth.contract(abi=found["abi"], bytecode=found["bytecode"])
    sent = factory.constructor(*arguments).transact({"from": account("admin").address})
    receipt = w3.eth.wait_for_transaction_receipt(sent)
    return w3.eth.contract(address=receipt["contractAddress"], abi=found["abi"])


def funded_pool(chain: Anvil) -> PoolWorld:
    """A pool with money, a proposer and two verifiers."""
    w3 = Web3(HTTPProvider(chain.url))
    for label in ("admin", "proposer"):
        chain.rpc("anvil_impersonateAccount", account(label).address)
        chain.give_gas(account(label).address)
    token = deploy(w3, "TestUSDC")
    limits = (10**15, 10**15, 2)
    pool = deploy(w3, "LeverageGuardPool", token.address, account("admin").address, *limits)
    world = Priced(w3, token, pool)
    for role, labels in ROLES.items():
        for label in labels:
            world.send(pool.functions.grantRole(keccak(text=role), world.who(label).address))
    for holder in (pool.address, account("admin").address):
        world.send(token.functions.mint(holder, 10**6 * USDC))
    return world


class Priced(PoolWorld):
    """A pool world on a chain whose gas has a price."""

    def send(self, call, sender="admin", gas=None):  # type: ignore[no-untyped-def]
        """Mine one transaction and give its receipt."""
        options = {"from": self.who(sender).address}
        receipt = self.w3.eth.wait_for_transaction_receipt(call.transact(options))
        assert receipt["status"] == 1
        return receipt


def measure() -> dict[str, object]:
    """Gas per payout by size, kind of recipient and design."""
    result: dict[str, object] = {"n": list(SIZES), "fresh": {}, "existing": {}}
    chain = Anvil()
    try:
        world = funded_pool(chain)
        first = 1
        for size in SIZES:
            people = [recipient(first + k) for k in range(size)]
            others = [recipient(1_000_000 + first + k) for k in range(size)]
            for kind in ("fresh", "existing"):
                paid = [(first + k, USDC, to) for k, to in enumerate(people)]
                ours = world.settle(*paid)["gasUsed"]
                transfers = sum(
                    world.send(world.token.functions.transfer(to, USDC))["gasUsed"] for to in others
                )
                gas = {"ours": ours / size, "transfers": transfers / size}
                result[kind][size] = gas  # type: ignore[index]
                first += size
    finally:
        chain.stop()
    return result


def main() -> None:
    """Print the table and, with --json, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure()
    print(f"{'payouts':>8}  {'recipients':<10}{'ours':>10}{'transfers':>11}{'ratio':>8}")
    for kind in ("fresh", "existing"):
        for size, gas in result[kind].items():  # type: ignore[attr-defined]
            ratio = gas["ours"] / gas["transfers"]
            print(
                f"{size:>8}  {kind:<10}{gas['ours']:>10,.0f}{gas['transfers']:>11,.0f}{ratio:>8.2f}"
            )
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
