"""What people and holders say is evidence: a package decides with it as the warehouse did."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from leverageguard.domain import signing
from leverageguard.evidence import shape, steps, verdicts, verify
from leverageguard.evidence.gather import Gatherer
from leverageguard.simulator.scenario import wallet_key
from leverageguard.store import base
from leverageguard.warehouse import dbt_runner, landing, packages
from tests.evidence.evidence_world import EvidenceWorld

pytestmark = pytest.mark.slow
ACTIONS, ENDORSEMENTS = "intake/claim_actions", "intake/endorsements"
QUOTES = "intake/quotes"
SAID_MS, MINUTE_MS = 1_767_700_000_000, 60_000
REJECT, APPEAL = ("reject", "ann", ""), ("appeal", "holder", "")
APPROVALS = (("approve", "bob", "REVIEW"), ("approve", "cid", "REVIEW"))
WORDS = {
    "appealed": (REJECT, APPEAL),
    "half": (REJECT, APPEAL, APPROVALS[0]),
    "released": (REJECT, APPEAL, *APPROVALS),
    "rejected": (REJECT,),
    "withdrawn": (("withdraw", "holder", ""),),
}


@dataclass(frozen=True)
class Spoken:
    """The decided world with what people said on the claims in `said`, and what sealing counted."""

    world: EvidenceWorld
    said: dict[str, str]
    amounts: dict[str, int]
    counts: dict[str, int]

    def verdict(self, case: str) -> Any:
        with base.session(self.world.settings) as session:
            return verdicts.latest(session, [self.said[case]])[self.said[case]]

    def folder(self, case: str) -> Path:
        return packages.folder_of(self.world.settings, self.verdict(case).evidence_root)


def act(settings: Any, claim_id: str, *words: tuple[str, str, str], after: int = 0) -> None:
    """Land what was done to a claim, a minute apart."""
    rows = [
        {
            "action_id": f"{claim_id}-{after + number}", "claim_id": claim_id, "action": action,
            "actor": actor, "covers": covers, "review_id": "rev", "evidence_root": None,
            "acted_at_ms": SAID_MS + (after + number) * MINUTE_MS,
            "created_at_ms": SAID_MS + (after + number) * MINUTE_MS,
        }
        for number, (action, actor, covers) in enumerate(words)
    ]  # fmt: skip
    for hour, of_hour in landing.by_hour(ACTIONS, rows).items():
        landing.replace(settings, ACTIONS, hour, f"{claim_id}-{after}", of_hour)


def endorse(world: EvidenceWorld, claim: dict[str, Any]) -> None:
    """Land that the holder signed a policy's terms anew before its cover began."""
    [quote] = landing.scan(world.settings, QUOTES, where={"quote_id": [claim["policy_id"]]})
    value = signing.Endorsement(
        quote["quote_id"], quote["account_id"], quote["inst_id"], quote["leverage"], 1
    )
    [wallet] = {
        policy.wallet
        for policy in world.scenario.policies
        if policy.policy == claim["policy_reference"]
    }
    at_ms = quote["created_at_ms"] + MINUTE_MS
    row = {
        "endorsement_id": "end-1", "policy_id": value.policy, "endorsement_no": value.number,
        "account_id": value.account, "inst_id": value.inst_id, "leverage": value.leverage,
        "signer": claim["wallet"], "effective_at_ms": at_ms, "created_at_ms": at_ms,
        "signature": signing.sign(value, world.settings.chain_id, wallet_key(wallet)),
    }  # fmt: skip
    [(hour, rows)] = landing.by_hour(ENDORSEMENTS, [row]).items()
    landing.replace(world.settings, ENDORSEMENTS, hour, "test", rows)


@pytest.fixture(scope="module")
def spoken(sealed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spoken]:
    folder = tmp_path_factory.mktemp("people") / "data"
    shutil.copytree(sealed.built, folder)
    settings = replace(sealed.world.settings, data_dir=folder)
    world = replace(sealed.world, settings=settings)
    payable = world.claims(
        "approved_micro_usdc > 0 qualify count(*) over (partition by wallet) = 1"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEVERAGEGUARD_DATA", str(folder))
        said = {case: row["claim_id"] for case, row in zip(WORDS, payable, strict=False)}
        for case, claim_id in said.items():
            act(settings, claim_id, *WORDS[case])
        others = world.claims("verdict = 'verified'")
        endorsed = next(row for row in others if row["claim_id"] not in said.values())
        said["endorsed"] = endorsed["claim_id"]
        endorse(world, endorsed)
        dbt_runner.build()
        counts = steps.seal()
        amounts = {row["claim_id"]: row["approved_micro_usdc"] for row in payable}
        yield Spoken(world, said, amounts, counts)


@pytest.fixture(autouse=True)
def own_data_folder(spoken: Spoken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(spoken.world.settings.data_dir))


def wrong(spoken: Spoken, folder: Path) -> list[str]:
    lines = verify.package(spoken.world.settings, folder, None, is_offline=True)
    return [line.what for line in lines if line.result == "WRONG"]


def test_seal__claims_people_spoke_on__are_decided_by_their_packages_alike(spoken):
    assert (spoken.counts["refused"], spoken.counts["verdicts"]) == (0, spoken.counts["claims"])
    assert len(spoken.said) == len(WORDS) + 1
    found = {case: spoken.verdict(case) for case in WORDS}
    assert {case: (row.verdict, row.reasons, row.hold_reasons) for case, row in found.items()} == {
        "appealed": ("verified", "", "REVIEW"),
        "half": ("verified", "", "REVIEW"),
        "released": ("verified", "", ""),
        "rejected": ("rejected", "REVIEW", ""),
        "withdrawn": ("rejected", "WITHDRAWN", ""),
    }
    paid = found["released"].approved_micro_usdc
    assert paid == spoken.amounts[spoken.said["released"]]
    assert [row.approved_micro_usdc for case, row in found.items() if case != "released"] == [
        None
    ] * 4


@pytest.mark.parametrize("case", WORDS)
def test_verify__a_claim_people_spoke_on__is_right_and_says_whose_word_it_takes(spoken, case):
    lines = verify.package(spoken.world.settings, spoken.folder(case), None, is_offline=True)

    assert [line for line in lines if line.result == "WRONG"] == []
    [note] = [line.seen for line in lines if line.what == "people"]
    assert all(f"{action} by {actor}" in note for action, actor, _ in WORDS[case])
    assert "not by this package" in note


def other_leverage(documents):
    documents["policy.json"]["endorsements"][0]["leverage"] += 1


def test_verify__a_changed_policy__rests_on_its_holders_signature(spoken, reseal):
    folder = spoken.folder("endorsed")

    assert wrong(spoken, folder) == []
    assert "endorsement signature" in wrong(spoken, reseal(folder, other_leverage))


def one_approval_less(documents):
    documents["claim.json"]["actions"] = [
        row for row in documents["claim.json"]["actions"] if row["actor"] != "cid"
    ]


def one_person_twice(documents):
    for row in documents["claim.json"]["actions"]:
        row["actor"] = {"cid": "bob"}.get(row["actor"], row["actor"])


def other_covers(documents):
    for row in documents["claim.json"]["actions"]:
        row["covers"] = {"cid": "VELOCITY"}.get(row["actor"], row["covers"])


def no_actions(documents):
    documents["claim.json"]["actions"] = []


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (one_approval_less, {"check REVIEW", "verdict", "amount"}),
        (one_person_twice, {"check REVIEW", "verdict", "amount"}),
        (other_covers, {"check REVIEW", "verdict", "amount"}),
        # Nobody rejected it then: what is paid stays, and the check says other words.
        (no_actions, {"check REVIEW"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_verify__approvals_changed_to_fit_again__are_still_found_out(spoken, reseal, change, lines):
    assert lines <= set(wrong(spoken, reseal(spoken.folder("released"), change)))


def test_verify__another_actor__is_another_root(spoken, tmp_path):
    folder = spoken.folder("released")
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    claim = (copy / shape.CLAIM).read_text()
    (copy / shape.CLAIM).write_text(claim.replace('"bob"', '"dan"'))

    assert {"document claim.json", "root"} <= set(wrong(spoken, copy))


def test_seal__a_further_word__seals_the_claim_again_with_it(spoken):
    before = spoken.verdict("half").evidence_root
    act(spoken.world.settings, spoken.said["half"], APPROVALS[1], after=3)
    dbt_runner.build()

    counts = steps.seal()

    # What is paid now counts against the limits of those after it: they are sealed again too.
    assert (counts["refused"], counts["sealed"] > 0) == (0, True)
    last = spoken.verdict("half")
    assert (last.hold_reasons, last.evidence_root != before) == ("", True)
    claim = json.loads((spoken.folder("half") / shape.CLAIM).read_bytes())
    assert [row["actor"] for row in claim["actions"]].count("cid") == 1


def test_seal__a_package_without_what_was_said__is_refused(spoken, monkeypatch):
    gathered = Gatherer.rows

    def forgetful(self: Gatherer, claim: Any) -> Any:
        return {**gathered(self, claim), ACTIONS: []}

    monkeypatch.setattr(Gatherer, "rows", forgetful)
    shutil.rmtree(spoken.folder("rejected"))

    counts = steps.seal()

    assert (counts["refused"], counts["sealed"]) == (1, 0)
    assert "REVIEW" in spoken.verdict("rejected").reasons
    assert spoken.verdict("rejected").reasons.startswith(verdicts.NOT_SEALED)
