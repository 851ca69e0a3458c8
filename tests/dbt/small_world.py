"""One small world for the dbt tests: each account is one case, named after what befell it.

Margins are round numbers (10 USDC at 100x unless said otherwise), so that every amount below can
be worked out by hand. A long opened at 100,000 and closed at 99,100 loses 9 of 10 USDT; its fee
is 0.4955.
"""

from __future__ import annotations

from decimal import Decimal

from tests.dbt.dbt_world import HOUR, MINUTE, START, DbtWorld, wallet

OPEN, CLOSE = START + 2 * HOUR, START + 4 * HOUR
ENTRY, END = "100000", "99100"
# 1 contract = 0.01 BTC = 1000 USDT: 10 USDT of margin at 100x.
LOSS = "-9"


def build(world: DbtWorld) -> None:
    """Play every case."""
    world.unsized = {"DOGE-USDT-SWAP"}
    world.event("chain/deposits", START - HOUR, depositor=wallet("pool"),
                amount_micro_usdc=1_000_000_000)  # fmt: skip
    for hours in range(4):
        world.candle(CLOSE + hours * HOUR, "99000", "99500")
    _paid(world)
    _refused(world)
    _waiting(world)
    _shared(world)
    _capped(world)


def _life(
    world: DbtWorld, name: str, close: str = "full", opened: int = OPEN, closed: int = CLOSE,
    policy: dict | None = None, **trade: object,
) -> str:  # fmt: skip
    """A bound account with a policy, one position opened and closed; returns the closing order."""
    world.account(name)
    world.policy(name, name, **(policy or {}))
    world.trade(name, opened, ENTRY, "1")
    return world.trade(name, closed, END, "1", close=close, pnl=LOSS, **trade)  # type: ignore[arg-type]


def _paid(world: DbtWorld) -> None:
    _life(world, "full")
    _life(world, "takeover", close="takeover")
    # Cover starts 30 minutes after the purchase and its first instant counts.
    _life(world, "first-instant", opened=START + 30 * MINUTE)
    # A venue that tells nothing in its ledger: two sources still agree.
    _life(world, "no-ledger", ledger=False)
    # The ledger names the fill alone; the fill names the order.
    _life(world, "by-fill", names_order=False)
    # No margin stated for the opening: what was opened over the leverage, 1000 / 100.
    world.account("derived")
    world.policy("derived", "derived")
    world.trade("derived", OPEN, ENTRY, "1", ledger=False)
    world.trade("derived", CLOSE, END, "1", close="full", pnl=LOSS, ledger=False)
    # Half liquidated, then the rest: each gets its half.
    world.account("halves")
    world.policy("halves", "halves")
    world.trade("halves", OPEN, ENTRY, "1")
    world.trade("halves", CLOSE, END, "0.5", close="partial", pnl="-4.5")
    world.trade("halves", CLOSE + HOUR, END, "0.5", close="full", pnl="-4.5")
    # Thirds do not divide: 1 of 3 lots.
    world.account("third")
    world.policy("third", "third", principal=7)
    world.trade("third", OPEN, ENTRY, "0.03")
    world.trade("third", CLOSE, END, "0.01", close="partial", pnl="-0.09")
    world.trade("third", CLOSE + HOUR, "100100", "0.02", close="own", pnl="0.02")
    # Net mode: one order closes a long and opens a short of 1, which is then liquidated.
    world.account("turned")
    world.policy("turned", "turned")
    world.trade("turned", OPEN, ENTRY, "2", slot="net", margin="20")
    world.trade("turned", OPEN + HOUR, ENTRY, "3", close="own", slot="net", margin="10")
    world.trade("turned", CLOSE, "100900", "1", side="short", close="full", slot="net",
                pnl=LOSS, trigger="99400")  # fmt: skip
    # Closing half and opening it again, over and over, adds nothing to the margin at stake.
    world.account("recycled")
    world.policy("recycled", "recycled", principal=50)
    world.trade("recycled", OPEN, ENTRY, "1")
    for step in range(1, 5):
        world.trade("recycled", OPEN + step * MINUTE, ENTRY, "0.5", close="own")
        world.trade("recycled", OPEN + step * MINUTE + 1, ENTRY, "0.5")
    world.trade("recycled", CLOSE, END, "1", close="full", pnl=LOSS)
    # A small loss: never more than was lost, fees included.
    world.account("small-loss")
    world.policy("small-loss", "small-loss")
    world.trade("small-loss", OPEN, ENTRY, "1")
    world.trade("small-loss", CLOSE, "99950", "1", close="takeover", pnl="-0.5", trigger="99400")


def _refused(world: DbtWorld) -> None:
    order = _life(world, "own-close", close="own")
    world.filing("own-close", "own-close", order, CLOSE + HOUR, by="own-close")
    _life(world, "adl", close="adl")
    _life(world, "opened-early", opened=START + 30 * MINUTE - 1)
    _life(world, "after-end", policy={"hours": 8, "bought": START - 4 * HOUR - 15 * MINUTE})
    _life(world, "last-instant", closed=CLOSE - 1,
          policy={"hours": 8, "bought": START - 4 * HOUR - 15 * MINUTE})  # fmt: skip
    _life(world, "over-leverage", policy={"leverage": 50})
    _life(world, "raised", policy={"leverage": 100}, leverage=110)
    _life(world, "other-symbol", policy={"inst": "ETH-USDT-SWAP"})
    _life(world, "small-principal", policy={"version": "seed-v1"})
    _life(world, "cross", mode="cross")
    _life(world, "untouched", trigger="98000")
    _life(world, "sources", ledger_kind="own")
    _life(world, "garbled-qty", fill_qty="0.9")
    world.account("too-much")
    world.policy("too-much", "too-much")
    world.trade("too-much", OPEN, ENTRY, "1")
    world.trade("too-much", CLOSE, END, "1", close="full", pnl="-10")
    world.account("wrong-uid", bound_uid="uid-of-somebody")
    world.policy("wrong-uid", "wrong-uid")
    world.trade("wrong-uid", OPEN, ENTRY, "1")
    world.trade("wrong-uid", CLOSE, END, "1", close="full", pnl=LOSS)
    world.account("wrong-signer", signer="mallory")
    world.policy("wrong-signer", "wrong-signer")
    world.trade("wrong-signer", OPEN, ENTRY, "1")
    world.trade("wrong-signer", CLOSE, END, "1", close="full", pnl=LOSS)
    world.account("bound-late", bound_at=CLOSE + 1)
    world.policy("bound-late", "bound-late")
    world.trade("bound-late", OPEN, ENTRY, "1")
    world.trade("bound-late", CLOSE, END, "1", close="full", pnl=LOSS)
    world.account("no-order")
    world.policy("no-order", "no-order")
    world.filing("no-order", "no-order", "777", CLOSE, by="no-order", misses=3)


def _waiting(world: DbtWorld) -> None:
    world.account("looked-once")
    world.policy("looked-once", "looked-once")
    world.filing("looked-once", "looked-once", "778", CLOSE, by="looked-once", misses=1)
    for endpoint in ("orders", "fills", "ledger", "positions"):
        _life(world, f"gap-{endpoint}")
        world.gap(f"gap-{endpoint}", endpoint, OPEN + HOUR)
    _life(world, "gap-after")
    world.gap("gap-after", "fills", CLOSE + HOUR)
    _life(world, "gap-long-before")
    world.gap("gap-long-before", "fills", OPEN - 2 * HOUR)
    world.account("unread", is_read=False)
    world.policy("unread", "unread")
    world.trade("unread", OPEN, ENTRY, "1")
    world.trade("unread", CLOSE, END, "1", close="full", pnl=LOSS)
    _life(world, "untouched-no-trigger", trigger="", closed=CLOSE + 30 * MINUTE)
    world.candle(CLOSE + 30 * MINUTE, "99900", "100000")
    _life(world, "no-candle", closed=CLOSE + 45 * MINUTE)
    # One source alone tells the result.
    _life(world, "one-pnl", ledger=False, fill_pnl=None)
    # The opening lies before the evidence: the slot sells what it never bought.
    world.account("old-position")
    world.policy("old-position", "old-position")
    world.trade("old-position", CLOSE, END, "1", close="full", pnl=LOSS)
    # The venue's contract size is missing; nothing may fill it in.
    world.account("no-size")
    world.policy("no-size", "no-size", inst="DOGE-USDT-SWAP")
    world.trade("no-size", OPEN, ENTRY, "1", inst="DOGE-USDT-SWAP", margin="10")
    world.trade("no-size", CLOSE, END, "1", close="full", inst="DOGE-USDT-SWAP", pnl=LOSS,
                margin="-10")  # fmt: skip
    world.candle(CLOSE, "99000", "99500", inst="DOGE-USDT-SWAP")
    # Bought, says the store; the chain does not say so yet.
    world.account("not-bought")
    world.policy("not-bought", "not-bought", is_bought=False)
    world.filing("not-bought", "not-bought", "779", CLOSE, by="not-bought", misses=3)


def _shared(world: DbtWorld) -> None:
    """One liquidation, several who want it."""
    order = _life(world, "twice")
    world.filing("twice-a", "twice", order, CLOSE + HOUR, by="twice")
    world.filing("twice-b", "twice", order, CLOSE + 2 * HOUR, by="twice")
    order = _life(world, "stranger")
    world.filing("stranger", "stranger", order, CLOSE + HOUR, by="mallory")
    order = _life(world, "filed-late", policy={"hours": 8, "bought": OPEN - HOUR})
    world.filing("filed-late", "filed-late", order, OPEN - HOUR + 32 * HOUR + 16 * MINUTE,
                 by="filed-late")  # fmt: skip
    # Somebody binds the victim's account under a label of his own and insures it too.
    _life(world, "victim")
    world.account("thief", uid="uid-victim", bound_uid="uid-thief")
    world.policy("thief", "thief", bought=START + MINUTE)
    for table in ("orders", "fills", "ledger", "positions"):
        table = "exchanges/" + table
        for row in [row for row in world.rows[table] if row["account_id"] == "victim"]:
            world.add(table, **{**row, "account_id": "thief"})
    stolen = [
        row["order_id"] for row in world.rows["exchanges/orders"] if row["account_id"] == "thief"
    ]
    world.filing("thief", "thief", stolen[-1], CLOSE + HOUR, by="thief")
    # Two policies of one holder on one account: the event is paid once.
    order = _life(world, "two-policies")
    world.policy("two-policies-b", "two-policies", bought=START + MINUTE)
    world.filing("two-policies", "two-policies", order, CLOSE + MINUTE, by="two-policies")


def _capped(world: DbtWorld) -> None:
    """Limits: per wallet and day 50 USDC, per policy its sum insured, per claim 5 % of the pool."""
    for name in ("rich-1", "rich-2"):
        world.account(name, signer="rich")
        world.policy(name, name, principal=500, owner="rich")
        world.trade(name, OPEN, ENTRY, "10")
        world.trade(name, CLOSE + (name == "rich-2"), END, "10", close="full", pnl="-90")
    world.account("exhausted")
    world.policy("exhausted", "exhausted", max_payout_micro_usdc=6_000_000)
    for at in (OPEN, OPEN + 3 * HOUR):
        world.trade("exhausted", at, ENTRY, "1")
        world.trade("exhausted", at + 2 * HOUR, END, "1", close="full", pnl=LOSS)


def margin(contracts: str, leverage: int = 100) -> Decimal:
    """USDT put into `contracts` at the entry price."""
    return Decimal(contracts) * Decimal("0.01") * Decimal(ENTRY) / leverage
