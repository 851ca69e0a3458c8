"""Sealed claims verify from their packages alone; whatever is changed is found and named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from leverageguard import config
from leverageguard.evidence import command, recompute, steps, verify
from leverageguard.evidence.report import is_wrong
from leverageguard.warehouse import packages

pytestmark = pytest.mark.slow
ALL_CHECKS = 22
OF_CORE_V4 = ("OVER_LIMIT", "WITHDRAWN", "REVIEW")


def check(sealed, folder: Path):
    return verify.package(sealed.world.settings, folder, None, is_offline=True)


def wrong(lines) -> list[str]:
    return [line.what for line in lines if line.result == "WRONG"]


@pytest.fixture(scope="session")
def paid(sealed) -> Path:
    """The package of a paid claim that was filed."""
    paid = set(sealed.paid())
    filed = sealed.world.claims("filing_id is not null and verdict = 'verified'")
    return sealed.folder(next(row["claim_id"] for row in filed if row["claim_id"] in paid))


def test_seal__every_decided_claim__has_a_package(sealed):
    decided = sealed.world.claims("verdict <> 'undetermined'")

    assert {row["claim_id"] for row in decided} == set(sealed.roots())
    assert {row["verdict"] for row in decided} == {"verified", "rejected"}
    assert sealed.counts["verdicts"] == sealed.counts["claims"]
    assert sealed.batches


def test_seal__claims_of_every_venue__are_among_them(sealed):
    exchanges = {
        json.loads((sealed.folder(claim_id) / "claim.json").read_bytes())["exchange"]
        for claim_id in sealed.roots()
    }

    assert exchanges == set(config.VENUES)


def test_seal__again__seals_nothing(sealed):
    before = sealed.roots()

    counts = steps.seal()

    assert (counts["verdicts"], counts["unchanged"]) == (0, counts["claims"])
    assert sealed.roots() == before


def test_verify__every_claim__is_right_line_for_line(sealed):
    found = list(command.run(sealed.world.settings, None, True, None, is_offline=True))

    assert {each.name for each in found} == set(sealed.roots())
    assert {each.name: wrong(each.lines) for each in found if each.is_wrong} == {}
    for each in found:
        checks = [line for line in each.lines if line.what.startswith("check ")]
        assert len(checks) == ALL_CHECKS


def test_verify__every_paid_claim__is_proved_to_be_in_its_batch(sealed):
    for claim_id in sealed.paid():
        results = {line.what: line.result for line in check(sealed, sealed.folder(claim_id))}

        assert results["inclusion in the batch"] == "ok"
        assert results["the batch's root over all its claims"] == "ok"


def test_verify__a_copy_on_another_machine__needs_nothing_but_the_repository(
    sealed, paid, tmp_path, monkeypatch
):
    copy = tmp_path / "from-a-mail" / paid.name
    shutil.copytree(paid, copy)
    elsewhere = replace(sealed.world.settings, data_dir=tmp_path / "no-stack-here")

    lines = verify.package(elsewhere, copy, None, is_offline=True)

    assert not is_wrong(lines)
    assert {"inclusion in the batch", "verdict", "amount"} <= {
        line.what for line in lines if line.result == "ok"
    }


@budget(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_verify__any_byte_of_any_document_changed__names_the_document(
    sealed, paid, tmp_path_factory, data
):
    copy = tmp_path_factory.mktemp("changed") / paid.name
    shutil.copytree(paid, copy)
    name = data.draw(st.sampled_from(sorted(packages.documents_in(copy))))
    content = bytearray((copy / name).read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    (copy / name).write_bytes(bytes(content))

    found = wrong(check(sealed, copy))

    assert f"document {name}" in found
    assert "root" in found


def test_verify__a_document_added_or_taken_away__is_named(sealed, paid, tmp_path):
    copy = tmp_path / paid.name
    shutil.copytree(paid, copy)
    (copy / "note.json").write_bytes(b"{}")
    (copy / "stops.json").unlink()

    found = wrong(check(sealed, copy))

    assert {"document note.json", "document stops.json", "root"} <= set(found)


def amount(documents):
    documents["verdict.json"]["approved_micro_usdc"] += 1


def result(documents):
    documents["verdict.json"]["checks"][8]["result"] = "fail"


def terms(documents):
    documents["policy.json"]["product_versions"][0]["payout_cap_ppm"] = "900000"


def principal(documents):
    for row in documents["policy.json"]["quotes"]:
        row["principal_micro_usdc"] += 1_000_000


def thresholds(documents):
    documents["policy.json"]["check_thresholds"][0]["price_touch_tolerance_ppm"] = "900000"


def signature(documents):
    binding = documents["account.json"]["bindings"][0]
    binding["wallet"] = binding["signer"] = "0x" + "5" * 40


def fill(documents):
    documents["fills.json"][0]["price"] = "1"


def order(documents):
    documents["orders.json"][0]["forced_kind"] = "settlement"


def candle(documents):
    documents["candles.json"][0]["low_price"] = "1"


def uid(documents):
    documents["account.json"]["account_configs"][0]["uid"] = "1"


def balance(documents):
    documents["context.json"]["pool_balances"][0]["balance_micro_usdc"] = 20


def reply(documents):
    name = next(name for name in documents if name.startswith("replies/"))
    documents[name]["body"] += " "


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (amount, "amount"),
        (result, "check IN_COVER"),
        (terms, "product terms"),
        (principal, "policy id"),
        (thresholds, "rules"),
        (signature, "binding signature"),
        (fill, "rows fills"),
        (order, "rows orders"),
        (candle, "rows candles"),
        (uid, "rows account_configs"),
        (balance, "amount"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_verify__a_package_made_to_fit_after_a_change__is_still_found_out(
    sealed, paid, reseal, change, line
):
    found = wrong(check(sealed, reseal(paid, change)))

    assert line in found
    # Its root is not the one in the batch any more.
    assert "inclusion in the batch" in found


def test_verify__a_changed_reply__is_named_by_its_hash(sealed, paid, reseal):
    found = wrong(check(sealed, reseal(paid, reply)))

    assert any(what.startswith("reply ") for what in found)


def test_verify__a_package_of_the_rules_before__needs_none_of_what_came_later(sealed, paid, reseal):
    def as_core_v2(documents):
        del documents["context.json"]["unread_accounts"]
        del documents["claim.json"]["actions"]
        del documents["policy.json"]["endorsements"], documents["policy.json"]["cancellations"]
        for row in documents["windows.json"]["endpoints"]:
            del row["has_fills"]
        policy = documents["policy.json"]
        policy["rules_version"] = "core-v2"
        policy["check_thresholds"] = recompute.thresholds(sealed.world.settings, "core-v2")
        del policy["check_thresholds"][0]["approvals_needed"]
        verdict = documents["verdict.json"]
        verdict["checks"] = [
            row for row in verdict["checks"] if row["check_code"] not in OF_CORE_V4
        ]

    found = wrong(check(sealed, reseal(paid, as_core_v2)))

    # Its root is not the one in the batch any more.
    assert found == ["inclusion in the batch"]


def test_verify__a_proof_of_another_amount__is_wrong(sealed, paid, tmp_path):
    copy = tmp_path / paid.name
    shutil.copytree(paid, copy)
    proof = json.loads((copy / "inclusion.json").read_bytes())
    proof["document"]["amount_micro_usdc"] = "1"
    (copy / "inclusion.json").write_text(json.dumps(proof))

    assert wrong(check(sealed, copy)) == ["inclusion in the batch"]


@pytest.mark.parametrize("is_paid_one_there", [True, False])
def test_verify__sealed_again_after_it_was_paid__is_not_what_the_batch_pays_and_says_so(
    sealed, paid, reseal, tmp_path, is_paid_one_there
):
    """A key asked about once more is another reply: the same verdict on another package."""
    again = reseal(paid, lambda documents: documents["context.json"].update(padding=[]))
    claim_id = json.loads((paid / "claim.json").read_bytes())["claim_id"]
    evidence, proofs = tmp_path / "evidence", tmp_path / "evidence" / "proofs"
    shutil.copytree(again, evidence / again.name)
    proofs.mkdir()
    (evidence / again.name / "inclusion.json").rename(proofs / f"{claim_id}.json")
    if is_paid_one_there:
        shutil.copytree(paid, evidence / paid.name)

    lines = {line.what: line for line in check(sealed, evidence / again.name)}
    found = lines["inclusion in the batch"]

    assert (found.result == "WRONG") is not is_paid_one_there
    if is_paid_one_there:
        assert paid.name in found.seen
        # The one that was paid is held to the batch as ever.
        assert wrong(check(sealed, evidence / paid.name)) == []


def test_verify__a_document_that_is_no_json__is_wrong_and_no_crash(sealed, paid, tmp_path):
    for name in ("claim.json", "policy.json", "verdict.json", "context.json", "fills.json"):
        copy = tmp_path / name / paid.name
        shutil.copytree(paid, copy)
        (copy / name).write_bytes(b"[")

        assert f"document {name}" in wrong(check(sealed, copy))


def run_cli(sealed, *words: str) -> subprocess.CompletedProcess:
    argv = [sys.executable, "-m", "leverageguard.cli", "verify", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_command__a_claim__prints_a_line_a_check_and_exits_0(sealed, paid):
    claim_id = json.loads((paid / "claim.json").read_bytes())["claim_id"]

    done = run_cli(sealed, claim_id, "--offline")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("check ") == ALL_CHECKS
    assert done.stdout.splitlines()[-1].startswith(f"ok     {claim_id}")


def test_command__a_changed_folder__exits_1_and_names_it(sealed, paid, tmp_path):
    copy = tmp_path / paid.name
    shutil.copytree(paid, copy)
    (copy / "fills.json").write_bytes(b"[]")

    done = run_cli(sealed, str(copy), "--offline")

    assert done.returncode == 1
    assert "WRONG  document fills.json" in done.stdout


def test_command__nothing_of_that_name__says_where_it_looked(sealed):
    done = run_cli(sealed, "clm_nobody")

    assert done.returncode == 1
    assert "no evidence of such a claim is sealed in" in done.stderr


def test_command__a_package_of_the_replaced_system__is_recognised_and_called_malleable(
    sealed, tmp_path
):
    parts = {"account": b"{}", "fills": b"[]", "order": b"1"}
    for name, content in parts.items():
        (tmp_path / f"{name}.json").write_bytes(content)
    a, b, c = (sha256(content).digest() for content in parts.values())
    left, right = sha256(a + b).digest(), sha256(c + c).digest()
    merkle = {
        "root": sha256(left + right).hexdigest(),
        "leaves": [each.hex() for each in (a, b, c)],
    }
    (tmp_path / "merkle.json").write_text(json.dumps(merkle))

    done = run_cli(sealed, str(tmp_path))

    assert done.returncode == 0, done.stdout
    assert "3 and 4 leaves have this root; it proves neither" in done.stdout
