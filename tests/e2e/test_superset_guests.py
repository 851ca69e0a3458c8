"""A trader as guest of Superset sees one wallet's rows, whatever the request says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import requests

from leverageguard.gateway import guest_tokens
from tests.e2e import superset_server
from tests.e2e.superset_server import FORBIDDEN, Running, session

pytestmark = pytest.mark.slow

MINE, THEIRS = "0x" + "a1" * 20, "0x" + "b2" * 20
TABLES = f"""
create table rpt_wallet_claims as select
    wallet, claim_id, 'pol-1' as policy_reference, 'BTC-USDT-SWAP' as inst_id,
    'long' as position_side, 20::bigint as leverage,
    timestamptz '2026-01-05 01:00:00+00' as notified_at,
    timestamptz '2026-01-05 00:30:00+00' as liquidated_at, 'verified' as verdict,
    'PAID' as claim_state, 'PAID' as payout_state, 7000000::bigint as approved_micro_usdc,
    7::decimal(38, 6) as approved_usdc, 7000000::bigint as paid_micro_usdc,
    7::decimal(38, 6) as paid_usdc, '0xab' as tx_hash
from (values
    ('{MINE}', 'clm_mine_1'), ('{MINE}', 'clm_mine_2'), ('{THEIRS}', 'clm_theirs')
) as t (wallet, claim_id);
create table rpt_claims_funnel as select 1 as stage_order, 'notified' as stage,
    3::bigint as claim_count, 0::bigint as amount_micro_usdc, 0::decimal(38, 6) as amount_usdc;
"""


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with superset_server.served(tmp_path_factory.mktemp("superset")) as running:
        superset_server.publish(running.settings, TABLES)
        yield running


def ask(running: Running, dataset: int, token: str, **changed: Any) -> requests.Response:
    """Rows of a dataset, as whoever holds the token."""
    asked = {"columns": ["wallet", "claim_id"], "metrics": [], "orderby": [], "row_limit": 100}
    body = {
        "datasource": {"id": dataset, "type": "table"},
        "queries": [{**asked, **changed}],
        "result_format": "json",
        "result_type": "full",
    }
    head = {"X-GuestToken": token}
    return requests.post(f"{running.url}/api/v1/chart/data", json=body, headers=head, timeout=60)


@pytest.fixture(scope="module")
def datasets(superset: Running) -> dict[str, int]:
    """Table → Superset's number of it."""
    opened = session(superset, "admin")
    answer = opened.get(f"{superset.url}/api/v1/dataset/?q=(page_size:100)", timeout=60)
    return {each["table_name"]: each["id"] for each in answer.json()["result"]}


@pytest.fixture
def claims_id(datasets: dict[str, int]) -> int:
    return datasets["rpt_wallet_claims"]


def signed(running: Running, **claims: Any) -> str:
    """A token as the gateway signs it, with other claims."""
    key = running.settings.secret("superset_guest_key")
    good = jwt.decode(
        guest_tokens.mint(running.settings, MINE), key, ["HS256"], audience="leverageguard-superset"
    )
    return jwt.encode({**good, **claims}, key, "HS256")


def test_guest__its_token__shows_its_wallet_alone(superset: Running, claims_id: int) -> None:
    answer = ask(
        superset, claims_id, guest_tokens.mint(superset.settings, MINE.upper().replace("X", "x"))
    )
    assert answer.status_code == requests.codes.ok, answer.text
    told = answer.json()["result"][0]["data"]
    assert {row["claim_id"] for row in told} == {"clm_mine_1", "clm_mine_2"}
    assert {row["wallet"] for row in told} == {MINE}


@pytest.mark.parametrize(
    "changed",
    [
        {"extras": {"where": "1 = 1) or (1 = 1"}},
        {"extras": {"where": "1 = 1 or true"}},
        {"extras": {"where": "true) or (wallet is not null"}},
        {"extras": {"having": "1 = 1) or (1 = 1"}},
        {"extras": {"where": "true union all select wallet, claim_id from rpt_wallet_claims"}},
        {"filters": [{"col": "wallet", "op": "==", "val": THEIRS}]},
        {"columns": [{"label": "x", "sqlExpression":
                      "(select max(claim_id) from rpt_wallet_claims)", "expressionType": "SQL"}]},
        {"metrics": [{"label": "x", "sqlExpression":
                      "(select max(claim_id) from rpt_wallet_claims)", "expressionType": "SQL"}]},
        {"columns": [], "metrics": [{"label": "x", "expressionType": "SQL",
                                     "sqlExpression": "string_agg(claim_id, ',')"}]},
        {"apply_fetch_values_predicate": True},
        {"is_timeseries": True, "granularity": "notified_at"},
    ],
    ids=str,
)  # fmt: skip
def test_guest__other_words_in_the_query__show_no_other_wallet(
    superset: Running, claims_id: int, changed: dict[str, Any]
) -> None:
    answer = ask(superset, claims_id, guest_tokens.mint(superset.settings, MINE), **changed)
    assert "clm_theirs" not in answer.text
    asked = THEIRS in str(changed)
    assert asked or THEIRS not in answer.text


@pytest.mark.parametrize(
    "claims",
    [
        {"rls_rules": []},
        {"rls_rules": [{"clause": "1 = 1"}]},
        {"rls_rules": [{"clause": f"wallet = '{MINE}' or 1 = 1"}]},
        {"rls_rules": [{"clause": f"wallet = '{MINE}'", "dataset": 999}]},
        {"rls_rules": [{"clause": f"wallet = '{MINE}'"}, {"clause": "1 = 1"}]},
        {"exp": 1},
        {"aud": "another"},
        {"type": "access"},
    ],
    ids=str,
)
def test_guest__token_that_names_no_single_wallet__is_nobodys(
    superset: Running, claims_id: int, claims: dict[str, Any]
) -> None:
    answer = ask(superset, claims_id, signed(superset, **claims))
    assert answer.status_code == requests.codes.unauthorized, answer.text
    assert "clm_" not in answer.text


def test_guest__token_with_another_signature__is_nobodys(superset: Running, claims_id: int) -> None:
    head, body, signature = guest_tokens.mint(superset.settings, MINE).split(".")
    answer = ask(superset, claims_id, f"{head}.{body}.{signature[::-1]}")
    assert answer.status_code == requests.codes.unauthorized


def test_guest__everything_else__is_refused(superset: Running, datasets: dict[str, int]) -> None:
    token = guest_tokens.mint(superset.settings, MINE)
    refused = ask(superset, datasets["rpt_claims_funnel"], token, columns=["stage"])
    assert refused.status_code in FORBIDDEN, refused.text
    head = {"X-GuestToken": token}
    for path in ("database/", "dataset/", "dashboard/", "log/", "query/", "security/csrf_token/"):
        answer = requests.get(f"{superset.url}/api/v1/{path}", headers=head, timeout=60)
        assert answer.status_code in (*FORBIDDEN, requests.codes.unauthorized), path
    lab = requests.post(
        f"{superset.url}/api/v1/sqllab/execute/",
        json={"database_id": 1, "sql": "select 1"},
        headers=head,
        timeout=60,
    )
    assert not lab.ok


@pytest.mark.parametrize("wallet", ["", "0x12", "0x" + "g" * 40, f"{MINE}' or '1'='1", MINE + "\n"])
def test_mint__no_address__is_refused(superset: Running, wallet: str) -> None:
    with pytest.raises(ValueError, match="wallet"):
        guest_tokens.mint(superset.settings, wallet)
