"""One killable worker: plans, settles, confirms and records, and kills itself at a named point.

Everything it needs is imported here, so that a fork server that has imported this module makes a
real process to kill in milliseconds.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leverageguard import config
from leverageguard.settlement import (
    chain,
    confirming,
    ledger,
    moves,
    planning,
    provider,
    recording,
    sending,
    solvency,
    steps,
)
from leverageguard.settlement.errors import SettlementError
from leverageguard.settlement.planning import Item

NEVER = "never"
POINTS: dict[str, tuple[Any, str, str]] = {
    "after planning": (planning, "plan", "after"),
    "after preflight": (chain.Chain, "preflight", "after"),
    "before persisting": (sending, "persist", "before"),
    "inside the store's transaction": (moves.Mover, "batch_to", "after"),
    "after persisting": (sending, "persist", "after"),
    "after broadcast": (sending, "broadcast", "after"),
    "after recording it as sent": (ledger, "record_sent", "after"),
    "receipt seen not recorded": (sending, "record", "before"),
    "after recording the receipt": (ledger, "record_mined", "after"),
    "before recording the outcome": (confirming, "finalise", "before"),
    "outcome recorded not landed": (confirming, "finalise", "after"),
    "landed not marked": (recording, "_mark_landed", "before"),
}


@dataclass(frozen=True)
class Task:
    """What one process does, in which surroundings, and how soon it hangs up on a node."""

    items: tuple[Item, ...]
    environment: dict[str, str]
    log: Path
    timeout_s: float = 5.0


def work(task: Task, point: str) -> None:
    """The process: exit 0 when all is settled and landed, 1 on an error that a retry may heal."""
    os.environ.update(task.environment)
    with task.log.open("ab", buffering=0) as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    provider.TIMEOUT_S, provider.WAIT_S, provider.LONGEST_WAIT_S = task.timeout_s, 0.01, 0.1
    sending.PATIENCE_S = 3.0
    if point != NEVER:
        owner, name, when = POINTS[point]
        setattr(owner, name, _dying(getattr(owner, name), when))
    try:
        _settle_everything(task)
    except SettlementError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        sys.exit(1)


def _settle_everything(task: Task) -> None:
    settings = config.load()
    chains = {item.chain_id for item in task.items}
    planning.plan(settings, task.items, solvency.rooms(settings, chains))
    for batch_id in planning.unfinished(settings):
        steps.settle(batch_id)
        steps.confirm(batch_id)
    steps.record()


def _dying(function: Callable[..., Any], when: str) -> Callable[..., Any]:
    def run(*args: Any, **named: Any) -> Any:
        try:
            if when == "after":
                function(*args, **named)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)

    return run
