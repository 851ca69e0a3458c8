"""One contender in a process of its own: what it costs from its first row to its last answer.

Imports, compiling and starting Python are not counted; a database server's processes are.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leverageguard.config import Settings
from leverageguard.warehouse import model_runner
from tests.bench._verification.rules import Answer

REPO = Path(__file__).parents[3]
SCANS = ("scan", "scan_all")
NAMES = (*SCANS, "ours", "pandas", "dict", "sqlite", "postgres")


@dataclass(frozen=True)
class Measured:
    """What a contender used, and its answer."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    answer: Answer
    profile: list[tuple[float, str]]
    skipped: str | None = None


def measure(name: str, data_dir: Path) -> Measured:
    """Run one contender over a landed world; raises when it fails."""
    words = [sys.executable, "-m", __name__, name, str(data_dir)]
    done = subprocess.run(words, cwd=REPO, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr[-3000:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    said["answer"] = {key: tuple(value) for key, value in said["answer"].items()}
    return Measured(**said)


def _run(name: str, data_dir: Path) -> dict[str, Any]:
    work, profile = _prepared(name, data_dir)
    from tests.bench._verification import in_sql

    cpu, children, wall = time.process_time(), in_sql.children_cpu(), time.monotonic()
    skipped, answer = None, {}
    try:
        answer = work()
    except in_sql.Unavailable as error:
        skipped = str(error)
    used = time.process_time() - cpu + in_sql.children_cpu() - children
    return {
        "cpu_s": used,
        "wall_s": time.monotonic() - wall,
        "peak_mb": _peak_mb(),
        "answer": answer,
        "profile": profile,
        "skipped": skipped,
    }


def _prepared(name: str, data_dir: Path) -> tuple[Any, list[Any]]:
    """The work with everything imported and compiled, and where its profile will stand."""
    raw, profile = Settings(data_dir=data_dir).raw_dir, []
    if name in SCANS or name == "ours":
        from tests.bench._verification import ours

        if name in SCANS:
            read = ours.scan if name == "scan" else ours.scan_all
            return lambda: read(raw) or {}, profile
        models = model_runner.compiled(Settings(data_dir=data_dir.parent))
        return lambda: ours.answer(models, raw, profile), profile
    if name == "pandas":
        from tests.bench._verification import in_pandas

        return lambda: in_pandas.answer(raw), profile
    if name == "dict":
        from tests.bench._verification import in_dicts

        return lambda: in_dicts.answer(raw), profile
    from tests.bench._verification import in_sql

    answer = in_sql.in_sqlite if name == "sqlite" else in_sql.in_postgres
    return lambda: answer(raw), profile


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    print(json.dumps(_run(sys.argv[1], Path(sys.argv[2]))))
