"""Every check's fraud and its innocent twin: what a rule must catch, and what it must let pass."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from leverageguard.simulator.seeded import covered, margin, meddling, plots, refused
from leverageguard.simulator.seeded.book import FULL, OWN
from leverageguard.simulator.seeded.covered import MARGINS, liquidated
from leverageguard.simulator.seeded.ids import iso
from leverageguard.simulator.seeded.margin import Setup
from leverageguard.simulator.seeded.market import MINUTE_MS
from leverageguard.simulator.seeded.people import Trader
from leverageguard.simulator.seeded.plots import Plot
from leverageguard.simulator.seeded.stage import (
    EDGE_MINUTES,
    HOUR,
    MAX_TRIES,
    CannotStage,
    Stage,
    stake,
)


@dataclass(frozen=True)
class Fraud:
    """A plot for one check: `count` accounts that it must catch, or let pass."""

    check: str
    plot: Plot
    count: int
    is_innocent: bool = False


def trading_key(stage: Stage, numbers: list[int]) -> None:
    """The key handed in can trade."""
    for number in numbers:
        trader = stage.trader(number, "key")
        trader.perm = "read_only,trade"
        liquidated(stage, number, False, trader=trader, reasons=("KEY_READ_ONLY",))


def demo_key(stage: Stage, numbers: list[int]) -> None:
    """The key belongs to OKX's demo environment, which the live one says when it is used."""
    for number in numbers:
        trader = stage.trader(number, venue="okx", key_state="demo")
        liquidated(stage, number, True, trader=trader, reasons=("LIVE_ENV",))


def one_root_two_wallets(stage: Stage, numbers: list[int]) -> None:
    """Two people insure sub-accounts of one main account: it stays with who bound it first."""
    for first, second in zip(numbers[::2], numbers[1::2], strict=True):
        one, other = _sub_accounts(stage, first, second)
        late = {"account": other.account_id, "signed_at": iso(stage.start_ms + MINUTE_MS)}
        stage.bindings.append(late)
        liquidated(stage, first, False, trader=one)
        liquidated(stage, second, False, trader=other, reasons=("ROOT_UNIQUE",))


def one_root_one_wallet(stage: Stage, numbers: list[int]) -> None:
    """Two sub-accounts of one main account and one person."""
    for first, second in zip(numbers[::2], numbers[1::2], strict=True):
        one, other = _sub_accounts(stage, first, second)
        other.wallet = one.wallet
        liquidated(stage, first, False, trader=one)
        liquidated(stage, second, False, trader=other)


def _sub_accounts(stage: Stage, first: int, second: int) -> tuple[Trader, Trader]:
    one = stage.trader(first, "root", "key")
    other = stage.trader(second, venue=one.venue)
    one.main_uid = other.main_uid = stage.twins[one.venue].uid(stage.rng.randrange(10**16, 10**17))
    return one, other


def unnamed_root(stage: Stage, numbers: list[int]) -> None:
    """A sub-account at a venue that does not name the main account: nobody knows whose it is."""
    if "binanceusdm" not in stage.twins:
        return
    for number in numbers:
        trader = stage.trader(number, venue="binanceusdm")
        trader.main_uid = stage.twins[trader.venue].uid(stage.rng.randrange(10**16, 10**17))
        liquidated(stage, number, False, trader=trader, holds=("ROOT_UNIQUE",))


def third_liquidation(stage: Stage, numbers: list[int]) -> None:
    """Three accounts of one person, all liquidated: the last is looked at."""
    for at in range(0, len(numbers), 3):
        group = numbers[at : at + 3]
        begun = len(stage.truths)
        for number in group:
            trader = stage.trader(number, wallet=f"trader-{group[0]:03d}")
            liquidated(stage, number, False, trader=trader)
        stage.truths[begun:] = covered.held_last(stage.truths[begun:], "VELOCITY")


def hedged_by_itself(stage: Stage, numbers: list[int]) -> None:
    """The same person held the other side on another venue and gained what was lost."""
    for one, other in zip(numbers[::2], numbers[1::2], strict=True):
        _mirrored(stage, one, other, True, reasons=("NOT_HEDGED",))


def hedged_by_a_mirror(stage: Stage, numbers: list[int]) -> None:
    """Under another name, but of the same size in the same minute, and it gained what was lost."""
    for one, other in zip(numbers[::2], numbers[1::2], strict=True):
        _mirrored(stage, one, other, False, reasons=("NOT_HEDGED",))


def hedged_by_a_stranger(stage: Stage, numbers: list[int]) -> None:
    """Somebody else's insured position gained what was lost: chance or not, it is looked at."""
    for one, other in zip(numbers[::2], numbers[1::2], strict=True):
        _mirrored(stage, one, other, False, holds=("NOT_HEDGED",), is_exact=False)


def lookalike(stage: Stage, numbers: list[int]) -> None:
    """A stranger held the other side, but left early and gained little."""
    for one, other in zip(numbers[::2], numbers[1::2], strict=True):
        _mirrored(stage, one, other, False, is_profitable=False, is_exact=False)


def _mirrored(
    stage: Stage, number: int, other_number: int, is_same_person: bool,
    reasons: tuple[str, ...] = (), holds: tuple[str, ...] = (), is_profitable: bool = True,
    is_exact: bool = True,
) -> None:  # fmt: skip
    """A position that is liquidated, and one like it on the other side elsewhere.

    Unless it is exact, the other one is an eighth larger and four minutes later.
    """
    loser = stage.trader(number)
    others = [venue for venue in stage.twins if venue != loser.venue] or [loser.venue]
    wallet = loser.wallet if is_same_person else ""
    winner = stage.trader(other_number, wallet=wallet, venue=others[number % len(others)])
    mirror: list[tuple[Setup, int]] = []

    def is_mirrored(setup: Setup, end: int) -> bool:
        mirror[:] = _mirror(stage, winner.venue, setup, end, is_profitable, is_exact)
        return bool(mirror)

    meddling.fate(stage, loser, is_mirrored, meddling.nothing, reasons, holds, lasting=HOUR)
    setup, minute = mirror[0]
    stage.insure(winner, setup.symbol.inst_id, 40, 100, stage.cover(other_number))
    position = stage.open(winner, setup)
    price = stage.live_price(setup.path, minute)
    fills = margin.split(position.contracts, setup.symbol.lot, 1, price)
    winner.book.close(position, OWN, fills, stage.at(minute))


def _mirror(
    stage: Stage, venue: str, setup: Setup, end: int, is_profitable: bool, is_exact: bool
) -> list[tuple[Setup, int]]:
    """The other side and the minute it is closed, where that gains as wanted."""
    symbol = stage.twins[venue].symbols[setup.symbol.coin]
    if setup.leverage > symbol.max_leverage:
        return []
    path = stage.paths[venue][symbol.inst_id]
    amount = setup.margin if is_exact else setup.margin * 9 / 8
    minute = setup.minute if is_exact else setup.minute + 4
    other = margin.sized(path, not setup.is_long, setup.leverage, amount, minute, 1)
    closes = (end + 1,) if is_profitable else range(setup.minute + 16, end - 20, 4)
    for minute in closes:
        sign = 1 if other.is_long else -1
        move = sign * (stage.live_price(path, minute) / other.entry - 1) * setup.leverage
        gained = move * other.margin / setup.margin
        if (Decimal("0.82") < gained) if is_profitable else (0 < gained < Decimal("0.3")):
            return [(other, minute)]
    return []


def lone_wick(stage: Stage, numbers: list[int]) -> None:
    """One venue's mark price touched the trigger for a minute; no other venue saw it."""
    if len(stage.twins) < 2:
        return
    for number in numbers:
        _forced_in_calm(stage, number, stage.trader(number, venue="okx"), is_shown=True)


def untouched(stage: Stage, numbers: list[int]) -> None:
    """Liquidated, the venue says, at a price its own candles never reached."""
    for number in numbers:
        _forced_in_calm(stage, number, stage.trader(number, venue="okx"), is_shown=False)


def _forced_in_calm(stage: Stage, number: int, trader: Trader, is_shown: bool) -> None:
    """Liquidated while the price is more than 3.5 % away, with a wick to the trigger or without."""
    cover = stage.cover(number)
    opened = (cover.start + EDGE_MINUTES, stage.until(cover) - 3 * HOUR)
    for _ in range(MAX_TRIES):
        setup = stage.setup(trader.venue, (20,), MARGINS, opened)
        end = setup.minute + stage.rng.randrange(30, 120)
        if (
            stage.touched(setup, end + 5) is None
            and stage.is_free(setup, end)
            and (_is_far(setup, end) and stage.is_quiet(setup, end))
        ):
            break
    else:
        raise CannotStage("no calm position")
    ticks = setup.trigger(setup.maintenance)
    if is_shown:
        stage.taint(setup, end, setup.path.pierced(end, ticks))
    policy = stage.insure(trader, setup.symbol.inst_id, 20, stage.rng.randint(50, 300), cover)
    position = stage.open(trader, setup)
    mark = setup.symbol.price(ticks)
    price = margin.bankruptcy_price(
        setup.symbol, setup.is_long, position.entry, position.margin_per_coin, mark
    )
    fills = margin.split(position.contracts, setup.symbol.lot, 2, price)
    result = trader.book.close(position, FULL, fills, stage.at(end), mark)
    stage.liquidations[trader.wallet] += 1
    stage.expect(
        policy, result.order_id, result.at_ms, *(() if is_shown else ("PRICE_TOUCHED",)),
        stake=stake(policy, position, result), holds=("PRICE_TOUCHED",) if is_shown else (),
    )  # fmt: skip


def _is_far(setup: Setup, minute: int) -> bool:
    """True when every price of the minutes around is more than 3.5 % from the trigger."""
    trigger = setup.trigger(setup.maintenance)
    around = range(minute - 3, minute + 4)
    if setup.is_long:
        return min(setup.path.lows[n] for n in around) > trigger * 1.035
    return max(setup.path.highs[n] for n in around) < trigger * 0.965


def ordinary_liquidations(stage: Stage, numbers: list[int]) -> None:
    """Nothing but bad luck."""
    covered.full(stage, numbers)


# First the plots that change the market of a minute: what comes later avoids that minute.
FRAUDS: tuple[Fraud, ...] = (
    Fraud("THIN_MARKET", meddling.thin_minute, 2),
    Fraud("THIN_MARKET", meddling.thick_enough, 2, True),
    Fraud("PRICE_TOUCHED", lone_wick, 2),
    Fraud("PRICE_TOUCHED", untouched, 2),
    Fraud("PRICE_TOUCHED", ordinary_liquidations, 4, True),
    Fraud("EVIDENCE_COMPLETE", covered.revoked_key, 2),
    Fraud("KEY_READ_ONLY", trading_key, 3),
    Fraud("LIVE_ENV", demo_key, 2),
    Fraud("ROOT_UNIQUE", one_root_two_wallets, 4),
    Fraud("ROOT_UNIQUE", unnamed_root, 2),
    Fraud("ROOT_UNIQUE", one_root_one_wallet, 4, True),
    Fraud("ACCOUNT_BOUND", plots.stolen_account, 4),
    Fraud("ORDER_EXISTS", plots.foreign_order, 2),
    Fraud("FORCED_KIND", refused.deleveraged, 2),
    Fraud("FORCED_KIND", refused.own_close, 2),
    Fraud("FORCED_KIND", covered.takeover, 2, True),
    Fraud("SOURCES_AGREE", meddling.sources_disagree, 2),
    Fraud("IN_COVER", refused.in_waiting_time, 2),
    Fraud("IN_COVER", refused.after_the_end, 2),
    Fraud("IN_COVER", refused.before_cover, 2),
    Fraud("TERMS", refused.over_leverage, 2),
    Fraud("TERMS", refused.other_symbol, 2),
    Fraud("TERMS", meddling.cross_margin, 2),
    Fraud("LOSS_CONSISTENT", meddling.beyond_bankruptcy, 2),
    Fraud("LOSS_CONSISTENT", covered.margin_added, 2, True),
    Fraud("NOT_INDUCED", meddling.margin_withdrawn, 3),
    Fraud("NOT_INDUCED", meddling.margin_withdrawn_in_vain, 2, True),
    Fraud("NOT_HEDGED", hedged_by_itself, 4),
    Fraud("NOT_HEDGED", hedged_by_a_mirror, 4),
    Fraud("NOT_HEDGED", hedged_by_a_stranger, 4),
    Fraud("NOT_HEDGED", lookalike, 4, True),
    Fraud("VELOCITY", third_liquidation, 6),
    Fraud("VELOCITY", covered.same_wallet, 4, True),
    Fraud("EDGE_ADD", meddling.added_at_the_edge, 3),
    Fraud("EDGE_ADD", meddling.added_early, 2, True),
    Fraud("STOP_MOVED", meddling.stop_taken_away, 4),
    Fraud("STOP_MOVED", meddling.stop_taken_away_long_before, 3, True),
    Fraud("ONCE", covered.claimed_twice, 2),
)
COUNT = sum(fraud.count for fraud in FRAUDS)


def play(stage: Stage, numbers: list[int]) -> None:
    """Stage every fraud with these accounts, in the order of the table."""
    at = 0
    for fraud in FRAUDS:
        stage.plot = fraud.plot.__name__
        fraud.plot(stage, numbers[at : at + fraud.count])
        at += fraud.count
    stage.plot = ""
