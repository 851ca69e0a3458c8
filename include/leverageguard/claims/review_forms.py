"""The text of a review's form: subject and Markdown, from the facts it rests on alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from leverageguard.domain.money import text_from_micro

LISTED = 50
NOT_TO_APPROVE = (
    "**An approval will not count**: a check failed that nobody can release. Reject the claim, or "
    "have its evidence looked at again."
)
TAIL_OF_ZEROS = re.compile(r"(\d+\.\d*?)0+(?=\D|$)")


class _Own(str):
    """Markdown of ours, which needs no escaping."""


MARKS = {"pass": "pass", "fail": _Own("**fail**"), "unknown": _Own("**unknown**")}


def claim_subject(facts: dict[str, Any], holds: Sequence[str]) -> str:
    """One line: which claim, how much, why a person is asked."""
    why = ", ".join(holds) or facts["rule_id"].lower().replace("_", " ")
    amount = text_from_micro(_amount(facts))
    return f"Claim {facts['claim']['claim_id']}: pay up to {amount} USDC in spite of {why}?"


def claim_body(
    facts: dict[str, Any], holds: Sequence[str], step: int, needed: int, may_approve: bool
) -> str:
    """Everything a decision needs, most telling first."""
    claim, policy, verdict = facts["claim"], facts["policy"], facts["verdict"]
    root = verdict["evidence_root"]
    held = [one for one in facts["checks"] if one["check_code"] in holds]
    others = [one for one in facts["checks"] if one["check_code"] not in holds]
    read = next((one for one in facts["checks"] if one["check_code"] == "EVIDENCE_COMPLETE"), None)
    parts = [
        _asked(step, needed),
        *([] if may_approve else [NOT_TO_APPROVE]),
        "### Why you are asked",
        _checks(held) if held else f"`{facts['rule_id']}`: no check holds the claim itself.",
        "### Claim",
        _facts(
            [
                ("Claim", _Own(f"`{claim['claim_id']}`, {claim['origin']}, now {facts['state']}")),
                ("Position", f"{claim['position_side']} {claim['inst_id']}"),
                ("Closed by the venue", f"{claim['forced_kind']}, {claim['liquidated_at']}"),
                ("Account, by our id", _code(claim["account_id"])),
                ("Came in", claim["notified_at"]),
                ("Amount at most", _Own(f"**{_usdc(_amount(facts))}**, the case reserve")),
            ]
        ),
        "### Policy",
        _facts(_policy(policy)),
        "### Evidence",
        _facts(
            [
                ("Root", _code(root) if root else "not sealed"),
                ("Hours read", _tidy(read["observed"]) if read else "unknown"),
                ("Of", _tidy(read["expected"]) if read else "unknown"),
                ("Package", _code(f"<data>/evidence/{(root or '').removeprefix('0x')}/")),
                ("Decide it again", _code(f"./leverageguard verify {claim['claim_id']}")),
                ("Rules", verdict["rules_version"]),
            ]
        ),
        "### Every other check",
        _checks(others),
        *_before(facts["actions"]),
    ]
    return "\n\n".join(parts)


def batch_subject(facts: dict[str, Any]) -> str:
    """One line: how much to how many, on which chain."""
    count, total = len(facts["items"]), text_from_micro(facts["total_micro_usdc"])
    return f"Batch of {count} payouts, {total} USDC on chain {facts['chain_id']}: pay it?"


def batch_body(facts: dict[str, Any], limit_micro_usdc: int, step: int, needed: int) -> str:
    """The batch as it is planned when two people approve it, largest payouts first."""
    items = sorted(facts["items"], key=lambda item: (-item["amount_micro_usdc"], item["claim_id"]))
    rows = [
        (
            _code(item["claim_id"]),
            _usdc(item["amount_micro_usdc"]),
            _code(_short(item["recipient"])),
        )
        for item in items[:LISTED]
    ]
    more = len(items) - len(rows)
    return "\n\n".join(
        [
            _asked(step, needed),
            "### Why you are asked",
            f"The batch pays **{_usdc(facts['total_micro_usdc'])}**; a batch over "
            f"{_usdc(limit_micro_usdc)} is not planned without people. Each claim in it passed "
            "every check or was approved by two people before.",
            "### Batch",
            _facts(
                [
                    ("Proposal", _code(facts["proposal_id"])),
                    ("Chain", facts["chain_id"]),
                    ("Payouts", len(items)),
                    ("Approve", "exactly these payouts are planned"),
                    ("Reject", "each of its claims goes to people, one by one"),
                    ("Verify again", "the proposal is dropped; the next run proposes anew"),
                ]
            ),
            "### Payouts",
            _table(("claim", "amount", "to"), rows),
            *([f"and {more} more, smaller ones"] if more else []),
        ]
    )


def withdrawal_subject(facts: dict[str, Any]) -> str:
    """One line: how much, from which chain's pool."""
    amount = text_from_micro(facts["amount_micro_usdc"])
    return f"Withdrawal of {amount} USDC from the pool on chain {facts['chain_id']}: allow it?"


def withdrawal_body(facts: dict[str, Any], step: int, needed: int) -> str:
    """The withdrawal as the pool is asked for it when two people approved it."""
    return "\n\n".join(
        [
            _asked(step, needed),
            "### Why you are asked",
            "Capital leaves the pool only after two people other than who wants it approved. Then "
            "the pool's own delay begins, and its limits hold.",
            "### Withdrawal",
            _facts(
                [
                    ("Request", _code(facts["request_id"])),
                    ("Amount", _usdc(facts["amount_micro_usdc"])),
                    ("To", _code(facts["recipient"])),
                    ("Chain", facts["chain_id"]),
                    ("Wanted by", facts["requested_by"]),
                    ("Why", facts["why"]),
                    ("Approve", "the pool is asked for it; it is taken after the delay"),
                    ("Reject", "it is refused for good"),
                    ("Verify again", "it is asked again by the next run"),
                ]
            ),
        ]
    )


def _asked(step: int, needed: int) -> str:
    if step == 1:
        return (
            f"**Question 1 of {needed}.** {needed} different people must approve; one rejection is "
            "enough to refuse. Whoever started this run may not answer. Say why in *reason*."
        )
    return (
        f"**Question {step} of {needed}.** Somebody else approved. Look for yourself: with your "
        "approval it is decided; with your rejection it is refused. Say why in *reason*."
    )


def _policy(policy: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        ("Policy", _code(_short(policy.get("policy_id") or "unknown"))),
        ("Holder", _code(_short(policy.get("wallet") or "unknown"))),
        ("Product", policy.get("product_version")),
        ("Cover", f"{policy.get('cover_start_at')} to {policy.get('cover_end_at')}"),
        (
            "Insured",
            _Own(f"{_usdc(policy.get('principal_micro_usdc'))} at {policy.get('leverage')}x"),
        ),
        ("Premium paid", _usdc(policy.get("premium_micro_usdc"))),
        ("Sum insured", _usdc(policy.get("max_payout_micro_usdc"))),
        ("Left of it", _usdc(policy.get("remaining_micro_usdc"))),
    ]


def _before(actions: list[dict[str, Any]]) -> list[str]:
    if not actions:
        return []
    rows = [(one["at"], one["actor"], one["action"], one["reason"]) for one in actions]
    return ["### What was done before", _table(("when", "who", "what", "why"), rows)]


def _checks(checks: Iterable[dict[str, Any]]) -> str:
    rows = [
        (_code(one["check_code"]), MARKS[one["result"]], one["observed"], one["expected"])
        for one in checks
    ]
    return _table(("check", "result", "observed", "expected"), rows)


def _facts(rows: Iterable[tuple[str, Any]]) -> str:
    return _table(("", ""), [(_Own(f"**{name}**"), value) for name, value in rows])


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    """Text in one cell: what others wrote can neither break the table nor add links or pictures."""
    if isinstance(value, _Own):
        return value
    text = "-" if value is None else _tidy(str(value))
    for sign in ("\\", "`", "*", "|", "[", "]", "<", ">"):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _code(text: str) -> _Own:
    return _Own(f"`{text.replace('`', '').replace('|', '')}`")


def _tidy(text: str) -> str:
    """Numbers without their tail of zeros."""
    return TAIL_OF_ZEROS.sub(lambda found: found[1].rstrip("."), text)


def _usdc(micro: int | None) -> str:
    return "unknown" if micro is None else _Own(f"{text_from_micro(micro)} USDC")


def _amount(facts: dict[str, Any]) -> int:
    return int(facts["reserve_micro_usdc"])


def _short(text: str) -> str:
    return f"{text[:8]}…{text[-4:]}" if len(text) > 14 else text
