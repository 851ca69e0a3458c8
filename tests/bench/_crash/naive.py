"""The sender everybody writes first: a transfer a claim, marked as paid afterwards."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path

from eth_utils.crypto import keccak

from leverageguard import config
from leverageguard.settlement import chain as chains
from leverageguard.settlement.contracts.call import Call
from leverageguard.settlement.signing import signers
from tests.bench._crash.points import NEVER, Task

SCHEMA = "create table paid (claim_id text primary key)"


def work(task: Task, point: str) -> None:
    """Pay what is not marked; dies between sending and marking unless `point` is NEVER."""
    os.environ.update(task.environment)
    settings = config.load()
    chain = chains.connect(settings)
    sender = signers.key_signer(settings, signers.PROPOSER_SECRET)
    token = chain.token()
    with sqlite3.connect(marks(settings.data_dir)) as store:
        for item in task.items:
            query = "select 1 from paid where claim_id = ?"
            if store.execute(query, [item.claim_id]).fetchone():
                continue
            chain.send(sender, _transfer(token.address, item.recipient, item.amount_micro_usdc))
            if point != NEVER:
                os.kill(os.getpid(), signal.SIGKILL)
            store.execute("insert into paid values (?)", [item.claim_id])
            store.commit()


def _transfer(token: str, to: str, amount: int) -> Call:
    words = [int(to, 16).to_bytes(32, "big"), amount.to_bytes(32, "big")]
    return Call(
        token,
        "0x" + (keccak(text="transfer(address,uint256)")[:4] + b"".join(words)).hex(),
        "transfer",
    )


def marks(data_dir: Path) -> Path:
    """The file of the marks."""
    return data_dir / "naive.db"
