"""Work that no claim waits for lets go before it what one does."""

from __future__ import annotations

import os

BEHIND = 10


def give_way() -> None:
    """Run the rest of this process behind others: books and reviews, while claims are taken up,
    decided and paid on the same machine. Not for what holds the warehouse's one slot: a claim's
    build would wait behind everything it should go before."""
    os.nice(BEHIND)
