"""What a million insured accounts and a billion fills a year would take, worked out.

Nothing of it was run at that size. The constants below were measured, `Supposed` was not;
docs/scaling.md says where each is from and shows the table this prints, and a test holds them
together. Run it with `./leverageguard bench scaling`.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

DAY_S, YEAR_DAYS = 86_400, 365
THREADS = 8  # accounts that one task pulls at once
SIZES = (1_000, 10_000, 100_000, 1_000_000)
# Bytes of a landed row and of an hour's file whatever is in it, fitted to the same table in worlds
# of 100 thousand and 1 million fills; rows of that table to a fill.
TABLES = {
    "fills": (28.6, 5_170, 1.0),
    "orders": (68.8, 7_063, 0.25),
    "ledger": (67.3, 6_016, 0.25),
    "positions": (67.5, 5_432, 0.125),
}
REPLY_BYTES = (
    144  # a reply on one account as it lands, in the default world; candles are a market's
)
# One build of the compiled models, on one busy core: a start, and what each fill adds.
BUILD_START_S, BUILD_FILL_US = 10.8, 3.6
BUILD_START_MB, BUILD_FILL_BYTES = 412, 55
GAS_NEW, GAS_KNOWN, GAS_A_BATCH, MOST_IN_BATCH = 28_151, 11_051, 16_777_216, 400
AUDIT_ROWS_A_POLICY = 12.5
# Requests of one hourly pull of a quiet account, and accounts one address serves an hour (0: the
# venue counts by key). The README's table of venues, which its own benchmark counts.
VENUES = {
    "binanceusdm": (12, 1_200), "bybit": (8, 38_400), "gate": (11, 0), "hyperliquid": (5, 293),
    "okx": (8, 0),
}  # fmt: skip


@dataclass(frozen=True)
class Supposed:
    """What nobody measured: traders, the network, and how a machine is set up."""

    fills_an_account_year: int = 1_000
    policies_an_account_day: float = 0.1
    claims_a_policy: float = 0.05
    request_s: float = 0.2
    slots_a_worker: int = 2
    group_size: int = 100
    most_mapped: int = 1_024  # Airflow's own bound of mapped tasks


@dataclass(frozen=True)
class Need:
    """What one size needs. Accounts are spread evenly over the five venues."""

    accounts: int
    supposed: Supposed

    @property
    def requests_a_day(self) -> float:
        """Hourly pulls of every account."""
        each = sum(requests for requests, _ in VENUES.values()) / len(VENUES)
        return self.accounts * 24 * each

    @property
    def slots(self) -> float:
        """Task slots that are busy all the time with waiting for venues."""
        return self.requests_a_day * self.supposed.request_s / DAY_S / THREADS

    @property
    def workers(self) -> int:
        """Celery workers, if all of their slots pull."""
        return -int(-self.slots // self.supposed.slots_a_worker)

    @property
    def addresses(self) -> dict[str, int]:
        """IP addresses by venue that counts by address."""
        share = self.accounts / len(VENUES)
        return {name: -int(-share // served) for name, (_, served) in VENUES.items() if served}

    @property
    def groups(self) -> int:
        """Mapped tasks of one hour's ingestion."""
        share = self.accounts / len(VENUES)
        return len(VENUES) * -int(-share // self.supposed.group_size)

    @property
    def group_size_that_maps(self) -> int:
        """The smallest group, in hundreds, with which one run maps all of them."""
        each = self.supposed.most_mapped // len(VENUES)
        return -int(-self.accounts / len(VENUES) // each // 100) * 100

    @property
    def fills_a_year(self) -> int:
        """Every fill of every account."""
        return self.accounts * self.supposed.fills_an_account_year

    @property
    def rows_gb_a_year(self) -> float:
        """Landed rows without the files around them."""
        return self.fills_a_year * sum(row * rate for row, _, rate in TABLES.values()) / 1e9

    def files_gb_a_year(self, group_size: int) -> float:
        """What the files cost whatever is in them: a file a table, group and hour with rows."""
        groups = len(VENUES) * -int(-self.accounts / len(VENUES) // group_size)
        rows = self.fills_a_year / YEAR_DAYS / 24 / groups
        filled = sum(overhead * min(1.0, rows * rate) for _, overhead, rate in TABLES.values())
        return groups * 24 * YEAR_DAYS * filled / 1e9

    @property
    def replies_gb_a_day(self) -> float:
        """Every reply as it was received."""
        return self.requests_a_day * REPLY_BYTES / 1e9

    @property
    def build_s(self) -> float:
        """CPU of one build over a year of fills."""
        return BUILD_START_S + self.fills_a_year * BUILD_FILL_US / 1e6

    @property
    def build_gb(self) -> float:
        """Memory of that build."""
        return (BUILD_START_MB * 1e6 + self.fills_a_year * BUILD_FILL_BYTES) / 1e9

    @property
    def policies_a_day(self) -> float:
        """Policies sold."""
        return self.accounts * self.supposed.policies_an_account_day

    @property
    def payouts_a_day(self) -> float:
        """Claims that are paid, if all are."""
        return self.policies_a_day * self.supposed.claims_a_policy

    @property
    def batches_a_day(self) -> int:
        """Full batches."""
        return -int(-self.payouts_a_day // MOST_IN_BATCH)

    @property
    def gas_a_day(self) -> float:
        """Gas, every recipient a new one."""
        return self.payouts_a_day * GAS_NEW

    @property
    def audit_rows_a_day(self) -> float:
        """Rows of the audit chain, which one writer at a time adds to."""
        return self.policies_a_day * AUDIT_ROWS_A_POLICY


def rows(supposed: Supposed) -> list[tuple[str, ...]]:
    """The table: what, then one cell a size."""
    needs = [Need(size, supposed) for size in SIZES]
    cells = {
        "fills a year": [f"{need.fills_a_year:,}" for need in needs],
        "requests a second": [f"{need.requests_a_day / DAY_S:,.0f}" for need in needs],
        "workers of 2 slots that only pull": [f"{need.workers:,}" for need in needs],
        "addresses: Binance, Bybit, Hyperliquid": [
            ", ".join(f"{count:,}" for count in need.addresses.values()) for need in needs
        ],
        "mapped tasks an hour, groups of 100": [f"{need.groups:,}" for need in needs],
        "group size with which they map": [
            f"{max(supposed.group_size, need.group_size_that_maps):,}" for need in needs
        ],
        "landed rows, GB a year": [f"{need.rows_gb_a_year:,.1f}" for need in needs],
        "files around them, GB a year, groups of 100": [
            f"{need.files_gb_a_year(supposed.group_size):,.0f}" for need in needs
        ],
        "the same, groups of 2,000": [f"{need.files_gb_a_year(2_000):,.0f}" for need in needs],
        "replies as received, GB a day": [f"{need.replies_gb_a_day:,.1f}" for need in needs],
        "one build over the year, CPU s": [f"{need.build_s:,.0f}" for need in needs],
        "its memory, GB": [f"{need.build_gb:,.1f}" for need in needs],
        "payouts a day": [f"{need.payouts_a_day:,.0f}" for need in needs],
        "batches a day": [f"{need.batches_a_day:,}" for need in needs],
        "gas a day, million": [f"{need.gas_a_day / 1e6:,.1f}" for need in needs],
        "audit rows a second": [f"{need.audit_rows_a_day / DAY_S:,.2f}" for need in needs],
    }
    return [(what, *each) for what, each in cells.items()]


def table(supposed: Supposed) -> str:
    """The table as docs/scaling.md shows it."""
    head = ("accounts", *(f"{size:,}" for size in SIZES))
    lines = [head, ("---",) * len(head), *rows(supposed)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    for name, value in vars(Supposed()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    options = vars(parser.parse_args())
    is_json = options.pop("json")
    supposed = Supposed(**options)
    found: dict[str, Any] = {what: cells for what, *cells in rows(supposed)}
    print(json.dumps({"accounts": SIZES, **found}) if is_json else table(supposed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
