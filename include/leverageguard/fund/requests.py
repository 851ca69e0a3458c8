"""Withdrawals as people ask for them: made, listed, cancelled."""

from __future__ import annotations

from hashlib import sha256

import structlog
from eth_utils.address import is_address, to_checksum_address
from sqlalchemy import select

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain.money import text_from_micro
from leverageguard.settlement import chain as chains
from leverageguard.settlement.signing import signers
from leverageguard.store import base
from leverageguard.store.fund_tables import CLOSED_REQUESTS, FundAlert, FundRequest

LONGEST = 500
_log = structlog.get_logger(__name__)


def make(
    settings: Settings, recipient: str, micro_usdc: int, why: str, requested_by: str
) -> FundRequest:
    """A withdrawal from the pool of the settings' chain that waits for two others than this one.

    Raises ValueError naming what is wrong. Whether the pool allows it, the pool says later.
    """
    if not is_address(recipient) or not int(recipient, 16):
        raise ValueError(f"--to is an address, 0x and 40 hex digits, not {recipient!r}")
    if micro_usdc <= 0:
        raise ValueError(f"--micro-usdc is a positive number, not {micro_usdc}")
    if not why.strip() or len(why) > LONGEST:
        raise ValueError(f"--why says something in at most {LONGEST} characters")
    if not requested_by.strip():
        raise ValueError("--by names who wants it")
    now = clock.now_ms()
    with base.session(settings) as session:
        count = len(list(session.scalars(select(FundRequest.request_id))))
        seed = f"{settings.chain_id}|{recipient.lower()}|{micro_usdc}|{requested_by}|{now}|{count}"
        made = FundRequest(
            request_id="wdr_" + sha256(seed.encode()).hexdigest()[:24],
            chain_id=settings.on_chain(settings.chain_id).chain_id,
            recipient=to_checksum_address(recipient),
            amount_micro_usdc=micro_usdc,
            why=why.strip(),
            state="REQUESTED",
            note="waits for people",
            requested_by=requested_by.strip(),
            changed_by=requested_by.strip(),
            requested_at_ms=now,
            updated_at_ms=now,
        )
        session.add(made)
    return made


def cancel(settings: Settings, request_id: str, why: str, actor: str) -> FundRequest:
    """Give a request up before it is taken; one the pool was asked for is cancelled there first.

    Raises ValueError for one that is closed or has a transaction under way, and what the chain
    raised.
    """
    if not why.strip():
        raise ValueError("a request is cancelled for a reason: say it with --why")
    with base.session(settings) as session:
        found = session.get(FundRequest, request_id)
    if found is None:
        raise ValueError(f"there is no request {request_id!r}")
    if found.state not in ("REQUESTED", "APPROVED", "TIMELOCKED"):
        raise ValueError(f"{request_id} is {found.state}: it is cancelled before it is taken")
    if found.withdrawal_no is not None:
        on = settings.on_chain(found.chain_id)
        chain = chains.connect(on)
        pool = chain.pool()
        if pool.is_withdrawal_open(found.withdrawal_no):
            key = signers.signer(on, on.canceller_key)
            chain.send(key, pool.cancel_withdrawal(found.withdrawal_no))
    with base.session(settings) as session:
        row = session.get_one(FundRequest, request_id)
        if row.state != found.state:
            raise ValueError(f"{request_id} is {row.state} since a moment ago: look at it again")
        row.state, row.changed_by, row.note = "CANCELLED", actor, why.strip()[:LONGEST]
        row.updated_at_ms = clock.now_ms()
    _log.warning("withdrawal_cancelled", request_id=request_id, actor=actor)
    return row


def lines(settings: Settings, is_all: bool) -> list[str]:
    """The printed list of requests, open ones alone unless all are wanted."""
    query = select(FundRequest).order_by(FundRequest.requested_at_ms, FundRequest.request_id)
    if not is_all:
        query = query.where(FundRequest.state.not_in(CLOSED_REQUESTS))
    with base.session(settings) as session:
        rows = list(session.scalars(query))
    printed = []
    for row in rows:
        amount = text_from_micro(row.amount_micro_usdc)
        printed.append(
            f"{row.request_id}  {row.state:<10}  chain {row.chain_id}  {amount} USDC to "
            f"{row.recipient}"
        )
        printed.append(f"      wanted by {row.requested_by}: {row.why}")
        printed.append(f"      {row.note}")
    return printed or ["no withdrawal is open"]


def alert_lines(settings: Settings, is_all: bool) -> list[str]:
    """The printed list of the fund's alerts, open ones alone unless all are wanted."""
    query = select(FundAlert).order_by(FundAlert.alert_no)
    if not is_all:
        query = query.where(FundAlert.closed_at_ms.is_(None))
    with base.session(settings) as session:
        rows = list(session.scalars(query))
    printed = []
    for row in rows:
        where = "the fund" if row.chain_id is None else f"chain {row.chain_id}"
        state = "open" if row.closed_at_ms is None else "over"
        printed.append(
            f"{row.alert_no:>4}  {state}  {row.severity:<8}  {row.action:<14}  "
            f"{row.threshold_id} of {where}: {row.figure} against {row.value}"
        )
        printed.append(f"      {row.detail}")
    return printed or ["no threshold is crossed"]
