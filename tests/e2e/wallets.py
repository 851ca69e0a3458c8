"""A wallet for browser tests: an EIP-1193 provider over a real chain; its key stays in the test."""

from __future__ import annotations

import json
from typing import Any

import requests
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_utils.address import to_checksum_address
from playwright.sync_api import Page

BRIDGE = """
window.ethereum = {
  on() {},
  async request({ method, params }) {
    const answer = await window.askTestWallet(method, params ?? []);
    if (answer.error) throw Object.assign(new Error(answer.error), { code: answer.code });
    return answer.result;
  },
};
"""
REJECTED = 4001
UNSUPPORTED = 4200


class Wallet:
    """One account; it signs and sends whatever the page asks, and remembers what that was.

    It gives its address in lower case, as wallets in the wild do. While `declines` is set it
    answers as a person who declines.
    """

    def __init__(self, private_key: str, rpc: str) -> None:
        self.account = Account.from_key(private_key)
        self.address = self.account.address.lower()
        self.asked: list[str] = []
        self.declines = False
        self._rpc = rpc

    def install(self, page: Page) -> None:
        """Give the page's window the wallet, before its scripts run."""
        page.expose_function("askTestWallet", self._answer)
        page.add_init_script(BRIDGE)

    def call(self, method: str, *params: Any) -> Any:
        """The node's answer."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = requests.post(self._rpc, json=body, timeout=30).json()
        assert "error" not in answer, answer
        return answer["result"]

    def _answer(self, method: str, params: list[Any]) -> dict[str, Any]:
        self.asked.append(method)
        if self.declines and method != "eth_chainId":
            return {"error": "User rejected the request.", "code": REJECTED}
        if method == "eth_requestAccounts":
            return {"result": [self.address]}
        if method == "personal_sign":
            return {"result": self._signature(encode_defunct(hexstr=params[0]))}
        if method == "eth_signTypedData_v4":
            return {
                "result": self._signature(encode_typed_data(full_message=json.loads(params[1])))
            }
        if method == "eth_sendTransaction":
            return {"result": self._send(params[0])}
        if method in ("eth_chainId", "eth_getTransactionReceipt"):
            return {"result": self.call(method, *params)}
        return {"error": f"{method} is not supported", "code": UNSUPPORTED}

    def _signature(self, message: Any) -> str:
        return "0x" + bytes(self.account.sign_message(message).signature).hex()

    def _send(self, asked: dict[str, str]) -> str:
        """Sign with the account's next nonce, send, and have the chain mine it."""
        assert asked["from"].lower() == self.address
        signed = self.account.sign_transaction({
            "to": to_checksum_address(asked["to"]), "data": asked["data"],
            "value": int(asked["value"], 16), "gas": int(asked["gas"], 16),
            "nonce": int(self.call("eth_getTransactionCount", self.address, "pending"), 16),
            "chainId": int(self.call("eth_chainId"), 16), "type": 2,
            "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9,
        })  # fmt: skip
        return str(self.call("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex()))
