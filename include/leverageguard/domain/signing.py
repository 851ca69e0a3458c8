"""The EIP-712 messages a trader signs: binding an account, changing a policy, filing a claim,
withdrawing it, appealing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

DOMAIN_NAME = "LeverageGuard"


@dataclass(frozen=True)
class Binding:
    """“This exchange account is mine, and this wallet is to be paid.”"""

    exchange: str
    uid: str
    wallet: str
    nonce: int


@dataclass(frozen=True)
class Filing:
    """“This order was a liquidation under that policy.” `policy` is 32 bytes in 0x-hex."""

    policy: str
    inst_id: str
    order_id: str


@dataclass(frozen=True)
class Endorsement:
    """“My policy shall insure this instead.” The n-th change of the policy, 32 bytes in 0x-hex."""

    policy: str
    account: str
    inst_id: str
    leverage: int
    number: int


@dataclass(frozen=True)
class Withdrawal:
    """“I no longer claim this.” `policy` is 32 bytes in 0x-hex, `claim` the claim's id."""

    policy: str
    claim: str


@dataclass(frozen=True)
class Appeal:
    """“Look at my refused claim again, for this reason.”"""

    policy: str
    claim: str
    statement: str


Message = Binding | Filing | Endorsement | Withdrawal | Appeal

_DOMAIN_FIELDS = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
]
_FIELDS: dict[type, list[dict[str, str]]] = {
    Binding: [
        {"name": "exchange", "type": "string"},
        {"name": "uid", "type": "string"},
        {"name": "wallet", "type": "address"},
        {"name": "nonce", "type": "uint256"},
    ],
    Filing: [
        {"name": "policy", "type": "bytes32"},
        {"name": "inst_id", "type": "string"},
        {"name": "order_id", "type": "string"},
    ],
    Endorsement: [
        {"name": "policy", "type": "bytes32"},
        {"name": "account", "type": "string"},
        {"name": "inst_id", "type": "string"},
        {"name": "leverage", "type": "uint256"},
        {"name": "number", "type": "uint256"},
    ],
    Withdrawal: [
        {"name": "policy", "type": "bytes32"},
        {"name": "claim", "type": "string"},
    ],
    Appeal: [
        {"name": "policy", "type": "bytes32"},
        {"name": "claim", "type": "string"},
        {"name": "statement", "type": "string"},
    ],
}


def message(value: Message, chain_id: int) -> SignableMessage:
    """The typed-data message a wallet signs for one chain."""
    name = type(value).__name__
    return encode_typed_data(_domain(chain_id), {name: _FIELDS[type(value)]}, asdict(value))


def typed_data(value: Message, chain_id: int) -> dict[str, Any]:
    """The same message as a wallet's eth_signTypedData_v4 takes it: JSON, with its types."""
    name = type(value).__name__
    return {
        "domain": _domain(chain_id),
        "types": {"EIP712Domain": _DOMAIN_FIELDS, name: _FIELDS[type(value)]},
        "primaryType": name,
        "message": asdict(value),
    }


def sign(value: Message, chain_id: int, private_key: str) -> str:
    """The 65-byte signature in 0x-hex."""
    signed = Account.sign_message(message(value, chain_id), private_key)
    return "0x" + bytes(signed.signature).hex()


def signer(value: Message, chain_id: int, signature: str) -> str:
    """The lower-case address that signed; raises ValueError on a malformed signature."""
    try:
        return str(Account.recover_message(message(value, chain_id), signature=signature)).lower()
    except (BadSignature, ValidationError, IndexError) as error:
        raise ValueError(f"malformed signature: {error}") from None


def _domain(chain_id: int) -> dict[str, Any]:
    return {"name": DOMAIN_NAME, "version": "1", "chainId": chain_id}
