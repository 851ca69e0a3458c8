"""Ingestion and settlement through real clients, servers and chains."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def documented_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated venues allow what the real ones document, and no more."""
    monkeypatch.setenv("LEVERAGEGUARD_SIMULATED_PACE", "1")
