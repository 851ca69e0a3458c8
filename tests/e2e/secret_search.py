"""Search everything a stack wrote for the texts of its secrets, packed files among it."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pypdfium2

from leverageguard import config
from leverageguard.intake import accounts
from leverageguard.store.base import session

SHORTEST = 8  # a text that short is found by chance
OWN_PLACES = ("secrets", "world")
# A cluster's servers are told their passwords by these, which they alone can read.
OWN_FILES = {"redis.conf", "rabbitmq.conf"}
PACKED = {".parquet", ".duckdb", ".xlsx", ".zip", ".pdf"}


def known(data: Path) -> dict[str, str]:
    """Every secret of the stack by what it is, traders' exchange keys among them."""
    found: dict[str, str] = {}
    for path in sorted((data / "secrets").iterdir()):
        if path.is_dir():
            continue
        text = path.read_text().strip()
        texts = json.loads(text).values() if text.startswith("{") else text.split()
        found |= {f"{path.name} {number}": one for number, one in enumerate(texts)}
    with config.environment({"LEVERAGEGUARD_DATA": str(data)}), session(config.load()) as opened:
        # A key's name is none: Bybit's own answer about a key repeats it, and is evidence.
        for account in accounts.bound(opened):
            key = accounts.credentials(opened, account.account_id)
            found[f"{account.account_id} secret"] = key.api_secret
            found[f"{account.account_id} passphrase"] = key.passphrase
    return {what: text for what, text in found.items() if len(text) >= SHORTEST}


def unpacked(data: Path, folder: Path) -> Path:
    """Write what packed files hold, as text, into a folder; the folder."""
    for number, path in enumerate(written(data)):
        if path.suffix in PACKED:
            name = "_".join(path.relative_to(data).parts)
            with (folder / f"{number}_{name}.txt").open("w", errors="replace") as file:
                file.writelines(f"{text}\n" for text in texts_of(path))
    return folder


def written(data: Path) -> list[Path]:
    """Every file of the stack that is no secret's own place."""
    found = [path for path in data.rglob("*") if path.is_file() and not path.is_symlink()]
    return [
        path
        for path in found
        if path.relative_to(data).parts[0] not in OWN_PLACES
        and path.name not in OWN_FILES
        and path.suffix != ".key"
    ]


def texts_of(path: Path) -> Iterator[str]:
    """What one packed file holds."""
    if path.suffix == ".parquet":
        with duckdb.connect() as connection:
            rows = connection.execute("select * from read_parquet(?)", [str(path)])
            yield from map(str, rows.fetchall())
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = "select schema_name, table_name from duckdb_tables()"
            for schema, name in connection.execute(tables).fetchall():
                rows = connection.execute(f'select * from "{schema}"."{name}"')
                yield from map(str, rows.fetchall())
    elif path.suffix in (".xlsx", ".zip"):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                yield archive.read(member).decode(errors="replace")
    else:
        document = pypdfium2.PdfDocument(path)
        for page in document:
            yield page.get_textpage().get_text_range()


def holding(texts: dict[str, str], places: list[Path], folder: Path) -> set[str]:
    """Files that hold one of the texts."""
    patterns = folder / "patterns"
    patterns.write_text("".join(f"{text}\n" for text in texts.values()))
    names = "\0".join(str(place) for place in places)
    done = subprocess.run(
        ["xargs", "-0", "grep", "-laF", "-f", str(patterns), "--"],
        input=names, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == "", done.stderr
    return set(done.stdout.splitlines())
