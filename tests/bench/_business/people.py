"""What people do in a business day: holders cancel, withdraw and appeal, approvers decide."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

from sqlalchemy import select

from leverageguard import clock
from leverageguard.claims import actions, advancing, register, reviewing
from leverageguard.domain import signing
from leverageguard.intake import steps as intake_steps
from leverageguard.settlement.chain import Fees
from leverageguard.settlement.contracts.call import Call
from leverageguard.settlement.signing import signers
from leverageguard.simulator import scenario as scenarios
from leverageguard.simulator.world import TRUTH_FILE
from leverageguard.stack import local_chain, traders
from leverageguard.store.base import session
from leverageguard.store.claim_tables import ClaimAction, ClaimTxn, ReviewRecord
from leverageguard.store.intake_tables import Quote
from tests.bench._business.stage import Stage, query

GAS = 400_000
FEES = Fees(max_fee_wei=10**11, priority_wei=10**9)
TO_CANCEL_S = 300
CANCELLED, WITHDRAWN, APPEALED = 25, 6, 12
STATEMENT = "The close was the exchange's, please look at it again."
IS_APPEAL = ClaimAction.action == "appeal"
REFUSED_BY_RULE = (
    "select claim_id from fct_claims where verdict = 'rejected' and reasons <> 'REVIEW'"
)
PLAIN_MICRO_USDC = 12_345_678


def cancel(stage: Stage) -> int:
    """Some holders buy once more, think better of it and take their premium back; how many."""
    known = json.loads((stage.scenario.folder / TRUTH_FILE).read_text())
    claimed = {row["policy"] for row in known}
    ordinary = [each for each in stage.scenario.policies if each.policy not in claimed]
    at_ms = (stage.chain.head().timestamp + 60) * 1000
    late = replace(
        stage.scenario,
        policies=tuple(
            replace(each, policy=f"{each.policy}-late", bought_at_ms=at_ms)
            for each in ordinary[:CANCELLED]
        ),
        claims=(),
    )
    traders.quote(stage.settings, late)
    traders._Purchases(stage.settings, late).run()
    with session(stage.settings) as opened:
        quotes = {row.reference: row.quote_id for row in opened.query(Quote)}
    with local_chain.blocks_on_demand(stage.settings):
        for policy in late.policies:
            quote_id = bytes.fromhex(quotes[policy.policy][2:])
            _send(stage, policy.wallet, stage.chain.pool().cancel_policy(quote_id))
        local_chain.mine(stage.settings, at_ms // 1000 + TO_CANCEL_S)
    return len(late.policies)


def send_plain_money(stage: Stage) -> None:
    """Somebody sends USDC to the pool without a word."""
    token = stage.chain.token()
    admin = signers.key_signer(stage.settings, "chain_admin")
    stage.chain.send(admin, token.mint(admin.address, PLAIN_MICRO_USDC))
    stage.chain.send(admin, token.transfer(stage.deployed.pool, PLAIN_MICRO_USDC))


def review(stage: Stage) -> Counter[str]:
    """Two approvers answer all that waits; how reviews ended.

    What a rule refused stays refused: nobody can approve that. Of the rest every third is rejected
    when it is looked at for the first time.
    """
    ended: Counter[str] = Counter()
    run = f"business-day {clock.now_ms()}"
    asked = reviewing.open_reviews(stage.settings, run, None)
    refused = {row["claim_id"] for row in query(REFUSED_BY_RULE)}
    with session(stage.settings) as opened:
        subjects = [opened.get_one(ReviewRecord, review_id).subject_id for review_id in asked]
        appealed = set(opened.scalars(select(ClaimAction.claim_id).where(IS_APPEAL)))
    for place, claim_id in enumerate(subjects):
        key = reviewing.asked_in(run, place)
        is_doubted = place % 3 == 2 and claim_id not in appealed
        option = "Reject" if claim_id in refused or is_doubted else "Approve"
        for step in (1, 2):
            form = reviewing.form(stage.settings, key, step)
            if form is not None:
                who = form.users[0]
                reviewing.answer(stage.settings, key, step, who, option, "looked at by a person")
        ended[reviewing.record(stage.settings, key).state] += 1
    _land_actions(stage)
    advancing.advance(stage.settings)
    return ended


def withdraw(stage: Stage) -> int:
    """A few holders give up what waits for people or was refused."""
    chosen = _claims_in(stage, ("MANUAL_REVIEW", "NOT_ELIGIBLE"))[::9][:WITHDRAWN]
    for txn in chosen:
        said = signing.Withdrawal(txn.policy_id, txn.claim_id)
        actions.withdraw(stage.settings, txn.claim_id, *_signed(stage, txn, said))
    return len(chosen)


def appeal(stage: Stage) -> int:
    """Whoever a person rejected appeals, and some of those whom a rule refused."""
    rejected = _claims_in(stage, ("REJECTED",))
    chosen = rejected + _claims_in(stage, ("NOT_ELIGIBLE",))[::5][:APPEALED]
    for txn in chosen:
        said = signing.Appeal(txn.policy_id, txn.claim_id, STATEMENT)
        chain_id, signature = _signed(stage, txn, said)
        actions.appeal(stage.settings, txn.claim_id, chain_id, STATEMENT, signature)
    _land_actions(stage)
    return len(chosen)


def _land_actions(stage: Stage) -> None:
    intake_steps.land_actions(stage.settings, clock.now_ms() - 3_600_000)


def _claims_in(stage: Stage, states: tuple[str, ...]) -> list[ClaimTxn]:
    """The last move of each claim in one of the states, by claim."""
    with session(stage.settings) as opened:
        last = register.last_of(opened)
    return [txn for _, txn in sorted(last.items()) if txn.to_state in states]


def _signed(stage: Stage, txn: ClaimTxn, said: signing.Message) -> tuple[int, str]:
    """The chain's id and the holder's signature for it."""
    labels = {policy.policy: policy.wallet for policy in stage.scenario.policies}
    with session(stage.settings) as opened:
        quote = opened.get_one(Quote, txn.policy_id)
    chain_id = stage.settings.chain_id
    key = scenarios.wallet_key(labels[quote.reference])
    return chain_id, signing.sign(said, chain_id, key)


def _send(stage: Stage, label: str, call: Call) -> None:
    signer = signers.KeySigner(scenarios.wallet_key(label))
    fields = stage.chain.fields(call, stage.chain.nonce(signer.address), GAS, FEES)
    stage.chain.broadcast(signer.sign_transaction(fields)[0])
