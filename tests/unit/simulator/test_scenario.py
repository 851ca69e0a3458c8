"""Scenario folders: what loads, and how each mistake is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from leverageguard import config
from leverageguard.simulator import scenario, venues
from leverageguard.simulator.scenario import ScenarioError
from leverageguard.simulator.venues import twins
from tests.simulators import SCENARIOS

WORLD: dict[str, Any] = {
    "format": 1,
    "name": "one",
    "about": "one long",
    "clock": {"start": "2026-01-05T00:00:00Z", "now": "2026-01-06T02:00:00Z"},
    "product": "seed-v1",
    "pool": {"deposit_usdc": "100000"},
    "accounts": [{"account_id": "acc-1", "exchange": "okx", "uid": "44", "wallet": "alice"}],
    "policies": [
        {
            "policy": "pol-1",
            "account": "acc-1",
            "inst_id": "BTC-USDT-SWAP",
            "leverage": 40,
            "principal_usdc": "200",
            "cover_hours": 24,
            "bought_at": "2026-01-05T01:00:00Z",
        }
    ],
    "claims": [
        {"claim": "clm-1", "policy": "pol-1", "order_id": "1", "filed_at": "2026-01-05T09:00:00Z"}
    ],
}


def write(folder: Path, world: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "world.yaml").write_text(yaml.safe_dump(world))
    return folder


def changed(place: list[Any], value: Any) -> dict[str, Any]:
    """A copy of WORLD with one field set (or removed, for None)."""
    world = json.loads(json.dumps(WORLD))
    at = world
    for step in place[:-1]:
        at = at[step]
    if value is None:
        del at[place[-1]]
    else:
        at[place[-1]] = value
    return dict(world)


def test_load__minimal_world__fills_defaults(tmp_path: Path) -> None:
    world = scenario.load(write(tmp_path, WORLD))
    assert world.start_ms == 1767571200000
    assert world.pool_deposit_micro_usdc == 100_000_000_000
    policy, claim, binding = world.policies[0], world.claims[0], world.bindings[0]
    assert (policy.wallet, policy.product, policy.principal_micro_usdc) == (
        "alice",
        "seed-v1",
        200_000_000,
    )
    assert (claim.wallet, claim.inst_id) == ("alice", "BTC-USDT-SWAP")
    assert (binding.wallet, binding.uid, binding.signed_at_ms) == ("alice", "44", world.start_ms)
    assert world.accounts[0].main_uid == "44"
    assert world.wallets() == ["alice"]


def test_load__policy_taken_over__says_so(tmp_path: Path) -> None:
    taken = changed(["policies", 0, "origin"], "taken_over")

    assert scenario.load(write(tmp_path / "a", taken)).policies[0].is_taken_over
    assert not scenario.load(write(tmp_path / "b", WORLD)).policies[0].is_taken_over


def test_load__a_stated_binding__replaces_the_default(tmp_path: Path) -> None:
    world = changed(["bindings"], [{"account": "acc-1", "uid": "99"}])
    bindings = scenario.load(write(tmp_path, world)).bindings
    assert [binding.uid for binding in bindings] == ["99"]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (["format"], 2, r"world\.yaml: format is 2: choose a number from 1 to 1"),
        (["name"], None, r"world\.yaml: name is missing: add it"),
        (["colour"], "red", r"world\.yaml: colour is not part of the format: remove it"),
        (["pool", "deposit_usdc"], 100.5, r"pool\.deposit_usdc must be an amount in USDC as text"),
        (["pool", "deposit_usdc"], "ten", r"pool\.deposit_usdc is not an amount"),
        (["pool", "deposit_usdc"], "-1", r"pool\.deposit_usdc is -1: write a positive"),
        (["policies", 0, "principal_usdc"], 10, r"policies\[0\]\.principal_usdc must be an amount"),
        (["policies", 0, "principal_usdc"], "10.005", r"principal_usdc is 10\.005"),
        (["policies", 0, "principal_usdc"], "NaN", r"principal_usdc is not an amount"),
        (["policies", 0, "leverage"], "40", r"policies\[0\]\.leverage is '40': write a whole"),
        (["policies", 0, "leverage"], 40.0, r"policies\[0\]\.leverage is 40\.0: write a whole"),
        (["policies", 0, "leverage"], True, r"policies\[0\]\.leverage is True"),
        (["policies", 0, "cover_hours"], 12, r"cover_hours is 12: choose 8 or 24"),
        (
            ["policies", 0, "account"],
            "acc-9",
            r"policies\[0\]\.account names 'acc-9', which is not",
        ),
        (["policies", 0, "origin"], "won", r"origin"),
        (["policies", 0, "bought_at"], "2027-01-01T00:00:00Z", r"bought_at lies outside"),
        (["policies", 0, "bought_at"], "2026-01-05T01:00:00", r"bought_at is .* its zone"),
        (["policies", 0, "bought_at"], "soon", r"bought_at is 'soon': write it like"),
        (["claims", 0, "policy"], "pol-9", r"claims\[0\]\.policy names 'pol-9'.*use one of pol-1"),
        (["claims", 0, "order_id"], 123, r"claims\[0\]\.order_id must be text: write it in quotes"),
        (["claims", 0, "filed_at"], "2025-01-05T09:00:00Z", r"filed_at lies before clock\.start"),
        (["accounts", 0, "uid"], 44, r"accounts\[0\]\.uid must be text"),
        (["accounts", 0, "exchange"], "mtgox", r"exchange is 'mtgox': choose one of .*okx"),
        (["accounts", 0, "key_state"], "lost", r"key_state is 'lost': choose one of active"),
        (["accounts", 0, "account_id"], "../up", r"account_id is '\.\./up': use letters"),
        (["accounts", 0, "walet"], "bob", r"accounts\[0\]\.walet is not part of the format"),
        (["accounts"], {}, r"accounts must be a list"),
        (["accounts"], ["acc"], r"accounts\[0\] must be a mapping"),
        (["clock", "now"], "2026-01-04T00:00:00Z", r"clock\.now must lie after clock\.start"),
        (["replies_from"], "../nowhere", r"replies_from names '\.\./nowhere', no such folder"),
    ],
)
def test_load__one_mistake__refused_naming_field_and_fix(
    tmp_path: Path, place: list[Any], value: Any, message: str
) -> None:
    with pytest.raises(ScenarioError, match=message):
        scenario.load(write(tmp_path, changed(place, value)))


@pytest.mark.parametrize("key", ["accounts", "policies", "claims"])
def test_load__a_label_twice__refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ScenarioError, match="stands 2 times: give each its own"):
        scenario.load(write(tmp_path, changed([key], WORLD[key] * 2)))


def test_load__no_folder__names_the_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"world\.yaml: is missing"):
        scenario.load(tmp_path / "nothing")


def test_load__broken_yaml__refused(tmp_path: Path) -> None:
    (tmp_path / "world.yaml").write_text("name: [")
    with pytest.raises(ScenarioError, match="is not YAML"):
        scenario.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("okx/acc-1/orders.json", "{}", r"orders\.json: must be a JSON list"),
        ("okx/acc-1/orders.json", "[", r"orders\.json: is not JSON"),
        ("okx/acc-1/orders.json", "[1]", r"orders\.json: row 0 must be an object"),
        ("okx/acc-1/fills.json", '[{"px": 1.5}]', r"fills\.json: row 0\.px is a float"),
        ("okx/acc-1/fils.json", "[]", r"fils\.json: is not part of the format: the tables are"),
        ("okx/acc-2/fills.json", "[]", r"acc-2: is not part of the format: add the account"),
        ("okx/mark_candles/X.json", "[[1, 2.5]]", r"X\.json: row 0 must be a candle as the venue"),
    ],
)
def test_load__bad_venue_file__refused_naming_the_file(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    write(tmp_path, WORLD)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    with pytest.raises(ScenarioError, match=message):
        scenario.load(tmp_path)


def test_replies__no_files__are_empty_lists(tmp_path: Path) -> None:
    replies = scenario.load(write(tmp_path, WORLD)).replies("okx")
    assert replies.accounts["acc-1"] == {table: [] for table in twins()["okx"].tables}


def test_wallet_key__label__is_stable_and_its_own() -> None:
    assert scenario.wallet_key("alice") == scenario.wallet_key("alice")
    assert scenario.wallet_key("alice") != scenario.wallet_key("bob")
    assert len(scenario.wallet_key("alice")) == 66


def test_credentials__account__differ_in_every_part_and_stay_out_of_repr() -> None:
    one, two = scenario.credentials("a"), scenario.credentials("b")
    assert one == scenario.credentials("a")
    assert not {one.api_key, one.api_secret, one.passphrase} & {
        two.api_key,
        two.api_secret,
        two.passphrase,
    }
    assert one.api_secret not in repr(one)


def test_twins__every_file_of_the_folder__is_a_venue_of_its_name() -> None:
    files = {path.stem for path in Path(venues.__path__[0]).glob("[a-z]*.py")}
    assert set(twins()) == files
    assert all(name == twin.name for name, twin in twins().items())


def test_twins__every_venue_we_can_read__has_one() -> None:
    assert set(twins()) == set(config.VENUES)


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in SCENARIOS.glob("*/world.yaml")), ids=lambda p: p.name
)
def test_shipped_scenario__loads_and_expects_only_what_it_defines(folder: Path) -> None:
    world = scenario.load(folder)
    expected = yaml.safe_load((folder / "expected.yaml").read_text())["claims"]
    policies = {policy.policy for policy in world.policies}
    filed = {claim.claim for claim in world.claims}
    for claim in expected:
        assert claim["policy"] in policies
        assert claim.get("claim") is None or claim["claim"] in filed
        assert claim["verdict"] in ("verified", "rejected", "undetermined")
        assert (claim["payout_micro_usdc"] > 0) <= (claim["verdict"] == "verified")


@pytest.mark.parametrize("name", sorted(twins()))
def test_readme__names_every_venue_and_table(name: str) -> None:
    lines = (SCENARIOS / "README.md").read_text().splitlines()
    (row,) = [line for line in lines if line.startswith(f"| `{name}` |")]
    assert [table for table in twins()[name].tables if f"`{table}`" not in row] == []
