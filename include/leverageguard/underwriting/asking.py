"""What a trader asks a quote for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Literal

from eth_utils.address import is_address

from leverageguard.domain.evidence import canonical_json
from leverageguard.domain.probability import SIDES, Side

TEXT_LENGTH = 64


@dataclass(frozen=True)
class Asked:
    """A request; `reference` is the client's idempotency key, the rest is its body.

    The side is where the exposure is counted: a cover pays on both, so both are priced.
    `is_taken_over` is a policy sold elsewhere: priced and signed as it was, past the seller's
    gates. Raises ValueError naming the field that cannot be.
    """

    reference: str
    wallet: str
    account_id: str
    inst_id: str
    leverage: int
    principal_micro_usdc: int
    cover_hours: int
    side: Side | Literal["either"] = "either"
    product_version: str | None = None
    referrer: str | None = None
    is_taken_over: bool = False

    def __post_init__(self) -> None:
        for name in ("reference", "account_id", "inst_id"):
            if not 0 < len(getattr(self, name)) <= TEXT_LENGTH:
                raise ValueError(f"{name} must have 1 to {TEXT_LENGTH} characters")
        for name in ("wallet", "referrer"):
            value = getattr(self, name)
            if not (is_address(value) or (name == "referrer" and value is None)):
                raise ValueError(f"{name} must be an address of 20 bytes in 0x-hex, not {value!r}")
        if self.side not in (*SIDES, "either"):
            raise ValueError(f"side must be long, short or either, not {self.side!r}")
        if self.leverage < 1:
            raise ValueError(f"leverage must be at least 1, not {self.leverage}")

    def body(self) -> str:
        """Canonical JSON of everything but the reference, addresses in lower case."""
        content = {name: value for name, value in asdict(self).items() if name != "reference"}
        for name in ("wallet", "referrer"):
            content[name] = content[name] and content[name].lower()
        content["principal_micro_usdc"] = str(self.principal_micro_usdc)
        return canonical_json(content).decode()

    def body_hash(self) -> str:
        """sha256 (0x-hex) of the body: what tells a repeated request from another one."""
        return "0x" + sha256(self.body().encode()).hexdigest()
