"""Texts inside of SQL, where a statement takes no parameters."""

from __future__ import annotations

from pathlib import Path


def quoted(text: str | Path) -> str:
    """A text or path between single quotes of SQL."""
    return str(text).replace("'", "''")
