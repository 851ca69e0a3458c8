"""Money: prices, books, the fund, reports and the models behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def _quote(commands: Any) -> None:
    quote = commands.add_parser("quote", help="a price for a policy that the pool is held to")
    quote.add_argument("--wallet", required=True, help="who buys and is paid, 0x…")
    quote.add_argument("--account", required=True, help="the exchange account that is insured")
    quote.add_argument("--inst", required=True, help="the instrument, as its venue calls it")
    quote.add_argument("--leverage", type=int, required=True, help="the most that is insured")
    quote.add_argument("--hours", type=int, required=True, help="how long the cover lasts")
    quote.add_argument("--principal", required=True, help="USDC to insure: 100.00")
    quote.add_argument(
        "--side", choices=("long", "short", "either"), default="either",
        help="where the exposure counts",
    )  # fmt: skip
    quote.add_argument("--product", help="product version (default: the one that is sold unasked)")
    quote.add_argument("--referrer", help="the wallet that is credited")
    quote.add_argument("--reference", help="your own key: asked again, the same quote comes back")
    quote.add_argument("--json", action="store_true", help="one JSON object")


def _ledger(commands: Any) -> None:
    ledger = commands.add_parser("ledger", help="the fund's books: balances, or the entries of one")
    ledger.add_argument("--at", metavar="ISO-TIME", help="the balances of then (default: now)")
    ledger.add_argument("--known", metavar="ISO-TIME", help="from what was booked by then")
    shown = ledger.add_subparsers(dest="action", metavar="ACTION").add_parser(
        "show", help="what was booked of one claim or policy, or one entry"
    )
    shown.add_argument("named", help="a claim's id, a policy's or an entry's")
    commands.add_parser("rebuild-books", help="what the books lost, from chains, policies, claims")
    commands.add_parser(
        "rebuild-ledger", help="an empty store's batches and payouts again, from the chain"
    )


def _fund(commands: Any) -> None:
    fund = commands.add_parser("fund", help="what the fund is worth, halted by, and asked for")
    actions = fund.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser(
        "status", help="the newest valuation: own funds, reserves, capital, stresses"
    )
    actions.add_parser("value", help="value it now, and show that")
    for name, what in (("alerts", "thresholds that are crossed"), ("list", "open withdrawals")):
        actions.add_parser(name, help=what).add_argument(
            "--all", action="store_true", help="those that are over too"
        )
    asked = actions.add_parser("request-withdrawal", help="ask two other people for one")
    asked.add_argument("--to", required=True, metavar="ADDRESS", help="on the pool's allow list")
    asked.add_argument("--micro-usdc", type=int, required=True, help="millionths of a USDC")
    asked.add_argument("--why", required=True, help="what the approvers are told, kept for ever")
    asked.add_argument("--chain", help="name or id (default: the first one)")
    asked.add_argument("--by", metavar="USER", help="who wants it, and may not approve it")
    cancelled = actions.add_parser("cancel", help="give one up before it is taken")
    cancelled.add_argument("request_id", help="wdr_…")
    cancelled.add_argument("--why", required=True, help="kept for ever")


def _report(commands: Any) -> None:
    report = commands.add_parser(
        "report", help="write a report of whole UTC days, or list those there are"
    )
    for kind in ("daily", "weekly", "monthly"):
        report.add_argument(f"--{kind}", metavar="DAY", help=f"the {kind} report of that day")
    report.add_argument("--from", dest="from_day", metavar="DAY", help="first day of a range")
    report.add_argument("--to", dest="to_day", metavar="DAY", help="last day of a range")
    report.add_argument("--formats", help="some of html,pdf,xlsx,json,csv,parquet (default: all)")
    report.add_argument("--again", action="store_true", help="write anew what is there already")


def _backtest(commands: Any) -> None:
    backtest = commands.add_parser(
        "backtest", help="what products expect to lose, and would have lost over past prices"
    )
    backtest.add_argument(
        "--prices", type=Path, metavar="FILE.csv",
        help="candles: base_asset, at, low, high, close (default: SIMULATED prices)",
    )  # fmt: skip
    backtest.add_argument("--product", action="append", help="product version; may be repeated")
    backtest.add_argument(
        "--leverages", type=int, nargs="+", metavar="N", help="instead of the usual ones"
    )
    backtest.add_argument("--principal", default="200", help="USDC insured by each (200)")
    backtest.add_argument("--funds", default="10000", help="USDC the pool begins with (10000)")
    backtest.add_argument("--days", type=int, default=60, help="days of SIMULATED prices (60)")
    backtest.add_argument("--seed", type=int, default=1, help="of the SIMULATED prices (1)")
    backtest.add_argument("--json", action="store_true", help="one JSON object")


def _risk(commands: Any) -> None:
    risk = commands.add_parser("risk", help="the models of liquidation chances, and which prices")
    actions = risk.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="every one that was fitted (what you get without ACTION)")
    helped = {"show": "the card of one", "restore": "let one price again that did before"}
    for name, what in helped.items():
        actions.add_parser(name, help=what).add_argument("model", help="its version")
    actions.choices["restore"].add_argument("--why", required=True, help="kept for ever")


COMMANDS = (_quote, _ledger, _fund, _report, _backtest, _risk)
