"""What a policy's move writes into the books, in the move's own transaction."""

from __future__ import annotations

from sqlalchemy.orm import Session

from leverageguard.domain.policy import Cancellation, Facts, Purchase
from leverageguard.domain.policy_moves import Life, Move
from leverageguard.intake import ledger
from leverageguard.store.intake_tables import Quote


def book(session: Session, quote: Quote, life: Life, move: Move, seen: Facts) -> None:
    """Book a purchase or a refund, or undo the one that the chain lost; other moves move nothing.

    Money that bought nothing as quoted is no premium: it waits in the queue of payments.
    """
    now_ms = seen.now_ms
    if move.to_state == "PAID" and (paid := seen.purchase) is not None:
        block = paid.chain_id, paid.block_number
        ledger.book_purchase(session, quote, paid.at_ms, source(paid), now_ms, block)
    elif move.to_state == "CANCELLED" and (told := seen.cancellation) is not None:
        ledger.book_refund(
            session, quote, told.refund_micro_usdc, told.at_ms, source(told), now_ms, told.chain_id
        )
    elif move.rule_id == "CANCELLATION_REORGED" and (told := life.cancellation) is not None:
        if told.refund_micro_usdc:
            ledger.reverse_refund(session, source(told), now_ms)
    elif move.rule_id == "PURCHASE_REORGED" and life.state != "VOID" and life.purchase is not None:
        ledger.reverse_purchase(session, source(life.purchase), now_ms)


def source(event: Purchase | Cancellation) -> str:
    """The event and its block's time: mined again in another block it is another event."""
    return f"{event.chain_id}:{event.tx_hash}:{event.log_index}@{event.at_ms}"
