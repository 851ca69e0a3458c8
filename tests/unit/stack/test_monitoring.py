"""What Prometheus and Alertmanager are started with."""

from __future__ import annotations

import shutil
import stat
from dataclasses import replace

import pytest

from leverageguard.config import Settings
from leverageguard.gateway import service_accounts
from leverageguard.stack import monitoring, up
from leverageguard.stack.progress import StackError


def test_prometheus__for_a_stack__scrapes_its_gateway_with_a_key_that_reads_metrics_alone(
    settings: Settings,
) -> None:
    mine = replace(settings, port_base=23_000)
    made = monitoring.prometheus(mine)

    gateway, itself = made["scrape_configs"]
    assert gateway["static_configs"] == [{"targets": ["127.0.0.1:23000"]}]
    assert itself["static_configs"] == [{"targets": ["127.0.0.1:23016"]}]
    assert made["alerting"]["alertmanagers"][0]["static_configs"] == [
        {"targets": ["127.0.0.1:23017"]}
    ]
    path = settings.secrets_dir / "prometheus_key"
    assert gateway["authorization"]["credentials_file"] == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    account = service_accounts.of_key(settings, path.read_text())
    assert account is not None and account.scopes == ["metrics:read"]


def test_prometheus__for_a_cluster__asks_every_server_itself_over_tls(settings: Settings) -> None:
    mine = replace(settings, port_base=23_000, profile="cluster", store_database=settings.store_url)

    gateway, _ = monitoring.prometheus(mine)["scrape_configs"]

    assert gateway["scheme"] == "https"
    assert gateway["tls_config"] == {"ca_file": str(mine.ca_file)}
    assert gateway["static_configs"] == [
        {"targets": [f"127.0.0.1:{port}" for port in (23_011, 23_012, 23_013, 23_014)]}
    ]


def test_prometheus__again__keeps_its_key_and_a_lost_one_opens_nothing(settings: Settings) -> None:
    monitoring.prometheus(settings)
    path = settings.secrets_dir / "prometheus_key"
    first = path.read_text()
    monitoring.prometheus(settings)
    assert path.read_text() == first

    path.unlink()
    monitoring.prometheus(settings)

    assert service_accounts.of_key(settings, first) is None
    assert service_accounts.of_key(settings, path.read_text()) is not None


def test_prometheus__anew__leaves_other_programs_keys_alone(settings: Settings) -> None:
    up.migrate_store(settings)
    _, others = service_accounts.create(settings, "desk", ["claims:read"], "admin")
    monitoring.prometheus(settings)

    assert service_accounts.of_key(settings, others) is not None


def test_alertmanager__tells_the_operators_webhook_where_there_is_one(settings: Settings) -> None:
    assert monitoring.alertmanager(settings)["receivers"] == [{"name": "operator"}]

    told = monitoring.alertmanager(replace(settings, alert_webhook="https://ops.example/hook"))
    assert told["receivers"][0]["webhook_configs"] == [
        {"url": "https://ops.example/hook", "send_resolved": True}
    ]


def test_start__not_installed__says_what_to_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if "alert" in name else name)

    with pytest.raises(StackError, match=r"apt-get install .* prometheus-alertmanager"):
        monitoring.start(settings)
    assert not (settings.secrets_dir / "prometheus_key").exists()
