"""Which filed claims wait to be taken up, and the covers whose evidence they need."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import clock, config
from leverageguard.config import Settings
from leverageguard.exchanges.windows import GAP_LOOKBACK_MS
from leverageguard.store.base import session
from leverageguard.store.intake_tables import Account, FiledClaim, Quote
from leverageguard.store.policy_tables import PolicyEndorsement, PolicyTxn
from leverageguard.warehouse import connect, snapshot
from leverageguard.warehouse.raw_tables import HOUR_MS

# A claim decided without all its evidence is taken up again by what follows within this time.
AGAIN_MS = HOUR_MS
BOUGHT = "PAID"
# A claim is decided and paid within this time of its filing, as a rule.
ON_ITS_WAY_MS = 60_000


@dataclass(frozen=True)
class Cover:
    """What a bought policy insures, and when, epoch ms and half-open."""

    policy_id: str
    exchange: str
    account_id: str
    inst_id: str
    base_asset: str | None
    from_ms: int
    to_ms: int


def filings(settings: Settings) -> list[FiledClaim]:
    """Filed claims that no published snapshot shows, or shows undetermined; oldest first.

    None before the first snapshot: the first main job pulls everything. What was filed longer ago
    than evidence is asked for again is left to the hourly runs.
    """
    verdicts = _published(settings)
    if verdicts is None:
        return []
    now_ms = clock.now_ms()
    query = (
        select(FiledClaim)
        .where(FiledClaim.created_at_ms >= now_ms - GAP_LOOKBACK_MS)
        .order_by(FiledClaim.created_at_ms, FiledClaim.filing_id)
    )
    with session(settings) as opened:
        return [row for row in opened.scalars(query) if _waits(row, verdicts, now_ms)]


def is_quiet() -> bool:
    """True when no claim was filed within the last minute: no payout is on its way."""
    since_ms = clock.now_ms() - ON_ITS_WAY_MS
    query = select(FiledClaim.filing_id).where(FiledClaim.created_at_ms > since_ms).limit(1)
    with session(config.load()) as opened:
        return opened.scalar(query) is None


def covers(settings: Settings, policy_ids: Collection[str]) -> list[Cover]:
    """The covers of these policies on every account they ever insured; those bought, that is."""
    with session(settings) as opened:
        return _covers(opened, Quote.quote_id.in_(policy_ids))


def neighbours(settings: Settings, of: Collection[Cover], from_ms: int, to_ms: int) -> list[Cover]:
    """Covers in the same assets that touch [from_ms, to_ms): a hedge may lie there unread."""
    assets = {cover.base_asset for cover in of} - {None}
    inst_ids = {cover.inst_id for cover in of}
    same = Quote.base_asset.in_(assets) | Quote.inst_id.in_(inst_ids)
    with session(settings) as opened:
        found = _covers(opened, same | Quote.quote_id.in_(select(PolicyEndorsement.policy_id)))
    return [cover for cover in found if cover.from_ms < to_ms and cover.to_ms > from_ms]


def _covers(opened: Session, which: object) -> list[Cover]:
    bought = (
        select(Quote, PolicyTxn.at_ms)
        .join(PolicyTxn, PolicyTxn.policy_id == Quote.quote_id)
        .where(PolicyTxn.to_state == BOUGHT, which)  # type: ignore[arg-type]
    )
    rows = opened.execute(bought).all()
    moved = _moved(opened, {quote.quote_id for quote, _ in rows})
    accounts = opened.execute(select(Account.account_id, Account.exchange))
    exchanges = {row.account_id: row.exchange for row in accounts}
    found = []
    for quote, bought_ms in rows:
        start = bought_ms + quote.wait_seconds * 1000
        end = start + quote.cover_seconds * 1000
        first = (quote.account_id, quote.inst_id)
        for account_id, inst_id in {first, *moved.get(quote.quote_id, ())}:
            exchange = exchanges[account_id]
            asset = quote.base_asset if (account_id, inst_id) == first else None
            found.append(Cover(quote.quote_id, exchange, account_id, inst_id, asset, start, end))
    return found


def _moved(opened: Session, policy_ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """(account, instrument) each policy was moved to by its holder."""
    query = select(PolicyEndorsement).where(PolicyEndorsement.policy_id.in_(set(policy_ids)))
    moved: dict[str, list[tuple[str, str]]] = {}
    for row in opened.scalars(query):
        moved.setdefault(row.policy_id, []).append((row.account_id, row.inst_id))
    return moved


def _waits(filed: FiledClaim, verdicts: dict[str, str], now_ms: int) -> bool:
    verdict = verdicts.get(filed.filing_id)
    is_fresh = filed.created_at_ms >= now_ms - AGAIN_MS
    return verdict is None or (verdict == "undetermined" and is_fresh)


def _published(settings: Settings) -> dict[str, str] | None:
    """Verdict by filing of the newest snapshot; None before there is one."""
    try:
        path = snapshot.current(settings)
    except snapshot.SnapshotError:
        return None
    with connect.read_only(path) as connection:
        rows = connection.execute(
            "select filing_id, verdict from fct_claims where filing_id is not null"
        ).fetchall()
    return dict(rows)
