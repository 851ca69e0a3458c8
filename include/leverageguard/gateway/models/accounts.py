"""Exchange accounts: bound with a signature and a read-only key that nobody reads again."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from leverageguard.gateway.models.common import (
    AccountId,
    Address,
    Given,
    Instant,
    Signature,
)

Exchange = Annotated[
    str,
    Field(pattern=r"^[a-z]{1,32}$", description="One of GET /products", examples=["okx"]),
]
Uid = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="The account's id at the venue; at a keyless venue its address",
        examples=["446557216021"],
    ),
]


def _printable(value: SecretStr) -> SecretStr:
    """A key that no header could carry is no key."""
    text = value.get_secret_value()
    if not (text.isascii() and text.isprintable() and text.strip() == text):
        raise ValueError("must be printable ASCII without spaces around it")
    return value


SecretText = Annotated[SecretStr, Field(min_length=1, max_length=256), AfterValidator(_printable)]


class AccountBrought(Given):
    """A signed binding and the key to read the account with."""

    model_config = ConfigDict(
        strict=False,
        json_schema_extra={
            "examples": [
                {
                    "exchange": "okx",
                    "uid": "446557216021",
                    "nonce": 1767578400000,
                    "signature": "0x" + "5a" * 64 + "1b",
                    "api_key": "a read-only key",
                    "api_secret": "its secret",
                    "passphrase": "its passphrase, where the venue has one",
                }
            ]
        },
    )
    exchange: Exchange
    uid: Uid
    nonce: int = Field(ge=1, le=2**53 - 1, strict=True, description="As in the signed message")
    signature: Signature
    api_key: SecretText
    api_secret: SecretText | None = Field(None, description="None at a keyless venue")
    passphrase: SecretText | None = None
    wallet: Address | None = Field(
        None, description="Whose it is: a service names it, a trader may leave it out"
    )
    account_signature: Signature | None = Field(
        None,
        description="At a keyless venue: the same message signed by the account's own address, "
        "unless that is the wallet",
    )


class AccountGiven(BaseModel):
    """A bound account; its key is never told."""

    account_id: AccountId
    exchange: Exchange
    uid: str = Field(description="Masked for everybody but its holder", examples=["…6021"])
    wallet: Address
    bound_at: Instant
    created_at: Instant
