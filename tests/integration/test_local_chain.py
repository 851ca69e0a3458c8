"""The embedded chain as a stack starts it: what it leaves on the disk is in the data folder."""

from __future__ import annotations

from dataclasses import replace

from leverageguard.stack import local_chain, processes
from tests.e2e.stacks import free_port_base

# The states of the newest 500 are in memory.
BLOCKS = 620
AT_MS = 1_767_571_200_000


def test_start__states_of_older_blocks__lie_in_the_run_folder_and_end_with_the_next_start(settings):
    stack = replace(settings, port_base=free_port_base(28_000))
    states = stack.run_dir / local_chain.OLDER_STATES
    try:
        local_chain.start(stack, AT_MS)
        sender, other, *_ = local_chain.rpc(stack, "eth_accounts")
        sent = {"from": sender, "to": other, "value": "0x1"}
        with local_chain.blocks_on_demand(stack):  # else two can share a block
            for _ in range(BLOCKS):
                local_chain.rpc(stack, "eth_sendTransaction", sent)
                local_chain.mine(stack)
        written = [path for path in states.rglob("*") if path.is_file()]
        assert len(written) > 50

        processes.stop_all(stack)
        assert (stack.data_dir / "chain" / "state.json").exists()
        local_chain.start(stack, AT_MS)
        assert not any(path.exists() for path in written)
        assert int(local_chain.rpc(stack, "eth_blockNumber"), 16) == BLOCKS
    finally:
        processes.stop_all(stack)
