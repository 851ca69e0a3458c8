"""What a stack's data folder holds and how each name is kept: one row a name, none forgotten."""

from __future__ import annotations

from pathlib import Path

# Files that are replaced and never changed: a hard link holds what was there at the cut.
LINKED = ("raw", "evidence", "quarantine", "reports", "risk")
# Changed in place, so copied; databases by SQLite's own backup. Nothing below rests on these.
COPIED_BEFORE = ("airflow", "quality", "superset")
COPIED = (
    "audit", "chain", "chains.toml", "deployments", "port", "profile", "signing", "store", "world",
)  # fmt: skip
SNAPSHOTS = "serve"  # the published one alone
SECRETS = "secrets"  # only into a box that a passphrase opens
# The next `up` makes these again, or they tell of processes and times that are over.
LEFT_OUT = ("dbt", "logs", "monitoring", "pages", "run", "servers", "up.lock", "warehouse")

STORE = Path("store") / "store.db"
STORE_DUMP = Path("store") / "store.pgdump"  # of a store in PostgreSQL, instead
CHAIN_STATE = Path("chain") / "state.json"
BOX = "secrets.box"
_PASSED_OVER = (".db-wal", ".db-shm", ".db-journal", ".lock", ".tmp")


def unknown(data_dir: Path) -> list[str]:
    """Names in a data folder that no row above speaks of."""
    known = {*LINKED, *COPIED_BEFORE, *COPIED, SNAPSHOTS, SECRETS, *LEFT_OUT}
    return sorted(
        path.name for path in data_dir.iterdir() if path.name not in known and path.name[0] != "."
    )


def files(folder: Path) -> list[Path]:
    """The files below a folder that are kept, or the file itself, in a stable order."""
    if folder.is_file():
        return [folder]
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path for path in found if not _is_passed_over(path.relative_to(folder)))


def _is_passed_over(path: Path) -> bool:
    is_draft = any(part[0] == "." and part.endswith(".tmp") for part in path.parts)
    is_hidden = path.name[0] == "."
    return is_draft or is_hidden or path.parts[0] == "logs" or path.name.endswith(_PASSED_OVER)
