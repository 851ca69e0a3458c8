import ast
from pathlib import Path

import pytest

from leverageguard import clock, config

PACKAGE = Path(config.__file__).parent


def test_load__port_not_a_number__names_the_variable(monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_PORT", "eighty")

    with pytest.raises(config.ConfigError, match="LEVERAGEGUARD_PORT must be a whole number"):
        config.load()


@pytest.mark.parametrize("port", ["80", "70000"])
def test_load__port_out_of_range__refuses(monkeypatch, port):
    monkeypatch.setenv("LEVERAGEGUARD_PORT", port)

    with pytest.raises(config.ConfigError, match="1024"):
        config.load()


def test_two_stacks__other_port_base__share_no_port():
    first, second = (
        config.Settings(data_dir=Path("/x"), port_base=base) for base in (18080, 18100)
    )
    ports = [
        {s.airflow_port, s.superset_port, s.chain_port, s.venue_port("okx"), s.worker_log_port}
        for s in (first, second)
    ]

    assert not ports[0] & ports[1]


def test_secret__missing__says_how_to_make_it():
    with pytest.raises(config.ConfigError, match=r"run ./leverageguard up"):
        config.load().secret("chain_admin")


def test_deployment__missing__says_how_to_make_it():
    with pytest.raises(config.ConfigError, match="no pool is deployed"):
        config.load().deployment()


def _reads_environment(path: Path) -> bool:
    names = {"environ", "getenv"}
    return any(
        isinstance(node, ast.Attribute) and node.attr in names
        for node in ast.walk(ast.parse(path.read_text()))
    )


def test_package__environment__is_read_by_config_alone():
    readers = {
        p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.py") if _reads_environment(p)
    }

    assert readers == {"config.py"}


def test_pace__only_a_simulated_twin__may_be_read_faster(settings, monkeypatch):
    assert settings.pace("okx") == 1
    clock.set_world(1_000)
    assert config.load().pace("okx") == config.load().simulated_pace > 1
    monkeypatch.setenv("LEVERAGEGUARD_OKX_URL", "https://www.okx.com")
    assert config.load().pace("okx") == 1
    assert config.load().pace("bybit") > 1


def test_load__approvers__are_three_users_unless_said_otherwise(monkeypatch):
    assert config.load().approvers == ("approver1", "approver2", "approver3")
    monkeypatch.setenv("LEVERAGEGUARD_APPROVERS", " ann, bob ,ann")
    assert config.load().approvers == ("ann", "bob")


def test_load__a_single_approver__is_refused(monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_APPROVERS", "ann,ann")
    with pytest.raises(config.ConfigError, match="2 people at least"):
        config.load()


def test_load__a_limit_of_nothing__is_refused(monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_APPROVE_BATCHES_OVER_MICRO_USDC", "0")
    with pytest.raises(config.ConfigError, match="1 at least"):
        config.load()
