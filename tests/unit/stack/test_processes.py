import os
import socket
import sys

import pytest

from leverageguard.stack import processes
from leverageguard.stack.progress import StackError

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def stack(settings):
    yield settings
    processes.stop_all(settings)


def start(stack, code, name="p"):
    return processes.start(stack, name, [sys.executable, "-c", code], dict(os.environ))


def test_stop_all__process_that_ignores_signals__leaves_nothing(stack, monkeypatch):
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.5)
    process = start(stack, STUBBORN)
    log = stack.logs_dir / "p.log"
    processes.wait_until(lambda: "ready" in log.read_text(), process, stack, 20)

    assert processes.stop_all(stack) == ["p"]

    assert processes.session(process.pid) == []
    assert processes.running(stack) == {}


def test_running__pid_taken_by_another_process__is_not_ours(stack):
    process = start(stack, "import time; time.sleep(600)")
    other = processes.Running("p", process.pid, process.started_ticks + 1)

    assert processes._is_alive(process)
    assert not processes._is_alive(other)


def test_wait_until__process_dies__shows_its_last_words(stack):
    process = start(stack, "raise SystemExit('no disk left')")

    with pytest.raises(StackError, match="no disk left"):
        processes.wait_until(lambda: False, process, stack, 20)


def test_port_is_free__somebody_listens__is_false():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        assert not processes.port_is_free("127.0.0.1", taken.getsockname()[1])
