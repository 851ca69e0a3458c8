"""After a day of the default world no key, password or token lies anywhere but in its own place.

Everything the stack wrote is searched: logs, Airflow's database with its XComs, raw files, the
warehouse and snapshots, evidence, reports, pages, the store (where exchange keys are sealed).
Left out are the secrets folder itself and the world's folder, which stands for the venues' side.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import requests

from tests.e2e import secret_search
from tests.e2e.secret_search import holding, texts_of, written

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
CONTACT = "planted.person@contacts.example"


@pytest.fixture(scope="module")
def secrets(default_stack) -> dict[str, str]:
    """Every secret of the stack by what it is, two planted now among them."""
    default_stack.run("contacts", "put", "0x" + "ab" * 20, "email", CONTACT)
    made = default_stack.run("service-accounts", "create", "planted", "--scope", "claims:read")
    planted = {"a contact": CONTACT, "a service account": made.stdout.split()[-1]}
    return planted | secret_search.known(default_stack.data)


@pytest.fixture(scope="module")
def unpacked(default_stack, tmp_path_factory) -> Path:
    """What packed files hold, as text."""
    return secret_search.unpacked(default_stack.data, tmp_path_factory.mktemp("unpacked"))


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
