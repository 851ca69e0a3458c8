"""Every case of the table gets its documented refusal, and the store is as it was before."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from io import BytesIO

import pytest
from cryptography.fernet import Fernet

from leverageguard import clock, config
from leverageguard.audit import verifying
from leverageguard.domain import signing
from leverageguard.evidence import packing
from tests import gateway_shop
from tests import gateway_world as world
from tests.gateway_shop import CHAIN, NOW_MS
from tests.gateway_world import API, STRANGER, TRADER
from tests.unit.gateway.bad_inputs import CASES

CLAIM, FOREIGN_CLAIM = "clm_" + "0a" * 12, "clm_" + "0b" * 12
REFUSED = (
    ("NOTIFIED", "NOTICE"),
    ("EVIDENCE_PENDING", "EVIDENCE_ASKED"),
    ("VERIFYING", "EVIDENCE_COMPLETE"),
    ("NOT_ELIGIBLE", "CHECK_FAILED"),
)


def zipped(name=None, content=b""):
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        if name:
            archive.writestr(name, content)
    return made.getvalue()


class Ground:
    """One shop for the whole table; `values` are what the cases' `$names` stand for."""

    def __init__(self, shop):
        self.shop = shop
        policy, foreign = shop.policy("q-1"), shop.policy("q-3", "stranger", account_id="acc-3")
        filing = shop.file(policy, "c-1", "6")
        theirs = shop.filing(foreign, "6", STRANGER)
        foreign_filing = shop.post("/claims", theirs, "stranger", "c-1").json()["filing_id"]
        shop.open(CLAIM, policy, *REFUSED)
        shop.open(FOREIGN_CLAIM, foreign, *REFUSED)
        expired = shop.quote("q-0")["quote_id"]
        clock.set_world(NOW_MS + 1_000_000)
        quote = shop.quote("q-2")["quote_id"]
        said = world.signed(TRADER, world.message(TRADER, self._nonce()))
        assert shop.client.post(f"{API}/auth/sign-in", json=said).status_code == 200
        binding = signing.Binding("okx", "42", TRADER.address, 7)
        change = signing.Endorsement(policy, "acc-1", "BTC-USDT-SWAP", 10, 1)
        order = signing.Filing(policy, "BTC-USDT-SWAP", "7")
        self.values = {
            "policy": policy, "foreign_policy": foreign, "filing": filing, "expired": expired,
            "foreign_filing": foreign_filing, "claim": CLAIM, "foreign_claim": FOREIGN_CLAIM,
            "quote": quote, "wallet": TRADER.address, "replayed": said,
            "binding_sig": signing.sign(binding, CHAIN, TRADER.key),
            "foreign_binding_sig": signing.sign(binding, CHAIN, STRANGER.key),
            "filing_sig": signing.sign(order, CHAIN, TRADER.key),
            "foreign_filing_sig": signing.sign(order, CHAIN, STRANGER.key),
            "other_chain_sig": signing.sign(order, 1, TRADER.key),
            "unbought_sig": shop.filing(quote)["signature"],
            "endorsement_sig": signing.sign(change, CHAIN, TRADER.key),
            "larger_sig": signing.sign(replace(change, leverage=30), CHAIN, TRADER.key),
            "traversal_zip": zipped("../x", b"1"), "empty_zip": zipped(),
            "bomb_zip": zipped("claim.json", b"\0" * (packing.LARGEST_UNPACKED + 1)),
        }  # fmt: skip
        self.documented = shop.client.get("/api/openapi.json").json()["paths"]

    def _nonce(self):
        return self.shop.client.post(f"{API}/auth/nonce").json()["nonce"]

    def filled(self, given):
        """What stands for a `$name`, or a value with such names inside."""
        if isinstance(given, dict):
            return {name: self.filled(value) for name, value in given.items()}
        if isinstance(given, bytes) and given.startswith(b"$"):
            return self.values[given[1:].decode()]
        if not isinstance(given, str):
            return given
        if given[:1] == "$" and given[1:] in self.values:
            return self.values[given[1:]]
        return re.sub(r"\$(\w+)", lambda found: self.values[found[1]], given)

    def send(self, case):
        """The answer to a case."""
        headers = dict(case.headers)
        if case.key is not None and case.method == "POST":
            headers["Idempotency-Key"] = case.key
        options = {"headers": headers}
        if case.raw is not None:
            options["content"] = self.filled(case.raw)
        elif case.body is not None:
            options["content"] = json.dumps(self.filled(case.body))
            headers.setdefault("Content-Type", "application/json")
        who = case.who
        if who in ("viewer", "operator", "admin"):
            who = world.person(who)
        return self.shop.call(case.method, self.filled(case.path), who, **options)

    def statuses(self, method, path):
        """What the OpenAPI document says may be answered; None for a path it does not know."""
        for template, operations in self.documented.items():
            pattern = re.sub(r"\{\w+\}", "[^/]+", template) + "$"
            if re.match(pattern, API + path.split("?")[0]) and method.lower() in operations:
                return set(operations[method.lower()]["responses"])
        return None


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEVERAGEGUARD_DATA", str(tmp_path_factory.mktemp("bad") / "data"))
        settings = replace(config.load(), rate_percent=100_000)
        settings.secrets_dir.mkdir(parents=True)
        (settings.secrets_dir / "credentials_key").write_bytes(Fernet.generate_key())
        yield Ground(gateway_shop.opened(settings, patch))


@pytest.fixture
def own_data_folder(ground, monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(ground.shop.settings.data_dir))
    return ground.shop.settings.data_dir


def test_table__is_long_and_names_each_case_once():
    names = [case.name for case in CASES]

    assert len(names) >= 100
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input__is_refused_as_documented_and_nothing_is_written(ground, case):
    before = ground.shop.counts()

    answer = ground.send(case)

    told = answer.json()
    assert (answer.status_code, told["code"]) == (case.status, case.code), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    documented = ground.statuses(case.method, ground.filled(case.path))
    assert documented is None or str(case.status) in documented
    written = {case.writes, "audit_events"} if case.writes else set()
    after = ground.shop.counts()
    assert {name for name, count in after.items() if count != before[name]} == written
    assert "Traceback" not in answer.text


def test_table__after_all_of_it__the_audit_chain_is_whole(ground):
    assert verifying.verify(ground.shop.settings).breaks == ()
    assert ground.shop.announced == [1, 1]
