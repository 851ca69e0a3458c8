"""The decided claims as the warehouse has them: what was decided, and where to look for why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leverageguard.config import Settings
from leverageguard.evidence import contexts
from leverageguard.warehouse import connect

Row = dict[str, Any]
LOOK_BACK_MS = 86_400_000
MARGIN_MS = 3_600_000
CHECK_COLUMNS = (
    "check_code",
    "result",
    "is_hold",
    "is_applicable",
    "observed",
    "expected",
    "evidence_ids",
)


@dataclass(frozen=True)
class Claim:
    """One claim of the last build. Times are epoch ms; `span` is what its evidence must cover.

    `weakened_ms` is when margin was first taken out or leverage raised in the day before the close.
    `fills_from_ms` reaches back to the start of every position of the instrument that the span
    touches, so that no position is cut in two. `account_claim_ids` are all claims on the account's
    policies: the models meet them again in the package.
    """

    claim_id: str
    policy_id: str
    account_id: str
    exchange: str
    wallet: str
    inst_id: str | None
    order_id: str | None
    liquidation_event_id: str | None
    filing_id: str | None
    product_version: str
    config_reply_sha256: str | None
    opened_ms: int | None
    liquidated_ms: int | None
    weakened_ms: int | None
    span: tuple[int, int]
    fills_from_ms: int
    account_claim_ids: tuple[str, ...]
    verdict: str
    reasons: str
    hold_reasons: str
    formula_micro_usdc: int | None
    approved_micro_usdc: int | None
    checks: tuple[Row, ...]
    context: Mapping[str, list[Row]]

    @property
    def is_decided(self) -> bool:
        """True when the claim is verified or rejected."""
        return self.verdict != "undetermined"


_CLAIMS = f"""
with spans as (
    select
        claims.*,
        facts.verdict,
        facts.reasons,
        facts.formula_micro_usdc,
        facts.approved_micro_usdc,
        to_json(facts) as facts,
        epoch_ms(coalesce(
            if(claims.is_event_known, claims.opened_at, claims.cover_start_at),
            claims.liquidated_at, claims.filed_at, claims.notified_at
        )) - {LOOK_BACK_MS} as first_ms,
        epoch_ms(coalesce(claims.liquidated_at, claims.filed_at, claims.notified_at))
        + {MARGIN_MS} as last_ms
    from intermediate.int_claims__evidenced as claims
    inner join fct_claims as facts using (claim_id)
),

touched as (
    select distinct spans.claim_id, legs.episode_id
    from spans
    inner join intermediate.int_position_legs__numbered as legs
        on
            spans.exchange = legs.exchange
            and spans.account_id = legs.account_id
            and spans.inst_id = legs.inst_id
            and epoch_ms(legs.filled_at) between spans.first_ms and spans.last_ms
),

starts as (
    select touched.claim_id, min(epoch_ms(legs.filled_at)) as start_ms
    from touched
    inner join intermediate.int_position_legs__numbered as legs using (episode_id)
    group by touched.claim_id
)

select
    spans.claim_id, policy_id, account_id, exchange, wallet, inst_id, order_id,
    liquidation_event_id, filing_id, product_version, config_reply_sha256,
    epoch_ms(opened_at) as opened_ms, epoch_ms(liquidated_at) as liquidated_ms,
    epoch_ms(weakened.weakened_at) as weakened_ms, first_ms, last_ms,
    least(first_ms, starts.start_ms) as fills_from_ms,
    list(spans.claim_id) over (partition by account_id) as account_claim_ids,
    verdict, reasons, json_extract_string(facts, '$.hold_reasons') as hold_reasons,
    formula_micro_usdc, approved_micro_usdc
from spans
left join starts using (claim_id)
left join intermediate.int_closes__weakened as weakened using (exchange, account_id, order_id)
order by spans.claim_id
"""


def decided(settings: Settings, rules_version: str) -> list[Claim]:
    """The claims of the warehouse with every check and their context, in order of id."""
    with connect.read_only(settings.warehouse) as connection:
        checks = _checks(connection)
        context_of = contexts.of_claims(connection, rules_version)
        cursor = connection.execute(_CLAIMS)
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    return [
        _claim(row, checks[row["claim_id"]], context_of.get(row["claim_id"], {})) for row in rows
    ]


def checks_of(connection: Any, claim_id: str | None = None) -> list[Row]:
    """Check rows of a built warehouse or of models run in memory, in check order."""
    known = {row[0] for row in connection.execute("describe fct_claim_checks").fetchall()}
    columns = [name for name in CHECK_COLUMNS if name in known]
    where = "" if claim_id is None else "where claim_id = ?"
    found = connection.execute(
        f"select claim_id, {', '.join(columns)} from fct_claim_checks {where} "
        "order by claim_id, check_order",
        [] if claim_id is None else [claim_id],
    ).fetchall()
    return [dict(zip(["claim_id", *columns], row, strict=True)) for row in found]


def _checks(connection: Any) -> dict[str, list[Row]]:
    by_claim: dict[str, list[Row]] = {}
    for row in checks_of(connection):
        by_claim.setdefault(row.pop("claim_id"), []).append(row)
    return by_claim


def _claim(row: Row, checks: list[Row], context: Mapping[str, list[Row]]) -> Claim:
    first, last = row.pop("first_ms"), row.pop("last_ms")
    return Claim(
        **{
            **row,
            "hold_reasons": row["hold_reasons"] or "",
            "account_claim_ids": tuple(sorted(row["account_claim_ids"])),
        },
        span=(first, last),
        checks=tuple(checks),
        context=context,
    )
