"""Superset's dashboards and the files they come from, for people at a terminal.

Superset has a Python of its own, so what it does itself runs there, as a script.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Any

from leverageguard.config import Settings
from leverageguard.dashboards import files
from leverageguard.gateway import guest_tokens
from leverageguard.stack import superset
from leverageguard.stack.progress import StackError


def lines(settings: Settings, options: Mapping[str, Any]) -> list[str]:
    """What to print after doing what was asked; StackError or ValueError says why it was not."""
    if options["action"] == "guest-token":
        return [guest_tokens.mint(settings, options["wallet"], options["minutes"] * 60)]
    if options["action"] == "sync":
        return _synced(settings, options)
    if options["action"] == "import":
        _run(settings, "import")
        return ["Superset shows what the files say"]
    folder = [] if options["to"] is None else [str(options["to"].resolve())]
    printed = _run(settings, "export", *folder)
    changed = [line for line in printed.splitlines() if line.endswith(".yaml")]
    return [f"changed: {path}" for path in changed] or ["no file differs from what Superset shows"]


def _synced(settings: Settings, options: Mapping[str, Any]) -> list[str]:
    """The files that sync wrote. Raises StackError where they were only checked and differ."""
    changed = list(files.sync(settings, options["to"], is_check=options["check"]))
    if changed and options["check"]:
        told = ", ".join(changed)
        raise StackError(
            f"not as dbt and the datasets say: {told}; ./leverageguard dashboards sync"
        )
    return [f"changed: {path}" for path in changed] or ["every file is as dbt and datasets say"]


def _run(settings: Settings, *words: str) -> str:
    """The script's output. Raises StackError before the first `up`, or with the script's end."""
    if not (settings.data_dir / "superset" / "prepared.json").exists():
        raise StackError("Superset was never started in this data folder: run ./leverageguard up")
    python = settings.repo_dir / ".venv-superset" / "bin" / "python"
    script = settings.repo_dir / "include" / "superset" / "exporting.py"
    done = subprocess.run(
        [str(python), str(script), *words],
        env=superset.environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        told = "\n".join(done.stderr.splitlines()[-10:])
        raise StackError(f"dashboards {words[0]} failed:\n{told}")
    return done.stdout
