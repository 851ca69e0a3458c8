"""What people and holders say about claims, each account one case named after what was said."""

from __future__ import annotations

from hashlib import sha256

from tests.dbt.dbt_world import HOUR, MINUTE, START, VENUE, DbtWorld, policy_id

OPEN, CLOSE = START + 2 * HOUR, START + 4 * HOUR
SAID = CLOSE + 6 * HOUR
# What is said of a claim, in its order, a minute apart: (what, who, of which holds).
Words = tuple[tuple[str, str, str], ...]
LIMIT = "OVER_LIMIT"
BOTH: Words = (("approve", "ann", LIMIT), ("approve", "bob", LIMIT))
REJECT, APPEAL = ("reject", "ann", ""), ("appeal", "holder", "")
# Each of these claims could pay 48 USDC, of which its product pays 20 without a person.
CASES: dict[str, Words] = {
    "over-limit": (),
    "limit-released": BOTH,
    "one-approver": (("approve", "ann", LIMIT), ("approve", " Ann", LIMIT)),
    "approved-otherwise": (("approve", "ann", LIMIT), ("approve", "bob", "VELOCITY")),
    "approved-among-others": (
        ("approve", "ann", f"VELOCITY|{LIMIT}"), ("approve", "bob", f"{LIMIT}|VELOCITY"),
    ),
    "looked-at-anew": (*BOTH, ("reverify", "cid", "")),
    "approved-anew": (BOTH[0], ("reverify", "cid", ""), *BOTH),
    "half-anew": (BOTH[0], ("reverify", "cid", ""), BOTH[1]),
    "person-rejected": (REJECT,),
    "overruled": (REJECT, *BOTH, ("approve", "cid", f"{LIMIT}|REVIEW")),
    "reverified": (REJECT, ("reverify", "bob", "")),
    "appealed": (REJECT, APPEAL),
    "appeal-half-won": (REJECT, APPEAL, *BOTH),
    "appeal-won": (
        REJECT, APPEAL, ("approve", "bob", f"{LIMIT}|REVIEW"),
        ("approve", "cid", f"REVIEW|{LIMIT}"),
    ),
    "appeal-lost": (REJECT, APPEAL, *BOTH, ("reject", "cid", "")),
    "taken-back": (*BOTH, ("withdraw", "holder", "")),
}  # fmt: skip


def claim_id(label: str, order: str, account: str = "") -> str:
    """The id the models give the claim of a policy on an order of its account."""
    event = f"{VENUE}:uid-{account or label}:{order}"
    return "clm_" + sha256(f"{policy_id(label)}|{event}".encode()).hexdigest()[:24]


def say(world: DbtWorld, claim: str, *words: tuple[str, str, str], at: int = SAID) -> None:
    """Land what was done to a claim, a minute apart."""
    for number, (action, actor, covers) in enumerate(words):
        done = at + number * MINUTE
        world.add(
            "intake/claim_actions", action_id=f"act-{claim[-6:]}-{number}", claim_id=claim,
            action=action, actor=actor, covers=covers, review_id="rev", acted_at_ms=done,
            created_at_ms=done,
        )  # fmt: skip


def play(world: DbtWorld) -> None:
    """Every case, and what becomes of others'."""
    for name, words in CASES.items():
        say(world, claim_id(name, large(world, name)), *words)
    # Nobody can approve what a rule refuses.
    order = large(world, "refused-and-approved", leverage=50)
    approvals = [("approve", who, "TERMS|OVER_LIMIT|ONCE") for who in ("ann", "bob")]
    say(world, claim_id("refused-and-approved", order), *approvals)
    # Two accounts of a wallet with room for 50 a day: the first one's claim is withdrawn.
    order = large(world, "gone-first", owner="gone", version="scenario-small-v1")
    say(world, claim_id("gone-first", order), ("withdraw", "holder", ""))
    large(world, "gone-second", owner="gone", version="scenario-small-v1", after=5)
    # Two policies on one liquidation: to the one that was first a person says no.
    world.account("first-out")
    for minutes, name in enumerate(("second-in", "first-out")):
        world.policy(name, "first-out", bought=START + minutes * MINUTE)
    world.trade("first-out", OPEN, "100000", "1")
    order = world.trade("first-out", CLOSE, "99100", "1", close="full", pnl="-9")
    world.filing("second-in", "second-in", order, CLOSE + MINUTE, by="first-out")
    say(world, claim_id("first-out", order, "first-out"), REJECT)


def large(
    world: DbtWorld, name: str, owner: str = "", version: str = "scenario-large-v1",
    leverage: int = 100, after: int = 0,
) -> str:  # fmt: skip
    """A bound account whose 100 USDT of margin are liquidated; the closing order."""
    world.account(name, signer=owner)
    world.policy(name, name, principal=100, owner=owner, version=version, leverage=leverage)
    world.trade(name, OPEN, "100000", "10")
    return world.trade(name, CLOSE + after, "99100", "10", close="full", pnl="-90")
