"""A node behind a bad line, and another to turn to: what is asked again, what is believed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from leverageguard.settlement import chain as chains
from leverageguard.settlement import errors, ledger, provider, steps
from tests.anvil import Anvil, anvil_fixture  # noqa: F401
from tests.faulty_node import KINDS, FaultyNode
from tests.pool_stack import USDC, PoolStack, item, key, stack_fixture  # noqa: F401

Line = Callable[..., FaultyNode]


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """Makes bad lines; what is asked over them is hurried."""
    monkeypatch.setattr(provider, "TIMEOUT_S", 0.5)
    monkeypatch.setattr(provider, "WAIT_S", 0.01)
    made: list[FaultyNode] = []

    def make(target: str, **options: object) -> FaultyNode:
        made.append(FaultyNode(target, **options))  # type: ignore[arg-type]
        monkeypatch.setenv("LEVERAGEGUARD_CHAIN_RPC", made[-1].url)
        return made[-1]

    yield make
    for one in made:
        one.stop()


def ask(*urls: str, chain_id: int = 31337) -> int:
    """The head's number, asked of these nodes."""
    nodes = provider.FallbackProvider(urls, chain_id)
    return int(nodes.make_request("eth_blockNumber", [])["result"], 16)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_request__one_fault_of_a_kind__is_asked_again(anvil: Anvil, line: Line, kind: str) -> None:
    node = line(anvil.url, script=["", kind])
    assert ask(node.url) == 0
    assert (node.requests, node.faults[kind]) == (3, 1)


def test_request__nothing_but_faults__gives_up_after_the_tries(anvil: Anvil, line: Line) -> None:
    node = line(anvil.url, share=1.0, kinds=("503",))
    with pytest.raises(errors.ChainUnreachable, match=rf"{node.url} in 5 tries: HTTP 503"):
        ask(node.url)
    assert node.requests == provider.TRIES == 5


def test_request__refused_for_good__is_not_asked_again(anvil: Anvil, line: Line) -> None:
    node = line(anvil.url, share=1.0, kinds=("401",))
    with pytest.raises(errors.ChainUnreachable, match="answers HTTP 401"):
        ask(node.url)
    assert node.requests == 1


def test_request__node_names_a_time__waits_that_long(anvil: Anvil, line: Line) -> None:
    node = line(anvil.url, script=["", "429"])
    node.retry_after = "1"
    started = time.monotonic()
    assert ask(node.url) == 0
    assert time.monotonic() - started >= 1


def test_request__node_asks_for_an_hour__is_not_waited_for_so_long(
    anvil: Anvil, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "LONGEST_WAIT_S", 0.2)
    node = line(anvil.url, script=["429"])
    node.retry_after = "3600"
    started = time.monotonic()
    assert ask(node.url) == 0
    assert time.monotonic() - started < 5


def test_request__busy_said_in_the_answer__is_asked_again(
    anvil: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [{"error": {"code": -32005, "message": "limit exceeded"}}, {"result": "0x7a69"}]
    monkeypatch.setattr(provider, "WAIT_S", 0.0)
    monkeypatch.setattr(provider.HTTPProvider, "make_request", lambda *_: answers.pop(0))
    assert provider.NodeProvider(anvil.url).make_request("eth_chainId", []) == {"result": "0x7a69"}  # type: ignore[arg-type]


def test_request__key_in_the_address__is_not_shown(anvil: Anvil, line: Line) -> None:
    node = line(anvil.url, share=1.0, kinds=("503",))
    with pytest.raises(errors.ChainUnreachable) as refusal:
        ask(node.url.replace("http://", "http://me:pass@") + "/v2/customerkey")
    assert not any(secret in str(refusal.value) for secret in ("customerkey", "pass", "me:"))


def test_fallback__primary_is_down__second_answers_and_a_warning_says_so(
    anvil: Anvil, line: Line
) -> None:
    down = line(anvil.url, share=1.0, kinds=("before",))
    with capture_logs() as logged:
        assert ask(down.url, anvil.url) == 0
    warned = [one["event"] for one in logged if one["log_level"] == "warning"]
    assert warned == ["chain_node_failed", "chain_node_in_use"]


def test_fallback__second_was_needed__is_kept_for_the_next_call(anvil: Anvil, line: Line) -> None:
    down = line(anvil.url, share=1.0, kinds=("before",))
    nodes = provider.FallbackProvider([down.url, anvil.url], 31337)
    for _ in range(3):
        nodes.make_request("eth_blockNumber", [])  # type: ignore[arg-type]
    assert down.requests == provider.TRIES


def test_fallback__second_serves_another_chain__is_not_believed(anvil: Anvil, line: Line) -> None:
    down = line(anvil.url, share=1.0, kinds=("before",))
    other = Anvil(chain_id=1)
    seen = line(other.url)
    try:
        with pytest.raises(errors.WrongChain, match="serves chain 1, the settings say 31337"):
            ask(down.url, seen.url)
    finally:
        other.stop()
    assert set(seen.methods) == {"eth_chainId"}


def test_fallback__both_are_down__both_are_named(anvil: Anvil, line: Line) -> None:
    first, second = (line(anvil.url, share=1.0, kinds=("503",)) for _ in range(2))
    with pytest.raises(errors.ChainUnreachable, match=rf"{first.url}.*{second.url}"):
        ask(first.url, second.url)


def test_settle__primary_dies_on_the_way__second_settles(
    stack: PoolStack, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch_id,) = stack.plan(item(1), item(2))
    down = line(stack.anvil.url, script=[""] * 6, share=1.0, kinds=("before",))
    monkeypatch.setenv("LEVERAGEGUARD_CHAIN_RPC", f"{down.url}, {stack.anvil.url}")
    steps.settle(batch_id)
    assert steps.confirm(batch_id) == {"paid": 2, "failed": 0}
    assert [stack.paid_to(1), stack.paid_to(2)] == [USDC + 1, USDC + 2]


@pytest.mark.parametrize("kind", KINDS)
def test_settle__sending_fails__same_bytes_are_sent_again(
    stack: PoolStack, line: Line, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    (batch_id,) = stack.plan(item(1))
    node = line(stack.anvil.url)
    usual = chains.Chain.broadcast

    def broken(self: chains.Chain, raw: bytes) -> None:
        node._script.append(kind)
        usual(self, raw)

    monkeypatch.setattr(chains.Chain, "broadcast", broken)
    steps.settle(batch_id)
    assert node.faults[kind] == 1
    (sent,) = ledger.load(stack.settings, batch_id).transactions
    assert node.sent == {sent.tx_hash}
    assert stack.paid_to(1) == USDC + 1
    assert stack.chain.nonce(key("chain_proposer").address) == sent.nonce + 1
