"""Claims and policies: where they stand, their proofs, what stopped them, who is told."""

from __future__ import annotations

from typing import Any


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


def _contacts(commands: Any) -> None:
    contacts = commands.add_parser("contacts", help="where a wallet's holder is told of claims")
    actions = contacts.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, what in (("put", "tell there from now on"), ("drop", "tell there no more")):
        chosen = actions.add_parser(name, help=what)
        chosen.add_argument("wallet", help="0x and 40 hex digits")
        chosen.add_argument("channel", help="email or webhook")
        if name == "put":
            chosen.add_argument("address", help="an e-mail address, or an https address")


def _erasing(commands: Any) -> None:
    erased = commands.add_parser(
        "erase-person", help="a wallet's contacts and exchange keys, for good; proofs stay"
    )
    erased.add_argument("wallet", nargs="?", help="0x and 40 hex digits (default: list erasures)")
    erased.add_argument("--why", help="who asked for it, kept for ever: name nobody")


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


COMMANDS = (_claims, _proofs, _incidents, _policies, _contacts, _erasing, _audit)
