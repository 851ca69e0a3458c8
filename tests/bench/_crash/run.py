"""One run of the matrix: a chain, a line to it, stores, and workers that are killed and restarted.

The chain and the stores are copies of one template, so a run starts within a tenth of a second.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from leverageguard import config
from leverageguard.settlement import planning
from leverageguard.store import base
from leverageguard.store.settlement_tables import PayoutRecord
from tests import sealed
from tests.anvil import Anvil
from tests.bench._crash import naive, points
from tests.bench._crash.points import NEVER, Task
from tests.faulty_node import FaultyNode
from tests.pool_stack import USDC, PoolStack, item, key, recipient

KILLS = 3
BATCHES = 3
FAULTY_SHARE = 0.3
HURRIED_S = 0.25  # when a worker on a bad line hangs up
RESTARTS = 12  # of a worker that ended with an error, as a scheduler restarts its task
PATIENCE_S = 120
MOST_REORGS = 12


@dataclass(frozen=True)
class World:
    """What goes wrong around the worker, besides its deaths."""

    name: str
    faulty: bool = False
    reorg_depth: int = 0
    workers: int = 1
    stores: int = 1


@dataclass
class Result:
    """What one run found: payments too many, claims not paid, and so on.

    `sent` counts the distinct signed transactions that reached the node.
    """

    double: int = 0
    missing: int = 0
    unfinished: int = 0
    kills: int = 0
    sent: int = 0
    batches: int = BATCHES
    faults: int = 0
    reorgs: int = 0
    seconds: float = 0
    note: str = ""

    @property
    def tx_ratio(self) -> float:
        """Transactions sent against the bound 2 * batches + kills; more than 1 breaks it."""
        return self.sent / (2 * self.batches + self.kills)


@dataclass
class Template:
    """A deployed, funded pool and a store with sealed claims, nothing planned yet."""

    folder: Path
    claims: int
    items: tuple[planning.Item, ...] = ()
    state: str = ""
    token: str = ""
    confirmations: int = 0

    def make(self) -> Template:
        """Deploy it once; LEVERAGEGUARD_DATA must name `folder`."""
        anvil = Anvil()
        try:
            stack = PoolStack(anvil, funded=1_000 * USDC)
            share = -(-self.claims // BATCHES)
            numbers = range(1, self.claims + 1)
            self.items = tuple(item(n, f"pending-{(n - 1) // share:04}") for n in numbers)
            sealed.seal(stack.settings, self.items)
            stack.send(stack.token.mint(key("chain_proposer").address, 1_000 * USDC))
            with contextlib.closing(sqlite3.connect(naive.marks(self.folder))) as marks:
                marks.execute(naive.SCHEMA)
            self.token, self.confirmations = stack.token.address, stack.settings.confirmations
            self.state = anvil.rpc("anvil_dumpState")
            base.engine(stack.settings).dispose()
        finally:
            anvil.stop()
        return self

    def balances(self, anvil: Anvil) -> list[int]:
        """What each claimant holds, micro-USDC."""
        asked = [
            {"to": self.token, "data": "0x70a08231" + recipient(n)[2:].lower().rjust(64, "0")}
            for n in range(1, self.claims + 1)
        ]
        return [int(anvil.rpc("eth_call", call, "latest"), 16) for call in asked]


@dataclass
class Run:
    """One cell of the matrix."""

    context: ForkServerContext
    template: Template
    world: World
    point: str
    folder: Path
    work: Callable[[Task, str], None] = points.work
    result: Result = field(default_factory=Result)

    def __call__(self) -> Result:
        """Kill, restart, look at the chain."""
        started = time.monotonic()
        random_ = random.Random(f"{self.world.name}|{self.point}")
        anvil = Anvil()
        share = FAULTY_SHARE if self.world.faulty else 0.0
        line = FaultyNode(
            anvil.url,
            share,
            random_.random().hex(),
            stall_s=2 * HURRIED_S,
            hook=lambda _: self._reorg(anvil) if random_.random() < 0.02 else None,
        )
        try:
            anvil.rpc("anvil_loadState", self.template.state)
            # A reorg must find blocks to take away, and never the pool itself.
            anvil.rpc("anvil_mine", hex(2 * self.template.confirmations + 1))
            tasks = self._tasks(line.url)
            self._kill(tasks, lambda: self._reorg(anvil))
            self._finish(tasks)
            self._look(anvil, tasks)
        finally:
            line.stop()
            anvil.stop()
        self.result.sent, self.result.faults = len(line.sent), line.faults.total()
        self.result.seconds = time.monotonic() - started
        return self.result

    def _reorg(self, anvil: Anvil) -> None:
        if self.world.reorg_depth and self.result.reorgs < MOST_REORGS:
            anvil.rpc("anvil_reorg", self.world.reorg_depth, [])
            self.result.reorgs += 1

    def _tasks(self, url: str) -> list[Task]:
        """One a worker; workers share a store unless the world has more of them."""
        tasks = []
        for number in range(self.world.workers):
            data = self.folder / f"store-{number % self.world.stores}"
            if not data.exists():
                shutil.copytree(self.template.folder, data)
            environment = {"LEVERAGEGUARD_DATA": str(data), "LEVERAGEGUARD_CHAIN_RPC": url}
            timeout_s = HURRIED_S if self.world.faulty else 20.0
            log = self.folder / f"worker-{number}.log"
            tasks.append(Task(self.template.items, environment, log, timeout_s))
        return tasks

    def _kill(self, tasks: list[Task], between: Callable[[], None]) -> None:
        """Every worker dies KILLS times at the point, or is through before."""
        for _ in range(KILLS):
            waiting = list(tasks)
            for _ in range(RESTARTS):
                codes = self._together(waiting, self.point)
                self.result.kills += codes.count(-signal.SIGKILL)
                # Killed or through; an error that stopped it on the way is what a retry is for.
                waiting = [t for t, code in zip(waiting, codes, strict=True) if code == 1]
                if not waiting:
                    break
            between()

    def _finish(self, tasks: list[Task]) -> None:
        for _ in range(RESTARTS):
            codes = self._together(tasks, NEVER)
            tasks = [task for task, code in zip(tasks, codes, strict=True) if code]
            if not tasks:
                return
        self.result.unfinished = len(tasks)
        self.result.note = f"gave up: {tasks[0].log.read_text().splitlines()[-1][:200]}"

    def _together(self, tasks: list[Task], point: str) -> list[int]:
        """Exit codes of one process a task, all at the same time."""
        made: list[BaseProcess] = [
            self.context.Process(target=self.work, args=(task, point)) for task in tasks
        ]
        for process in made:
            process.start()
        for process in made:
            process.join(PATIENCE_S)
            if process.is_alive():
                self.result.note = f"a worker hung for {PATIENCE_S} s"
                process.kill()
                process.join()
        codes = [process.exitcode for process in made]
        return [1 if code is None else code for code in codes]

    def _look(self, anvil: Anvil, tasks: list[Task]) -> None:
        """The chain alone says who was paid; each store must know it too."""
        expected = [one.amount_micro_usdc for one in self.template.items]
        for held, due in zip(self.template.balances(anvil), expected, strict=True):
            self.result.double += max(held // due - 1, int(held > due))
            self.result.missing += held < due
        if self.work is points.work:
            for data in {task.environment["LEVERAGEGUARD_DATA"] for task in tasks}:
                self.result.unfinished += _open_payouts(Path(data))


def _open_payouts(data: Path) -> int:
    """Payouts the store does not hold as PAID."""
    with contextlib.closing(sqlite3.connect(config.Settings(data).store_path)) as store:
        query = f"select count(*) from {PayoutRecord.__tablename__} where state <> 'PAID'"
        answer: tuple[Any, ...] = store.execute(query).fetchone()
    return int(answer[0])
