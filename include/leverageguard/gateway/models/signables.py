"""Messages for a wallet to sign, as eth_signTypedData_v4 takes them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from leverageguard.gateway.models.accounts import Exchange, Uid
from leverageguard.gateway.models.common import (
    AccountId,
    ClaimId,
    Given,
    Hash32,
    InstId,
    OrderId,
)

LONGEST_STATEMENT = 2000


class BindingAsked(Given):
    """“This exchange account is mine.”"""

    exchange: Exchange
    uid: Uid


class FilingAsked(Given):
    """“This order was a liquidation under that policy.”"""

    policy_id: Hash32
    inst_id: InstId
    order_id: OrderId


class WithdrawalAsked(Given):
    """“I no longer claim this.”"""

    claim_id: ClaimId


class AppealAsked(Given):
    """“Look at my refused claim again, for this reason.”"""

    claim_id: ClaimId
    statement: str = Field(
        min_length=1, max_length=LONGEST_STATEMENT, examples=["The mark price did touch it."]
    )


class EndorsementAsked(Given):
    """“My policy shall insure this instead.”"""

    policy_id: Hash32
    account_id: AccountId
    inst_id: InstId
    leverage: int = Field(ge=1, le=1000)


class TypedField(BaseModel):
    """One field of a typed message."""

    name: str = Field(examples=["policy"])
    type: str = Field(examples=["bytes32"])


class TypedData(BaseModel):
    """The message: hand it to eth_signTypedData_v4 as it is."""

    domain: dict[str, Any]
    types: dict[str, list[TypedField]]
    primaryType: str = Field(examples=["Filing"])  # noqa: N815  as EIP-712 writes it
    message: dict[str, Any]
