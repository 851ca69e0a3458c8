"""Data frames: the claims' accounts chosen first, then grouped and merged as whole columns."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.bench._verification import evidence, rules
from tests.bench._verification.rules import Answer

SLOT = ["account_id", "inst_id", "position_slot"]
ORDER = ["account_id", "order_id"]


def frame(raw: Path, path: str) -> pd.DataFrame:
    """A landed table as a frame, money as whole numbers."""
    return evidence.number_table(raw, path).to_pandas(deduplicate_objects=True)


def answer(raw: Path) -> Answer:
    """Every filing's verdict and amount."""
    claims = _claims(raw)
    legs = _legs(raw, claims)
    closes = _closes(raw, claims, legs)
    judged = _touched(raw, claims.merge(closes, on=ORDER, how="left"))
    judged = _read(raw, judged)
    judged = _verdicts(raw, judged)
    return {
        row.filing_id: (row.verdict, int(row.amount) if row.verdict == "verified" else None)
        for row in judged.itertuples()
    }


def _claims(raw: Path) -> pd.DataFrame:
    quotes = frame(raw, "intake/quotes").rename(
        columns={"inst_id": "policy_inst_id", "leverage": "policy_leverage"}
    )
    claims = frame(raw, "intake/claims").drop(columns="inst_id")
    claims = claims.merge(quotes, left_on="policy_id", right_on="quote_id")
    claims = claims.merge(frame(raw, "chain/policy_purchases"), on="quote_id")
    accounts = frame(raw, "intake/accounts")[["account_id", "exchange"]]
    claims = claims.merge(accounts, on="account_id")
    claims["start_ms"] = claims.block_time_ms + claims.wait_seconds * 1000
    claims["end_ms"] = claims.start_ms + claims.cover_seconds * 1000
    return claims


def _latest(rows: pd.DataFrame, keys: list[str], newest: list[str]) -> pd.DataFrame:
    return rows.sort_values(newest).drop_duplicates(keys, keep="last")


def _of(rows: pd.DataFrame, claims: pd.DataFrame) -> pd.DataFrame:
    return rows[rows.account_id.isin(claims.account_id.unique())]


def _legs(raw: Path, claims: pd.DataFrame) -> pd.DataFrame:
    """The fills of the claims' accounts with what their position had come to."""
    fills = _of(frame(raw, "exchanges/fills"), claims)
    fills = _latest(fills, ["account_id", "fill_id"], ["filled_at_ms"])
    fills["id_length"] = fills.fill_id.str.len()
    fills = fills.sort_values([*SLOT, "filled_at_ms", "id_length", "fill_id"])
    fills["signed"] = fills.qty_contracts.where(fills.order_side == "buy", -fills.qty_contracts)
    fills["held_after"] = fills.groupby(SLOT).signed.cumsum()
    held_before = fills.held_after - fills.signed
    fills["is_open"] = fills.held_after.abs() > held_before.abs()
    fills["episode_no"] = (held_before == 0).cumsum()
    opened = fills.qty_contracts.where(fills.is_open, 0)
    by_episode = fills.groupby("episode_no")
    fills["opened"] = opened.groupby(fills.episode_no).cumsum()
    fills["fees"] = fills.fee.where(fills.is_open, 0).groupby(fills.episode_no).cumsum()
    fills["peak"] = fills.held_after.abs().groupby(fills.episode_no).cummax()
    fills["opened_ms"] = by_episode.filled_at_ms.transform("min")
    return fills


def _closes(raw: Path, claims: pd.DataFrame, legs: pd.DataFrame) -> pd.DataFrame:
    """Each claimed order with all that its sources say."""
    named = claims[ORDER].drop_duplicates()
    closing = legs.merge(named, on=ORDER)
    closes = closing.groupby(ORDER, as_index=False).agg(
        episode_no=("episode_no", "last"), opened_ms=("opened_ms", "last"),
        closed_ms=("filled_at_ms", "max"), closed=("qty_contracts", "sum"),
        fills_pnl=("pnl", "sum"), opened=("opened", "last"), fees=("fees", "last"),
        peak=("peak", "last"),
    )  # fmt: skip
    orders = _of(frame(raw, "exchanges/orders"), claims)
    orders = _latest(orders, ORDER, ["updated_at_ms", "filled_qty_contracts"])
    ledger = _of(frame(raw, "exchanges/ledger"), claims)
    ledger = _latest(ledger, ["account_id", "entry_id"], ["recorded_at_ms"])
    ledger["margin_change"] = ledger.margin_change.fillna(0).astype("int64")
    openings = legs[legs.is_open][["episode_no", *ORDER]].drop_duplicates()
    openings = openings[openings.episode_no.isin(closes.episode_no)]
    openings = openings.merge(orders[[*ORDER, "leverage"]], on=ORDER)
    margins = openings.merge(ledger[[*ORDER, "margin_change"]], on=ORDER)
    entries = ledger.groupby(ORDER, as_index=False).agg(
        ledger_qty=("qty_contracts", "sum"), ledger_pnl=("pnl", "sum"),
        ledger_kind=("forced_kind", "max"), ledger_least=("forced_kind", "min"),
    )  # fmt: skip
    positions = _of(frame(raw, "exchanges/positions"), claims).rename(
        columns={"forced_kind": "position_kind", "qty_contracts": "position_qty",
                 "pnl": "position_pnl"}
    )  # fmt: skip
    return (
        closes.merge(orders, on=ORDER)
        .merge(entries, on=ORDER)
        .merge(positions, on=ORDER)
        .merge(
            openings.groupby("episode_no").leverage.max().rename("opening_leverage"),
            on="episode_no",
        )
        .merge(margins.groupby("episode_no").margin_change.sum().rename("margin"), on="episode_no")
    )


def _touched(raw: Path, judged: pd.DataFrame) -> pd.DataFrame:
    """Whether the mark came to the trigger in the minutes around the close."""
    known = judged[judged.closed_ms.notna()].copy()
    known["closed_ms"] = known.closed_ms.astype("int64")
    first = known.closed_ms - rules.TOUCH_MS - rules.MINUTE_MS
    known["first_ms"] = first
    steps = (2 * rules.TOUCH_MS + rules.MINUTE_MS) // rules.MINUTE_MS + 1
    spread = known.loc[known.index.repeat(steps)].copy()
    nth = spread.groupby(level=0).cumcount()
    aligned = spread.first_ms - spread.first_ms % rules.MINUTE_MS
    spread["minute_at_ms"] = aligned + nth * rules.MINUTE_MS
    spread = spread[
        (spread.minute_at_ms > spread.first_ms)
        & (spread.minute_at_ms <= spread.closed_ms + rules.TOUCH_MS)
    ]
    spread = spread.merge(
        frame(raw, "exchanges/candles"),
        left_on=["exchange", "policy_inst_id", "minute_at_ms"],
        right_on=["exchange", "inst_id", "minute_at_ms"],
    )
    seen = spread.groupby("filing_id", as_index=False).agg(
        low=("low_price", "min"), high=("high_price", "max")
    )
    judged = judged.merge(seen, on="filing_id", how="left")
    million = 10**6
    trigger = judged.trigger_price.fillna(0).astype("int64")
    low = judged.low.fillna(0).astype("int64") * million
    high = judged.high.fillna(0).astype("int64") * million
    judged["is_touched"] = (low <= trigger * (million + rules.TOUCH_PPM)).where(
        judged.position_side == "long", high >= trigger * (million - rules.TOUCH_PPM)
    )
    return judged


def _read(raw: Path, judged: pd.DataFrame) -> pd.DataFrame:
    """Whether every needed hour of every listing is there."""
    first = judged.opened_ms.fillna(judged.start_ms).astype("int64") - rules.MARGIN_MS
    last = (judged.closed_ms + rules.MARGIN_MS).fillna(judged.filed_at_ms).astype("int64")
    spans = judged[["filing_id", "exchange", "account_id", "policy_inst_id"]].copy()
    spans["hour"] = first // rules.HOUR_MS
    spans["count"] = last // rules.HOUR_MS - spans.hour + 1
    hours = spans.loc[spans.index.repeat(spans["count"])].copy()
    hours["window_from_ms"] = (hours.hour + hours.groupby(level=0).cumcount()) * rules.HOUR_MS
    hours = hours.merge(frame(raw, "exchanges/endpoints"), on="exchange")
    hours["scope_id"] = hours.account_id.where(hours.scope == "account", hours.policy_inst_id)
    windows = frame(raw, "exchanges/fetch_windows").rename(columns={"account_id": "scope_id"})
    found = hours.merge(windows, on=["scope_id", "endpoint", "window_from_ms"], how="left")
    is_read = found.is_complete.notna().groupby(found.filing_id).all().rename("is_read")
    return judged.merge(is_read, on="filing_id", how="left")


def _verdicts(raw: Path, judged: pd.DataFrame) -> pd.DataFrame:
    seen = frame(raw, "exchanges/order_lookups").groupby("filing_id").looked_up_at_ms
    span = seen.max() - seen.min()
    is_missed = (seen.size() >= rules.LEAST_MISSES) & (span >= rules.MISS_SPAN_MS)
    missed = judged.filing_id.isin(is_missed[is_missed].index)
    is_known = judged.closed_ms.notna()
    numbers = judged.fillna(
        dict.fromkeys(("closed", "opened", "peak", "fees", "margin", "pnl", "fee"), 0)
    )
    whole = numbers.astype(
        dict.fromkeys(("closed", "opened", "peak", "fees", "margin", "pnl", "fee"), "int64")
    )
    result = whole.pnl + whole.fee
    is_good = _passes(judged) & (-result * whole.opened <= whole.margin * whole.closed)
    judged["amount"] = _amounts(whole, result)
    judged["verdict"] = "rejected"
    judged.loc[is_good & is_known, "verdict"] = "verified"
    judged.loc[~is_known & ~missed, "verdict"] = "undetermined"
    judged.loc[~judged.is_read, "verdict"] = "undetermined"
    verified = judged[judged.verdict == "verified"].sort_values(["filed_at_ms", "filing_id"])
    again = verified[verified.duplicated(ORDER)].index
    judged.loc[again, "verdict"] = "rejected"
    return judged


def _passes(row: pd.DataFrame) -> pd.Series:
    kinds = (
        (row.forced_kind == row.position_kind)
        & (row.forced_kind == row.ledger_kind)
        & (row.forced_kind == row.ledger_least)
    )
    agreed = (
        (row.filled_qty_contracts == row.closed)
        & (row.closed == row.ledger_qty)
        & (row.closed == row.position_qty)
        & (row.pnl == row.fills_pnl)
        & (row.pnl == row.ledger_pnl)
        & (row.pnl == row.position_pnl)
    )
    covered = (
        (row.opened_ms >= row.start_ms)
        & (row.closed_ms < row.end_ms)
        & (row.filed_at_ms <= row.end_ms + row.filing_grace_seconds * 1000)
    )
    highest = row[["leverage", "opening_leverage"]].max(axis=1)
    sold = (
        (row.margin_mode == "isolated")
        & (row.inst_id == row.policy_inst_id)
        & (highest <= row.policy_leverage * 10**rules.SCALE)
    )
    return row.forced_kind.isin(rules.COVERED) & kinds & agreed & covered & sold & row.is_touched


def _amounts(row: pd.DataFrame, result: pd.Series) -> pd.Series:
    opened, peak = row.opened.where(row.opened > 0, 1), row.peak.where(row.peak > 0, 1)
    rate, unit = row.payout_rate_ppm, 10**rules.SCALE
    contracts, most, begun = row.closed // unit, peak // unit, opened // unit
    begun, most = begun.where(begun > 0, 1), most.where(most > 0, 1)
    by_principal = row.principal_micro_usdc * contracts * rate // (most * 10**6)
    by_margin = row.margin * contracts * rate // (rules.PER_MICRO * begun * 10**6)
    loss = (-result * begun - row.fees * contracts) // (begun * rules.PER_MICRO)
    limits = pd.concat([by_principal, by_margin, loss, row.max_payout_micro_usdc], axis=1)
    return limits.min(axis=1).clip(0, rules.WALLET_DAY_CAP)
