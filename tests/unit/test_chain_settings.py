from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leverageguard import chain_settings, config
from leverageguard.chain_settings import ChainSettings

POOL, TOKEN = "0x" + "ab" * 20, "0x" + "cd" * 20
TWO = f"""
[base]
chain_id = 8453
rpc = ["secret:base_rpc", "https://base.example/v1"]
confirmations = 12
token = "{TOKEN}"
pool = "{POOL}"
deployed_block = 77
max_fee_gwei = "0.5"
priority_fee_gwei = "0.000000001"
gas_money_alert_ether = "0.02"

[second]
chain_id = 2
max_fee_gwei = 50
"""


@pytest.fixture
def chains_file(own_data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the data folder keeps its chains, two of them until a test writes others."""
    for name in ("LEVERAGEGUARD_CHAINS", *config.ONE_CHAIN):
        monkeypatch.delenv(name, raising=False)
    own_data_folder.mkdir()
    path = own_data_folder / "chains.toml"
    path.write_text(TWO)
    return path


def test_load__no_file__is_the_one_chain_of_the_variables(monkeypatch: Any) -> None:
    monkeypatch.setenv("LEVERAGEGUARD_CHAIN_ID", "42")
    monkeypatch.setenv("LEVERAGEGUARD_CHAIN_RPC", "http://node")
    monkeypatch.setenv("LEVERAGEGUARD_CONFIRMATIONS", "5")
    settings = config.load()
    assert [(c.chain_id, c.confirmations) for c in settings.chains] == [(42, 5)]
    assert settings.on_chain(42) == settings
    assert settings.chain_rpc_urls == ("http://node",)
    with pytest.raises(config.ConfigError, match="chain 1 is not configured; known: local"):
        settings.on_chain(1)


@pytest.mark.usefixtures("chains_file")
def test_load__file__is_its_chains_the_first_one_first() -> None:
    settings = config.load()
    assert [chain.name for chain in settings.chains] == ["base", "second"]
    assert (settings.chain_id, settings.confirmations) == (8453, 12)
    assert settings.chain.max_fee_wei == 500_000_000
    assert settings.chain.priority_fee_wei == 1
    assert settings.chain.gas_money_alert_wei == 2 * 10**16
    assert settings.deployment() == config.Deployment(8453, POOL, TOKEN, 77)


@pytest.mark.usefixtures("chains_file")
@pytest.mark.parametrize("which", [2, "second"])
def test_on_chain__by_id_or_name__speaks_of_that_chain_alone(which: int | str) -> None:
    first = config.load()
    second = first.on_chain(which)
    assert (second.chain_id, second.confirmations, second.chain.name) == (2, 2, "second")
    assert second.chain.max_fee_wei == 50 * 10**9
    assert second.chain_rpc_url == f"http://127.0.0.1:{first.chain_port}"
    assert second.deployment_path == first.data_dir / "deployments" / "2.json"
    assert second.on_chain("base") == first


@pytest.mark.usefixtures("chains_file")
def test_rpc__kept_as_a_secret__is_read_when_it_is_asked_for() -> None:
    settings = config.load()
    with pytest.raises(config.ConfigError, match="'base_rpc' is missing"):
        _ = settings.chain_rpc_urls
    settings.secrets_dir.mkdir()
    (settings.secrets_dir / "base_rpc").write_text("https://paid.example/KEY\n")
    assert settings.chain_rpc_urls == ("https://paid.example/KEY", "https://base.example/v1")
    assert "KEY" not in repr(settings)


@pytest.mark.usefixtures("chains_file")
def test_on_chain__endpoint_set_by_hand__stays_with_its_chain() -> None:
    from dataclasses import replace

    settings = replace(config.load(), chain_rpc="http://by-hand")
    assert settings.on_chain("base").chain_rpc_url == "http://by-hand"
    assert settings.on_chain("second").chain_rpc is None


@pytest.mark.parametrize("name", config.ONE_CHAIN)
def test_load__file_and_a_variable_of_one_chain__is_refused(
    chains_file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "7")
    with pytest.raises(config.ConfigError, match=f"{chains_file.name} says .* unset {name}"):
        config.load()


def test_load__file_named_elsewhere__is_read_and_must_exist(
    chains_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.toml"
    monkeypatch.setenv("LEVERAGEGUARD_CHAINS", str(other))
    with pytest.raises(config.ConfigError, match=r"other\.toml, which does not exist"):
        config.load()
    other.write_text("[one]\nchain_id = 5\n")
    assert chains_file.exists() and config.load().chain_id == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one chain"),
        ("[a]\nchain_id = 1\n[b]\nchain_id = 1\n", "each chain_id once"),
        ("[a\n", "no TOML"),
        ("chain_id = 1\n", "'chain_id' is no block"),
        ("[A]\nchain_id = 1\n", "'A' is no block"),
        ("[a]\nconfirmations = 1\n", "names no chain_id"),
        ("[a]\nchain_id = 1\nrcp = []\n", "unknown keys rcp"),
        ("[a]\nchain_id = 0\n", "chain_id cannot be 0"),
        ("[a]\nchain_id = true\n", "chain_id cannot be True"),
        ("[a]\nchain_id = 1\nconfirmations = -1\n", "confirmations cannot be -1"),
        ("[a]\nchain_id = 1\nrpc = []\n", "rpc cannot be"),
        ("[a]\nchain_id = 1\nrpc = 'http://x'\n", "rpc cannot be"),
        ("[a]\nchain_id = 1\nrpc = ['node']\n", "rpc cannot be"),
        ("[a]\nchain_id = 1\nrpc = ['secret:']\n", "rpc cannot be"),
        ("[a]\nchain_id = 1\ntoken = '0x12'\n", "token cannot be"),
        ("[a]\nchain_id = 1\ntoken = 12\n", "token cannot be"),
        ("[a]\nchain_id = 1\nmax_fee_gwei = 0.5\n", "max_fee_gwei cannot be 0.5"),
        ("[a]\nchain_id = 1\nmax_fee_gwei = '0.0000000001'\n", "max_fee_gwei cannot be"),
        ("[a]\nchain_id = 1\nmax_fee_gwei = 'NaN'\n", "max_fee_gwei cannot be"),
        ("[a]\nchain_id = 1\nmax_fee_gwei = 'dear'\n", "max_fee_gwei cannot be"),
        ("[a]\nchain_id = 1\npriority_fee_gwei = -1\n", "priority_fee_gwei cannot be"),
        (f"[a]\nchain_id = 1\npool = '{POOL}'\n", "needs pool, token and deployed_block"),
        ("[a]\nchain_id = 1\ndeployed_block = 3\n", "needs pool, token and deployed_block"),
    ],
)
def test_read__file_that_cannot_be_meant__is_refused_by_name(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "chains.toml"
    path.write_text(text)
    with pytest.raises(config.ConfigError, match=message) as refused:
        chain_settings.read(path)
    assert str(path) in str(refused.value)


def test_shown_url__endpoint_with_keys__shows_none() -> None:
    shown = chain_settings.shown_url("https://me:pw@node.example:8545/v2/KEY?token=KEY")
    assert shown == "https://node.example:8545"


def test_deployment__token_alone__is_not_yet_one() -> None:
    assert ChainSettings("a", 1, token=TOKEN).deployment() is None
