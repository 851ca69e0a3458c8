"""The restore drill: a backup of the running stack, everything else deleted, and on it goes.

Late among the end-to-end tests, since it takes their stack down.
"""

from __future__ import annotations

import shutil

import pytest

from leverageguard.recovery import parts
from tests.e2e.stacks import money

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
CLAIM = ("claim_id", "verdict", "paid_micro_usdc", "transaction")


def test_restore__only_the_backup_is_left__same_claims_and_nothing_paid_twice(
    default_stack, tmp_path
):
    phrase, shelf = tmp_path / "phrase", tmp_path / "shelf"
    phrase.write_text("correct horse battery")
    assert parts.unknown(default_stack.data) == []
    before = default_stack.status()
    default_stack.run("backup", "--to", str(shelf), "--secrets-passphrase", str(phrase))
    default_stack.run("down")
    shutil.rmtree(default_stack.data)

    default_stack.run("backup", "--to", str(shelf), "--verify")
    default_stack.run("restore", "--from", str(shelf), "--secrets-passphrase", str(phrase))
    restored = default_stack.status()
    assert restored["claims"] == before["claims"]
    default_stack.run("up", "--no-superset")

    after = default_stack.status()
    told = [{name: claim[name] for name in CLAIM} for claim in before["claims"]]
    assert [{name: claim[name] for name in CLAIM} for claim in after["claims"]] == told
    assert money(after) == money(before)
    assert "whole" in default_stack.run("audit", "verify").stdout
    paid = [claim["claim_id"] for claim in after["claims"] if claim["paid_micro_usdc"]]
    for claim_id in (paid[0], paid[-1]):
        default_stack.run("verify", claim_id)
    assert "no incident" in default_stack.run("incidents").stdout
