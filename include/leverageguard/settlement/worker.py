"""What settling one contract needs at hand: chain, pool, keys, and who is doing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from leverageguard.config import Settings
from leverageguard.settlement import chain as chains
from leverageguard.settlement import errors, lease
from leverageguard.settlement.chain import Chain
from leverageguard.settlement.contracts.pool import Pool
from leverageguard.settlement.signing import signers
from leverageguard.settlement.signing.signers import Signer

DEPTH_PATIENCE_S = 600


@dataclass(frozen=True)
class Worker:
    """A settler that holds the lease; `name` stands in the event rows."""

    settings: Settings
    chain: Chain
    pool: Pool
    proposer: Signer
    verifiers: list[Signer]
    name: str

    def renew(self) -> None:
        """Make sure the lease is still ours before an irreversible step."""
        lease.renew(self.settings, self.pool.address, self.name)

    def wait_for_depth(self, block_number: int) -> None:
        """Return when the block has the configured confirmations; OutcomeUnknown if too slow."""
        if not self.chain.wait_for_depth(block_number, DEPTH_PATIENCE_S):
            raise errors.OutcomeUnknown(
                f"block {block_number} has fewer than {self.settings.confirmations} blocks on top "
                f"after {DEPTH_PATIENCE_S} s: try again later"
            )


@contextmanager
def at_work(settings: Settings) -> Iterator[Worker]:
    """A worker with the lease; raises ConfigError without a proposer key."""
    chain = chains.connect(settings)
    pool = chain.pool()
    proposer = signers.required_proposer(settings)
    verifiers: list[Signer] = [*signers.verifiers(settings)]
    with lease.held(settings, pool.address) as name:
        yield Worker(settings, chain, pool, proposer, verifiers, name)
