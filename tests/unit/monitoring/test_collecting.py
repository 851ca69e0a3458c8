"""What a scrape tells is what store, snapshot, chain and Airflow say at that moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.monitoring import collecting, from_around, from_snapshot, from_store
from leverageguard.settlement import incidents
from leverageguard.store import base
from leverageguard.store.sales_tables import QuoteRefusal
from leverageguard.warehouse import connect, snapshot
from tests.monitoring_world import CHAIN, FIGURES, Around, Pool, free_ports


@pytest.fixture
def around(settings: Settings) -> Iterator[Around]:
    made = Around()
    yield made
    made.close()


@pytest.fixture
def pool(settings: Settings) -> Pool:
    return Pool(replace(settings, port_base=free_ports()))


class Scraped:
    """Every sample of a scrape, by name and label values in any order."""

    def __init__(self, text: str) -> None:
        self.samples = {
            (sample.name.removeprefix("leverageguard_"), frozenset(sample.labels.values())):
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }  # fmt: skip

    def __call__(self, name: str, *labels: str) -> float | None:
        return self.samples.get((name, frozenset(labels)))

    def of(self, name: str) -> dict[frozenset[str], float]:
        return {labels: n for (each, labels), n in self.samples.items() if each == name}


def told(pool: Pool) -> Scraped:
    return Scraped(collecting.exposition(pool.settings).decode())


def test_claims__by_state__and_the_oldest_that_waits_for_money_or_evidence(pool: Pool) -> None:
    pool.claim("clm_1", "NOTIFIED", "EVIDENCE_PENDING", ago_s=500)
    pool.claim("clm_2", "NOTIFIED", "VERIFYING", "APPROVED", ago_s=900)
    pool.claim("clm_2", "BATCHED", ago_s=10)
    pool.claim("clm_3", "NOTIFIED", "VERIFYING", "APPROVED", ago_s=2000)
    pool.claim("clm_3", "BATCHED", "SETTLING", "PAID")
    found = told(pool)

    states = {state: n for (state,), n in found.of("claims_in_state").items()}
    assert states == {"EVIDENCE_PENDING": 1, "BATCHED": 1, "PAID": 1}
    assert found("approved_unpaid_oldest_seconds") == pytest.approx(900, abs=60)
    assert found("undetermined_oldest_seconds") == pytest.approx(500, abs=60)


def test_claims__none_that_wait__are_told_as_no_wait(pool: Pool) -> None:
    pool.claim("clm_1", "NOTIFIED", "VERIFYING", "APPROVED", "BATCHED", "SETTLING", "PAID")
    found = told(pool)

    assert found("approved_unpaid_oldest_seconds") == 0
    assert found("undetermined_oldest_seconds") == 0
    assert found("outbox_oldest_seconds") == 0


def test_outbox__a_transaction_without_a_receipt__counts_until_it_is_final(pool: Pool) -> None:
    pool.send("0x1", ago_s=700)
    found = told(pool)
    assert found("outbox_transactions", str(CHAIN), "SENT") == 1
    assert found("outbox_oldest_seconds") == pytest.approx(700, abs=60)
    assert found("batches_in_state", str(CHAIN), "SENT") == 1

    pool.mine("0x1")
    assert told(pool)("outbox_oldest_seconds") == 0


def test_incidents__open_ones__are_told_by_kind_and_known_kinds_as_none(pool: Pool) -> None:
    kinds = {frozenset((kind, "every")) for kind in from_store.KNOWN_INCIDENTS}
    assert told(pool).of("incidents_open") == dict.fromkeys(kinds, 0)

    incidents.open_incident(pool.settings, "books_differ", "batch 1", "by the test")
    found = told(pool)
    assert found("incidents_open", "books_differ", str(CHAIN)) == 1
    assert found("incidents_open", "books_differ", "every") is None

    [opened] = incidents.open_ones(pool.settings)
    incidents.resolve(pool.settings, opened.incident_id, "mended", "me")
    assert told(pool)("incidents_open", "books_differ", "every") == 0


def test_fund_alerts__every_threshold__is_told_whether_crossed_or_not(pool: Pool) -> None:
    before = told(pool)
    pool.cross("below_reserve", "halt_sales", "critical")
    found = told(pool)

    labels = ("below_reserve", "halt_sales", "critical")
    assert (before("fund_alerts_open", *labels), found("fund_alerts_open", *labels)) == (0, 1)
    every = found.of("fund_alerts_open").values()
    assert len(every) > 5 and sum(every) == 1


def test_refusals__are_counted_by_reason(pool: Pool) -> None:
    with base.session(pool.settings) as session:
        for number in range(3):
            session.add(
                QuoteRefusal(
                    refusal_id=str(number), reference="r", wallet="0x1", product_version="p",
                    reason_code="CAPACITY", message="", body="", body_hash="", created_at_ms=1,
                )
            )  # fmt: skip

    assert (
        told(pool)(
            "quote_refusals_total",
            "CAPACITY",
        )
        == 3
    )


def test_messages__one_that_was_not_sent__ages_until_it_is(pool: Pool) -> None:
    pool.tell("n1", ago_s=400)
    assert told(pool)("notifications_oldest_seconds") == pytest.approx(400, abs=60)

    pool.tell("n1", ago_s=400, state="SENT")
    found = told(pool)
    assert found("notifications_oldest_seconds") == 0
    assert found("notifications", "email", "SENT") == 1


def test_snapshot__figures__are_the_expressions_of_dim_metrics(pool: Pool) -> None:
    pool.publish({"own_funds": 123.5}, ago_s=300, read_ago_s=7000, gaps=2)
    found = told(pool)

    assert found("own_funds_usdc") == 123.5
    assert found("solvency_ratio_percent") == 250
    assert found("time_to_pay_p90_seconds") == 42
    assert found("gas_per_claim") == 9000
    assert found("snapshot_age_seconds") == pytest.approx(300, abs=60)
    assert found("source_read_age_seconds", "okx", "fills") == pytest.approx(7000, abs=60)
    assert found("source_gap_windows", "okx", "HTTP 500") == 2


def test_snapshot__a_new_one__is_read_anew_and_a_figure_without_a_value_left_out(
    pool: Pool,
) -> None:
    assert told(pool)("snapshot_published") == 0
    pool.publish({"own_funds": 1})
    assert told(pool)("own_funds_usdc") == 1

    pool.publish({"own_funds": 2, "solvency_ratio": None})
    found = told(pool)
    assert found("own_funds_usdc") == 2
    assert found("solvency_ratio_percent") is None


def test_chain__lag__is_what_is_confirmed_and_was_not_read(pool: Pool, around: Around) -> None:
    around.serve(pool.settings.chain_port)
    around.head, around.head_age_s = 1000, 30
    pool.land(900)
    found = told(pool)

    chain = (str(CHAIN),)
    assert found("chain_up", *chain) == 1
    assert found("chain_lag_blocks", *chain) == 100 - pool.settings.confirmations
    assert found("chain_landed_block", *chain) == 900
    assert found("chain_head_age_seconds", *chain) == pytest.approx(30, abs=60)
    around.is_node_up = False
    found = told(pool)
    assert found("chain_up", *chain) == 0
    assert found("chain_lag_blocks", *chain) is None


def test_airflow__its_health__is_told_part_by_part(pool: Pool, around: Around) -> None:
    around.serve(pool.settings.airflow_port)
    around.scheduler, around.heartbeat_age_s = "unhealthy", 95
    found = told(pool)

    assert (
        found(
            "airflow_healthy",
            "metadatabase",
        )
        == 1
    )
    assert (
        found(
            "airflow_healthy",
            "scheduler",
        )
        == 0
    )
    assert found(
        "airflow_heartbeat_age_seconds",
        "scheduler",
    ) == pytest.approx(95, abs=60)
    # No triggerer runs, and none is missed.
    assert found("airflow_healthy", "triggerer") is None
    around.is_airflow_up = False
    assert (
        told(pool)(
            "airflow_healthy",
            "scheduler",
        )
        == 0
    )


def test_simulated_world__ages__are_of_its_own_clock(pool: Pool) -> None:
    clock.set_world(1_767_578_400_000)
    pool.claim("clm_1", "NOTIFIED", "VERIFYING", "APPROVED", ago_s=600)
    pool.publish(ago_s=120)
    found = told(pool)

    assert found("world_simulated") == 1
    assert found("approved_unpaid_oldest_seconds") == pytest.approx(600, abs=60)
    assert found("snapshot_age_seconds") == pytest.approx(120, abs=60)


def test_a_part_that_fails__is_told_and_leaves_the_others(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_settings: Settings) -> Iterator[None]:
        yield from ()
        raise OSError("the disk is gone")

    monkeypatch.setitem(collecting.PARTS, "snapshot", broken)
    found = told(pool)

    assert (
        found(
            "metrics_failed",
            "snapshot",
        )
        == 1
    )
    assert (
        found(
            "metrics_failed",
            "store",
        )
        == 0
    )
    assert found("approved_unpaid_oldest_seconds") == 0


@pytest.mark.parametrize("module", [from_store, from_snapshot, from_around, collecting])
def test_families__all_of_them__are_told_at_a_scrape(pool: Pool, module: object) -> None:
    around = Around()
    around.serve(pool.settings.chain_port, pool.settings.airflow_port)
    pool.publish()
    pool.land(1)
    text = collecting.exposition(pool.settings).decode()
    around.close()
    families = [one for one in vars(module).values() if isinstance(one, from_store.Family)]

    assert families
    assert [one.name for one in families if f"# HELP {one.full_name} " not in text] == []


def test_shown_figures__every_one__is_a_metric_of_the_project(
    model_folder: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leverageguard.warehouse import model_runner

    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(model_folder.data_dir))
    defined = {one.metric: one for one in model_runner.compiled(model_folder).metrics}

    assert set(from_snapshot.SHOWN) - set(defined) == set()
    names = [from_snapshot.name_of(name, defined[name].unit) for name in from_snapshot.SHOWN]
    assert len(set(names)) == len(names)
    # The made-up figures of these tests are told in the units of the real ones.
    assert {name: unit for name, (unit, _) in FIGURES.items()} == {
        name: defined[name].unit for name in FIGURES
    }


def test_snapshot__is_closed_again__for_the_next_publication(pool: Pool) -> None:
    pool.publish()
    told(pool)
    path = snapshot.current(pool.settings)

    assert connect.rows(path, "select count(*) as n from dim_metrics")[0]["n"] > 5
