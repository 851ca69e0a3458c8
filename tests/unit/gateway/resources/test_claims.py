"""Claims over HTTP: durable before the answer, told by stages, the holder's alone."""

from __future__ import annotations

import threading

import duckdb
import pytest

from leverageguard.domain import signing
from leverageguard.gateway.host import Host
from leverageguard.store import base
from leverageguard.store.evidence_tables import VerdictRecord
from leverageguard.store.intake_tables import FiledClaim
from tests import gateway_world as world
from tests.gateway_shop import CHAIN, SILENT, shop_fixture  # noqa: F401
from tests.gateway_world import STRANGER, TRADER

CLAIM = "clm_" + "0a" * 12
REFUSED = (
    ("NOTIFIED", "NOTICE"),
    ("EVIDENCE_PENDING", "EVIDENCE_ASKED"),
    ("VERIFYING", "EVIDENCE_COMPLETE"),
    ("NOT_ELIGIBLE", "CHECK_FAILED"),
)


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def publish(shop, claim_id, filing_id):
    folder = shop.settings.serve_dir / "v1"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "leverageguard.duckdb")) as connection:
        connection.execute("create table fct_claims (claim_id text, filing_id text)")
        connection.execute("insert into fct_claims values (?, ?)", [claim_id, filing_id])
        connection.execute(
            "create table fct_claim_checks (claim_id text, check_code text, check_order int, "
            "result text, is_hold boolean, observed text, expected text)"
        )
        connection.execute(
            "insert into fct_claim_checks values (?, 'IN_COVER', 9, 'fail', false, 'a', 'b')",
            [claim_id],
        )
    (shop.settings.serve_dir / "current").symlink_to("v1", target_is_directory=True)


def filed(shop):
    with base.session(shop.settings) as session:
        return session.query(FiledClaim).count()


def test_file__signed_by_the_holder__is_stored_and_announced(shop):
    policy = shop.policy()

    answer = shop.post("/claims", shop.filing(policy), key="c-1")

    assert answer.status_code == 202
    assert answer.json()["stage"] == "RECEIVED"
    assert answer.headers["Location"].endswith(answer.json()["filing_id"])
    assert (filed(shop), shop.announced) == (1, [1])
    shown = shop.get(f"/claims/{answer.json()['filing_id']}").json()
    assert (shown["stage"], shown["claim_id"], shown["paid_micro_usdc"]) == ("RECEIVED", None, "0")


def test_file__same_key_and_body__is_one_filing(shop):
    policy = shop.policy()

    assert shop.file(policy) == shop.file(policy)
    assert filed(shop) == 1


def test_file__same_key_and_other_body__is_refused(shop):
    policy = shop.policy()
    shop.file(policy)

    refused(shop.post("/claims", shop.filing(policy, "8"), key="c-1"), 409,
            "IDEMPOTENCY_KEY_REUSED")  # fmt: skip
    assert filed(shop) == 1


@pytest.mark.parametrize("bodies", [1, 6])
def test_file__same_key_from_many_threads__is_one_filing(shop, bodies):
    policy = shop.policy()
    given = [shop.filing(policy, str(number % bodies)) for number in range(6)]
    answers = []

    def send(body):
        return shop.post("/claims", body, key="c")

    threads = [
        threading.Thread(
            target=lambda body=body: answers.append(shop.post("/claims", body, key="c"))
        )
        for body in given
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    told = sorted((one.status_code, one.json().get("code")) for one in answers)
    taken, lost = (6, 0) if bodies == 1 else (1, 5)
    assert told == [(202, None)] * taken + [(409, "IDEMPOTENCY_KEY_REUSED")] * lost
    assert filed(shop) == 1


def test_file__signed_by_another__is_refused(shop):
    policy = shop.policy()

    refused(shop.post("/claims", shop.filing(policy, account=STRANGER), key="c-1"), 422,
            "SIGNATURE_NOT_YOURS")  # fmt: skip
    changed = shop.filing(policy) | {"order_id": "8"}
    refused(shop.post("/claims", changed, key="c-1"), 422, "SIGNATURE_NOT_YOURS")
    assert (filed(shop), shop.announced) == (0, [])


def test_file__foreign_policy__is_not_found(shop):
    policy = shop.policy()

    refused(shop.post("/claims", shop.filing(policy), "stranger", "c-1"), 404, "NOT_FOUND")


def test_file__quote_that_nobody_bought__is_refused(shop):
    quote = shop.quote()["quote_id"]

    refused(shop.post("/claims", shop.filing(quote), key="c-1"), 409, "POLICY_NOT_BOUGHT")


def test_file__void_policy__is_refused(shop):
    policy = shop.policy()
    shop.state(policy, "QUOTED", "VOID")

    refused(shop.post("/claims", shop.filing(policy), key="c-1"), 409, "POLICY_NOT_BOUGHT")


def test_file__silent_chain__is_taken_all_the_same(shop):
    policy = shop.quote()["quote_id"]
    shop.chain.fault = SILENT

    assert shop.file(policy).startswith("fil_")


def test_file__announcing_fails__is_accepted(settings, monkeypatch):
    from tests import gateway_shop

    def fail():
        raise OSError("Airflow is away")

    made = gateway_shop.opened(settings, monkeypatch)
    policy = made.policy()
    made.client.app.state.host = Host(world.operator_of, fail)

    assert made.file(policy)
    assert filed(made) == 1


def test_file__service__hands_in_what_the_holder_signed(shop):
    policy = shop.policy()
    headers = world.service(shop.settings, "claims:write")

    assert shop.post("/claims", shop.filing(policy), headers, "c-1").status_code == 202
    other = shop.filing(policy, "9", STRANGER)
    refused(shop.post("/claims", other, headers, "c-2"), 422, "SIGNATURE_NOT_YOURS")


def test_look__opened_claim__is_told_by_either_id(shop):
    policy = shop.policy()
    filing = shop.file(policy)
    publish(shop, CLAIM, filing)
    shop.open(CLAIM, policy, *REFUSED)

    by_claim, by_filing = shop.get(f"/claims/{CLAIM}").json(), shop.get(f"/claims/{filing}").json()

    assert by_claim == by_filing
    assert (by_claim["claim_id"], by_claim["filing_id"]) == (CLAIM, filing)
    assert [move["stage"] for move in by_claim["moves"]] == [state for state, _ in REFUSED]
    assert {move["by"] for move in by_claim["moves"]} == {"rules"}
    [check] = by_claim["checks"]
    assert check["meaning"] == "Opened and closed inside the cover and filed in time."
    assert (by_claim["may_withdraw"], by_claim["may_appeal"]) == (True, True)


def test_look__decided_again__shows_what_was_decided_last(shop):
    policy = shop.policy()
    publish(shop, CLAIM, shop.file(policy))
    shop.open(CLAIM, policy, *REFUSED)
    common = {
        "claim_id": CLAIM, "hold_reasons": "", "rules_version": "r", "product_version": "p",
        "decided_at_ms": 1, "cause": "evidence_changed",
    }  # fmt: skip
    for no, verdict, amount in ((1, "rejected", None), (2, "verified", 7), (3, "verified", 9)):
        root = f"0x{no:064x}"
        record = VerdictRecord(
            verdict_no=no, verdict=verdict, reasons="" if amount else "IN_COVER",
            approved_micro_usdc=amount, evidence_root=root, **common,
        )  # fmt: skip
        with base.writing(shop.settings) as session:
            session.add(record)

        found = shop.get(f"/claims/{CLAIM}").json()

        assert (found["verdict"], found["evidence_root"]) == (verdict, root)
        assert found["approved_micro_usdc"] == (None if amount is None else str(amount))
        assert [reason["code"] for reason in found["reasons"]] == ([] if amount else ["IN_COVER"])


def test_look__foreign_claim__is_not_found_by_either_id(shop):
    policy = shop.policy()
    filing = shop.file(policy)
    publish(shop, CLAIM, filing)
    shop.open(CLAIM, policy, *REFUSED)

    for name in (CLAIM, filing):
        for path in ("", "/evidence", "/proof"):
            refused(shop.get(f"/claims/{name}{path}", "stranger"), 404, "NOT_FOUND")
        assert shop.get(f"/claims/{name}", world.person("viewer")).status_code == 200


def test_listing__pages__hold_each_claim_once(shop):
    policy = shop.policy()
    filings = [shop.file(policy, f"c-{number}", str(number)) for number in range(5)]
    publish(shop, CLAIM, filings[0])
    shop.open(CLAIM, policy, *REFUSED)
    shop.file(shop.policy("q-2"), "c-9", "9")

    names, cursor = [], ""
    while cursor is not None:
        page = shop.get(f"/claims?limit=2{cursor and f'&cursor={cursor}'}").json()
        names += [item["claim_id"] or item["filing_id"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert len(names) == len(set(names)) == 6
    assert CLAIM in names and filings[0] not in names
    assert shop.get("/claims", "stranger").json() == {"items": [], "next_cursor": None}


def test_listing__of_a_policy__holds_its_claims_and_to_a_stranger_none(shop):
    first, second = shop.policy(), shop.policy("q-2")
    filings = [shop.file(first, f"c-{number}", str(number)) for number in range(3)]
    shop.open(CLAIM, first, *REFUSED)
    shop.file(second, "c-9", "9")

    def names(policy, who="trader"):
        items = shop.get(f"/claims?policy_id={policy}&limit=50", who).json()["items"]
        return {item["claim_id"] or item["filing_id"] for item in items}

    assert names(first) == {CLAIM, *filings}
    assert len(names(second)) == 1
    assert names("0x" + "00" * 32) == set()
    assert names(first, "stranger") == set()


def test_withdraw__signed__moves_the_claim(shop):
    policy = shop.policy()
    shop.open(CLAIM, policy, *REFUSED)
    said = shop.post("/signables/withdrawal", {"claim_id": CLAIM}).json()

    assert said["message"] == {"policy": policy, "claim": CLAIM}
    signature = signing.sign(signing.Withdrawal(policy, CLAIM), CHAIN, TRADER.key)
    foreign = signing.sign(signing.Withdrawal(policy, CLAIM), CHAIN, STRANGER.key)
    body = {"signature": signature}
    refused(shop.post(f"/claims/{CLAIM}/withdraw", body, "stranger"), 404, "NOT_FOUND")
    refused(shop.post(f"/claims/{CLAIM}/withdraw", {"signature": foreign}), 409, "ACTION_REFUSED")


def test_withdraw__filing_that_was_not_opened__waits(shop):
    filing = shop.file(shop.policy())
    body = {"signature": "0x" + "11" * 65}

    refused(shop.post(f"/claims/{filing}/withdraw", body), 409, "CLAIM_NOT_OPENED")


@pytest.mark.parametrize("kind", ["binding", "filing", "withdrawal", "appeal", "endorsement"])
def test_signables__signed_as_a_wallet_would__recover_the_signer(shop, kind):
    from eth_account import Account
    from eth_account.messages import encode_typed_data

    policy = shop.policy()
    shop.open(CLAIM, policy, *REFUSED)
    body = {
        "binding": {"exchange": "okx", "uid": "42"},
        "filing": {"policy_id": policy, "inst_id": "BTC-USDT-SWAP", "order_id": "7"},
        "withdrawal": {"claim_id": CLAIM},
        "appeal": {"claim_id": CLAIM, "statement": "look again"},
        "endorsement": {
            "policy_id": policy, "account_id": "acc-1", "inst_id": "BTC-USDT-SWAP", "leverage": 10
        },
    }[kind]  # fmt: skip

    told = shop.post(f"/signables/{kind}", body).json()

    signed = Account.sign_message(encode_typed_data(full_message=told), TRADER.key)
    made = getattr(signing, told["primaryType"])(**told["message"])
    signature = "0x" + bytes(signed.signature).hex()
    assert signing.signer(made, CHAIN, signature) == TRADER.address.lower()
