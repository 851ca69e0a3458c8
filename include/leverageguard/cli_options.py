"""The command line: every command and its options, once, for the launcher and the package.

Standard library only, and for old Pythons too: the launcher reads it before anything is installed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_commands(made: argparse.ArgumentParser) -> Any:
    """Give a parser every command of the package; what takes further ones."""
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (
        _stack,
        _proofs,
        _incidents,
        _claims,
        _policies,
        _quote,
        _ledger,
        _report,
        _backtest,
        _risk,
        _audit,
        _contacts,
        _fund,
        _world,
        _gateway,
        _dashboards,
    ):
        add(commands)
    commands.add_parser(
        "rebuild-ledger", help="an empty store's batches and payouts again, from the chain"
    )
    airflow = commands.add_parser("airflow", help="run an airflow command against this stack")
    airflow.add_argument("airflow_args", nargs=argparse.REMAINDER)
    return commands


def _stack(commands: Any) -> None:
    up = commands.add_parser(
        "up", help="install, start everything, run the main job, print results"
    )
    up.add_argument("--scenario", type=Path, help="replay this scenario folder instead")
    up.add_argument("--no-superset", action="store_true", help="leave the dashboards out")
    commands.add_parser("down", help="stop every process of the stack")
    status = commands.add_parser("status", help="claims, payouts, pool and processes")
    status.add_argument("--json", action="store_true", help="one JSON object")
    logs = commands.add_parser("logs", help="show a process's log")
    logs.add_argument("name", nargs="?", help="process; without it the logs are listed")
    logs.add_argument("-f", "--follow", action="store_true", help="keep printing new lines")
    logs.add_argument("-n", "--lines", type=int, default=50, help="last lines to print")
    bench = commands.add_parser("bench", help="run one benchmark of tests/bench")
    bench.add_argument("name", nargs="?", help="benchmark; without it they are listed")
    bench.add_argument("--json", action="store_true", help="end with one JSON object")


def _gateway(commands: Any) -> None:
    gateway = commands.add_parser(
        "gateway", help="serve the API and the trader's page in a process of its own"
    )
    gateway.add_argument(
        "--port", dest="listen", type=int, default=8080, metavar="N", help="where it listens"
    )
    gateway.add_argument(
        "--workers", type=int, default=1, metavar="K", help="processes; several need a Redis"
    )
    accounts = commands.add_parser("service-accounts", help="programs that call with a scoped key")
    actions = accounts.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="all of them (what you get without ACTION)")
    create = actions.add_parser("create", help="a new one; its key is shown once")
    create.add_argument("name", help="small letters, digits and -")
    create.add_argument(
        "--scope", action="append", required=True, help="what it may do, e.g. claims:write; repeat"
    )
    revoke = actions.add_parser("revoke", help="take its key away for good")
    revoke.add_argument("account_id", help="svc_…")


def _dashboards(commands: Any) -> None:
    dashboards = commands.add_parser("dashboards", help="Superset's dashboards and their files")
    actions = dashboards.add_subparsers(dest="action", required=True, metavar="ACTION")
    export = actions.add_parser("export", help="what was edited in Superset, into the YAML")
    export.add_argument(
        "--to", type=Path, metavar="FOLDER", help="another folder than include/superset/assets"
    )
    actions.add_parser("import", help="overwrite what was edited with what the YAML says")
    guest = actions.add_parser(
        "guest-token", help="a token for Superset's API that shows one wallet's claims"
    )
    guest.add_argument("wallet", help="0x…")
    guest.add_argument("--minutes", type=int, default=10, metavar="N", help="how long it holds")


def _proofs(commands: Any) -> None:
    verify = commands.add_parser(
        "verify", help="decide a claim again from its sealed evidence and check it to the chain"
    )
    verify.add_argument("target", nargs="?", help="claim id or package folder")
    verify.add_argument("--all", action="store_true", help="every claim with sealed evidence")
    verify.add_argument("--rpc", help="node to ask for batch and payout (default: the stack's)")
    verify.add_argument("--offline", action="store_true", help="leave the chain out")
    sign = commands.add_parser("sign", help="as one verifier: check the batches asked for, sign")
    sign.add_argument("--verifier", required=True, metavar="NAME", help="who signs")
    sign.add_argument("--key", help="secret:NAME, keystore:PATH or kms:KEY_ID")
    sign.add_argument("--watch", action="store_true", help="go on, as requests come")


def _incidents(commands: Any) -> None:
    incidents = commands.add_parser("incidents", help="what stopped the payments, and resolve it")
    incidents.add_argument("--all", action="store_true", help="resolved ones too")
    resolve = incidents.add_subparsers(dest="action", metavar="ACTION").add_parser(
        "resolve", help="close one: payments go on when none is open"
    )
    resolve.add_argument("incident_id", type=int, help="its number in the list")
    resolve.add_argument("--why", required=True, help="what was found and mended, kept for ever")


def _claims(commands: Any) -> None:
    claims = commands.add_parser("claims", help="where every claim stands, and each move of one")
    actions = claims.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="state, reserve and since when (what you get without ACTION)")
    helped = {
        "show": "the moves of one, each with its rule and who made it",
        "recover": "close one that should not have been paid: this much came back",
        "write-off": "close one that should not have been paid: it will not come back",
    }
    for name, what in helped.items():
        actions.add_parser(name, help=what).add_argument("claim_id", help="clm_…")
    for name in ("recover", "write-off"):
        actions.choices[name].add_argument("--why", required=True, help="kept for ever")
    actions.choices["recover"].add_argument(
        "--micro-usdc", type=int, required=True, help="what came back, in millionths of a USDC"
    )


def _policies(commands: Any) -> None:
    policies = commands.add_parser("policies", help="the life of policies, and what they insured")
    actions = policies.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="every policy").add_argument("--state", help="of this state")
    shown = actions.add_parser("show", help="one, with its moves")
    shown.add_argument("policy", help="its id, 0x…, or the reference it was quoted by")
    shown.add_argument("--at", metavar="ISO-TIME", help="as it was then")
    payments = commands.add_parser("payments", help="payments that bought no policy")
    payments.add_argument("--all", action="store_true", help="answered ones too")
    answer = payments.add_subparsers(dest="action", metavar="ACTION").add_parser(
        "resolve", help="say what became of one"
    )
    answer.add_argument("payment_id", help="its id in the list")
    answer.add_argument("--why", required=True, help="what was done about it, kept for ever")


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


def _audit(commands: Any) -> None:
    audit = commands.add_parser("audit", help="the hash-chained log of every write")
    actions = audit.add_subparsers(dest="action", metavar="ACTION", required=True)
    checked = actions.add_parser("verify", help="say whether it is whole, else where it breaks")
    checked.add_argument(
        "--noted", action="append", default=[], metavar="SEQ:HASH",
        help="a row's hash that was kept elsewhere",
    )  # fmt: skip
    shown = actions.add_parser("log", help="its newest rows")
    shown.add_argument("--subject", help="only of subjects that begin so, as in incidents:7")
    shown.add_argument("-n", "--lines", type=int, default=50, help="how many")


def _contacts(commands: Any) -> None:
    contacts = commands.add_parser("contacts", help="where a wallet's holder is told of claims")
    actions = contacts.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, what in (("put", "tell there from now on"), ("drop", "tell there no more")):
        chosen = actions.add_parser(name, help=what)
        chosen.add_argument("wallet", help="0x and 40 hex digits")
        chosen.add_argument("channel", help="email or webhook")
        if name == "put":
            chosen.add_argument("address", help="an e-mail address, or an https address")


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


def _world(commands: Any) -> None:
    world = commands.add_parser("world", help="SIMULATED visitors to try the stack with")
    world.add_argument("--json", action="store_true", help="one JSON list")
    actions = world.add_subparsers(dest="action", metavar="ACTION")
    funded = actions.add_parser("fund", help="give an address test USDC and gas")
    funded.add_argument("address", metavar="ADDRESS", help="0x and 40 hex digits")
    advanced = actions.add_parser("advance", help="let the world's time pass, the chain's too")
    advanced.add_argument("--hours", type=int, required=True, help="how many")
