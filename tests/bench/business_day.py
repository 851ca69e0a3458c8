"""A whole business day: policies sold and cancelled, claims decided by rules and by people, paid.

At least 2,000 policies and 300 claims on a real chain and a real store, with refunds, withdrawals,
reviews, appeals, a payment nobody can place, and everything closed at the end. Fails unless chain,
store and marts agree to the micro-USDC and every claim is closed or says why it is not. The world
is simulated. Run it with `./leverageguard bench business-day`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench._business import books, people
from tests.bench._business.stage import Say, Stage
from tests.e2e.stacks import free_port_base

FIRST_PORT = 27_000


def measure(policies: int, busyness: int, seed: int, say: Say) -> dict[str, Any]:
    """Play one day in a folder of its own; what happened, and how the books stand."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["LEVERAGEGUARD_DATA"] = str(Path(name) / "data")
        os.environ["LEVERAGEGUARD_PORT"] = str(free_port_base(FIRST_PORT))
        stage = Stage(Path(name), seed, policies, busyness, say)
        try:
            return _play(stage)
        finally:
            stage.close()


def _play(stage: Stage) -> dict[str, Any]:
    say = stage.say
    counts: dict[str, Any] = {"policies": stage.sell()}
    say(f"{counts['policies']} policies bought on the chain")
    counts["cancelled"] = people.cancel(stage)
    people.send_plain_money(stage)
    say(f"{counts['cancelled']} policies cancelled, one payment that belongs to none")
    stage.land_the_day()
    stage.decide()
    say("the day is landed and decided")
    counts["withdrawn"] = people.withdraw(stage)
    counts["batches"] = stage.settle()
    counts["reviewed"] = dict(people.review(stage))
    counts["appealed"] = people.appeal(stage)
    stage.decide()
    counts["reviewed_again"] = dict(people.review(stage))
    stage.decide()
    counts["batches"] += stage.settle()
    say("people have decided, and what they approved is paid")
    stage.let_time_pass()
    counts |= books.standing(stage)
    return counts


def table(counts: dict[str, Any]) -> str:
    """The counts for people."""
    lines = []
    for name, value in counts.items():
        if name == "ties":
            lines += [f"{tie:<22}" + "  ".join(f"{side} {of:,}" for side, of in sides.items())
                      for tie, sides in value.items()]  # fmt: skip
        else:
            lines.append(f"{name:<22}{value}")
    return "\n".join(lines)


def main() -> int:
    """Print the day, or one JSON object; 1 when the books differ or a claim is left unexplained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--policies", type=int, default=2400)
    parser.add_argument("--busyness", type=int, default=3, help="how often each plot is cast")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:7.1f} s] {text}", file=sys.stderr, flush=True)

    counts = measure(options.policies, options.busyness, options.seed, say)
    print(json.dumps(counts) if options.json else table(counts))
    return int(bool(counts["differing"] or counts["unexplained"] or counts["audit_breaks"]))


if __name__ == "__main__":
    sys.exit(main())
