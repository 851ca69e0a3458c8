import json

import pyarrow as pa
import pytest

from leverageguard import cli
from leverageguard.domain.money import PPM
from leverageguard.domain.pricing import price
from leverageguard.domain.probability import SIDES, RiskInputs
from leverageguard.intake.products import product
from leverageguard.risk import champion, datasets, extremes, measuring, registry
from leverageguard.risk.champion import PricedBy
from leverageguard.store import every_table  # noqa: F401 - registers tables
from leverageguard.store.base import Base, engine
from leverageguard.underwriting import adequacy, backtest_command, backtesting, price_files
from tests.unit.risk.made_prices import SYMBOLS, market

P, FUNDS = 200_000_000, 10_000_000_000
FLAT = PricedBy("flat", "isotonic", {"table": [[0, PPM], [1, 400_000]], "symbols": SYMBOLS})


@pytest.fixture
def stored(settings):
    Base.metadata.create_all(engine(settings))
    return settings


def replayed(settings, measured, *versions, leverages=(20, 100), now=FLAT):
    named = [product(settings, version) for version in versions]
    found = backtesting.replay(measured, now, named, P, FUNDS, leverages)
    return {(one.product_version, one.leverage, one.hours): one for one in found}


def test_replay__made_market__is_what_a_loop_over_rows_says(settings):
    measured = market(12, is_planted=False)
    data = datasets.dataset(measured, SYMBOLS, leverages=(20,))
    one = replayed(settings, measured, "seed-v1", leverages=(20,))["seed-v1", 20, 24]
    seed = product(settings, "seed-v1")
    premium = price(seed, P, 20, adequacy.PURCHASES_BEFORE).premium_micro_usdc
    touches = int(data.touched[data.hours == 24].sum())
    sold = int((data.hours == 24).sum())

    assert (one.policies, one.touches) == (sold, touches) and touches > 0
    assert one.premium_micro_usdc == sold * premium
    assert one.payout_micro_usdc == touches * seed.max_payout_micro_usdc(P, 20)
    assert one.loss_ratio_ppm == -(-one.payout_micro_usdc * PPM // one.premium_micro_usdc)
    expected = -(-sold * 400_000 * seed.max_payout_micro_usdc(P, 20) // PPM)
    assert one.expected_micro_usdc == expected


def test_replay__balance__falls_below_nothing_when_payouts_outrun_premiums(settings):
    certain = market(30, is_planted=False)
    columns = certain.extremes
    for name in ("fell_ppb", "rose_ppb"):
        place = columns.column_names.index(name)
        columns = columns.set_column(place, name, pa.array([10**9] * columns.num_rows))
    found = replayed(settings, measuring.Measured(certain.features, columns, "made"), "seed-v1")
    one = found["seed-v1", 100, 24]
    known = certain.features["known_at"].to_pylist()

    assert one.touches == one.policies
    assert one.lowest_micro_usdc == FUNDS + one.premium_micro_usdc - one.payout_micro_usdc < 0
    premium, paid = (
        total // one.policies for total in (one.premium_micro_usdc, one.payout_micro_usdc)
    )
    begins = known[: one.policies // 2]
    balance, ruined = FUNDS, None
    for at in sorted({*begins, *(begin + datasets.DAY_MS for begin in begins)}):
        balance += 2 * premium * (at in begins) - 2 * paid * (at - datasets.DAY_MS in begins)
        ruined = at if ruined is None and balance < 0 else ruined
    # A premium is there at once, a payout when the cover ends.
    assert one.ruined_at_ms == ruined is not None


def test_replay__worst_side__prices_both(settings):
    """A long is nearer to its liquidation than a short: the short pays the long's price."""
    table = {"table": [[0, PPM], [500, 500_000], [3_000, 1]], "symbols": SYMBOLS}
    measured = market(12, is_planted=False)
    found = replayed(
        settings, measured, "actuarial-v2", now=PricedBy("steep", "isotonic", table)
    )  # fmt: skip
    one = found["actuarial-v2", 20, 24]

    known = SYMBOLS["BTC"]
    model = registry.model("steep", "isotonic", table)
    chances = [
        model.probability_ppm(
            RiskInputs("BTC", side, 20, known["maintenance_ppm"], known["sigma_minute_ppb"], 86_400)
        )
        for side in SIDES
    ]
    actuarial = product(settings, "actuarial-v2")
    dearer = price(actuarial, P, 20, 0, max(chances)).premium_micro_usdc

    assert chances[0] != chances[1]
    assert one.premium_micro_usdc == one.policies * dearer > 0
    insured = actuarial.max_payout_micro_usdc(P, 20)
    assert one.expected_micro_usdc == -(-one.policies // 2 * sum(chances) * insured // PPM)


def test_replay__refused_price__is_counted_and_never_sold(settings):
    dear = PricedBy("dear", "isotonic", {"table": [[0, PPM], [1, 900_000]], "symbols": SYMBOLS})
    one = replayed(settings, market(12, is_planted=False), "actuarial-v2", now=dear)
    one = one["actuarial-v2", 20, 24]

    assert one.policies == one.premium_micro_usdc == one.payout_micro_usdc == 0
    assert one.refused["PREMIUM_SHARE"] > 0
    assert one.lowest_micro_usdc == FUNDS and one.ruined_at_ms is None


def options(*words):
    return cli.parser().parse_args(["backtest", *words])


@pytest.fixture(scope="module")
def candles(model_folder):
    known = champion.symbols(model_folder)
    assets = extremes.assets(model_folder, lambda asset: known[asset]["sigma_minute_ppb"])
    return measuring.candles_of(assets[:2], days=8, seed=3, step_minutes=15)


@pytest.mark.slow
def test_backtest__fat_tailed_path__ruins_the_seed_tariff_from_50x_on_and_not_the_default(
    stored, model_folder, monkeypatch
):
    monkeypatch.setattr(measuring.model_runner, "compiled", compiled_in(model_folder))
    code, told = backtest_command.run(stored, options("--days", "40", "--seed", "9", "--json"))
    found = json.loads(told)
    outcomes = {(one["product_version"], one["leverage"], one["hours"]): one
                for one in found["outcomes"]}  # fmt: skip

    assert code == 0 and found["prices"].startswith("SIMULATED PRICES")
    for leverage in (50, 75, 100):
        one = outcomes["seed-v1", leverage, 24]
        assert one["loss_ratio_ppm"] > PPM and one["ruined_at_ms"] is not None
        assert one["lowest_micro_usdc"] < 0
    for (version, leverage, _), one in outcomes.items():
        if version == "actuarial-v2" and leverage <= 40 and one["policies"]:
            assert one["expected_ratio_ppm"] < 900_000
            assert one["ruined_at_ms"] is None
    sold = [cell for cell in found["cells"] if not cell["refused"] and cell["target_ppm"]]
    assert sold and all(cell["expected_ratio_ppm"] <= cell["target_ppm"] for cell in sold)


def compiled_in(folder):
    compiled = measuring.model_runner.compiled
    return lambda _settings, *more: compiled(folder, *more)


@pytest.mark.slow
def test_backtest__price_file__replays_it_and_tells_of_bad_rows(
    stored, model_folder, candles, tmp_path, monkeypatch
):
    monkeypatch.setattr(measuring.model_runner, "compiled", compiled_in(model_folder))
    path = tmp_path / "prices.csv"
    rows = ["base_asset,at,low,high,close"]
    rows += [
        f"{one['base_asset']},{one['minute_at_ms']},{one['low_price']},"
        f"{one['high_price']},{one['close_price']}"
        for one in candles.to_pylist()
    ]
    rows.append("BTC,never,1,1,1")
    path.write_text("\n".join(rows))
    code, told = backtest_command.run(
        stored, options("--prices", str(path), "--product", "actuarial-v2", "--leverages", "20")
    )

    assert code == 1
    assert f"prices of {path}: {candles.num_rows} candles of BTC, DOGE" in told
    assert f"1 rows left out:\n  line {len(rows)}: at: 'never'" in told
    assert "SIMULATED" not in told and "seed-v1" not in told
    wanted = ["actuarial-v2", "20", "24"]
    [line] = [line for line in told.splitlines() if line.split()[:3] == wanted]
    # Of 8 days, hourly origins from the second day on, each fourth, two assets, two sides.
    assert int(line.split()[4].replace(",", "")) == pytest.approx(2 * 2 * 6 * 6, abs=12)
    assert (stored.data_dir / "risk" / "adequacy.csv").read_text().startswith("product_version,")
    assert price_files.read(path, {"BTC", "DOGE"}).candles.num_rows == candles.num_rows
