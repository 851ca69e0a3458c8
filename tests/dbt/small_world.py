"""One small world for the dbt tests: each account is one case, named after what befell it.

Margins are round numbers (10 USDC at 100x unless said otherwise), so that every amount below can
be worked out by hand. A long opened at 100,000 and closed at 99,100 loses 9 of 10 USDT; its fee
is 0.4955.
"""

from __future__ import annotations

from decimal import Decimal

from tests.dbt import people_world
from tests.dbt.dbt_world import HOUR, MINUTE, START, DbtWorld, wallet

OPEN, CLOSE = START + 2 * HOUR, START + 4 * HOUR
ENTRY, END = "100000", "99100"
# 1 contract = 0.01 BTC = 1000 USDT: 10 USDT of margin at 100x.
LOSS = "-9"
# Accounts with gaps trade an asset of their own: they could hide a twin of anybody's in it.
GAPPED = "SOL-USDT-SWAP"


def build(world: DbtWorld) -> None:
    """Play every case."""
    world.unsized = {"DOGE-USDT-SWAP"}
    world.event("chain/deposits", START - HOUR, depositor=wallet("pool"),
                amount_micro_usdc=1_000_000_000)  # fmt: skip
    for hours in range(6):
        world.prices(CLOSE + hours * HOUR, "99000", "99500")
    for inst in ("ETH-USDT-SWAP", GAPPED):
        world.prices(CLOSE, "99000", "99500", inst=inst)
    _paid(world)
    _untold(world)
    _refused(world)
    _waiting(world)
    _shared(world)
    _capped(world)
    _keys_and_roots(world)
    _market(world)
    _induced(world)
    _hedged(world)
    _unread(world)
    _reviewed(world)
    people_world.play(world)


def _life(
    world: DbtWorld, name: str, close: str = "full", opened: int = OPEN, closed: int = CLOSE,
    policy: dict | None = None, inst: str = "BTC-USDT-SWAP", **trade: object,
) -> str:  # fmt: skip
    """A bound account with a policy, one position opened and closed; returns the closing order."""
    world.account(name)
    world.policy(name, name, **{"inst": inst, **(policy or {})})
    world.trade(name, opened, ENTRY, "1", inst=inst)
    return world.trade(name, closed, END, "1", close=close, pnl=LOSS, inst=inst, **trade)  # type: ignore[arg-type]


def _paid(world: DbtWorld) -> None:
    _life(world, "full")
    _life(world, "takeover", close="takeover")
    # Cover starts 30 minutes after the purchase and its first instant counts.
    _life(world, "first-instant", opened=START + 30 * MINUTE)
    # A venue that tells nothing in its ledger: two sources still agree.
    _life(world, "no-ledger", ledger=False)
    # One source alone tells the result, and it is what the prices give.
    _life(world, "one-pnl", ledger=False, fill_pnl=None)
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


def _untold(world: DbtWorld) -> None:
    """Closes whose trigger the venue does not state: half of the margin ends at 99500."""
    _life(world, "untold-trigger", trigger="", closed=CLOSE + 25 * MINUTE)
    world.prices(CLOSE + 25 * MINUTE, "99699", "99900")
    _life(world, "untold-and-far", trigger="", closed=CLOSE + 30 * MINUTE)
    world.prices(CLOSE + 30 * MINUTE, "99699.1", "99900")


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
    world.account("one-wrong-pnl")
    world.policy("one-wrong-pnl", "one-wrong-pnl")
    world.trade("one-wrong-pnl", OPEN, ENTRY, "1")
    world.trade("one-wrong-pnl", CLOSE, END, "1", close="full", pnl="-9.5", ledger=False,
                fill_pnl=None)  # fmt: skip
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
        _life(world, f"gap-{endpoint}", inst=GAPPED)
        world.gap(f"gap-{endpoint}", endpoint, OPEN + HOUR)
    _life(world, "gap-after", inst=GAPPED)
    world.gap("gap-after", "fills", CLOSE + HOUR)
    _life(world, "gap-long-before", inst=GAPPED)
    world.gap("gap-long-before", "fills", OPEN - 2 * HOUR)
    world.account("unread", is_read=False)
    world.policy("unread", "unread")
    world.trade("unread", OPEN, ENTRY, "1")
    world.trade("unread", CLOSE, END, "1", close="full", pnl=LOSS)
    _life(world, "no-candle", closed=CLOSE + 45 * MINUTE)
    world.candle(CLOSE + 45 * MINUTE, "99000", "99500", kind="trade", volume="1000000")
    # Nobody tells the result.
    world.account("no-pnl")
    world.policy("no-pnl", "no-pnl")
    world.trade("no-pnl", OPEN, ENTRY, "1")
    world.trade("no-pnl", CLOSE, END, "1", close="full", pnl=None)
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
    world.prices(CLOSE, "99000", "99500", inst="DOGE-USDT-SWAP")
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


def _keys_and_roots(world: DbtWorld) -> None:
    for name, config in (
        ("key-trades", {"is_read_only": False, "permissions": "read_only,trade"}),
        ("key-unknown", {"is_read_only": None}),
        ("no-root", {"root_uid": None}),
    ):
        world.account(name, **config)  # type: ignore[arg-type]
        world.policy(name, name)
        world.trade(name, OPEN, ENTRY, "1")
        world.trade(name, CLOSE, END, "1", close="full", pnl=LOSS)
    # The venue itself says that the key is a demo key: no evidence will ever come.
    world.account("demo", is_read=False)
    world.add("exchanges/account_configs", account_id="demo", environment="demo",
              taken_at_ms=START + HOUR)  # fmt: skip
    world.policy("demo", "demo")
    world.filing("demo", "demo", "780", CLOSE, by="demo")
    for hours in range(-2, 48):
        world.gap("demo", "orders", START + hours * HOUR)
    # Two holders under one root: the one who bound first owns it. One holder may have two.
    for name, root, signer, bound_at in (
        ("root-first", "root-a", "", START), ("root-second", "root-a", "", START + 1),
        ("root-same-1", "root-b", "root-same", START),
        ("root-same-2", "root-b", "root-same", START + 1),
    ):  # fmt: skip
        world.account(name, root=root, signer=signer, bound_at=bound_at)
        world.policy(name, name, owner=signer)
        world.trade(name, OPEN, ENTRY, "1")
        world.trade(name, CLOSE, END, "1", close="full", pnl=LOSS)


def _market(world: DbtWorld) -> None:
    """Prices no other venue saw, and positions big beside the market."""
    for minutes, name, seen in (
        (10, "seen-near", ("96030", "99500")), (15, "seen-far", ("96020", "99500")),
        (20, "seen-nowhere", None),
    ):  # fmt: skip
        _life(world, name, closed=CLOSE + minutes * MINUTE)
        world.prices(CLOSE + minutes * MINUTE, "99000", "99500", elsewhere=seen)
    # A close of 991 USDT: 5 % of 19820.
    for minutes, name, volume in (
        (35, "thick", "19820"), (40, "thin", "19819.99"), (50, "no-volume", None)
    ):  # fmt: skip
        _life(world, name, closed=CLOSE + minutes * MINUTE)
        world.prices(CLOSE + minutes * MINUTE, "99000", "99500", volume=volume)


def _induced(world: DbtWorld) -> None:
    """A trigger of 99,400 with 10 USDT of margin in a position of 1000; the mark went to 99,000."""
    for name, put_in in (
        # 99,400 x (1000 - 10 - 4.1) : 990 = 98,988: out of reach; with 3.9, 99,008: reached.
        ("withdrawn", "4.1"), ("withdrawn-little", "3.9"),
    ):  # fmt: skip
        _life(world, name, trigger="99400")
        world.margin(name, OPEN + MINUTE, put_in)
        world.margin(name, CLOSE - HOUR, "-" + put_in)
    for name, first, then in (("leverage-raised", "20", "100"), ("leverage-lowered", "100", "20")):
        _life(world, name, trigger="99400", leverage=int(then))
        world.setting(name, OPEN + MINUTE, first)
        world.setting(name, CLOSE - HOUR, then)


def _hedged(world: DbtWorld) -> None:
    """Longs in ETH that lose 9 and fees, each half an hour apart, and who was short meanwhile."""
    eth = {"inst": "ETH-USDT-SWAP"}
    for place, (name, holder, later, end) in enumerate((
        ("hedge-own", "hedge-own", 10 * MINUTE, END),
        ("hedge-stranger", "", 10 * MINUTE, END),
        ("hedge-mirror", "", MINUTE, END),
        ("hedge-poor", "hedge-poor", 10 * MINUTE, "99400"),
        ("hedge-slot", "same account", 5 * MINUTE, ""),
        ("hedge-late", "hedge-late", 15 * MINUTE + 1, END),
    )):  # fmt: skip
        at = START + (40 + 30 * place) * MINUTE
        world.account(name)
        world.policy(name, name, inst=eth["inst"])
        world.trade(name, at, ENTRY, "0.1", **eth)
        world.trade(name, CLOSE, END, "0.1", close="full", pnl=LOSS, **eth)
        twin = name if holder == "same account" else name + "-twin"
        if twin != name:
            world.account(twin, signer=holder)
            world.policy(twin, twin, inst=eth["inst"], owner=holder)
        # A stranger's position of 1030 is no mirror of one of 1000.
        size = "0.103" if name == "hedge-stranger" else "0.1"
        world.trade(twin, at + later, ENTRY, size, side="short", **eth)
        if end:
            world.trade(twin, CLOSE - 1, end, size, side="short", close="own", pnl="9", **eth)


def _unread(world: DbtWorld) -> None:
    """A pair like the holder's own above, in hours when the twin's fills could not be read."""
    at, end = START + 6 * HOUR + 20 * MINUTE, START + 8 * HOUR
    world.prices(end, "99000", "99500", inst=GAPPED)
    _life(world, "hedge-unread", opened=at, closed=end, inst=GAPPED)
    world.account("hedge-unread-twin", signer="hedge-unread")
    world.policy("hedge-unread-twin", "hedge-unread-twin", inst=GAPPED, owner="hedge-unread")
    world.gap("hedge-unread-twin", "fills", at)


def _reviewed(world: DbtWorld) -> None:
    """A third liquidation in a month, additions at the edge, stops taken away."""
    world.account("busy")
    world.policy("busy", "busy")
    for hours in range(3):
        world.trade("busy", CLOSE + hours * HOUR - 30 * MINUTE, ENTRY, "0.1")
        world.trade("busy", CLOSE + hours * HOUR, END, "0.1", close="full", pnl="-0.9")
    for name, before in (("edge-add", 10 * MINUTE), ("early-add", 10 * MINUTE + 1)):
        world.account(name)
        world.policy(name, name)
        world.trade(name, OPEN, ENTRY, "0.5")
        world.trade(name, CLOSE - before, "99500", "0.5")
        world.trade(name, CLOSE, END, "1", close="full", pnl="-6.5")
    for name, before, side in (
        ("stop-moved", HOUR, "long"), ("stop-early", HOUR + 1, "long"),
        ("stop-other", MINUTE, "short"),
    ):  # fmt: skip
        _life(world, name)
        world.stop(name, CLOSE - before, side)


def margin(contracts: str, leverage: int = 100) -> Decimal:
    """USDT put into `contracts` at the entry price."""
    return Decimal(contracts) * Decimal("0.01") * Decimal(ENTRY) / leverage
