"""Events of the chains, moves of claims and valuations as the entries they are in the books."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import groupby

from leverageguard.fund import accounts, chain_events, gas_prices
from leverageguard.fund.book import PAYABLE
from leverageguard.fund.chain_events import Event, Landed
from leverageguard.fund.valuing import Valuation
from leverageguard.intake import ledger
from leverageguard.intake.entries import Booked, Entry
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.settlement_tables import PayoutRecord

DEPOSIT, WITHDRAWAL, PAYOUT, UNMATCHED = "deposit", "withdrawal", "payout", "unmatched"
UNPLACED, UNPLACED_REFUND, GAS = "unplaced", "unplaced_refund", "gas"
RESERVE, RECOVERY, VALUATION = "reserve", "recovery", "valuation"
# The kinds that are undone when the chain loses their event, with the table that shows it.
OF_CHAIN = {
    DEPOSIT: chain_events.DEPOSITS,
    WITHDRAWAL: chain_events.WITHDRAWALS,
    PAYOUT: chain_events.PAYOUTS,
    UNMATCHED: chain_events.RECEIPTS,
    UNPLACED: chain_events.PURCHASES,
    UNPLACED_REFUND: chain_events.CANCELLATIONS,
    GAS: chain_events.BATCHES,
}
Payouts = Mapping[tuple[int, int], PayoutRecord]  # by chain and claim index


def of_chains(landed: Landed, booked: Booked, payouts: Payouts) -> Iterator[Entry]:
    """Capital, claims paid, and money that bought no policy as quoted.

    A purchase and a refund are the policies' own to book: what they did not is in suspense.
    """
    for event in landed.of(chain_events.DEPOSITS):
        yield _in(DEPOSIT, event, accounts.CAPITAL_IN, "depositor", "amount_micro_usdc")
    for event in landed.of(chain_events.WITHDRAWALS):
        yield _out(WITHDRAWAL, event, accounts.CAPITAL_OUT, "recipient", "amount_micro_usdc")
    for event in landed.of(chain_events.RECEIPTS):
        yield _in(UNMATCHED, event, accounts.SUSPENSE, "payer", "amount_micro_usdc")
    for event in landed.of(chain_events.PURCHASES):
        if not booked.standing(event.source, ledger.PURCHASE):
            yield _in(UNPLACED, event, accounts.SUSPENSE, "buyer", "premium_micro_usdc")
    for event in landed.of(chain_events.CANCELLATIONS):
        if not booked.standing(event.source, ledger.REFUND):
            yield _out(UNPLACED_REFUND, event, accounts.SUSPENSE, "buyer", "refund_micro_usdc")
    for event in landed.of(chain_events.PAYOUTS):
        if event.row["is_paid"]:
            planned = payouts.get((event.chain_id, event.row["claim_index"]))
            yield _out(
                PAYOUT, event, accounts.CLAIMS_PAID, "recipient", "amount_micro_usdc", planned
            )


def of_gas(batches: Iterable[Event], prices: Mapping[int, Decimal]) -> Iterator[Entry]:
    """What settling cost, of the batches whose minute has a price; owed to who sent them."""
    for event in batches:
        price = prices.get(event.at_ms - event.at_ms % gas_prices.MINUTE_MS)
        if price is None:
            continue
        gas_used, price_wei = event.row["gas_used"], int(event.row["effective_gas_price_wei"])
        cost = gas_prices.cost_micro_usdc(gas_used, price_wei, price)
        yield _entry(GAS, event, ((accounts.GAS, cost, None), (accounts.GAS_OWED, -cost, None)))


def of_claims(moves: Iterable[ClaimTxn]) -> Iterator[Entry]:
    """What each move changes in the case reserve and the payable, and what came back.

    `moves` are whole claims, each claim's in order.
    """
    for _, of_claim in groupby(moves, key=lambda move: move.claim_id):
        case, payable = 0, 0
        for move in of_claim:
            reserve, is_payable = move.reserve_micro_usdc, move.to_state in PAYABLE
            now = (0, reserve) if is_payable else (reserve, 0)
            legs = (
                (accounts.RESERVE_CHANGE, sum(now) - case - payable, None),
                (accounts.CASE_RESERVE, case - now[0], None),
                (accounts.PAYABLE, payable - now[1], None),
            )
            yield _of_move(RESERVE, move, legs)
            case, payable = now
            if move.rule_id == "RECOVERED":
                back = int(json.loads(move.detail)["recovered_micro_usdc"])
                came = ((accounts.RECOVERIES_DUE, back, None), (accounts.RECOVERED, -back, None))
                yield _of_move(RECOVERY, move, came)


def of_valuations(valuations: Iterable[Valuation]) -> Iterator[Entry]:
    """What each valuation changes in the unearned premium and the IBNR; `valuations` in order.

    Of the two figures of each the larger is booked, as own funds take it.
    """
    unearned, ibnr = 0, 0
    for each in valuations:
        new_unearned, new_ibnr = each.unearned_held_micro_usdc, each.ibnr_micro_usdc
        legs = (
            (accounts.UNEARNED_CHANGE, new_unearned - unearned, None),
            (accounts.UNEARNED, unearned - new_unearned, None),
            (accounts.IBNR_CHANGE, new_ibnr - ibnr, None),
            (accounts.IBNR, ibnr - new_ibnr, None),
        )
        yield Entry(VALUATION, f"valuation:{each.valuation_id}", legs, each.valued_at_ms)
        unearned, ibnr = new_unearned, new_ibnr


def _of_move(kind: str, move: ClaimTxn, legs: tuple[tuple[str, int, None], ...]) -> Entry:
    source = f"claim:{move.claim_id}:{move.txn_no}"
    return Entry(kind, source, legs, move.at_ms, move.policy_id, move.claim_id)


def _in(kind: str, event: Event, credited: str, party: str, amount: str) -> Entry:
    micro, of = event.row[amount], event.row[party]
    return _entry(kind, event, ((accounts.CASH, micro, of), (credited, -micro, of)))


def _out(
    kind: str,
    event: Event,
    debited: str,
    party: str,
    amount: str,
    planned: PayoutRecord | None = None,
) -> Entry:
    micro, of = event.row[amount], event.row[party]
    return _entry(kind, event, ((debited, micro, of), (accounts.CASH, -micro, of)), planned)


def _entry(
    kind: str,
    event: Event,
    legs: tuple[tuple[str, int, str | None], ...],
    planned: PayoutRecord | None = None,
) -> Entry:
    return Entry(
        kind,
        event.source,
        legs,
        event.at_ms,
        policy_id=planned.policy_id if planned else event.row.get("quote_id"),
        claim_id=planned.claim_id if planned else None,
        chain_id=event.chain_id,
        block_number=event.row["block_number"],
    )
