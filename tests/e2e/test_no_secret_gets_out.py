"""After a day of the default world no key, password or token lies anywhere but in its own place.

Everything the stack wrote is searched: logs, Airflow's database with its XComs, raw files, the
warehouse and snapshots, evidence, reports, pages, the store (where exchange keys are sealed).
Left out are the secrets folder itself and the world's folder, which stands for the venues' side.
"""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pypdfium2
import pytest
import requests

from leverageguard import config
from leverageguard.intake import accounts
from leverageguard.store.base import session

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
CONTACT = "planted.person@contacts.example"
SHORTEST = 8  # a text that short is found by chance
OWN_PLACES = ("secrets", "world")
PACKED = {".parquet", ".duckdb", ".xlsx", ".zip", ".pdf"}


@pytest.fixture(scope="module")
def secrets(default_stack) -> dict[str, str]:
    """Every secret of the stack by what it is, two planted now among them."""
    default_stack.run("contacts", "put", "0x" + "ab" * 20, "email", CONTACT)
    made = default_stack.run("service-accounts", "create", "planted", "--scope", "claims:read")
    found = {"a contact": CONTACT, "a service account": made.stdout.split()[-1]}
    for path in sorted((default_stack.data / "secrets").iterdir()):
        text = path.read_text().strip()
        texts = json.loads(text).values() if text.startswith("{") else text.split()
        found |= {f"{path.name} {number}": one for number, one in enumerate(texts)}
    folder = {"LEVERAGEGUARD_DATA": str(default_stack.data)}
    with config.environment(folder), session(config.load()) as opened:
        # A key's name is none: Bybit's own answer about a key repeats it, and is evidence.
        for account in accounts.bound(opened):
            key = accounts.credentials(opened, account.account_id)
            found[f"{account.account_id} secret"] = key.api_secret
            found[f"{account.account_id} passphrase"] = key.passphrase
    return {what: text for what, text in found.items() if len(text) >= SHORTEST}


@pytest.fixture(scope="module")
def unpacked(default_stack, tmp_path_factory) -> Path:
    """What packed files hold, as text."""
    folder = tmp_path_factory.mktemp("unpacked")
    for number, path in enumerate(written(default_stack.data)):
        if path.suffix in PACKED:
            name = "_".join(path.relative_to(default_stack.data).parts)
            with (folder / f"{number}_{name}.txt").open("w", errors="replace") as file:
                file.writelines(f"{text}\n" for text in texts_of(path))
    return folder


def written(data: Path) -> list[Path]:
    found = [path for path in data.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in found if path.relative_to(data).parts[0] not in OWN_PLACES]


def texts_of(path: Path) -> Iterator[str]:
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


def test_secrets__of_a_day__are_in_no_file_the_stack_wrote(
    default_stack, secrets, unpacked, tmp_path
):
    places = written(default_stack.data)
    assert len(secrets) > 250 and len(places) > 500 and len(list(unpacked.iterdir())) > 100

    assert holding(secrets, places, tmp_path) == set()
    assert holding(secrets, list(unpacked.iterdir()), tmp_path) == set()


def test_search__where_secrets_are_kept__finds_them(default_stack, secrets, tmp_path):
    kept = [path for path in (default_stack.data / "secrets").iterdir() if path.is_file()]
    planted = tmp_path / "planted.parquet"
    with duckdb.connect() as connection:
        text = secrets["credentials_key 0"]
        connection.execute("copy (select ? as name) to '" + str(planted) + "'", [text])

    assert holding(secrets, kept, tmp_path)
    assert text in "".join(texts_of(planted))


def test_error_pages__asked_with_a_secret__do_not_say_it_again(default_stack, secrets):
    base = f"http://127.0.0.1:{default_stack.port}"
    secret = secrets["a service account"]
    headers = {"Authorization": f"Bearer {secret}x", "Idempotency-Key": secret[:40]}
    for path in ("api/v1/claims", "api/v1/accounts", f"nothing/{secret}"):
        for send in (requests.get, requests.post):
            answer = send(
                f"{base}/leverageguard/{path}",
                headers=headers, json={"api_secret": secret, "password": secret}, timeout=30,
            )  # fmt: skip
            assert answer.status_code >= 400
            shown = answer.text.replace(f"nothing/{secret}", "")
            assert secret not in shown, path
