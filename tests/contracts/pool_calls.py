"""What the state machine calls the pool with: mostly what is right, so that most sequences pay."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.contracts.pool_world import USDC

# Small and large ones, so that every limit is met.
AMOUNTS = st.one_of(st.integers(1, 3 * USDC), st.integers(500 * USDC, 2_000 * USDC))
RESERVES = st.one_of(st.integers(0, 1_000 * USDC), st.integers(0, 12_000 * USDC))
SELDOM = st.sampled_from([False] * 4 + [True])
RECIPIENTS = st.integers(0, 3)
BATCHES = st.lists(st.tuples(AMOUNTS, RECIPIENTS, st.booleans()), min_size=1, max_size=4)
# Mostly what is right, so that most sequences pay.
OFFSETS = st.sampled_from([0] * 8 + [-1, 1])
# Batch number, first claim, list version and total, each off by so much.
SHIFTS = st.one_of(st.just((0, 0, 0, 0)), st.tuples(*[OFFSETS] * 4))
SIGNERS = st.sampled_from(
    [("verifier 1", "verifier 2"), ("verifier 2", "verifier 3")] * 6
    + [("verifier 1",), ("stranger", "verifier 1")]
)


def callers(holder: str) -> st.SearchStrategy[str]:
    """Mostly the one who may."""
    return st.sampled_from([holder] * 12 + ["stranger", "verifier 1"])
