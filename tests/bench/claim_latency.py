"""From a filed claim to USDC on the chain: a whole stack, the real scheduler, twenty claims.

A fresh default world is brought up. Twenty of its visitors bind their accounts, buy a cover on the
chain, and are liquidated while eight hours of the world pass; an hour after the last of them
nothing is left to wait for but the platform. Then they file, one by one, each a random 5 to 25 s
(seeded) after the one before was paid, so that reports, books and reviews of the last batch run
beside the next claim. A claim's time is the machine's clock from before `POST /claims` until
its wallet holds the money on the chain. `stages` says where it went, task by task, each with the
hand-over before it. SIMULATED: prices, accounts and money are made up. Run it with
`./leverageguard bench claim-latency`; a claim that is not paid within five minutes fails the run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from leverageguard import clock, config
from leverageguard.settlement import chain as chains
from leverageguard.stack import airflow, visiting
from tests.bench._latency import stages, traders
from tests.bench._latency.stages import Span
from tests.e2e.stacks import Stack

CLAIMS, SEED, GAP_S, PATIENCE_S = 20, 7, (5.0, 25.0), 300.0
# What is pulled for one filing can complete another visitor's evidence: its claim is then paid
# before it is filed, and somebody else is timed instead.
SPARE = 6
FIRST_PORT, LOOK_S = 24_100, 0.05
DAGS = ("ingest_filings", "build_claims", "settle_payouts")


def measure(claims: int, data: Path) -> dict[str, Any]:
    """p50 and p95 of the claims' seconds, and of every stage."""
    stack = Stack(data, FIRST_PORT)
    try:
        stack.run("up", "--no-superset")
        variables = {"LEVERAGEGUARD_DATA": str(data), "LEVERAGEGUARD_PORT": str(stack.port)}
        with config.environment(variables):
            return _measure(config.load(), claims)
    finally:
        stack.run("down", check=False)


def _measure(settings: config.Settings, count: int) -> dict[str, Any]:
    chosen = traders.spanned(visiting.visitors(settings), clock.now_ms())[: count + SPARE]
    insured = [traders.insure(settings, visitor) for visitor in chosen]
    token = chains.connect(settings).token()
    held = [token.balance_of(one.visitor["wallet"]) for one in insured]
    visiting.advance(settings, traders.COVER_HOURS)
    gaps, timed, unasked = random.Random(SEED), [], 0
    for one, before in zip(insured, held, strict=True):
        if len(timed) == count:
            break
        time.sleep(gaps.uniform(*GAP_S))
        name = one.visitor["visitor"]
        if token.balance_of(one.visitor["wallet"]) > before:
            unasked += 1
            print(f"{name}: paid before it filed", file=sys.stderr)
            continue
        timed.append(_paid(settings, one, before))
        print(f"{name}: {timed[-1][1] - timed[-1][0]:.1f} s", file=sys.stderr)
    if len(timed) < count:
        raise ValueError(f"only {len(timed)} of {len(insured)} visitors had a claim left to file")
    spans = _spans(settings)
    return {
        "is_simulated": settings.is_simulated,
        "claims": count,
        "paid_unasked": unasked,
        "p50_s": stages.percentile((paid - filed for filed, paid in timed), 50),
        "p95_s": stages.percentile((paid - filed for filed, paid in timed), 95),
        "stages": stages.summed([stages.of_claim(spans, *each) for each in timed]),
    }


def _paid(settings: config.Settings, one: traders.Insured, before: int) -> tuple[float, float]:
    """File a claim over the API and wait until its wallet holds more than `before` micro-USDC; when
    both were (epoch seconds).
    """
    token, wallet = chains.connect(settings).token(), one.visitor["wallet"]
    signed_in, filed_s = traders.Api(settings, one), time.time()
    signed_in.file()
    while token.balance_of(wallet) <= before:
        if time.time() > filed_s + PATIENCE_S:
            raise TimeoutError(f"{one.visitor['visitor']} was not paid in {PATIENCE_S:.0f} s")
        time.sleep(LOOK_S)
    return filed_s, time.time()


def _spans(settings: config.Settings) -> list[Span]:
    """The tasks of every run on a claim's way, as Airflow recorded them."""
    client = airflow.Client(settings)
    client.wait_ready()
    found = []
    for dag_id in DAGS:
        for run in client.runs(dag_id):
            path = f"/api/v2/dags/{dag_id}/dagRuns/{run['dag_run_id']}/taskInstances"
            for task in client.get(path)["task_instances"]:
                if task["start_date"] and task["end_date"]:
                    times = (_seconds(task[name]) for name in ("start_date", "end_date"))
                    found.append(Span(dag_id, run["dag_run_id"], task["task_id"], *times))
    return found


def _seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def table(found: dict[str, Any]) -> str:
    """The figures as text."""
    rows = [f"{'stage':18}{'p50 s':>8}{'p95 s':>8}"]
    every = {**found["stages"], "together": found}
    rows += [f"{name:18}{one['p50_s']:8.1f}{one['p95_s']:8.1f}" for name, one in every.items()]
    return "\n".join([f"SIMULATED world, {found['claims']} claims, {os.cpu_count()} cores", *rows])


def main() -> int:
    """The command line; 0 when every claim was paid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--claims", type=int, default=CLAIMS, help="how many")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options.claims, Path(folder) / "data")
    print(table(found))
    if options.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
