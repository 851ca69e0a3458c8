"""What a transaction may cost its sender in the chain's own coin: looked at before it is signed."""

from __future__ import annotations

from decimal import Decimal

import structlog

from leverageguard.settlement import errors
from leverageguard.settlement.chain import Chain
from leverageguard.settlement.chain_values import Fees

LOW_AT_TRANSACTIONS = 10  # warn below so many of the one at hand, where no threshold is set
_log = structlog.get_logger(__name__)


def require(chain: Chain, sender: str, gas_limit: int, fees: Fees) -> None:
    """Raise GasMoneyTooLow unless the sender can pay this much gas at this fee; warn when low."""
    needed = gas_limit * fees.max_fee_wei
    held = chain.balance(sender)
    if held < needed:
        raise errors.GasMoneyTooLow(
            f"{sender} holds {ether(held)} for gas on chain {chain.settings.chain_id}, the next "
            f"transaction may cost {ether(needed)}: nothing was signed; send it at least "
            f"{ether(needed - held)}, then run settle_payouts again"
        )
    enough = chain.settings.chain.gas_money_alert_wei or LOW_AT_TRANSACTIONS * needed
    if held < enough:
        _log.warning("gas_money_low", sender=sender, held=ether(held), alert_below=ether(enough))


def ether(wei: int) -> str:
    """Wei as text in the coin's whole units."""
    return f"{Decimal(wei).scaleb(-18).normalize():f} ETH"
