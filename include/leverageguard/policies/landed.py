"""Land the moves of policies and the payments without one as raw Parquet."""

from __future__ import annotations

from leverageguard import store_landing
from leverageguard.config import Settings
from leverageguard.store.policy_tables import PaymentException, PolicyTxn

TXNS = "lifecycle/policy_txns"
PAYMENTS = "lifecycle/payment_exceptions"


def land(settings: Settings) -> dict[str, int]:
    """Land the hours that the files do not show as the store has them; rows landed per table.

    A move never changes; a payment changes once, when somebody resolves it.
    """
    payments = PaymentException.created_at_ms
    return {
        TXNS: store_landing.land(settings, TXNS, PolicyTxn.recorded_at_ms),
        PAYMENTS: store_landing.land(settings, PAYMENTS, payments, do_rows_change=True),
    }
