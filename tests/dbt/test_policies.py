"""Lives of policies through the models: what was in force when, and where every premium went."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from leverageguard import config
from leverageguard.intake import steps
from leverageguard.store import base
from leverageguard.store.policy_tables import PolicyEndorsement
from leverageguard.warehouse import connect, dbt_runner
from tests.policy_world import HOUR, START, PolicyWorld

pytestmark = pytest.mark.slow
LABELS = ("plain", "endorsed", "cancelled", "late", "lost", "void", "unbought")
IN_FORCE = """
    select policies.policy_reference, policies.inst_id from dim_policies as policies
    where is_in_force and valid_from_at <= ?::timestamptz
    and (valid_to_at is null or ?::timestamptz < valid_to_at)
"""
Ask = Callable[..., list[dict[str, Any]]]


def endorse(world: PolicyWorld, quote: Any, hours: float) -> None:
    with base.session(world.settings) as session:
        session.add(
            PolicyEndorsement(
                endorsement_id="e" + str(hours), policy_id=quote.quote_id, endorsement_no=1,
                account_id="acc-1", inst_id="ETH-USDT-SWAP", leverage=18, signer=quote.wallet,
                signature="0x", effective_at_ms=START + int(hours * HOUR),
                created_at_ms=START + int(hours * HOUR),
            )
        )  # fmt: skip


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Queries of a world in which every kind of life was lived, built once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEVERAGEGUARD_DATA", str(tmp_path_factory.mktemp("policies")))
        settings = config.load()
        settings.secrets_dir.mkdir(parents=True)
        (settings.secrets_dir / "credentials_key").write_bytes(key())
        world = PolicyWorld(settings)
        live(world)
        steps.land("2026-01-05T00:00:00Z", "2026-01-07T00:00:00Z")
        dbt_runner.build()

        def query(sql: str, *parameters: Any) -> list[dict[str, Any]]:
            return connect.rows(Path(settings.warehouse_path), sql, list(parameters))

        yield query


def key() -> bytes:
    from cryptography.fernet import Fernet

    return Fernet.generate_key()


def live(world: PolicyWorld) -> None:
    quotes = {label: world.quote(label) for label in LABELS}
    for label in ("plain", "endorsed", "cancelled", "late"):
        world.buy(quotes[label])
    lost = world.buy(quotes["lost"])
    world.buy(quotes["void"], premium_micro_usdc=1)
    world.buy(quotes["plain"], 0.6)
    world.transfer(3, 0.7)
    endorse(world, quotes["endorsed"], 0.75)
    world.cancel(quotes["cancelled"], 0.75)
    world.at(2)
    world.read_and_advance()
    world.lose(lost)
    world.cancel(quotes["late"], 0.8)
    world.at(30)
    world.read_and_advance()


def test_dim_policies__in_force_at_an_instant__is_one_query(ask: Ask) -> None:
    def at(instant: str) -> dict[str, str]:
        rows = ask(IN_FORCE, instant, instant)
        return {row["policy_reference"]: row["inst_id"] for row in rows}

    covered = {"plain": "BTC-USDT-SWAP", "endorsed": "ETH-USDT-SWAP"}
    assert at("2026-01-05 00:59:59+00") == {}
    assert at("2026-01-05 01:00:00+00") == covered
    assert at("2026-01-06 00:59:59+00") == covered
    assert at("2026-01-06 01:00:00+00") == {}


def test_fct_policies__each_life__stands_where_it_belongs(ask: Ask) -> None:
    rows = ask("select policy_reference, state, refund_micro_usdc from fct_policies")

    assert {row["policy_reference"]: (row["state"], row["refund_micro_usdc"]) for row in rows} == {
        "plain": ("EXPIRED", 0),
        "endorsed": ("EXPIRED", 0),
        "cancelled": ("CANCELLED", 5_000_000),
        "late": ("CANCELLED", 5_000_000),
    }


def test_fct_policy_transactions__every_move__says_what_its_rule_is(ask: Ask) -> None:
    rows = ask(
        "select to_state, description from fct_policy_transactions join fct_policies "
        "using (policy_id) where policy_reference = 'late' order by txn_no"
    )

    assert [row["to_state"] for row in rows] == [
        "QUOTED", "PAID", "WAITING", "IN_FORCE", "CANCELLED",
    ]  # fmt: skip
    assert rows[-1]["description"] == "The holder had cancelled in time and it was read later."


def test_dim_policies__lost_purchase__was_never_in_force(ask: Ask) -> None:
    rows = ask("select state from dim_policies where policy_reference = 'lost' order by stretch_no")

    assert [row["state"] for row in rows] == ["QUOTED", "LAPSED"]


def test_fct_payment_exceptions__every_payment_that_bought_nothing__is_there(ask: Ask) -> None:
    rows = ask(
        "select reason_code, amount_micro_usdc, is_open, is_on_chain from fct_payment_exceptions"
    )

    assert {tuple(row.values()) for row in rows} == {
        ("PREMIUM_SHORT", 1, True, True),
        ("ALREADY_BOUGHT", 10_000_000, True, True),
        ("PLAIN_TRANSFER", 3, True, True),
    }
