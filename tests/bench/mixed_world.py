"""Frauds of every kind among 2,000 accounts: how many are caught, and which honest claims suffer.

The venues are the simulated ones, clients and models the real ones. The world is made from a
seed, so that the counts never change from run to run. Run it with
`./leverageguard bench mixed_world`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from leverageguard import config
from leverageguard.simulator import world
from tests.dbt.decided_world import check_codes, decide, table, tally


def main() -> int:
    """Print the table, or one JSON object; 1 when money went or stayed where it should not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--accounts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LEVERAGEGUARD_DATA"] = folder
        settings = config.load()
        scenario = Path(folder) / "world"
        world.write_mixed(scenario, options.seed, options.accounts)
        decided = decide(settings, scenario)
    for key, plot, wanted, found in decided.differences():
        print(f"{plot} {key}: {wanted} became {found}", file=sys.stderr)
    counts = {
        "seed": options.seed,
        "accounts": options.accounts,
        **tally(decided, check_codes(settings)),
    }
    print(json.dumps(counts) if options.json else table(counts))
    return int(bool(counts["wrongly_paid"] or counts["honest_rejected"]))


if __name__ == "__main__":
    sys.exit(main())
