"""What README and docs state about the code is held against the code."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path

import pytest
from eth_utils.address import is_checksum_address

from leverageguard import chain_settings
from leverageguard.config import DEFAULT_PORT, VENUES, Settings
from leverageguard.exchanges import registry
from leverageguard.gateway import limiting
from leverageguard.underwriting import refusals
from tests.bench import venue_cost

REPO = Path(__file__).parents[2]
README = (REPO / "README.md").read_text()
DOCS = [
    REPO / name
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "docs/venues.md",
        "docs/secrets.md",
        "docs/scaling.md",
        "docs/containers.md",
    )
]
# Of the files outside a venue's own, those that may name Hyperliquid, as the README says.
NAMES_THE_FIFTH = {
    "dbt_project/seeds/sold_instruments.csv",
    "include/leverageguard/simulator/seeded/casting.py",
}


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    assert found is not None, title
    return found[1]


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def seed(name: str) -> list[dict[str, str]]:
    with (REPO / "dbt_project" / "seeds" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_readme__checks__are_all_there_in_their_order_and_hold_where_they_may():
    told = [(row[0].strip("`"), row[2]) for row in rows(section("How a claim is decided"))[1:]]
    checks = sorted(seed("claim_checks"), key=lambda row: int(row["check_order"]))

    assert [code for code, _ in told] == [row["check_code"] for row in checks]
    assert [code for code, outcome in told if "holds" in outcome] == [
        row["check_code"] for row in checks if row["may_hold"] == "true"
    ]


def test_readme__thresholds__are_those_in_force():
    project = (REPO / "dbt_project" / "dbt_project.yml").read_text()
    version = re.search(r"rules_version: (\S+)", project)[1]
    [rules] = [row for row in seed("check_thresholds") if row["rules_version"] == version]

    def percent(name: str) -> str:
        return f"{Decimal(rules[name]) / 10_000:g} %"

    def every(name: str, seconds: int) -> int:
        return int(rules[name]) // seconds

    told = dict(row[:2] for row in rows(section("How a claim is decided")))
    stated = {
        "PRICE_TOUCHED": [
            f"± {percent('price_touch_tolerance_ppm')}",
            f"within {percent('reference_price_tolerance_ppm')}",
        ],
        "LOSS_CONSISTENT": [f"± {percent('fill_price_tolerance_ppm')}"],
        "NOT_INDUCED": [f"the last {every('induced_window_seconds', 3600)} hours"],
        "NOT_HEDGED": [
            f"within {every('hedge_window_seconds', 60)} minutes",
            f"gained {percent('hedge_profit_ppm')}",
        ],
        "THIN_MARKET": [f"at most {percent('thin_market_ppm')}"],
        "VELOCITY": [f"in {rules['velocity_days']} days"],
        "EDGE_ADD": [f"within {percent('edge_add_price_ppm')}"],
    }
    assert [
        (code, words)
        for code, phrases in stated.items()
        for words in phrases
        if words not in told[f"`{code}`"]
    ] == []
    assert f"version `{version}`" in section("How a claim is decided")
    # Numbers that stand there as words.
    words = ("velocity_free_count", "edge_add_window_seconds", "stop_moved_window_seconds")
    assert [rules[name] for name in words] == ["2", "600", "3600"]


def test_readme__products__are_the_catalogues_and_refusals_the_services():
    told = section("Products")
    products = {row["product_version"]: row for row in seed("product_versions")}
    actuarial, tariff = products["actuarial-v2"], products["seed-v1"]
    table = {row[0]: row for row in rows(told)[1:]}

    def percent(row: dict[str, str], name: str) -> str:
        return f"{Decimal(row[name]) / 10_000:g} %"

    assert {name for name in products if f"`{name}`" not in told} == set()
    paid = [
        f"min({percent(tariff, 'payout_cap_ppm')}",
        f"max({percent(tariff, 'payout_floor_ppm')}",
    ]
    paid += [f"at most {int(actuarial['claim_cap_micro_usdc']) // 1_000_000} USDC a claim"]
    assert [words for words in paid if words not in told] == []
    assert actuarial["load_ppm"] == "200000" and "· 1.2 +" in table["`actuarial-v2`"][1]
    assert f"{Decimal(actuarial['expense_micro_usdc']) / 1_000_000:.2f} USDC" in told
    assert f"above {percent(actuarial, 'max_premium_share_ppm')}" in table["`actuarial-v2`"][1]
    assert table["`actuarial-v2`"][3].split(" to ") == actuarial["leverages"].split("-")
    assert table["`seed-v1`"][3].split(", ") == tariff["leverages"].split("|")
    rate = table["`seed-v1`"][1]
    assert (
        f"min({percent(tariff, 'premium_cap_ppm')}, {percent(tariff, 'premium_base_ppm')}" in rate
    )
    assert f"+ {percent(tariff, 'loyalty_first_ppm')} on the first" in rate
    next_ones = (
        f"+ {percent(tariff, 'loyalty_next_ppm')} on the next {tariff['loyalty_next_count']}"
    )
    assert next_ones in rate
    codes = set(re.findall(r"`([A-Z_]{6,})`", told))
    assert codes == refusals.CODES


def test_readme__settings__are_the_ones_that_are_read():
    files = (
        "config.py",
        "people_settings.py",
        "fund_settings.py",
        "gateway_settings.py",
        "monitoring_settings.py",
        "secrets_settings.py",
    )
    code = "".join((REPO / "include/leverageguard" / name).read_text() for name in files)
    read = set(re.findall(r'"(LEVERAGEGUARD_\w+)"', code))
    told = section("Configure")

    # Set by the launcher for itself.
    assert {name for name in read - {"LEVERAGEGUARD_STARTED"} if f"`{name}`" not in told} == set()
    assert "`LEVERAGEGUARD_<VENUE>_URL`" in told


def test_readme__limits_of_the_gateway__are_those_that_are_kept():
    told = {row[0].strip("`"): row[1:] for row in rows(section("The gateway"))}

    for one in limiting.CLASSES:
        counts = (one.per_address, one.per_caller, one.per_service)
        assert told[one.name] == [str(count) for count in counts]


def test_chains_example__every_block__can_be_used_as_it_stands():
    found = {chain.name: chain for chain in chain_settings.read(REPO / "docs/chains.example.toml")}

    assert {name: chain.chain_id for name, chain in found.items()} == {
        "base": 8453,
        "arbitrum": 42161,
        "ethereum": 1,
    }
    for chain in found.values():
        assert is_checksum_address(chain.token), chain.name
        assert chain.confirmations > 2 and chain.gas_money_alert_wei > 0
        assert chain.max_fee_wei > 10 * chain.priority_fee_wei
        # The fullest transaction at the cap, but for what the cap of Ethereum lets wait.
        if chain.name != "ethereum":
            assert chain.gas_money_alert_wei > 3 * 16_777_216 * chain.max_fee_wei


def test_chains_example__every_key__is_told():
    text = (REPO / "docs/chains.example.toml").read_text()
    told = "\n".join(line for line in text.splitlines() if line.startswith("# "))

    assert [key for key in chain_settings.KEYS - {"chain_id"} if key not in told] == []


def test_readme__ports__are_the_ones_in_use():
    settings = Settings(REPO)
    told = section("Configure")

    by_port = sorted(VENUES, key=settings.venue_port)
    assert f"({', '.join(f'`{name}`' for name in by_port)})" in told
    assert settings.venue_port(by_port[0]) == DEFAULT_PORT + 3
    assert settings.worker_log_port == DEFAULT_PORT + 15
    assert "+3" in told
    assert "(+15)" in told
    assert (settings.prometheus_port, settings.alertmanager_port) == (
        DEFAULT_PORT + 16,
        DEFAULT_PORT + 17,
    )
    assert "Prometheus (+16) and Alertmanager (+17)" in told


def test_readme__fifth_venue__is_named_where_it_says_and_nowhere_else():
    own = {
        path.relative_to(REPO).as_posix()
        for folder in ("include/leverageguard", "tests")
        for path in (REPO / folder).rglob("*hyperliquid*.py")
    }
    parts = ("include/leverageguard", "dbt_project", "expectations", "dags", "plugins")
    naming = {
        path.relative_to(REPO).as_posix()
        for part in parts
        for path in (REPO / part).rglob("*")
        if path.suffix in (".py", ".sql", ".yml", ".yaml", ".csv")
        and not {"target", "logs"} & set(path.parts)
        and "hyperliquid" in path.read_text().lower()
    }
    told = section("Add an exchange")

    assert naming - own == NAMES_THE_FIFTH
    for name in own:
        assert f"`{name.removeprefix('include/leverageguard/')}`" in told


@pytest.mark.parametrize("venue", VENUES)
def test_docs__venue__has_its_place_in_every_table(venue: str):
    text = (REPO / "docs" / "venues.md").read_text()

    for title in ("What says that a close was forced", "Reading", "Limits"):
        assert f"| `{venue}` |" in text.split(f"## {title}\n")[1].split("\n## ")[0]
    assert f"| `{venue}` |" in text.split("\n## What says")[0]
    assert f"| `{venue}` |" in section("Scale out")


@pytest.mark.parametrize("venue", registry.venues(), ids=lambda venue: venue.name)
def test_docs__what_a_venue_cannot_show__is_what_its_file_says(venue):
    """The facts of the first table that the venue files state as data."""
    table = rows((REPO / "docs" / "venues.md").read_text().split("\n## What says")[0])
    place = table[0].index(f"`{venue.name}`")
    facts = {row[0]: row[place] for row in table[1:]}

    assert facts["demo key provable"].startswith("yes") == bool(venue.demo_codes)
    is_by_address = any(each.owner_param == "user" for each in venue.account)
    assert (facts["read with"] == "the address, no key") == is_by_address


@pytest.mark.parametrize("venue", registry.venues(), ids=lambda venue: venue.name)
def test_docs__listings__are_the_venues_and_say_which_are_optional(venue):
    text = (
        (REPO / "docs" / "venues.md").read_text().split("\n## Reading")[1].split("\n## Limits")[0]
    )
    [told] = [row for row in rows(text) if row[0] == f"`{venue.name}`"]

    for listing in venue.listings:
        assert re.search(rf"\b{listing.name}\b", told[1])
        assert (f"{listing.name} (optional)" in told[1]) == listing.is_optional
        days = (listing.retention_ms or 0) // 86_400_000
        assert not days or re.search(rf"\b{days}\b", told[4])


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_docs__links_and_paths__exist(path: Path):
    text = path.read_text()
    linked = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    named = re.findall(r"`((?:dags|include|dbt_project|tests|plugins|docs)/[\w/.]*)`", text)

    assert [name for name in linked if not (path.parent / name).exists()] == []
    assert [name for name in named if not (REPO / name).exists()] == []


@pytest.mark.slow
def test_readme__what_venues_cost__is_what_the_benchmark_counts():
    told = {row[0].strip("`"): row[1:] for row in rows(section("Scale out"))[1:]}

    def span(found: dict[str, int], unit: int = 1) -> str:
        low, high = found["quiet"] // unit, found["active"] // unit
        return f"{low}" if low == high else f"{low}-{high}"

    def count(found: int | None) -> str:
        return "by key" if found is None else f"{found:,}"

    for venue, found in venue_cost.measure().items():
        limit = found["limit"]
        assert told[venue] == [
            span(found["requests_per_pull"]["hourly"]),
            span(found["requests_per_1000_accounts_day"]["hourly"], 1000),
            f"{'weight ' if found['weight_per_1000_accounts_day'] else ''}{limit['calls']:,} "
            f"in {limit['seconds']} s an {limit['per']}",
            count(found["accounts_per_address_hour"]),
            count(found["addresses_for_1m"]),
        ]
        daily = found["addresses_for_1m_daily"]
        assert daily is None or re.search(rf"\b{daily} \(", section("Scale out"))


def test_threats__each_names_a_test_that_is_there():
    named = [row[-1].strip("`") for row in rows((REPO / "docs" / "threats.md").read_text())]
    named = [one for one in named if one != "test"]

    for one in named:
        path, _, test = one.partition("::")
        text = (REPO / "tests" / path).read_text()
        assert f"def {test or 'test_'}" in text, one
    assert len(named) == len(set(named)) > 25
