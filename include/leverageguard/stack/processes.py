"""The stack's processes: each in a session of its own, stopped by pid, never by name."""

from __future__ import annotations

import json
import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from leverageguard.config import Settings
from leverageguard.stack.progress import StackError

STOP_SECONDS = 20.0
# What ends is started again: SQLite can refuse Airflow's scheduler a write, which ends it.
KEEP_ALIVE = """
stop=$1; shift
trap 'kill -$stop $child; wait $child; exit 0' INT TERM
while :; do "$@" & child=$!; wait $child; sleep 1; done
"""


@dataclass(frozen=True)
class Running:
    """A started process: its pid (also its session id) and the kernel's start time of that pid."""

    name: str
    pid: int
    started_ticks: int


def kept_alive(name: str, argv: list[str], stop: str = "TERM") -> list[str]:
    """The command that runs another one again and again, and stops it by the signal `stop`."""
    return ["sh", "-c", KEEP_ALIVE, name, stop, *argv]


def start(
    settings: Settings,
    name: str,
    argv: list[str],
    environment: Mapping[str, str],
    user: str | None = None,
) -> Running:
    """Start a process in its own session, its output in logs/<name>.log.

    As another user it has that user's groups alone.
    """
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    settings.run_dir.mkdir(parents=True, exist_ok=True)
    with (settings.logs_dir / f"{name}.log").open("ab") as log:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=settings.data_dir,
            start_new_session=True,
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else (),
        )
    running = Running(name, child.pid, _started_ticks(child.pid) or 0)
    (settings.run_dir / f"{name}.json").write_text(json.dumps(asdict(running)))
    return running


def running(settings: Settings) -> dict[str, Running]:
    """Every process of this stack that is alive, by name."""
    found = {}
    for path in sorted(settings.run_dir.glob("*.json")):
        known = Running(**json.loads(path.read_text()))
        if _is_alive(known):
            found[known.name] = known
    return found


def stop_all(settings: Settings) -> list[str]:
    """Stop every process of the stack and what it left in its session; returns their names."""
    stopped = []
    files = sorted(settings.run_dir.glob("*.json"))
    known = [Running(**json.loads(path.read_text())) for path in files]
    alive = [process for process in known if _is_alive(process)]
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        for process in alive:
            _signal_session(process.pid, sign)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(session(p.pid) for p in alive):
            time.sleep(0.1)
        stopped += [p.name for p in alive if not session(p.pid)]
        alive = [p for p in alive if session(p.pid)]
    for path in files:
        path.unlink(missing_ok=True)
    return stopped


def wait_until(
    ready: Callable[[], bool], process: Running, settings: Settings, seconds: float
) -> None:
    """Wait for readiness; raises StackError with the log's end when the process dies or stalls."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if ready():
            return
        if not _is_alive(process):
            raise StackError(f"{process.name} ended at once:\n{log_tail(settings, process.name)}")
        time.sleep(0.15)
    tail = log_tail(settings, process.name)
    raise StackError(f"{process.name} was not ready after {seconds:.0f} s:\n{tail}")


def log_tail(settings: Settings, name: str, lines: int = 15) -> str:
    """The last lines of a process's log."""
    path = settings.logs_dir / f"{name}.log"
    if not path.exists():
        return "(no log)"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def port_is_free(host: str, port: int) -> bool:
    """True when nothing listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _is_alive(process: Running) -> bool:
    ticks = _started_ticks(process.pid)
    return ticks is not None and ticks == process.started_ticks


def _started_ticks(pid: int) -> int | None:
    """The kernel's start time of a pid, None when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def session(session_id: int) -> list[int]:
    """Live pids whose session is the given one: a process of the stack and what it started."""
    members = []
    for entry in os.listdir("/proc"):  # noqa: PTH208 - thousands of entries, names suffice
        if not entry.isdigit():
            continue
        try:
            fields = Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session_id and fields[0] != "Z":
            members.append(int(entry))
    return members


def _signal_session(session_id: int, sign: signal.Signals) -> None:
    first = [session_id] if sign is signal.SIGINT else session(session_id)
    for pid in first:
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            continue
