"""One trace from a claim's filing to its payout, told by processes that know nothing of another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest
from opentelemetry import metrics
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from leverageguard import clock, config, telemetry
from leverageguard.claims import advancing
from leverageguard.config import ConfigError, Settings
from leverageguard.evidence import verdicts
from leverageguard.exchanges import retry
from leverageguard.filings import taking_up, waiting
from leverageguard.policies import advancing as policies
from leverageguard.settlement import chain_steps
from leverageguard.settlement.planning import Item
from leverageguard.stack import observing
from leverageguard.store import base
from leverageguard.store.intake_tables import FiledClaim
from leverageguard.store.settlement_tables import PayoutRecord, SettlementEvent
from leverageguard.warehouse import landing
from tests import gateway_shop
from tests.gateway_shop import Shop
from tests.sealed import plan
from tests.unit.exchanges.fake_venue import venue_client

CLAIM = "clm_" + "0a" * 12
TX = "0x" + "5e" * 32


class Collector:
    """A real OTLP endpoint over HTTP that keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.path == "/v1/traces"
                for one in ExportTraceServiceRequest.FromString(body).resource_spans:
                    for scope in one.scope_spans:
                        kept.spans.extend(scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def shop(settings: Settings, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("LEVERAGEGUARD_OTLP_ENDPOINT", collector.url + "/")
    landing.ensure_schemas(settings)
    return gateway_shop.opened(config.load(), monkeypatch)


def know(settings: Settings, policy: str, filing: str | None) -> Path:
    """A warehouse that knows the claim."""
    path = settings.warehouse_path
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create table fct_claims as select ? as claim_id, ? as policy_id, null as tx_hash, "
            "make_timestamp(?::bigint * 1000)::timestamptz as notified_at, "
            "'NONE' as payout_state, ?::text as filing_id",
            [CLAIM, policy, clock.now_ms(), filing],
        )
    return path


def decide(settings: Settings, path: Path) -> None:
    decision = verdicts.Decision(
        claim_id=CLAIM, verdict="verified", reasons="", hold_reasons="",
        approved_micro_usdc=5_000_000, evidence_root="0x" + "cd" * 32, rules_version="test",
        product_version="seed-v1",
    )  # fmt: skip
    with base.session(settings) as session:
        verdicts.record(session, [decision], clock.now_ms())
    advancing.advance(settings, path, is_fresh=True)


def pay(settings: Settings, policy: str) -> None:
    wallet = f"0x{'7' * 40}"
    plan(settings, [Item("g", CLAIM, "okx:1:1", policy, wallet, wallet, 5_000_000, 31337)])
    with base.session(settings) as session:
        [payout] = session.query(PayoutRecord)
        payout.tx_hash = TX
        session.add(
            SettlementEvent(
                batch_id=payout.batch_id, claim_id=CLAIM, tx_hash=TX, from_state="SENT",
                to_state="PAID", at_ms=clock.now_ms(), actor="chain", rule="TEST",
            )
        )  # fmt: skip


def test_claim__from_its_filing_to_its_payout__is_one_trace(
    shop: Shop, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = shop.policy()
    filing = shop.file(policy)
    with base.session(shop.settings) as session:
        found = session.get_one(FiledClaim, filing)
    monkeypatch.setattr(waiting, "filings", lambda _: [found])
    monkeypatch.setattr(chain_steps, "land_missing", lambda *_: {})
    monkeypatch.setattr(policies, "advance", dict)
    taking_up.take_up()
    path = know(shop.settings, policy, filing)
    decide(shop.settings, path)
    pay(shop.settings, policy)
    advancing.advance(shop.settings, path)

    assert {span.trace_id for span in collector.spans} == {sha256(filing.encode()).digest()[:16]}
    names = [span.name for span in collector.spans]
    assert names[:3] == ["filing received", "evidence read", "claim filed"]
    assert [name.removeprefix("claim ") for name in names[3:]] == [
        "NOTIFIED", "EVIDENCE_PENDING", "VERIFYING", "ELIGIBLE", "APPROVED", "BATCHED",
        "SETTLING", "PAID",
    ]  # fmt: skip
    [root] = [span for span in collector.spans if span.parent_span_id == b""]
    assert root.name == "claim filed"
    others = [span for span in collector.spans if span is not root]
    assert {span.parent_span_id for span in others} == {root.span_id}
    assert len({span.span_id for span in collector.spans}) == len(names)
    told = {one.key: one.value.string_value for one in collector.spans[-1].attributes}
    assert (told["leverageguard.tx_hash"], told["leverageguard.claim_id"]) == (TX, CLAIM)
    assert {one.key for one in collector.spans[0].attributes} == {
        "leverageguard.filing_id", "leverageguard.policy_id", "leverageguard.request_id",
    }  # fmt: skip


def test_claim__that_nobody_filed__begins_with_its_notice(shop: Shop, collector: Collector) -> None:
    path = know(shop.settings, shop.policy(), None)
    decide(shop.settings, path)

    root, *others = collector.spans
    assert (root.name, root.parent_span_id) == ("claim NOTIFIED", b"")
    assert others and {span.parent_span_id for span in others} == {root.span_id}
    assert {span.trace_id for span in collector.spans} == {sha256(CLAIM.encode()).digest()[:16]}


def test_parts__of_a_simulated_world__lie_where_they_would_be_now(
    settings: Settings, collector: Collector
) -> None:
    clock.set_world(1_000_000_000_000)
    mine = replace(settings, otlp_endpoint=collector.url)
    now_ms = clock.now_ms()
    part = telemetry.Part("f", "k", "n", now_ms - 5000, now_ms)

    assert telemetry.tell(mine, [part])
    [span] = collector.spans
    assert span.end_time_unix_nano - span.start_time_unix_nano == 5_000_000_000
    assert abs(span.end_time_unix_nano / 1e6 - clock.real_ms()) < 60_000


def test_tell__no_endpoint__makes_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "_span", lambda *_: pytest.fail("nobody is told"))

    assert not telemetry.tell(settings, [telemetry.Part("f", "k", "n", 1, 2)])


def test_tell__nobody_listens__fails_nobody(settings: Settings, collector: Collector) -> None:
    collector.server.shutdown()
    collector.server.server_close()
    mine = replace(settings, otlp_endpoint=collector.url)

    assert not telemetry.tell(mine, [telemetry.Part("f", "k", "n", 1, 2)])


def test_venues__their_requests_and_waits__are_counted_where_metrics_are_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("test")
    monkeypatch.setattr(metrics, "get_meter", lambda _name: meter)
    telemetry._instruments.cache_clear()
    client, _ = venue_client(tmp_path, '{"code":"0","data":[{"ts":"1"}]}')
    client.call(client.venue.clock, {})
    busy, _ = venue_client(tmp_path, (429, "busy"))
    with pytest.raises(retry.GaveUpError):
        busy.call(busy.venue.clock, {})
    telemetry._instruments.cache_clear()

    data = reader.get_metrics_data()
    assert data is not None
    found = {
        metric.name: list(metric.data.data_points)
        for one in data.resource_metrics
        for scope in one.scope_metrics
        for metric in scope.metrics
    }
    points = {
        (point.attributes["venue"], point.attributes["outcome"], point.attributes["http_status"]):
        point.value
        for point in found["leverageguard.venue.requests"]
    }  # fmt: skip
    assert points["okx", "ok", 200] == 1
    assert [n for (_, outcome, status), n in points.items() if status == 429 and outcome != "ok"]
    assert found["leverageguard.venue.wait"][0].count == 2


def test_airflow__is_told_of_a_collector_only_where_there_is_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert observing.airflow(settings) == {}

    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    told = observing.airflow(replace(settings, otlp_endpoint="http://c:4318", are_logs_json=True))
    assert told["AIRFLOW__TRACES__OTEL_ON"] == told["AIRFLOW__METRICS__OTEL_ON"] == "True"
    assert told["AIRFLOW__LOGGING__JSON_LOGS"] == "True"
    assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://c:4318"
    assert told["OTEL_SERVICE_NAME"] == "mine"


@pytest.mark.parametrize(
    ("name", "value"),
    [("LEVERAGEGUARD_OTLP_ENDPOINT", "localhost:4317"), ("LEVERAGEGUARD_LOGS", "xml")],
)
def test_settings__bad_ones__are_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigError, match=name):
        config.load()
