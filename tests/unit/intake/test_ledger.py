from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from leverageguard.intake import entries, ledger
from leverageguard.store import every_table  # noqa: F401 - registers tables
from leverageguard.store.base import Base
from leverageguard.store.intake_tables import Quote
from leverageguard.store.ledger_tables import LedgerEntry

BUYER, FRIEND = "0x" + "aa" * 20, "0x" + "bb" * 20
AT_MS = 1_767_578_400_000


def quote(number=1, premium=11_400_000, surcharge=5_000_000, referrer=FRIEND, credit=2_280_000):
    return Quote(
        quote_id=f"q{number}", reference=f"r{number}", wallet=BUYER, account_id="a",
        product_version="seed-v1", terms_hash="0x", inst_id="X", leverage=30,
        principal_micro_usdc=1, premium_micro_usdc=premium, payout_rate_ppm=1,
        max_payout_micro_usdc=1, cover_seconds=1, wait_seconds=1, filing_grace_seconds=1,
        created_at_ms=AT_MS, surcharge_micro_usdc=surcharge, referrer=referrer,
        referral_micro_usdc=credit,
    )  # fmt: skip


@pytest.fixture
def opened():
    with new_session() as made:
        yield made


def new_session():
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    return Session(engine)


def legs(opened):
    return [
        (e.kind, e.account, e.amount_micro_usdc, e.party)
        for e in opened.query(LedgerEntry).order_by(LedgerEntry.kind, LedgerEntry.leg_no)
    ]


def entry_sums(opened):
    sums = defaultdict(int)
    for entry in opened.query(LedgerEntry):
        sums[entry.entry_id] += entry.amount_micro_usdc
    return set(sums.values())


def add(opened, of):
    opened.add(of)
    opened.flush()
    return of


def test_book_purchase__referred_first_one__splits_premium_surcharge_and_credit(opened):
    assert ledger.book_purchase(opened, add(opened, quote()), AT_MS, "31337:0x1:0", AT_MS)

    assert legs(opened) == [
        ("purchase", "pool:cash", 11_400_000, BUYER),
        ("purchase", "premium:written", -6_400_000, BUYER),
        ("purchase", "premium:loyalty_surcharge", -5_000_000, BUYER),
        ("referral", "expense:referral", 2_280_000, FRIEND),
        ("referral", "owed:referral", -2_280_000, FRIEND),
    ]


def test_book_purchase__same_source_again__writes_nothing(opened):
    bought = add(opened, quote())
    assert ledger.book_purchase(opened, bought, AT_MS, "31337:0x1:0", AT_MS)
    before = legs(opened)

    assert not ledger.book_purchase(opened, bought, AT_MS, "31337:0x1:0", AT_MS)
    assert legs(opened) == before


def test_book_purchase__source_of_another_policy__is_refused(opened):
    ledger.book_purchase(opened, add(opened, quote()), AT_MS, "s", AT_MS)

    with pytest.raises(ledger.LedgerRefused, match="another policy"):
        ledger.book_purchase(opened, add(opened, quote(2)), AT_MS, "s", AT_MS)


def test_book_purchase__no_surcharge_no_referrer__is_two_legs(opened):
    plain = add(opened, quote(surcharge=0, referrer=None, credit=0))
    ledger.book_purchase(opened, plain, AT_MS, "s", AT_MS)

    assert [leg[1:3] for leg in legs(opened)] == [
        ("pool:cash", 11_400_000),
        ("premium:written", -11_400_000),
    ]


def test_reverse__lost_purchase__leaves_every_account_at_nothing(opened):
    bought = add(opened, quote())
    ledger.book_purchase(opened, bought, AT_MS, "s", AT_MS)

    assert ledger.reverse_purchase(opened, "s", AT_MS)
    assert not ledger.reverse_purchase(opened, "s", AT_MS)
    accounts = defaultdict(int)
    for _, account, amount, party in legs(opened):
        accounts[account, party] += amount
    assert set(accounts.values()) == {0}


def test_reverse__never_booked__is_refused(opened):
    with pytest.raises(ledger.LedgerRefused, match="no purchase"):
        ledger.reverse_purchase(opened, "s", AT_MS)


@pytest.mark.parametrize("refund", [-1, 11_400_001])
def test_refund__not_part_of_the_premium__is_refused(opened, refund):
    with pytest.raises(ledger.LedgerRefused, match="no part"):
        ledger.book_refund(opened, add(opened, quote()), refund, AT_MS, "s", AT_MS)


def test_purchases_before__quotes_lost_and_cancelled__do_not_count(opened):
    kept, lost, cancelled, _unbought = (add(opened, quote(n)) for n in range(1, 5))
    for number, of in enumerate((kept, lost, cancelled)):
        ledger.book_purchase(opened, of, AT_MS, f"s{number}", AT_MS)
    assert ledger.purchases_before(opened, BUYER) == 3

    ledger.reverse_purchase(opened, "s1", AT_MS)
    ledger.book_refund(opened, cancelled, 1, AT_MS, "c2", AT_MS)

    assert ledger.purchases_before(opened, BUYER.upper().replace("X", "x")) == 1
    assert ledger.purchases_before(opened, FRIEND) == 0


def test_purchases_before__payouts_and_deposits_of_the_wallet__take_nothing_away(opened):
    bought = add(opened, quote())
    ledger.book_purchase(opened, bought, AT_MS, "s", AT_MS)
    paid = (("claims:paid", 10**9, BUYER), (ledger.CASH, -(10**9), BUYER))
    for entry in (
        entries.Entry("payout", "p", paid, AT_MS, policy_id=bought.quote_id),
        entries.Entry("withdrawal", "w", paid, AT_MS),
    ):
        opened.add_all(entries.rows(entry, entries.Booked([]), AT_MS))
    opened.flush()

    assert ledger.purchases_before(opened, BUYER) == 1


def test_rows__legs_that_leave_something__are_refused():
    lame = entries.Entry(
        "deposit", "d", ((ledger.CASH, 2, None), ("capital:deposited", -1, None)), 1
    )

    with pytest.raises(ledger.LedgerRefused, match="does not balance"):
        entries.rows(lame, entries.Booked([]), AT_MS)


@pytest.mark.parametrize("statement", ["update ledger_entries set amount_micro_usdc = 1",
                                       "delete from ledger_entries"])  # fmt: skip
def test_ledger__row_changed__is_refused_by_the_store(opened, statement):
    from sqlalchemy import text

    ledger.book_purchase(opened, add(opened, quote()), AT_MS, "s", AT_MS)

    with pytest.raises(IntegrityError, match="append-only"):
        opened.execute(text(statement))


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["buy", "reverse", "refund"]), st.integers(1, 4), st.integers(0, 3)
        ),
        max_size=20,
    ),
    premiums=st.lists(st.integers(1, 10**9), min_size=4, max_size=4),
    share=st.integers(0, 1_000_000),
)
def test_ledger__any_order_of_events__balances_entry_by_entry(events, premiums, share):
    with new_session() as opened:
        parts = [premium * share // 1_000_000 for premium in premiums]
        of = {
            n: add(opened, quote(n, premiums[n - 1], parts[n - 1], FRIEND, parts[n - 1]))
            for n in range(1, 5)
        }
        for what, number, source in events:
            known, name = of[number], f"{number}-{source}"
            if what == "buy":
                ledger.book_purchase(opened, known, AT_MS, name, AT_MS)
            elif what == "refund":
                ledger.book_refund(opened, known, known.premium_micro_usdc // 2, AT_MS, name, AT_MS)
            else:
                try:
                    ledger.reverse_purchase(opened, name, AT_MS)
                except ledger.LedgerRefused:
                    continue
        assert entry_sums(opened) <= {0}
