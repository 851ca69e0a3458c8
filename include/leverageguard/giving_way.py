"""Work that no claim waits for lets go before it what one does."""

from __future__ import annotations

import os

BEHIND = 10


def give_way() -> None:
    """Run the rest of this process behind others: reports, books and reviews, while claims are
    taken up, decided and paid on the same machine."""
    os.nice(BEHIND)
