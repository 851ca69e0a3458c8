"""The raw rows a claim's verdict rests on: the claim's own account, its market, its policy.

Everything comes from what was landed. Of the account all rows of the span, and every version of
the rows of its orders, whenever it came; of other accounts nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from leverageguard.config import Settings
from leverageguard.evidence import picking, raw_files
from leverageguard.evidence.claims import Claim
from leverageguard.warehouse import model_runner, raw_tables

Row = dict[str, Any]
Rows = dict[str, list[Row]]
HOUR_MS = 3_600_000
PUBLIC = "public"
# Rows of an account, by the column that says when.
TIMED = {
    "exchanges/orders": "updated_at_ms",
    "exchanges/fills": "filled_at_ms",
    "exchanges/ledger": "recorded_at_ms",
    "exchanges/positions": "updated_at_ms",
    "exchanges/stops": "updated_at_ms",
    "exchanges/leverages": "taken_at_ms",
}
OF_ACCOUNT = (*TIMED, "exchanges/account_configs", "exchanges/order_lookups")
# Rows of a policy, by the column that names it.
OF_POLICY = {
    "intake/quotes": "quote_id",
    "intake/endorsements": "policy_id",
    "intake/claims": "policy_id",
    "chain/policy_purchases": "quote_id",
    "chain/policy_cancellations": "quote_id",
}
MARKET = ("exchanges/instruments", "exchanges/candles", "exchanges/endpoints")


class Gatherer:
    """The raw tables of some accounts, loaded once; `rows` and `replies` pick a claim's."""

    def __init__(self, settings: Settings, connection: Any, claims: Collection[Claim]) -> None:
        self._settings = settings
        self._connection = connection
        self._from_ms = min((claim.fills_from_ms for claim in claims), default=0) - HOUR_MS
        accounts = sorted({claim.account_id for claim in claims})
        connection.execute("create schema raw")
        for table in (
            *TIMED, "exchanges/account_configs", "intake/accounts", "intake/bindings"
        ):  # fmt: skip
            days = self._from_ms if table in TIMED else 0
            self._load(table, "list_contains(?, account_id)", [accounts], days)
        filings = sorted({claim.filing_id for claim in claims if claim.filing_id})
        self._load("exchanges/order_lookups", "list_contains(?, filing_id)", [filings])
        named = sorted({claim_id for claim in claims for claim_id in claim.account_claim_ids})
        self._load("intake/claim_actions", "list_contains(?, claim_id)", [named])
        self._load_policies(accounts)
        self._load("exchanges/instruments", "true", [])
        self._load("exchanges/endpoints", "true", [])
        # Of these there is a file an hour of each group and instrument: most time goes to opening.
        closed = [claim for claim in claims if claim.liquidated_ms is not None]
        prices = [picking.prices_span(claim) for claim in closed]
        self._load("exchanges/candles", "true", [], *_hull(prices))
        windows = (self._from_ms, max((claim.span[1] for claim in claims), default=0))
        self._load("exchanges/fetch_windows", "true", [], *windows)
        owners = [*accounts, PUBLIC]
        self._load("exchanges/replies", "list_contains(?, account_id)", [owners], hashes=True)

    def _load_policies(self, accounts: list[str]) -> None:
        """What was quoted for the accounts or moved to them since, and what became of it."""
        self._load("intake/endorsements", "true", [])
        of_account = "list_contains(?, account_id)"
        moved = self._rows("intake/endorsements", of_account, [accounts])
        self._load(
            "intake/quotes",
            f"{of_account} or list_contains(?, lower(quote_id))",
            [accounts, _lower(row["policy_id"] for row in moved)],
        )
        policies = _lower(row["quote_id"] for row in self._rows("intake/quotes", "true", []))
        for table, named in list(OF_POLICY.items())[2:]:
            self._load(table, f"list_contains(?, lower({named}))", [policies])

    def rows(self, claim: Claim) -> Rows:
        """The claim's rows by raw table, in no promised order."""
        rows: Rows = {table: self._timed(claim, table) for table in TIMED}
        rows["exchanges/leverages"] = picking.each_once(
            [*rows["exchanges/leverages"], *self._leverages_around(claim)]
        )
        rows["exchanges/account_configs"] = self._configs(claim, rows["exchanges/leverages"])
        rows |= self._policy_rows(claim)
        rows["exchanges/order_lookups"] = self._rows(
            "exchanges/order_lookups", "filing_id = ?", [claim.filing_id]
        )
        rows["exchanges/endpoints"] = self._rows("exchanges/endpoints", "true", [])
        rows |= self._market_rows(claim)
        rows["exchanges/fetch_windows"] = self._windows(claim, rows["exchanges/instruments"])
        return rows

    def replies(self, claim: Claim, rows: Rows) -> list[Row]:
        """The replies that the rows name, of this account or of nobody, one a body.

        `requests` says when and by what the body was got; a request's signature is left out.
        """
        hashes = sorted(
            {
                sha256
                for of_table in rows.values()
                for row in of_table
                for sha256 in (row.get("reply_sha256") or "").split(",")
                if sha256
            }
        )
        found = self._rows(
            "exchanges/replies",
            "list_contains(?, sha256) and account_id in (?, ?)",
            [hashes, claim.account_id, PUBLIC],
        )
        bodies: dict[str, Row] = {}
        for row in sorted(found, key=picking.received):
            reply = bodies.setdefault(
                row["sha256"], {"sha256": row["sha256"], "body": row["body"], "requests": []}
            )
            reply["requests"].append(picking.request(row))
        return [picking.first_of_each(reply) for reply in bodies.values()]

    def _timed(self, claim: Claim, table: str) -> list[Row]:
        """Rows of the span, and those of the claim's orders whenever they were written."""
        at = TIMED[table]
        where, values = f"exchange = ? and account_id = ? and ({at} >= ? and {at} < ?", [
            claim.exchange, claim.account_id, claim.fills_from_ms, _hour_end(claim.span[1]),
        ]  # fmt: skip
        if table == "exchanges/leverages":
            where += " and inst_id = ?"
            values.append(claim.inst_id)
        if "order_id" in raw_tables.table(table).schema.names:
            where += " or list_contains(?, order_id)"
            values.append(self._orders(claim))
        return self._rows(table, where + ")", values)

    def _orders(self, claim: Claim) -> list[str]:
        """The orders of the span's fills, and the one claimed on."""
        found = self._connection.execute(
            'select distinct order_id from raw."exchanges/fills" where exchange = ? '
            "and account_id = ? and filled_at_ms >= ? and filled_at_ms < ?",
            [claim.exchange, claim.account_id, claim.fills_from_ms, _hour_end(claim.span[1])],
        ).fetchall()
        return sorted({row[0] for row in found if row[0]} | {claim.order_id or ""} - {""})

    def _configs(self, claim: Claim, leverages: list[Row]) -> list[Row]:
        """The reading that decided, and the one before each reading of the settings."""
        where = "exchange = ? and account_id = ?"
        found = self._rows("exchanges/account_configs", where, [claim.exchange, claim.account_id])
        return picking.configs(found, claim, leverages)

    def _leverages_around(self, claim: Claim) -> list[Row]:
        """The settings as last read before the span, else as first read after it."""
        found = self._rows(
            "exchanges/leverages",
            "exchange = ? and account_id = ? and inst_id = ? qualify row_number() over ("
            "partition by position_slot, taken_at_ms < ? order by abs(taken_at_ms - ?), "
            "reply_sha256) = 1",
            [claim.exchange, claim.account_id, claim.inst_id, *[claim.fills_from_ms] * 2],
        )
        early = {row["position_slot"] for row in found if row["taken_at_ms"] < claim.fills_from_ms}
        return [
            row
            for row in found
            if row["taken_at_ms"] < claim.fills_from_ms or row["position_slot"] not in early
        ]

    def _policy_rows(self, claim: Claim) -> Rows:
        """Account, bindings, and the account's policies with what was filed and said on them."""
        # Quoted for the account, or moved to it since.
        policies = _lower(
            row[OF_POLICY[table]]
            for table in ("intake/quotes", "intake/endorsements")
            for row in self._rows(table, "account_id = ?", [claim.account_id])
        )
        rows = {
            table: self._rows(table, "account_id = ?", [claim.account_id])
            for table in ("intake/accounts", "intake/bindings")
        }
        for table, named in OF_POLICY.items():
            rows[table] = self._rows(table, f"list_contains(?, lower({named}))", [policies])
        rows["intake/claims"] = [
            row
            for row in rows["intake/claims"]
            if row["filing_id"] == claim.filing_id or row["claimed_by"].lower() == claim.wallet
        ]
        rows["intake/claim_actions"] = self._rows(
            "intake/claim_actions", "list_contains(?, claim_id)", [list(claim.account_claim_ids)]
        )
        return rows

    def _market_rows(self, claim: Claim) -> Rows:
        """The instrument and its twins on other venues, with their prices around the close."""
        rows: Rows = {"exchanges/instruments": [], "exchanges/candles": []}
        own = [
            row
            for row in self._rows("exchanges/instruments", "inst_id = ?", [claim.inst_id])
            if row["exchange"] == claim.exchange
        ]
        assets = sorted({row["base_asset"] for row in own if row["base_asset"]})
        twins = "inst_type = 'perpetual' and list_contains(?, base_asset) and exchange <> ?"
        others = self._rows("exchanges/instruments", twins, [assets, claim.exchange])
        rows["exchanges/instruments"] = picking.versions([*own, *others], claim)
        if claim.liquidated_ms is None:
            return rows
        first_ms, last_ms = picking.prices_span(claim)
        named = {(row["exchange"], row["inst_id"]) for row in rows["exchanges/instruments"]}
        candles = self._rows(
            "exchanges/candles",
            "is_final and list_contains(?, inst_id) and minute_at_ms >= ? and minute_at_ms <= ?",
            [
                sorted({inst_id for _, inst_id in named}),
                first_ms,
                last_ms,
            ],
        )
        rows["exchanges/candles"] = [
            row
            for row in candles
            if (row["exchange"], row["inst_id"]) in named and picking.is_looked_at(row, claim)
        ]
        return rows

    def _windows(self, claim: Claim, instruments: list[Row]) -> list[Row]:
        names = {claim.account_id} | {
            row["inst_id"] for row in instruments if row["exchange"] == claim.exchange
        }
        return self._rows(
            "exchanges/fetch_windows",
            "exchange = ? and list_contains(?, account_id) and window_from_ms >= ? "
            "and window_from_ms < ? qualify row_number() over ("
            "partition by account_id, endpoint, window_from_ms "
            "order by fetched_at_ms desc, is_complete, gap_reason) = 1",
            [claim.exchange, sorted(names), claim.span[0] - HOUR_MS, _hour_end(claim.span[1])],
        )

    def _load(
        self,
        table: str,
        where: str,
        values: list[Any],
        from_ms: int = 0,
        to_ms: int | None = None,
        hashes: bool = False,
    ) -> None:
        """Rows of a raw table, each once, from the files of the days since `from_ms`.

        With `to_ms` from those of the hours in which the two lie and between.
        """
        if hashes:
            named = " union ".join(
                f"select unnest(string_split(reply_sha256, ',')) from raw.\"{known}\""
                for known in (*OF_ACCOUNT, "exchanges/instruments", "exchanges/candles")
            )
            where += f" and sha256 in ({named})"
        names = ", ".join(f'"{name}"' for name in raw_tables.table(table).schema.names)
        self._connection.execute(
            f'create table raw."{table}" as select distinct {names} from read_parquet(?, '
            f"union_by_name = true, hive_partitioning = false) where {where}",
            [raw_files.between(self._settings, table, from_ms, to_ms), *values],
        )

    def _rows(self, table: str, where: str, values: list[Any]) -> list[Row]:
        cursor = self._connection.execute(f'select * from raw."{table}" where {where}', values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def gathering(settings: Settings, claims: Collection[Claim]) -> Iterator[Gatherer]:
    """The raw rows of the claims' accounts, loaded for the time of the block."""
    with model_runner.connect() as connection:
        yield Gatherer(settings, connection, claims)


def _hull(spans: Collection[tuple[int, int]]) -> tuple[int, int]:
    """The first and last instant of spans; nothing of 1970 without any."""
    edges = sorted(edge for span in spans for edge in span)
    return (edges[0], edges[-1]) if edges else (0, 0)


def _hour_end(at_ms: int) -> int:
    return at_ms - at_ms % HOUR_MS + HOUR_MS


def _lower(texts: Iterable[str]) -> list[str]:
    return sorted({text.lower() for text in texts})
