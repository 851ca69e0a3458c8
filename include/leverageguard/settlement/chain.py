"""One connection to one chain: checked before use, with errors in plain words.

In a simulated world every transaction is stamped with the world's time before it is sent.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from web3 import Web3
from web3.exceptions import (
    BlockNotFound,
    ContractLogicError,
    TransactionNotFound,
    Web3Exception,
    Web3RPCError,
)

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.settlement import errors
from leverageguard.settlement.chain_values import Block, Fees, Receipt
from leverageguard.settlement.contracts import reverts
from leverageguard.settlement.contracts.call import Call, hex_of
from leverageguard.settlement.contracts.pool import Pool
from leverageguard.settlement.contracts.token import Token
from leverageguard.settlement.provider import FallbackProvider
from leverageguard.settlement.signing.signers import Signer

__all__ = ["Block", "Call", "Chain", "Fees", "Receipt", "connect"]

TX_GAS_LIMIT = 16_777_216  # EIP-7825: the most one transaction may use
LOG_RANGE_BLOCKS = 2_000
_KNOWN = ("already known", "already imported", "known transaction")
_NONCE = ("nonce too low", "nonce is too low", "old nonce")
_FEE = ("underpriced", "less than block base fee", "fee too low", "max fee per gas")


class Chain:
    """The node of `settings`; build it with `connect`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.nodes = FallbackProvider(settings.chain_rpc_urls, settings.chain_id)
        self.web3 = Web3(self.nodes)

    def pool(self) -> Pool:
        """The deployed pool; raises WrongChain when there is no code at its address."""
        deployed = self.settings.deployment()
        if deployed.chain_id != self.settings.chain_id:
            raise errors.WrongChain(
                f"{self.settings.deployment_path} is for chain {deployed.chain_id}, the settings "
                f"say {self.settings.chain_id}: set LEVERAGEGUARD_CHAIN_ID or deploy again"
            )
        with self._plainly():
            code = self.web3.eth.get_code(Web3.to_checksum_address(deployed.pool))
        if not code:
            raise errors.WrongChain(
                f"no contract at {deployed.pool} on chain {deployed.chain_id} "
                f"({self.nodes.name}): the chain lost its state or the pool was never "
                "deployed there"
            )
        return Pool(self.web3, self.settings, deployed.pool)

    def token(self) -> Token:
        """The pool's token."""
        return Token(self.web3, self.settings, self.settings.deployment().token)

    def head(self) -> Block:
        """The newest block."""
        block = self.block("latest")
        if block is None:
            raise errors.ChainUnreachable("the node has no blocks")
        return block

    def block(self, which: int | str) -> Block | None:
        """A block by number or name, None when the chain has none there."""
        try:
            with self._plainly():
                found = cast("dict[str, Any]", self.web3.eth.get_block(cast("Any", which)))
        except BlockNotFound:
            return None
        return Block(
            int(found["number"]),
            hex_of(found["hash"]),
            int(found["timestamp"]),
            int(found.get("baseFeePerGas", 0)),
        )

    def nonce(self, address: str) -> int:
        """The account's next nonce, mined transactions only."""
        with self._plainly():
            return int(self.web3.eth.get_transaction_count(Web3.to_checksum_address(address)))

    def balance(self, address: str) -> int:
        """What the account holds of the chain's own coin, wei."""
        with self._plainly():
            return int(self.web3.eth.get_balance(Web3.to_checksum_address(address)))

    def receipt(self, tx_hash: str) -> Receipt | None:
        """The receipt, or None while the transaction is in no block."""
        try:
            with self._plainly():
                found = cast("dict[str, Any]", self.web3.eth.get_transaction_receipt(tx_hash))  # type: ignore[arg-type]
        except TransactionNotFound:
            return None
        return Receipt(
            tx_hash,
            int(found["status"]) == 1,
            int(found["blockNumber"]),
            hex_of(found["blockHash"]),
            int(found["gasUsed"]),
            int(found["effectiveGasPrice"]),
            found.get("contractAddress"),
            [dict(log) for log in found["logs"]],
        )

    def fees(self) -> Fees:
        """Fees that survive a doubling of the base fee, as far as the cap goes.

        Raises FeeCapReached when not even the next block can be paid for.
        """
        with self._plainly():
            tip = max(int(self.web3.eth.max_priority_fee), self.settings.chain.priority_fee_wei)
        base_fee = self.head().base_fee_wei
        cap = self.settings.chain.max_fee_wei
        if cap is not None and base_fee + tip > cap:
            raise errors.FeeCapReached(
                f"chain {self.settings.chain_id} asks {base_fee + tip} wei a gas, max_fee_gwei "
                f"allows {cap}: settle again later, or raise it"
            )
        most = 2 * base_fee + tip
        return Fees(most if cap is None else min(most, cap), tip)

    def logs(
        self, address: str, topics: Sequence[Any], first_block: int, last_block: int
    ) -> Iterator[dict[str, Any]]:
        """Raw logs of the block range (both ends included), asked in bounded pieces."""
        for start in range(first_block, last_block + 1, LOG_RANGE_BLOCKS):
            end = min(start + LOG_RANGE_BLOCKS - 1, last_block)
            with self._plainly():
                found = self.web3.eth.get_logs(
                    {
                        "address": Web3.to_checksum_address(address),
                        "topics": list(topics),
                        "fromBlock": start,
                        "toBlock": end,
                    }
                )
            for log in found:
                yield dict(log)

    def preflight(self, call: Call, sender: str) -> int:
        """Run the call without sending it; a gas limit with a fifth to spare.

        Raises CallRefused with the contract's reason, or when no transaction may use that much.
        """
        request: Any = {"from": sender, "data": call.data}
        if call.to:
            request["to"] = call.to
        try:
            # The pending block carries the time the next block will have; limits are per day.
            self.web3.eth.call(request, "pending")
            gas = int(self.web3.eth.estimate_gas(request, "pending"))
        except ContractLogicError as refusal:
            reason = reverts.explain(self.settings, refusal.data, str(refusal.message))
            raise errors.CallRefused(f"the chain would refuse {call.label}: {reason}") from None
        except Web3RPCError as refusal:
            raise errors.CallRefused(f"the node would not run {call.label}: {refusal}") from None
        if gas > TX_GAS_LIMIT:
            raise errors.CallRefused(
                f"{call.label} needs {gas} gas, one transaction may use {TX_GAS_LIMIT}"
            )
        return min(gas * 6 // 5, TX_GAS_LIMIT)

    def fields(self, call: Call, nonce: int, gas: int, fees: Fees) -> dict[str, Any]:
        """The unsigned EIP-1559 transaction."""
        made: dict[str, Any] = {
            "type": 2,
            "chainId": self.settings.chain_id,
            "nonce": nonce,
            "gas": gas,
            "maxFeePerGas": fees.max_fee_wei,
            "maxPriorityFeePerGas": fees.priority_wei,
            "value": 0,
            "data": call.data,
        }
        return made | ({"to": call.to} if call.to else {})

    def broadcast(self, raw: bytes) -> None:
        """Hand signed bytes to the node; a transaction it already knows is fine.

        Raises NonceUsed, FeeTooLow, ChainUnreachable (it may have arrived) or CallRefused.
        """
        try:
            self.web3.eth.send_raw_transaction(raw)
        except Web3RPCError as refusal:
            text = str(refusal).lower()
            if any(known in text for known in _KNOWN):
                return
            if any(known in text for known in _NONCE):
                raise errors.NonceUsed(str(refusal)) from None
            if any(known in text for known in _FEE):
                raise errors.FeeTooLow(str(refusal)) from None
            raise errors.CallRefused(f"the node refused the transaction: {refusal}") from None

    def wait(self, tx_hash: str, patience_s: float, poll_s: float = 0.1) -> Receipt | None:
        """The receipt as soon as there is one, None when `patience_s` real seconds have passed."""
        until = time.monotonic() + patience_s
        while (found := self.receipt(tx_hash)) is None and time.monotonic() < until:
            time.sleep(poll_s)
        return found

    def wait_for_depth(self, block_number: int, patience_s: float, poll_s: float = 0.5) -> bool:
        """True when the block has the configured confirmations, False when patience ended.

        A simulated world's chain mines the missing blocks instead of waiting for them.
        """
        until = time.monotonic() + patience_s
        while (missing := block_number + self.settings.confirmations - self.head().number) > 0:
            if clock.is_simulated():
                self.mine(missing)
            elif time.monotonic() >= until:
                return False
            else:
                time.sleep(poll_s)
        return True

    def send(self, signer: Signer, call: Call, patience_s: float = 60) -> Receipt:
        """Send a call outside the outbox (set-up, purchases) and wait until it is mined."""
        self.stamp()
        nonce = self.nonce(signer.address)
        gas = self.preflight(call, signer.address)
        raw, tx_hash = signer.sign_transaction(self.fields(call, nonce, gas, self.fees()))
        self.broadcast(raw)
        receipt = self.wait(tx_hash, patience_s, 0.02)
        if receipt is None:
            raise errors.OutcomeUnknown(
                f"{call.label} ({tx_hash}) is not mined after {patience_s} s"
            )
        if not receipt.succeeded:
            raise errors.CallRefused(f"{call.label} ({tx_hash}) was reverted")
        return receipt

    def next_timestamp(self) -> int:
        """The time the next block should carry, epoch seconds."""
        return max(clock.now_ms() // 1000, self.head().timestamp + 1)

    def stamp(self) -> None:
        """Give the next block the world's time; does nothing outside a simulated world."""
        if clock.is_simulated():
            self._rpc("evm_setNextBlockTimestamp", [self.next_timestamp()])

    def mine(self, blocks: int) -> None:
        """Mine empty blocks at the world's time; only a simulated world's chain can."""
        if not clock.is_simulated():
            raise errors.SettlementError("blocks can be mined on demand in a simulated world only")
        self.stamp()
        self._rpc("anvil_mine", [hex(blocks)])

    def _rpc(self, method: str, params: list[Any]) -> Any:
        with self._plainly():
            answer = self.web3.provider.make_request(cast("Any", method), params)
        if "error" in answer:
            raise errors.SettlementError(f"{method}: {answer['error'].get('message')}")
        return answer.get("result")

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        try:
            yield
        except (BlockNotFound, TransactionNotFound):
            raise
        except Web3Exception as fault:
            raise errors.ChainUnreachable(f"unusable answer from the chain: {fault}") from None


def connect(settings: Settings) -> Chain:
    """A connection to the chain of the settings; raises WrongChain when the node serves another."""
    chain = Chain(settings)
    chain._rpc("eth_chainId", [])
    return chain
