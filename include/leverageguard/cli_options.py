"""Options of commands that have many."""

from __future__ import annotations

import argparse
from typing import Any


def quote(command: argparse.ArgumentParser) -> None:
    """What is asked a price for."""
    for name in ("wallet", "account", "inst"):
        command.add_argument(f"--{name}", required=True)
    for name in ("leverage", "hours"):
        command.add_argument(f"--{name}", type=int, required=True)
    command.add_argument("--principal", required=True, help="USDC to insure: 100.00")
    command.add_argument("--side", choices=("long", "short", "either"), default="either")
    for name in ("product", "referrer", "reference"):
        command.add_argument(f"--{name}")
    command.add_argument("--json", action="store_true")


def policies(commands: Any) -> None:
    """Policies, and the payments that bought none."""
    of_policies = commands.add_parser("policies").add_subparsers(dest="action", required=True)
    of_policies.add_parser("list").add_argument("--state")
    shown = of_policies.add_parser("show")
    shown.add_argument("policy")
    shown.add_argument("--at", metavar="ISO-TIME")
    payments = commands.add_parser("payments")
    payments.add_argument("--all", action="store_true")
    answer = payments.add_subparsers(dest="action").add_parser("resolve")
    answer.add_argument("payment_id")
    answer.add_argument("--why", required=True)
