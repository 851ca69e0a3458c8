"""One sold policy; verdicts, answers and a warehouse as others would write them."""

from __future__ import annotations

import duckdb
from eth_account import Account

from leverageguard import clock
from leverageguard.claims import advancing, register
from leverageguard.config import Settings
from leverageguard.domain import pricing as products
from leverageguard.domain import signing
from leverageguard.evidence import verdicts
from leverageguard.evidence.verdicts import Decision
from leverageguard.intake import accounts, quotes
from leverageguard.intake.products import product
from leverageguard.settlement.planning import Item
from leverageguard.store import base, every_table
from leverageguard.store.claim_tables import ClaimAction, ReviewRecord

__all__ = ["every_table"]
NOW = 1_767_578_400_000
KEY = "0x" + "11" * 32
WALLET = Account.from_key(KEY).address.lower()
CHAIN = 31337
DUE = 5_000_000


class Book:
    """One policy in the store; claims of it by number, and what happens to them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        base.Base.metadata.create_all(base.engine(settings))
        clock.set_world(NOW)
        self.product = product(settings, "seed-v1")
        with base.session(settings) as session:
            account = accounts.BoundAccount("acc-1", "okx", "42")
            secret = accounts.Credentials("k", "s", "p")
            accounts.register(session, account, "42", WALLET, secret, NOW)
            request = quotes.QuoteRequest("P-1", WALLET, "acc-1", "BTC-USDT-SWAP")
            terms = products.terms(self.product, 100_000_000, 20, 24)
            quote = quotes.issue(session, request, terms, NOW)
            self.policy, self.most = quote.quote_id, quote.max_payout_micro_usdc
        self.claims: list[str] = []

    def notice(self, *claims: str) -> None:
        """The warehouse knows these claims too."""
        self.claims += claims
        path = self.settings.warehouse_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with duckdb.connect(str(path)) as connection:
            connection.execute(
                "create table fct_claims (claim_id text, policy_id text, notified_at timestamptz, "
                "payout_state text, tx_hash text)"
            )
            for claim in self.claims:
                connection.execute(
                    "insert into fct_claims values (?, ?, make_timestamp(?::bigint * 1000), "
                    "'NONE', null)",
                    [claim, self.policy, NOW - 1000],
                )

    def decide(self, claim: str, verdict: str = "verified", **changed: object) -> None:
        """A new verdict on a claim."""
        decision = Decision(
            **{
                "claim_id": claim, "verdict": verdict, "reasons": "", "hold_reasons": "",
                "approved_micro_usdc": DUE if verdict == "verified" else None,
                "evidence_root": None if verdict == "undetermined" else "0x" + "cd" * 32,
                "rules_version": "test", "product_version": "seed-v1", **changed,
            }
        )  # type: ignore[arg-type]  # fmt: skip
        with base.session(self.settings) as session:
            verdicts.record(session, [decision], clock.now_ms())

    def answer(self, claim: str, action: str, actor: str, covers: str = "") -> None:
        """A person's answer to a review."""
        now = clock.now_ms()
        review = f"rev-{claim}-{action}-{actor}-{now}"
        with base.session(self.settings) as session:
            session.add(
                ReviewRecord(
                    review_id=review, subject_kind="claim", subject_id=claim, kind="MANUAL_REVIEW",
                    covers=covers, approvals_needed=2, proposed_by="schedule", asked_in="run",
                    detail="{}", inputs_hash="0x", state="REJECTED", open_key=None,
                    opened_at_ms=now, due_at_ms=now, closed_at_ms=now,
                )
            )  # fmt: skip
            session.flush()
            session.add(
                ClaimAction(
                    action_id=f"act-{review}", claim_id=claim, action=action, actor=actor,
                    review_id=review, covers=covers, reason="because", acted_at_ms=now,
                    created_at_ms=now,
                )
            )  # fmt: skip

    def advance(self, is_fresh: bool = True) -> dict[str, int]:
        return advancing.advance(self.settings, self.settings.warehouse_path, is_fresh)

    def states(self) -> dict[str, str]:
        with base.session(self.settings) as session:
            return {key: row.to_state for key, row in register.last_of(session).items()}

    def item(self, claim: str, event: str | None = None, amount: int = DUE) -> Item:
        wallet = f"0x{'7' * 40}"
        return Item(
            "g", claim, event or f"okx:42:{claim}", self.policy, wallet, wallet, amount, CHAIN
        )

    def withdrawal(self, claim: str, key: str = KEY) -> str:
        return signing.sign(signing.Withdrawal(self.policy, claim), CHAIN, key)

    def appeal(self, claim: str, statement: str = "look again", key: str = KEY) -> str:
        return signing.sign(signing.Appeal(self.policy, claim, statement), CHAIN, key)
