"""A whole stack for tests: the launcher run as a user runs it, on ports of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

REPO = Path(__file__).parents[2]
PORTS_OF_A_STACK = 22
UP_SECONDS = 900


def free_port_base(first: int) -> int:
    """The first port of a block that nothing listens on, below those given to connections."""
    for base in range(first, 32_000, PORTS_OF_A_STACK):
        if all(_is_free(base + offset) for offset in range(PORTS_OF_A_STACK)):
            return base
    raise AssertionError("no free block of ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def money(status: dict[str, Any]) -> dict[str, Any]:
    """What the pool holds and paid. What of it is free follows from what the fund holds back."""
    return {name: value for name, value in status["pool"].items() if name != "free_micro_usdc"}


def against_truth(stack: Stack) -> list[tuple[Any, ...]]:
    """What is missing, too much or decided or paid otherwise than the world's ground truth says."""
    claims = {(c["policy"], c["order_id"], c["filing"]): c for c in stack.status()["claims"]}
    truth = {(t["policy"], t["order_id"], t["filing"]): t for t in stack.truth()}
    assert len(truth) >= 40
    return [
        *((key, "not in both") for key in claims.keys() ^ truth.keys()),
        *(
            (key, claims[key]["verdict"], claims[key]["reasons"], expected)
            for key, expected in truth.items()
            if key in claims and _is_other(claims[key], expected)
        ),
    ]


def _is_other(claim: dict[str, Any], expected: dict[str, Any]) -> bool:
    return (
        claim["verdict"] != expected["verdict"]
        or sorted(claim["reasons"]) != sorted(expected["reasons"])
        or sorted(claim["hold_reasons"]) != sorted(expected["holds"])
        or (claim["paid_micro_usdc"] or 0) != expected["payout_micro_usdc"]
    )


class Stack:
    """One stack in a data folder."""

    def __init__(
        self, data: Path, first_port: int, variables: dict[str, str] | None = None
    ) -> None:
        self.data = data
        self.port = free_port_base(first_port)
        self.variables = variables or {}

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One launcher command; what it printed is in the result."""
        command = [str(REPO / "leverageguard"), "--data", str(self.data), "--port", str(self.port)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LEVERAGEGUARD_")}
        done = subprocess.run(
            [*command, *words],
            env={**environment, **self.variables},
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr + self._logs()
        return done

    def status(self) -> dict[str, Any]:
        """`status --json`, parsed."""
        return dict(json.loads(self.run("status", "--json").stdout))

    def truth(self) -> list[dict[str, Any]]:
        """The world's ground truth, written beside it and never read by the pipeline."""
        return list(json.loads((self.data / "world/scenario/ground_truth.json").read_text()))

    def processes(self) -> list[int]:
        """Pids of live processes that carry this stack's data folder in their environment."""
        marker = f"LEVERAGEGUARD_DATA={self.data}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    environment = (entry / "environ").read_bytes()
                    command = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if marker in environment.split(b"\0") or str(self.data).encode() in command:
                    found.append(int(entry.name))
        return found

    def _logs(self) -> str:
        tails = []
        for path in sorted((self.data / "logs").glob("*.log")):
            tails.append(f"\n--- {path.name}\n" + "\n".join(path.read_text().splitlines()[-8:]))
        return "".join(tails)
