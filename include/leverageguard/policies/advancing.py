"""Bring every policy to where the facts say it is: run twice, it writes nothing the second time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from leverageguard import clock, config, lifecycle
from leverageguard.config import Settings
from leverageguard.domain.lifecycle import Machine
from leverageguard.domain.policy import Purchase, differences
from leverageguard.domain.policy_moves import Life, after, next_move
from leverageguard.policies import booking, chain_view, facts, landed, payments, register
from leverageguard.policies.chain_view import ChainView
from leverageguard.policies.facts import StoreView
from leverageguard.policies.payments import Unmatched
from leverageguard.policies.register import Recorded
from leverageguard.store import base

AT_ONCE = 200  # policies a transaction: the store has one write lock
TRIES = 3
_log = structlog.get_logger(__name__)


def advance() -> dict[str, int]:
    """Move all policies, queue payments that bought none, land both; how many of each were new."""
    settings = config.load()
    for left in reversed(range(TRIES)):
        try:
            counts = _Round.start(settings).run()
            break
        except IntegrityError:
            # Somebody else wrote a move first: look again at what stands there now.
            if not left:
                raise
            _log.info("policies_moved_meanwhile")
    landed.land(settings)
    _log.info("policies_advanced", **counts)
    return counts


@dataclass
class _Round:
    """All policies once over, with what is known now."""

    settings: Settings
    now_ms: int
    machine: Machine
    recorded: dict[str, Recorded]
    store: StoreView
    chains: ChainView
    lives: dict[str, Life] = field(default_factory=dict)

    @classmethod
    def start(cls, settings: Settings) -> _Round:
        """Read the facts; a fact that arrives meanwhile is for the next round."""
        now = clock.now_ms()
        with base.session(settings) as session:
            recorded = register.recorded(session)
            store = facts.read(settings, session)
        first = min((row.created_at_ms for row in store.quotes.values()), default=now)
        chains = chain_view.read(settings, first, now)
        return cls(settings, now, lifecycle.machine(settings, "policy"), recorded, store, chains)

    def run(self) -> dict[str, int]:
        """Write every move and every payment that is new."""
        self.lives = {policy_id: each.life for policy_id, each in self.recorded.items()}
        todo = [each for each in self.store.quotes if not self._is_closed(each)]
        moves = 0
        for start in range(0, len(todo), AT_ONCE):
            with base.session(self.settings) as session:
                moves += sum(self._move(session, each) for each in todo[start : start + AT_ONCE])
        with base.session(self.settings) as session:
            queued = payments.queue(session, self._unmatched(), self.now_ms)
            settled = payments.settle(session, self._accepted(), self.now_ms)
        return {"moves": moves, "payments_queued": queued, "payments_settled": settled}

    def _is_closed(self, policy_id: str) -> bool:
        return policy_id in self.lives and self.lives[policy_id].state == "CLOSED"

    def _move(self, session: Session, policy_id: str) -> int:
        """Write one policy's moves; how many they were."""
        before = self.recorded.get(policy_id, Recorded(Life()))
        seen = facts.of_policy(self.store, self.chains, policy_id, before, self.now_ms)
        life, txn_no = before.life, before.txn_no
        while (move := next_move(life, seen)) is not None:
            last = (txn_no, life.state)
            register.append(session, self.machine, policy_id, last, move, self.now_ms)
            booking.book(session, self.store.quotes[policy_id], life, move, seen)
            life, txn_no = after(life, move, seen), txn_no + 1
        self.lives[policy_id] = life
        return txn_no - before.txn_no

    def _unmatched(self) -> Iterator[Unmatched]:
        for paid in self.chains.purchases:
            quote = self.store.quotes.get(paid.quote_id)
            bought = self.lives[paid.quote_id].purchase if quote else None
            found = payments.unmatched(paid, facts.quoted(quote) if quote else None, bought)
            if found is not None:
                yield found
        yield from map(payments.plain_transfer, self.chains.receipts)

    def _accepted(self) -> Iterator[Purchase]:
        for policy_id, life in self.lives.items():
            quoted = facts.quoted(self.store.quotes[policy_id])
            if life.purchase is not None and not differences(quoted, life.purchase):
                yield life.purchase
