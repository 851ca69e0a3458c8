import json
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from eth_account import Account

from leverageguard.intake import ledger
from leverageguard.risk.champion import SEED_MODEL
from leverageguard.settlement import encode, fund_alerts, thresholds
from leverageguard.store.intake_tables import Quote
from leverageguard.store.sales_tables import QuoteRefusal
from leverageguard.underwriting import capacity, quoting, refusals, risks
from leverageguard.underwriting.refusals import QuoteRefused
from tests.unit.underwriting.conftest import (
    ASKED,
    FULL,
    NOW_MS,
    OTHER,
    POOL,
    QUOTER,
    WALLET,
    bind,
    register,
)


def refused(shop, **changes):
    """The code of the one refusal, which must also be the one on file."""
    with pytest.raises(QuoteRefused) as caught:
        shop.quote(**changes)
    rows = shop.rows(QuoteRefusal)
    assert rows[-1].reason_code == caught.value.code
    assert json.loads(rows[-1].body)["account_id"] == changes.get("account_id", "acc-1")
    assert rows[-1].message == caught.value.message
    return caught.value.code


def test_quote__bitcoin_twenty_for_a_day__is_priced_by_the_table(shop):
    quote = shop.quote()

    # Short, the likelier side: ln(1.05 / 1.004) / (0.000620707 x sqrt(1440)) = 1.9019, between
    # the rows (1.85, 64174) and (1.95, 51964): 51964 + (64174 - 51964) x 0.049 / 0.1, rounded up.
    assert quote.p_ppm == 57947
    # 100 USDC at 20x: max(0.1, 0.25 - 0.15 - 0.02) = 0.1, so 10 USDC are insured.
    assert quote.max_payout_micro_usdc == 10_000_000
    # 0.057947 x 10 x 1.2 + 0.1
    assert quote.premium_micro_usdc == 795364
    assert (quote.product_version, quote.model_version) == ("actuarial-v2", SEED_MODEL)
    assert quote.expires_at_ms == NOW_MS + 900_000
    assert quote.base_asset == "BTC"


def test_quote__signature__is_the_quoters_over_every_number(shop):
    quote = shop.quote()
    said = encode.QuoteMessage(
        bytes.fromhex(quote.quote_id[2:]), WALLET, quote.premium_micro_usdc,
        quote.max_payout_micro_usdc, 86_400, 1_800, quote.expires_at_ms // 1000,
        bytes.fromhex(quote.terms_hash[2:]),
    )  # fmt: skip
    digest = encode.quote_digest(encode.PoolDomain(31337, POOL), said)
    found = Account._recover_hash(digest, signature=bytes.fromhex(quote.signature[2:]))

    assert found == Account.from_key(QUOTER).address


def test_quote__inputs__say_what_the_numbers_rest_on(shop):
    from hashlib import sha256

    quote = shop.quote()
    inputs = json.loads(quote.inputs)

    assert quote.inputs_hash == "0x" + sha256(quote.inputs.encode()).hexdigest()
    assert inputs["p_ppm"] == str(quote.p_ppm)
    assert inputs["sigma_minute_ppb"] == "620707"
    assert inputs["model_version"] == quote.model_version
    assert json.loads(inputs["asked"])["wallet"] == WALLET.lower()


def test_quote__same_reference_and_body__is_the_same_quote_even_later(shop):
    first = shop.quote()
    again = shop.quote(at_ms=NOW_MS + 10_000_000, wallet=WALLET.lower())

    assert (again.quote_id, again.signature) == (first.quote_id, first.signature)
    assert len(shop.rows(Quote)) == 1


@pytest.mark.parametrize(
    "changes",
    [{"leverage": 21}, {"principal_micro_usdc": 110_000_000}, {"cover_hours": 8}, {"side": "long"},
     {"inst_id": "ETH-USDT-SWAP"}, {"account_id": "acc-2"}, {"referrer": OTHER}],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_quote__same_reference_other_body__is_refused(shop, changes):
    shop.quote()

    assert refused(shop, **changes) == "REFERENCE_REUSED"
    assert len(shop.rows(Quote)) == 1


def test_quote__two_threads_one_reference__is_one_quote(shop):
    found, desk = [], quoting.Desk(shop.settings)
    start = threading.Barrier(8)

    def ask():
        start.wait()
        found.append(desk.quote(ASKED, NOW_MS, FULL).quote_id)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(shop.rows(Quote)) == 1


def test_quote__threads_for_the_last_room__fill_it_once(shop):
    start, outcomes = threading.Barrier(6), []
    desk = quoting.Desk(shop.settings)
    # 80 % of 20 USDC: room for one sum insured of 10, not for two.
    pool = replace(FULL, free_micro_usdc=20_000_000)

    def ask(number):
        start.wait()
        try:
            outcomes.append(desk.quote(replace(ASKED, reference=f"r-{number}"), NOW_MS, pool))
        except QuoteRefused as no:
            outcomes.append(no.code)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(str(o) for o in outcomes if isinstance(o, str)) == ["CAPACITY"] * 5
    assert len(shop.rows(Quote)) == 1


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("LEVERAGE_NOT_SOLD", {"leverage": 41}),
        ("LEVERAGE_NOT_SOLD", {"leverage": 50, "product_version": "seed-v1"}),
        ("SYMBOL_NOT_SOLD", {"inst_id": "PEPE-USDT-SWAP"}),
        ("SYMBOL_NOT_SOLD", {"inst_id": "BTCUSDT"}),
        ("PRINCIPAL_OUT_OF_BOUNDS", {"principal_micro_usdc": 49_990_000}),
        ("PRINCIPAL_OUT_OF_BOUNDS", {"principal_micro_usdc": 500_010_000}),
        ("PRINCIPAL_OUT_OF_BOUNDS", {"principal_micro_usdc": 100_000_001}),
        ("COVER_NOT_SOLD", {"cover_hours": 12}),
        ("PRODUCT_NOT_SOLD", {"product_version": "gold"}),
        ("PRODUCT_NOT_SOLD", {"at_ms": 1_000}),
        ("PREMIUM_SHARE", {"leverage": 40, "inst_id": "SOL-USDT-SWAP"}),
        ("ACCOUNT_NOT_BOUND", {"account_id": "nobody"}),
        ("ACCOUNT_NOT_BOUND", {"wallet": OTHER}),
        ("REFERRER_NOT_ALLOWED", {"referrer": WALLET}),
        ("SALES_PAUSED", {"pool": replace(FULL, are_sales_paused=True)}),
        ("PARTY_BLOCKED", {"pool": replace(FULL, denied=frozenset({WALLET.lower()}))}),
        ("CAPACITY", {"pool": replace(FULL, free_micro_usdc=12_499_999)}),
    ],
)
def test_quote__not_sold__is_refused_and_on_file(shop, code, changes):
    assert refused(shop, **changes) == code
    assert code in refusals.CODES
    assert shop.rows(Quote) == []


def test_quote__just_enough_pool__is_sold(shop):
    assert shop.quote(pool=replace(FULL, free_micro_usdc=12_500_000))


@pytest.mark.parametrize(
    ("threshold_id", "leverage", "is_refused"),
    [("below_reserve", 20, True), ("liquidation_rate", 30, True), ("liquidation_rate", 20, False)],
)
def test_quote__fund_that_is_halted__sells_nothing_it_must_not(
    shop, threshold_id, leverage, is_refused
):
    crossed = thresholds.named(shop.settings, threshold_id)
    with shop.session() as opened:
        fund_alerts.seen(opened, crossed, None, 1, "as measured", "test")

    if is_refused:
        assert refused(shop, leverage=leverage) == "FUND_HALTED"
        with shop.session() as opened:
            assert fund_alerts.over(opened, crossed, None)
    assert shop.quote(leverage=leverage)


def test_quote__own_funds_that_bear_one_policy__are_used_up_by_it(shop, monkeypatch):
    sold = {"reference": "ref-2"}
    most = shop.quote(reference="ref-0").max_payout_micro_usdc
    valuation = SimpleNamespace(
        block_number=1, valued_at_ms=NOW_MS, own_funds_micro_usdc=2 * most,
        scr_1d_micro_usdc=most,
    )  # fmt: skip
    monkeypatch.setattr(capacity.valuing, "newest", lambda _settings: valuation)

    assert shop.quote(reference="ref-1", at_ms=NOW_MS + 1)
    assert refused(shop, **sold, at_ms=NOW_MS + 2) == "CAPACITY"


def test_quote__refused_then_mended__may_use_the_reference_again(shop):
    refused(shop, pool=replace(FULL, are_sales_paused=True))

    assert shop.quote().reference == "ref-1"
    assert len(shop.rows(QuoteRefusal)) == 1


def test_quote__price_below_what_it_insures__is_refused(shop, monkeypatch):
    real = quoting.price

    def cheap(*args):
        made = real(*args)
        return replace(made, expected_loss_micro_usdc=made.premium_micro_usdc)

    monkeypatch.setattr(quoting, "price", cheap)

    assert refused(shop) == "PRICE_INADEQUATE"


def test_quote__asset_without_volatility__is_refused_not_guessed(shop, monkeypatch):
    monkeypatch.setattr(risks, "base_asset", lambda *_: "PEPE")

    assert refused(shop) == "SYMBOL_NOT_SOLD"


def test_quote__scenario_product_where_money_is_real__is_refused(shop):
    (shop.settings.world_dir / "clock.json").unlink()

    assert refused(shop, product_version="scenario-small-v1") == "PRODUCT_NOT_SOLD"


def test_quote__account_bound_anew_to_another_wallet__is_refused(shop):
    bind(shop, "acc-1", "okx", OTHER, "0x" + "33" * 32, nonce=2)

    assert refused(shop) == "ACCOUNT_NOT_BOUND"


def test_quote__binding_signed_by_another_key__is_refused(shop):
    register(shop, "acc-3")
    bind(shop, "acc-3", "okx", WALLET, "0x" + "33" * 32)

    assert refused(shop, account_id="acc-3") == "ACCOUNT_NOT_BOUND"


def test_quote__unreachable_chain__is_an_error_not_a_pass(shop, monkeypatch):
    from leverageguard.settlement.errors import ChainUnreachable

    monkeypatch.setenv("LEVERAGEGUARD_CHAIN_RPC", "http://127.0.0.1:9")
    settings = replace(shop.settings, chain_rpc="http://127.0.0.1:9")

    with pytest.raises(ChainUnreachable):
        quoting.Desk(settings).quote(ASKED, NOW_MS)
    assert shop.rows(Quote) == []
    assert shop.rows(QuoteRefusal) == []


def test_quote__either_side__costs_what_the_likelier_does(shop):
    prices = {
        side: shop.quote(reference=side, side=side).premium_micro_usdc
        for side in ("long", "short", "either")
    }

    assert len(set(prices.values())) == 1


def test_quote__taken_over__passes_the_sellers_gates_alone(shop):
    taken = {"product_version": "seed-v1", "principal_micro_usdc": 10_000_000, "leverage": 100}

    assert refused(shop, **taken) == "PRINCIPAL_OUT_OF_BOUNDS"
    assert shop.quote(reference="old", is_taken_over=True, **taken).model_version == "tariff"
    with pytest.raises(QuoteRefused, match="COVER_NOT_SOLD"):
        shop.quote(reference="odd", is_taken_over=True, cover_hours=12)


def test_quote__tariff__has_no_chance_and_its_surcharge_apart(shop):
    quote = shop.quote(product_version="seed-v1", leverage=30)

    # 0.05 + 0.01 + 0.004 = 0.064, + 0.05 for the first purchase, of 100 USDC.
    assert (quote.premium_micro_usdc, quote.surcharge_micro_usdc) == (11_400_000, 5_000_000)
    assert (quote.p_ppm, quote.expected_loss_micro_usdc) == (None, None)


def test_quote__second_quote_before_any_purchase__is_still_a_first_purchase(shop):
    seed = {"product_version": "seed-v1", "leverage": 30}
    first = shop.quote(**seed)
    unbought = shop.quote(reference="ref-2", **seed)
    with shop.session() as opened:
        ledger.book_purchase(
            opened, opened.get(Quote, first.quote_id), NOW_MS, "31337:0x1:0", NOW_MS
        )
    second = shop.quote(reference="ref-3", **seed)

    assert unbought.surcharge_micro_usdc == 5_000_000
    assert second.surcharge_micro_usdc == 2_000_000


def test_quote__referred__credits_a_part_of_the_premium(shop):
    quote = shop.quote(product_version="seed-v1", leverage=30, referrer=OTHER)

    assert (quote.referrer, quote.referral_micro_usdc) == (OTHER.lower(), 2_280_000)


@pytest.mark.parametrize(
    ("field", "value"),
    [("wallet", "0x12"), ("referrer", "me"), ("side", "up"), ("leverage", 0), ("reference", ""),
     ("inst_id", "x" * 65)],
)  # fmt: skip
def test_asked__impossible_field__is_an_error_that_names_it(field, value):
    with pytest.raises(ValueError, match=field):
        replace(ASKED, **{field: value})


def test_quote__model_that_reads_the_market__writes_down_what_it_read(shop, monkeypatch):
    known = risks.symbol(shop.settings, SEED_MODEL, "BTC")
    state = (("ewma", 1_234), ("jump_share", 90))
    monkeypatch.setattr(risks, "symbol", lambda *_: replace(known, market=state))
    inputs = json.loads(shop.quote().inputs)

    assert (inputs["market_ewma_milli"], inputs["market_jump_share_milli"]) == ("1234", "90")
