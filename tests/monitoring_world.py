"""A pool to watch: a store, snapshots, a node and an Airflow that say what a test wants."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock

import duckdb

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.stack import processes
from leverageguard.store import base, every_table  # noqa: F401 - registers tables
from leverageguard.store.claim_tables import ClaimTxn, ReviewRecord
from leverageguard.store.fund_tables import FundAlert
from leverageguard.store.intake_tables import Account, FiledClaim, Quote
from leverageguard.store.notification_tables import Notification
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord, TransactionRecord
from leverageguard.store.valuation_tables import FundValuation
from leverageguard.warehouse import landing, snapshot
from leverageguard.warehouse.raw_tables import HOUR_MS

CHAIN = 31337
# A calm pool's figures, by unit; a test changes what it is about.
FIGURES: dict[str, tuple[str, float]] = {
    "cash": ("USDC", 1000.0),
    "reserved_cash": ("USDC", 100.0),
    "own_funds": ("USDC", 500.0),
    "solvency_ratio": ("%", 250.0),
    "unreconciled_batches": ("count", 0),
    "unreconciled_amount": ("USDC", 0),
    "trial_balance": ("USDC", 0),
    "cash_difference": ("USDC", 0),
    "fetch_gaps": ("count", 0),
    "rows_quarantined": ("count", 3),
    "time_to_pay_p90": ("s", 42.0),
    "claims_verified": ("count", 7),
    "gas_per_claim": ("gas", 9000.0),
}


def free_ports() -> int:
    """A first port of a stack of which Airflow's, the chain's and the monitoring's are free."""
    # Tests run side by side: each process begins to look somewhere else.
    first = os.getpid() % 300
    for base_port in (20_000 + (first + one) % 300 * 40 for one in range(300)):
        if all(processes.port_is_free("127.0.0.1", base_port + one) for one in (0, 2, 9, 16, 17)):
            return base_port
    raise AssertionError("no ports are free")


@dataclass
class Around:
    """One HTTP server that is the chain's node (POST) and Airflow (GET)."""

    head: int = 1000
    head_age_s: float = 2
    is_node_up: bool = True
    scheduler: str = "healthy"
    dag_processor: str = "healthy"
    heartbeat_age_s: float = 1
    is_airflow_up: bool = True
    red_dags: tuple[str, ...] = ()
    token: str = "a token"
    servers: list[ThreadingHTTPServer] = field(default_factory=list)

    def serve(self, *ports: int) -> None:
        """Answer on these ports of the loopback until `close`."""
        around = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path == "/auth/token":
                    is_known = body["username"] == "viewer" and body["password"]
                    self._say({"access_token": around.token}, bool(is_known))
                    return
                at_s = int(clock.now_ms() / 1000 - around.head_age_s)
                block = {"number": hex(around.head), "timestamp": hex(at_s)}
                self._say({"jsonrpc": "2.0", "id": 1, "result": block}, around.is_node_up)

            def do_GET(self) -> None:
                if self.path.startswith("/api/v2/dags?last_dag_run_state=failed"):
                    is_taken = self.headers["Authorization"] == f"Bearer {around.token}"
                    dags = [{"dag_id": one} for one in around.red_dags]
                    self._say({"dags": dags}, is_taken, 401)
                    return
                beat = datetime.fromtimestamp(
                    clock.real_ms() / 1000 - around.heartbeat_age_s, UTC
                ).isoformat()
                said = {
                    "metadatabase": {"status": "healthy"},
                    "scheduler": {
                        "status": around.scheduler, "latest_scheduler_heartbeat": beat
                    },
                    "dag_processor": {
                        "status": around.dag_processor, "latest_dag_processor_heartbeat": beat
                    },
                    "triggerer": {"status": None, "latest_triggerer_heartbeat": None},
                }  # fmt: skip
                self._say(said, around.is_airflow_up)

            def _say(self, said: Any, is_up: bool, otherwise: int = 503) -> None:
                self.send_response(200 if is_up else otherwise)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(said).encode() if is_up else b"no")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        for port in ports:
            server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.servers.append(server)

    def close(self) -> None:
        """Stop answering."""
        for server in self.servers:
            server.shutdown()
            server.server_close()
        self.servers.clear()


class Pool:
    """The store and what is published; everything is written `ago_s` seconds before now."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        base.Base.metadata.create_all(base.engine(settings))

    def claim(self, claim_id: str, *states: str, ago_s: float = 0) -> None:
        """A claim's moves through these states, all at one time, after those it made before."""
        at_ms = _before(ago_s)
        with base.session(self.settings) as session:
            made = session.query(ClaimTxn).filter_by(claim_id=claim_id).order_by(ClaimTxn.txn_no)
            before = [row.to_state for row in made]
            for state in states:
                session.add(
                    ClaimTxn(
                        claim_id=claim_id, txn_no=len(before) + 1, policy_id="0x1",
                        from_state=before[-1] if before else None, to_state=state, at_ms=at_ms,
                        recorded_at_ms=at_ms, actor="test", rule_id="TEST", inputs_hash="0x",
                        detail="{}", reserve_micro_usdc=0,
                    )
                )  # fmt: skip
                session.flush()
                before.append(state)

    def send(self, tx_hash: str, ago_s: float = 0) -> None:
        """A batch whose signed transaction was sent and has no receipt."""
        at_ms = _before(ago_s)
        with base.session(self.settings) as session:
            session.add(
                BatchRecord(
                    batch_id=tx_hash, chain_id=CHAIN, batch_no=int(tx_hash, 16), claim_count=1,
                    total_micro_usdc=5_000_000, evidence_root="0x", state="SENT",
                    planned_at_ms=at_ms, updated_at_ms=at_ms,
                )
            )  # fmt: skip
            session.flush()
            session.add(
                TransactionRecord(
                    tx_hash=tx_hash, batch_id=tx_hash, chain_id=CHAIN, sender="0x1", nonce=1,
                    position=0, raw=b"", payouts_hash="0x", deadline_s=1, gas_limit=1,
                    max_fee_per_gas_wei="1", priority_fee_per_gas_wei="1", state="SENT",
                    created_at_ms=at_ms, updated_at_ms=at_ms,
                )
            )  # fmt: skip

    def pay(self, claim_id: str, state: str) -> None:
        """A payout of a batch that `send` made first, new or in another state."""
        with base.session(self.settings) as session:
            found = session.query(PayoutRecord).filter_by(claim_id=claim_id).one_or_none()
            if found is not None:
                found.state = state
                return
            session.add(
                PayoutRecord(
                    chain_id=CHAIN, claim_index=int(claim_id[4:]), claim_id=claim_id,
                    liquidation_event_id=claim_id, policy_id="0x1", party="0x1", batch_id="0x1",
                    recipient="0x1", amount_micro_usdc=2_500_000, state=state,
                    planned_at_ms=clock.now_ms(),
                )
            )  # fmt: skip

    def file(self, filing_id: str, ago_s: float = 0) -> None:
        """A filed claim."""
        at_ms = _before(ago_s)
        with base.session(self.settings) as session:
            session.merge(
                Account(
                    account_id="acc", exchange="okx", uid="1", root_uid="1", wallet="0x1",
                    encrypted_credentials=b"", created_at_ms=at_ms,
                )
            )  # fmt: skip
            session.flush()
            session.merge(
                Quote(
                    quote_id="0xq", reference="q", wallet="0x1", account_id="acc",
                    product_version="p", terms_hash="0x", inst_id="BTC-USDT-SWAP", leverage=20,
                    principal_micro_usdc=1, premium_micro_usdc=1, payout_rate_ppm=1,
                    max_payout_micro_usdc=1, cover_seconds=1, wait_seconds=0,
                    filing_grace_seconds=1, created_at_ms=at_ms,
                )
            )  # fmt: skip
            session.flush()
            session.add(
                FiledClaim(
                    filing_id=filing_id, reference=filing_id, policy_id="0xq", claimed_by="0x1",
                    inst_id="BTC-USDT-SWAP", order_id="1", signature="0x", filed_at_ms=at_ms,
                    created_at_ms=at_ms,
                )
            )  # fmt: skip

    def ask(self, review_id: str, due_ago_s: float) -> None:
        """A question to people that was due `due_ago_s` before now."""
        due_ms = _before(due_ago_s)
        with base.session(self.settings) as session:
            session.add(
                ReviewRecord(
                    review_id=review_id, subject_kind="claim", subject_id="clm_1", kind="hold",
                    covers="VELOCITY", approvals_needed=2, proposed_by="system", asked_in="run",
                    detail="{}", inputs_hash="0x", state="OPEN", open_key=review_id,
                    opened_at_ms=due_ms - 1, due_at_ms=due_ms,
                )
            )  # fmt: skip

    def answer(self, review_id: str) -> None:
        """The question is answered."""
        with base.session(self.settings) as session:
            found = session.get_one(ReviewRecord, review_id)
            found.state, found.open_key, found.closed_at_ms = "APPROVED", None, clock.now_ms()

    def mine(self, tx_hash: str) -> None:
        """Its receipt is there, and final."""
        with base.session(self.settings) as session:
            session.get_one(TransactionRecord, tx_hash).state = "FINAL"

    def tell(self, name: str, ago_s: float = 0, state: str = "PENDING") -> None:
        """A message to a trader, new or in another state."""
        with base.session(self.settings) as session:
            session.merge(
                Notification(
                    notification_id=name, wallet="0x1", channel="email", kind="paid",
                    claim_id=name, txn_no=1, state=state, tries=0,
                    created_at_ms=_before(ago_s),
                )
            )  # fmt: skip

    def cross(self, threshold_id: str, action: str = "tell", severity: str = "warning") -> None:
        """A threshold of the fund is crossed."""
        now = clock.now_ms()
        with base.session(self.settings) as session:
            session.add(
                FundAlert(
                    threshold_id=threshold_id, action=action, severity=severity, figure=1, value=2,
                    detail="low", open_key=threshold_id, opened_at_ms=now, opened_by="test",
                    seen_at_ms=now,
                )
            )  # fmt: skip

    def uncross(self) -> None:
        """Every alert of the fund is over."""
        with base.session(self.settings) as session:
            for row in session.query(FundAlert).filter_by(closed_at_ms=None):
                row.open_key, row.closed_at_ms = None, clock.now_ms()

    def value(self, name: str, ago_s: float = 0) -> None:
        """A valuation of the fund."""
        columns = [column.name for column in FundValuation.__table__.columns]
        values: dict[str, Any] = dict.fromkeys((n for n in columns if n.endswith("_micro_usdc")), 0)
        values |= {
            "valuation_id": name, "valued_at_ms": _before(ago_s), "block_number": 7,
            "recorded_at_ms": _before(ago_s), "solvency_ratio_ppm": None, "model_version": "m",
            "paths": 1, "seed": 1, "details": "{}", "inputs_hash": name,
        }  # fmt: skip
        with base.session(self.settings) as session:
            session.add(FundValuation(**values))

    def publish(
        self,
        figures: Mapping[str, float | None] | None = None,
        ago_s: float = 0,
        read_ago_s: float = 60,
        gaps: int = 0,
        decided: str | None = None,
    ) -> None:
        """A snapshot with the figures, the listing of okx read `read_ago_s` before now, and the
        filing that is decided."""
        path = self.settings.warehouse_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with duckdb.connect(str(path)) as connection:
            connection.execute(
                "create table dim_metrics (metric text, unit text, description text, model text, "
                "expression text)"
            )
            connection.execute("create table rpt_one as select 1 as one")
            connection.execute(
                "create table fct_claims as select ? as filing_id, 'verified' as verdict", [decided]
            )
            for name, (unit, calm) in FIGURES.items():
                value = {name: calm, **(figures or {})}[name]
                told = "null" if value is None else f"{value} * sum(one)"
                connection.execute(
                    "insert into dim_metrics values (?, ?, ?, 'rpt_one', ?)",
                    [name, unit, f"About {name}.", told],
                )
            connection.execute(
                "create table fct_fetch_days as select 'okx' as source_name, 'fills' as endpoint, "
                "make_timestamp(?::bigint * 1000)::timestamptz as fetched_at, 10 as window_count, "
                "10 - ? as complete_count, if(? > 0, 'HTTP 500', '') as gap_reason",
                [_before(read_ago_s), gaps, gaps],
            )
        at_ms = _before(ago_s)
        with mock.patch.object(clock, "now_ms", lambda: at_ms):
            snapshot.publish(self.settings)

    def land(self, to_block: int) -> None:
        """The chain's events were read up to this block."""
        hour = clock.now_ms() // HOUR_MS * HOUR_MS
        row = {
            "chain_id": CHAIN, "pool": "0x1", "window_from_ms": hour,
            "window_to_ms": hour + HOUR_MS, "from_block": 0, "to_block": to_block,
            "head_block": to_block, "is_complete": False, "fetched_at_ms": clock.now_ms(),
        }  # fmt: skip
        landing.replace(self.settings, "chain/fetch_windows", hour, landing.of_chain(CHAIN), [row])


def _before(ago_s: float) -> int:
    return clock.now_ms() - round(ago_s * 1000)
