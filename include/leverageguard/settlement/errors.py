"""What can stop a settlement, each as a plain sentence with the fix."""

from __future__ import annotations


class SettlementError(Exception):
    """Settling stopped; nothing was paid that the store does not know of."""


class ChainUnreachable(SettlementError):
    """The node did not answer; what was sent before may or may not have arrived."""


class WrongChain(SettlementError):
    """The node serves another chain, or the pool does not exist on it."""


class ChainsFailed(SettlementError):
    """Some of the chains stopped with errors of their own; the others are done."""


class CallRefused(SettlementError):
    """The contract would refuse, or refused, the call; the message carries its error."""


class PoolTooSmall(SettlementError):
    """The pool's free balance does not cover the batch."""


class StoreAndChainDisagree(SettlementError):
    """The chain does not hold what the store says it holds, or the other way round."""


class FinalBatchLost(StoreAndChainDisagree):
    """The chain lost blocks under a batch that was final: an incident says which."""


class OutcomeUnknown(SettlementError):
    """A transaction was sent and is neither mined nor replaced yet: settle again later."""


class LeaseHeld(SettlementError):
    """Another worker is settling on this contract."""


class NotEnoughSigners(SettlementError):
    """Fewer verifier keys than the contract's threshold asks for."""


class PlanRefused(SettlementError):
    """An approved item cannot be planned as it stands."""


class GasMoneyTooLow(SettlementError):
    """The sender cannot pay for the gas; nothing was signed."""


class FeeCapReached(SettlementError):
    """The chain asks more for gas than the configured cap allows: wait, or raise the cap."""


class LedgerLost(SettlementError):
    """The store does not know of payouts that were made or landed: nothing is planned on it."""


class FeeTooLow(SettlementError):
    """The node wants a higher fee before it takes the transaction."""


class NonceUsed(SettlementError):
    """The account's nonce has moved past the transaction's."""


class Halted(SettlementError):
    """An incident is open: nothing new is signed until somebody resolved it."""


class BooksDiffer(SettlementError):
    """Claims, store and chain do not agree on a batch; an incident is open for each difference."""


class SignerFailed(SettlementError):
    """A key service gave no usable signature."""


class KeysTogether(SettlementError):
    """One process can read several verifiers' keys, where no two may lie together."""


class WithdrawalsStopped(SettlementError):
    """Some withdrawals stopped with errors of their own; the others went as far as they may."""
