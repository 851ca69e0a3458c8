"""Evidence that is corrected after a payout was planned: a new verdict, and never a new payment."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from leverageguard.config import Settings
from leverageguard.evidence import steps, verify
from leverageguard.store import base
from leverageguard.store.evidence_tables import VerdictRecord
from leverageguard.store.settlement_tables import PayoutRecord
from leverageguard.warehouse import connect, dbt_runner, landing, packages
from leverageguard.warehouse.raw_tables import HOUR_MS

pytestmark = pytest.mark.slow
ORDERS = "exchanges/orders"
WINDOWS = "exchanges/fetch_windows"
MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def late(sealed, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The sealed and planned world once more, in a folder these tests may change."""
    folder = tmp_path_factory.mktemp("late") / "data"
    shutil.copytree(sealed.world.settings.data_dir, folder)
    return replace(sealed.world.settings, data_dir=folder)


@pytest.fixture(autouse=True)
def own_data_folder(late: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(late.data_dir))
    return late.data_dir


def correct(settings: Settings, claim: dict[str, Any], name: str, **change: Any) -> None:
    """The venue shows the closing order once more, a minute later and otherwise."""
    found = landing.scan(settings, ORDERS, where={"order_id": [claim["order_id"]]})
    row = max(found, key=lambda row: row["updated_at_ms"])
    row = {**row, "updated_at_ms": row["updated_at_ms"] + MINUTE_MS, **change}
    [(hour, rows)] = landing.by_hour(ORDERS, [row]).items()
    landing.replace(settings, ORDERS, hour, name, rows)


def decide_again() -> dict[str, int]:
    dbt_runner.build()
    return steps.seal()


def verdicts_of(settings: Settings, claim_id: str) -> list[VerdictRecord]:
    query = select(VerdictRecord).where(VerdictRecord.claim_id == claim_id)
    with base.session(settings) as session:
        return list(session.scalars(query.order_by(VerdictRecord.verdict_no)))


def payouts(settings: Settings) -> list[tuple[str, int, str | None]]:
    with base.session(settings) as session:
        rows = session.scalars(select(PayoutRecord).order_by(PayoutRecord.claim_index))
        return [(row.claim_id, row.amount_micro_usdc, row.evidence_root) for row in rows]


def test_correction__that_leaves_one_verdict_and_takes_another__stands_and_opens_recovery(late):
    # Holders with one claim each: what is lost of one changes nothing about another's.
    claims = connect.rows(
        late.warehouse_path,
        "select * from fct_claims where verdict = 'verified' "
        "qualify count(*) over (partition by wallet) = 1 order by claim_id",
    )
    planned = {claim_id for claim_id, _, _ in payouts(late)}
    kept, lost = [row for row in claims if row["claim_id"] in planned][:2]
    before = payouts(late)
    correct(late, kept, "kept", reply_sha256="a" * 64)
    correct(late, lost, "lost", reply_sha256="b" * 64, forced_kind="adl")

    counts = decide_again()

    assert (counts["stands"], counts["recovery_open"]) == (1, 1)
    first, second = verdicts_of(late, kept["claim_id"])
    assert (first.standing, second.standing) == ("open", "stands")
    assert (second.cause, second.verdict) == ("evidence_changed", "verified")
    assert second.approved_micro_usdc == first.approved_micro_usdc
    assert second.evidence_root != first.evidence_root
    first, second = verdicts_of(late, lost["claim_id"])
    assert (second.verdict, second.standing) == ("rejected", "RECOVERY_OPEN")
    assert payouts(late) == before
    assert steps.seal()["verdicts"] == 0
    dbt_runner.build()
    shown = connect.rows(
        late.warehouse_path,
        "select verdict_no, standing, is_latest from fct_verdicts where claim_id = ? order by 1",
        [lost["claim_id"]],
    )
    assert shown == [
        {"verdict_no": 1, "standing": "open", "is_latest": False},
        {"verdict_no": 2, "standing": "RECOVERY_OPEN", "is_latest": True},
    ]


OTHER_INSURED = """
    select
        claims.claim_id, others.exchange, others.account_id, 'fills' as endpoint,
        epoch_ms(date_trunc('hour', claims.opened_at)) as hour_ms
    from intermediate.int_claims__evidenced as claims
    inner join fct_claims as facts using (claim_id)
    inner join intermediate.int_policies__bought as policies
        on claims.account_id <> policies.account_id
        and claims.opened_at >= policies.cover_start_at
        and claims.opened_at < policies.cover_end_at
    inner join intermediate.int_accounts__identified as others
        on policies.account_id = others.account_id
    inner join intermediate.int_instruments__versioned as instruments
        on others.exchange = instruments.exchange
        and policies.inst_id = instruments.inst_id
        and claims.base_asset = instruments.base_asset
    where facts.verdict = 'verified' and facts.hold_reasons = ''
    order by all
"""


def test_possible_twin__not_read__holds_the_claim_until_it_is(late, tmp_path):
    dbt_runner.build()
    pairs = connect.rows(late.warehouse_path, OTHER_INSURED)
    # Not one whose rows another test has corrected: those stand in no reply.
    found = next(row for row in pairs if len(verdicts_of(late, row["claim_id"])) == 1)
    claim_id, hour = found.pop("claim_id"), found.pop("hour_ms")
    [*_, read] = landing.scan(late, WINDOWS, where={key: [found[key]] for key in found})
    lost = {
        **read, "window_from_ms": hour, "window_to_ms": hour + HOUR_MS, "is_complete": False,
        "gap_reason": "transient: gone", "fetched_at_ms": read["fetched_at_ms"] + 1,
    }  # fmt: skip
    landing.replace(late, WINDOWS, hour, "lost", [lost])

    decide_again()

    *_, last = verdicts_of(late, claim_id)
    assert (last.verdict, last.hold_reasons) == ("verified", "NOT_HEDGED")
    # As if held before anything was planned: here a batch already names the package before.
    package = tmp_path / last.evidence_root[2:]
    shutil.copytree(packages.folder_of(late, last.evidence_root), package)
    lines = verify.package(late, package, None, is_offline=True)
    assert [line for line in lines if line.result == "WRONG"] == []
    context = json.loads((package / "context.json").read_bytes())
    assert len(context["unread_accounts"]) == 1

    landing.replace(late, WINDOWS, hour, "lost", [])
    decide_again()

    *_, last = verdicts_of(late, claim_id)
    assert (last.verdict, last.hold_reasons) == ("verified", "")
