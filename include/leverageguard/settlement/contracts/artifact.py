"""Committed build artefacts: ABI and bytecode, read once a process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from leverageguard.config import Settings
from leverageguard.settlement.errors import SettlementError


@dataclass(frozen=True)
class Artifact:
    """ABI and creation bytecode (0x-hex) of one contract."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: str


def load(settings: Settings, name: str) -> Artifact:
    """The artefact of `name`; raises SettlementError when it was never compiled."""
    return _read(settings.contracts_dir / "artifacts" / f"{name}.json")


@lru_cache(maxsize=8)
def _read(path: Path) -> Artifact:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise SettlementError(f"{path} is missing: compile the contracts first") from None
    code = content["bytecode"]
    return Artifact(content["contractName"], content["abi"], "0x" + code.removeprefix("0x"))
