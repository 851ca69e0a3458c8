"""Gas per payout: our signed batch against other ways to pay the same people, on one chain.

All designs pay the same amounts in the same token (TestUSDC) to recipients of their own; `fresh`
ones never held it, `existing` ones were paid once by the same design. `ours` checks two verifier
signatures, limits, solvency and that no claim is paid twice, and survives a refused transfer;
`mapping` and `merkle` guard against paying twice; `gaslite` (its published technique), `disperse`
and `transfers` guard nothing. `merkle` counts the root's transaction and every claimant's; the
mapping's 400 payouts are two transactions, as one does not fit the cap. What is set up once is in
no figure: deployments, roles, the pullers' unlimited approvals, each design's first payout.
`bound` is computed, see `_gas/bound.py`. Gas is deterministic: the figures have no noise.
Run it with `./leverageguard bench gas`; `--sizes 1,10` chooses the sizes when calling this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.anvil import Anvil
from tests.bench._gas import bound
from tests.bench._gas.designs import NAMES, Designs, Payouts
from tests.contracts.pool_world import USDC, recipient

SIZES = (1, 10, 100, 400)
KINDS = ("fresh", "existing")


def measure(sizes: Sequence[int], names: Sequence[str] = NAMES) -> dict[str, Any]:
    """`n`, and for each kind of recipient the designs' gas a payout by size."""
    kinds = {kind: {name: {} for name in (*names, "bound")} for kind in KINDS}
    numbers = count(1)
    chain = Anvil()
    try:
        designs = Designs(chain)
        for name in names:
            designs.pay(name, people(numbers, 1))
        for size in sizes:
            for name in names:
                payouts = people(numbers, size)
                for kind in KINDS:
                    kinds[kind][name][size] = designs.pay(name, payouts) / size
                designs.check_paid(payouts, len(KINDS))
            for kind in KINDS:
                kinds[kind]["bound"][size] = bound.per_payout(payouts, kind == "fresh")
    finally:
        chain.stop()
    return {"n": list(sizes), **kinds}


def people(numbers: count[int], size: int) -> Payouts:
    """So many payouts to addresses nobody paid before."""
    return [(recipient(next(numbers)), 50 * USDC) for _ in range(size)]


def table(result: dict[str, Any]) -> str:
    """Gas a payout with its ratio to gaslite and to the bound."""
    head = f"{'payouts':>8}  {'recipients':<11}{'design':<10}"
    lines = [head + f"{'gas':>9}{'/gaslite':>10}{'/bound':>8}"]
    for kind in KINDS:
        designs = result[kind]
        for size in result["n"]:
            for name, gas in designs.items():
                one, other = (gas[size] / designs[peer][size] for peer in ("gaslite", "bound"))
                row = f"{size:>8}  {kind:<11}{name:<10}{gas[size]:>9,.0f}{one:>10.3f}{other:>8.3f}"
                lines.append(row)
    return "\n".join(lines)


def main() -> None:
    """Print the table and, with --json, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    options = parser.parse_args()
    result = measure([int(size) for size in options.sizes.split(",")])
    print(table(result))
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
