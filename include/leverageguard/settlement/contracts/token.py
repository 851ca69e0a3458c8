"""The USDC-like token: one method a call; amounts in micro-USDC."""

from __future__ import annotations

from typing import Any

from web3 import Web3
from web3.contract import Contract

from leverageguard.config import Settings
from leverageguard.settlement.contracts import artifact
from leverageguard.settlement.contracts.call import Call

NAME = "TestUSDC"


class Token:
    """One deployed token; minting and denying exist on the test token only."""

    def __init__(self, web3: Web3, settings: Settings, address: str) -> None:
        self.address = Web3.to_checksum_address(address)
        abi = artifact.load(settings, NAME).abi
        self._contract: Contract = web3.eth.contract(address=self.address, abi=abi)

    def balance_of(self, account: str) -> int:
        """What an account holds, micro-USDC."""
        checksummed = Web3.to_checksum_address(account)
        return int(self._contract.functions.balanceOf(checksummed).call())

    def allowance(self, owner: str, spender: str) -> int:
        """What `spender` may still take from `owner`, micro-USDC."""
        return int(self._contract.functions.allowance(owner, spender).call())

    def approve(self, spender: str, amount: int) -> Call:
        """Let `spender` take up to `amount` from the sender."""
        return self._call("approve", [spender, amount])

    def transfer(self, to: str, amount: int) -> Call:
        """Send the sender's own money."""
        return self._call("transfer", [Web3.to_checksum_address(to), amount])

    def mint(self, to: str, amount: int) -> Call:
        """Create test money; the token's owner sends it."""
        return self._call("mint", [to, amount])

    def set_denied(self, account: str, denied: bool) -> Call:
        """Put an account on the issuer's deny list or take it off; the owner sends it."""
        return self._call("setDenied", [account, denied])

    def _call(self, name: str, args: list[Any]) -> Call:
        return Call(self.address, self._contract.encode_abi(name, args), name)


def deployment(settings: Settings) -> Call:
    """The call that deploys the test token."""
    return Call(None, artifact.load(settings, NAME).bytecode, f"deploy {NAME}")
