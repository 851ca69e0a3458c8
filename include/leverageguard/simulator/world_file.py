"""From `world.yaml` to a Scenario: what each field may hold and what it may refer to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from leverageguard.domain.product import PRINCIPAL_STEP_MICRO_USDC
from leverageguard.simulator.fields import Fields
from leverageguard.simulator.values import Account, Binding, Claim, Policy, Scenario, Visitor
from leverageguard.simulator.venues import twins

FORMAT = 1
ORIGINS = ("sold", "taken_over")
KEY_STATES = ("active", "revoked", "demo")
T = TypeVar("T")


def scenario(folder: Path, fields: Fields) -> Scenario:
    """The checked scenario; raises ScenarioError naming file, field and fix."""
    fields.whole("format", FORMAT, FORMAT)
    name = fields.label("name")
    about = fields.text("about")
    clock = fields.inner("clock")
    start_ms, now_ms = clock.time_ms("start"), clock.time_ms("now")
    if now_ms <= start_ms:
        raise clock.error("now", "must lie after clock.start: move it")
    clock.finish()
    product = fields.text("product")
    pool = fields.inner("pool")
    deposit = pool.micro_usdc("deposit_usdc")
    pool.finish()
    accounts = _unique("account_id", [_account(f) for f in fields.items("accounts")], fields)
    by_id = {account.account_id: account for account in accounts}
    policies = _unique(
        "policy",
        [_policy(f, by_id, product, start_ms, now_ms) for f in fields.items("policies", [])],
        fields,
    )
    by_label = {policy.policy: policy for policy in policies}
    claims = _unique(
        "claim", [_claim(f, by_label, start_ms) for f in fields.items("claims", [])], fields
    )
    visitors = [_visitor(f, now_ms) for f in fields.items("visitors", [])]
    _unique("account_id", [*accounts, *(visitor.account for visitor in visitors)], fields)
    stated = [_binding(f, by_id, start_ms) for f in fields.items("bindings", [])]
    replies_folder = _replies_folder(folder, fields)
    fields.finish()
    return Scenario(
        folder=folder,
        replies_folder=replies_folder,
        name=name,
        about=about,
        start_ms=start_ms,
        now_ms=now_ms,
        product=product,
        pool_deposit_micro_usdc=deposit,
        accounts=tuple(accounts),
        bindings=tuple(_with_default_bindings(stated, accounts, start_ms)),
        policies=tuple(policies),
        claims=tuple(claims),
        visitors=tuple(visitors),
    )


def _account(fields: Fields) -> Account:
    account = _account_fields(fields)
    fields.finish()
    return account


def _account_fields(fields: Fields) -> Account:
    uid = fields.text("uid")
    return Account(
        account_id=fields.label("account_id"),
        exchange=fields.choice("exchange", tuple(twins())),
        uid=uid,
        main_uid=fields.text("main_uid", uid),
        wallet=fields.label("wallet"),
        perm=fields.text("perm", "read_only"),
        key_state=fields.choice("key_state", KEY_STATES, "active"),
    )


def _visitor(fields: Fields, now_ms: int) -> Visitor:
    account = _account_fields(fields)
    position = fields.inner("position")
    visitor = Visitor(
        account=account,
        inst_id=position.text("inst_id"),
        side=position.choice("side", ("long", "short")),
        leverage=position.whole("leverage", 1, 1000),
        opened_at_ms=position.time_ms("opened_at"),
        liquidated_at_ms=position.time_ms("liquidated_at"),
        order_id=position.text("order_id"),
    )
    if not now_ms < visitor.opened_at_ms < visitor.liquidated_at_ms:
        raise position.error("opened_at", "must lie after clock.now and before liquidated_at")
    position.finish()
    fields.finish()
    return visitor


def _binding(fields: Fields, accounts: dict[str, Account], start_ms: int) -> Binding:
    account = _reference(fields, "account", accounts)
    binding = Binding(
        account=account.account_id,
        wallet=fields.label("wallet", account.wallet),
        uid=fields.text("uid", account.uid),
        signed_at_ms=fields.time_ms("signed_at", start_ms),
    )
    fields.finish()
    return binding


def _policy(
    fields: Fields, accounts: dict[str, Account], product: str, start_ms: int, now_ms: int
) -> Policy:
    account = _reference(fields, "account", accounts)
    cover = fields.whole("cover_hours", 8, 24)
    if cover not in (8, 24):
        raise fields.error("cover_hours", f"is {cover}: choose 8 or 24")
    policy = Policy(
        policy=fields.label("policy"),
        wallet=fields.label("wallet", account.wallet),
        account=account.account_id,
        product=fields.text("product", product),
        inst_id=fields.text("inst_id"),
        leverage=fields.whole("leverage", 1, 1000),
        principal_micro_usdc=fields.micro_usdc("principal_usdc", PRINCIPAL_STEP_MICRO_USDC),
        cover_hours=cover,
        bought_at_ms=fields.time_ms("bought_at"),
        is_taken_over=fields.choice("origin", ORIGINS, "sold") == "taken_over",
    )
    if not start_ms <= policy.bought_at_ms <= now_ms:
        raise fields.error("bought_at", "lies outside clock.start … clock.now: move it inside")
    fields.finish()
    return policy


def _claim(fields: Fields, policies: dict[str, Policy], start_ms: int) -> Claim:
    policy = _reference(fields, "policy", policies)
    claim = Claim(
        claim=fields.label("claim"),
        policy=policy.policy,
        wallet=fields.label("wallet", policy.wallet),
        inst_id=fields.text("inst_id", policy.inst_id),
        order_id=fields.text("order_id"),
        filed_at_ms=fields.time_ms("filed_at"),
    )
    if claim.filed_at_ms < start_ms:
        raise fields.error("filed_at", "lies before clock.start: move it after")
    fields.finish()
    return claim


def _reference(fields: Fields, key: str, known: dict[str, T]) -> T:
    label = fields.label(key)
    if label not in known:
        names = ", ".join(sorted(known)[:8]) or "nothing"
        raise fields.error(key, f"names {label!r}, which is not defined: use one of {names}")
    return known[label]


def _unique(key: str, items: list[T], fields: Fields) -> list[T]:
    counts = Counter(getattr(item, key) for item in items)
    for value, count in counts.items():
        if count > 1:
            raise fields.error(key, f"{value!r} stands {count} times: give each its own")
    return items


def _with_default_bindings(
    stated: list[Binding], accounts: Iterable[Account], start_ms: int
) -> list[Binding]:
    named = {binding.account for binding in stated}
    return stated + [
        Binding(account.account_id, account.wallet, account.uid, start_ms)
        for account in accounts
        if account.account_id not in named
    ]


def _replies_folder(folder: Path, fields: Fields) -> Path:
    other = fields.text("replies_from", None)
    if other is None:
        return folder
    target: Path = (folder / other).resolve()
    if not target.is_dir():
        raise fields.error("replies_from", f"names {other!r}, no such folder beside this one")
    return target
