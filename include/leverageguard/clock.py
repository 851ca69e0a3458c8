"""The one clock: the system's, or the simulated world's when a world is in use.

A simulated world keeps `clock.json` in its folder: the world's time at one real instant. World
time runs on from there at real speed, and waiting costs nothing: `sleep` moves it forward.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from leverageguard import config


def _file() -> Path:
    return config.load().world_dir / "clock.json"


def real_ms() -> int:
    """The system's time, in a simulated world too: wallets and browsers know no other."""
    return time.time_ns() // 1_000_000


def is_simulated() -> bool:
    """True when the time is a simulated world's."""
    return _file().exists()


def now_ms() -> int:
    """Now, in epoch milliseconds UTC."""
    try:
        state = json.loads(_file().read_text())
    except FileNotFoundError:
        return real_ms()
    return int(state["world_at_ms"]) + real_ms() - int(state["real_at_ms"])


def set_world(world_at_ms: int) -> None:
    """Start the simulated clock at `world_at_ms`."""
    path = _file()
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, world_at_ms, real_ms())


def sleep(seconds: float) -> None:
    """Wait; in a simulated world the clock moves forward instead."""
    path = _file()
    if not path.exists():
        time.sleep(seconds)
        return
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = json.loads(path.read_text())
        _write(path, int(state["world_at_ms"]) + int(seconds * 1000), int(state["real_at_ms"]))


def _write(path: Path, world_at_ms: int, real_at_ms: int) -> None:
    new = path.with_suffix(f".{os.getpid()}.tmp")
    new.write_text(json.dumps({"world_at_ms": world_at_ms, "real_at_ms": real_at_ms}))
    new.replace(path)


def has_begun(instant: str) -> bool:
    """True when an ISO 8601 instant (UTC unless it says else) is not after now."""
    return parse_ms(instant) <= now_ms()


def parse_ms(instant: str) -> int:
    """Epoch milliseconds of an ISO 8601 instant; one without an offset is UTC."""
    moment = datetime.fromisoformat(instant)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
