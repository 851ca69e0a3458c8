import pytest
from eth_account import Account

from leverageguard import clock, config
from leverageguard.domain import pricing as products
from leverageguard.domain import signing
from leverageguard.intake import accounts, claims, quotes, steps
from leverageguard.intake.products import product
from leverageguard.store.base import Base, engine, session

KEY = "0x" + "11" * 32
WALLET = Account.from_key(KEY).address
TERMS = products.terms(
    product(config.Settings(data_dir=config.REPO_DIR), "seed-v1"), 100_000_000, 20, 24
)
REQUEST = quotes.QuoteRequest("P-1", WALLET, "acc-1", "BTC-USDT-SWAP")
CREATED_MS = 1_767_578_400_000


@pytest.fixture
def store(settings):
    Base.metadata.create_all(engine(settings))
    with session(settings) as opened:
        account = accounts.BoundAccount("acc-1", "okx", "42")
        secret = accounts.Credentials("k", "s", "p")
        accounts.register(opened, account, "42", WALLET, secret, CREATED_MS)
    return settings


def issue(store):
    with session(store) as opened:
        return quotes.issue(opened, REQUEST, TERMS, CREATED_MS).quote_id


def file_claim(store, policy, reference="C-1", order="7"):
    said = signing.Filing(policy, "BTC-USDT-SWAP", order)
    with session(store) as opened:
        return claims.file(opened, reference, said, signing.sign(said, 1, KEY), 1, CREATED_MS + 1)


def test_issue__same_request_twice__is_one_quote(store):
    assert issue(store) == issue(store)

    with session(store) as opened:
        assert quotes.instruments(opened) == {"okx": ["BTC-USDT-SWAP"]}
        assert quotes.instruments_of(opened, ["acc-1"]) == {"acc-1": ["BTC-USDT-SWAP"]}


def test_quote_id__any_number_changed__differs():
    from dataclasses import fields, replace

    base = quotes.quote_id(REQUEST, TERMS)
    for field in fields(TERMS):
        changed = replace(TERMS, **{field.name: getattr(TERMS, field.name) * 2})
        assert quotes.quote_id(REQUEST, changed) != base, field.name


def test_file__same_reference_twice__is_one_filing(store):
    policy = issue(store)

    assert file_claim(store, policy) == file_claim(store, policy)


def test_file__policy_nobody_was_quoted__refuses(store):
    with pytest.raises(accounts.IntakeRefused, match="does not exist"):
        file_claim(store, "0x" + "00" * 32)


def test_open_filings__filed__name_the_account_of_the_policy(store):
    filing = file_claim(store, issue(store))

    with session(store) as opened:
        found = claims.open_filings(opened, ["acc-1", "acc-2"])
        assert found == [claims.Filing(filing, "acc-1", "BTC-USDT-SWAP", "7")]
        assert claims.open_filings(opened, ["acc-2"]) == []


def test_land__same_window_twice__leaves_the_same_bytes(store):
    from leverageguard.warehouse import landing

    clock.set_world(CREATED_MS + 7_200_000)
    landing.ensure_schemas(store)
    file_claim(store, issue(store))

    def landed():
        counts = steps.land("2026-01-05T01:00:00Z", "2026-01-05T04:00:00Z")
        files = sorted(store.raw_dir.glob("intake/*/*/*/store.parquet"))
        return counts, {path: path.read_bytes() for path in files}

    first, second = landed(), landed()

    assert first == second
    assert first[0] == {
        "intake/accounts": 1,
        "intake/bindings": 0,
        "intake/quotes": 1,
        "intake/claims": 1,
        "intake/endorsements": 0,
        "intake/claim_actions": 0,
    }


def test_land__an_action_on_a_claim__without_what_was_written_or_signed(store):
    from leverageguard.store.claim_tables import ClaimAction
    from leverageguard.warehouse import landing

    clock.set_world(CREATED_MS + 7_200_000)
    with session(store) as opened:
        opened.add(
            ClaimAction(
                action_id="act_1", claim_id="clm_1", action="appeal", actor=WALLET.lower(),
                covers="", reason="my own words", signature="0x12", once_key="appeal:clm_1",
                acted_at_ms=CREATED_MS, created_at_ms=CREATED_MS,
            )
        )  # fmt: skip
    steps.land("2026-01-05T01:00:00Z", "2026-01-05T04:00:00Z")

    (row,) = landing.scan(store, "intake/claim_actions")

    assert row == {
        "action_id": "act_1",
        "claim_id": "clm_1",
        "action": "appeal",
        "actor": WALLET.lower(),
        "review_id": None,
        "covers": "",
        "evidence_root": None,
        "acted_at_ms": CREATED_MS,
        "created_at_ms": CREATED_MS,
    }
