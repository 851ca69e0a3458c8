"""What a person needs to try a simulated stack: spare accounts, test money, and time that passes.

Refused outside of a simulated world, and on any chain but the embedded one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.settlement import chain as chains
from leverageguard.settlement.chain import Chain
from leverageguard.settlement.signing import signers
from leverageguard.simulator import scenario as scenarios
from leverageguard.simulator.values import Visitor
from leverageguard.stack import local_chain, traders
from leverageguard.stack.progress import StackError

TEST_MONEY_MICRO_USDC = 1_000_000_000
HOUR_SECONDS = 3600


def visitors(settings: Settings) -> list[dict[str, Any]]:
    """Every visitor with its throw-away keys and what will befall its one position."""
    _refuse_unless_simulated(settings)
    world = scenarios.load(settings.world_dir / "scenario")
    return [_shown(visitor) for visitor in world.visitors]


def lines(settings: Settings) -> list[str]:
    """The visitors as text, under the world's time."""
    head = [
        "SIMULATED WORLD: accounts, keys and money below are made up and worth nothing.",
        f"The world's time is {_iso(clock.now_ms())}.",
        "Each visitor's position is opened and force-liquidated at the times shown: bind the key,",
        "buy a cover that starts before, let the time pass (world advance), then claim the order.",
    ]
    return head + [line for each in visitors(settings) for line in _lines(each)]


def fund(settings: Settings, address: str) -> str:
    """Give an address test USDC and gas; what it holds now."""
    chain = _embedded(settings)
    local_chain.give_gas(settings, address)
    token = chain.token()
    chain.send(
        signers.key_signer(settings, "chain_admin"), token.mint(address, TEST_MONEY_MICRO_USDC)
    )
    return f"SIMULATED: {address} holds {token.balance_of(address)} micro-USDC of test money"


def advance(settings: Settings, hours: int) -> str:
    """Let so many hours of the world pass, on the chain too; its time now.

    Raises StackError unless time moves forward.
    """
    if hours < 1:
        raise StackError(f"--hours is {hours}: time passes forward only, name at least 1")
    chain = _embedded(settings)
    clock.sleep(hours * HOUR_SECONDS)
    chain.mine(1)
    return f"SIMULATED: the world's time is {_iso(clock.now_ms())}"


def _embedded(settings: Settings) -> Chain:
    _refuse_unless_simulated(settings)
    if settings.chain.rpc or settings.chain_rpc:
        raise StackError(f"[{settings.chain.name}] is no embedded chain: nothing is made up there")
    return chains.connect(settings)


def _refuse_unless_simulated(settings: Settings) -> None:
    if not settings.is_simulated:
        raise StackError(
            f"no simulated world is in use in {settings.data_dir}: ./leverageguard up makes one"
        )


def _shown(visitor: Visitor) -> dict[str, Any]:
    account, key = visitor.account, scenarios.key_of(visitor.account)
    return {
        "visitor": account.account_id,
        "wallet": traders.wallet(account.wallet),
        "wallet_private_key": scenarios.wallet_key(account.wallet),
        "exchange": account.exchange,
        "uid": account.uid,
        "api_key": key.api_key,
        "api_secret": key.api_secret,
        "passphrase": key.passphrase,
        "inst_id": visitor.inst_id,
        "side": visitor.side,
        "leverage": visitor.leverage,
        "opened_at": _iso(visitor.opened_at_ms),
        "liquidated_at": _iso(visitor.liquidated_at_ms),
        "order_id": visitor.order_id,
        "is_simulated": True,
    }


def _lines(each: dict[str, Any]) -> list[str]:
    key = each["api_key"] + "".join(
        f" / {each[n]}" for n in ("api_secret", "passphrase") if each[n]
    )
    return [
        "",
        f"{each['visitor']} at {each['exchange']}, uid {each['uid']}",
        f"  wallet    {each['wallet']}",
        f"            private key {each['wallet_private_key']}",
        f"  API key   {key}",
        f"  position  {each['side']} {each['inst_id']} {each['leverage']}x, opened "
        f"{each['opened_at']}, liquidated {each['liquidated_at']}, order {each['order_id']}",
    ]


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
