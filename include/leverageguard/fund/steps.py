"""The steps of manage_fund, each of which may run any number of times."""

from __future__ import annotations

from leverageguard import config
from leverageguard.fund import booking, holding_back, valuing, watching, withdrawing


def book_ledger() -> dict[str, int]:
    """Bring the books to what chains, claims and valuations say; entries by what was done."""
    return booking.book(config.load())


def value_fund() -> str:
    """Value the fund now; the valuation's id."""
    return valuing.value(config.load()).valuation_id


def push_reserved() -> dict[str, int]:
    """Have each pool hold back what the newest valuation says; pools by what was done."""
    return holding_back.push(config.load())


def watch_limits() -> dict[str, int]:
    """Hold the fund against its thresholds; alerts by what became of them."""
    return watching.watch(config.load())


def execute_withdrawals() -> dict[str, int]:
    """Take approved withdrawals as far as they may go now; requests by their state."""
    return withdrawing.execute(config.load())
