"""The product catalogue: one CSV, shared with the warehouse as its seed."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from leverageguard import clock, seeds
from leverageguard.config import Settings
from leverageguard.domain.product import Actuarial, ProductVersion, Tariff

# How a product is sold is no part of what was sold: ending its sale must not unsettle a policy.
SALE_COLUMNS = frozenset({"sold_from", "sold_to", "is_for_scenarios", "is_default"})
_PARSED_APART = ("terms_hash", "pricing", "leverages", "wait_seconds", "is_for_scenarios",
                 "is_default", "product_version", "sold_from_ms", "sold_to_ms")  # fmt: skip


def product(settings: Settings, product_version: str) -> ProductVersion:
    """One version of the catalogue; ValueError names the versions that exist."""
    rows = _rows(settings)
    if product_version not in rows:
        raise ValueError(
            f"product {product_version!r} is not in the catalogue; known: {', '.join(sorted(rows))}"
        )
    return _parse(rows[product_version])


def default_product(settings: Settings) -> ProductVersion:
    """The one version that is quoted when none is named; ValueError unless there is one."""
    chosen = [row for row in _rows(settings).values() if row["is_default"] == "true"]
    if len(chosen) != 1:
        raise ValueError(
            f"product_versions.csv must have is_default true in one row, not {len(chosen)}"
        )
    return _parse(chosen[0])


def terms_hash(row: Mapping[str, str]) -> str:
    """SHA-256 (0x-hex) of a catalogue row's terms as its file writes them: what a quote binds."""
    terms = sorted(set(row) - SALE_COLUMNS)
    return "0x" + sha256("\n".join(f"{name}={row[name]}" for name in terms).encode()).hexdigest()


def _rows(settings: Settings) -> dict[str, dict[str, str]]:
    return {row["product_version"]: row for row in seeds.rows(settings, "product_versions")}


def _parse(row: dict[str, str]) -> ProductVersion:
    numbers = set(ProductVersion.__dataclass_fields__) - set(_PARSED_APART)
    return ProductVersion(
        product_version=row["product_version"],
        terms_hash=terms_hash(row),
        sold_from_ms=clock.parse_ms(row["sold_from"]),
        sold_to_ms=clock.parse_ms(row["sold_to"]) if row["sold_to"] else None,
        is_for_scenarios=row["is_for_scenarios"] == "true",
        is_default=row["is_default"] == "true",
        pricing=_pricing(row),
        leverages=_leverages(row["leverages"]),
        wait_seconds={8: int(row["wait_seconds_8h"]), 24: int(row["wait_seconds_24h"])},
        **{name: int(row[name]) for name in numbers},
    )


def _pricing(row: dict[str, str]) -> Tariff | Actuarial:
    if row["pricing"] == "tariff":
        names = ("base_ppm", "per_leverage_ppm", "size_ppm", "cap_ppm")
        return Tariff(**{name: int(row[f"premium_{name}"]) for name in names})
    if row["pricing"] == "actuarial":
        return Actuarial(**{name: int(row[name]) for name in Actuarial.__dataclass_fields__})
    raise ValueError(
        f"product {row['product_version']!r}: pricing must be tariff or actuarial, "
        f"not {row['pricing']!r}"
    )


def _leverages(text: str) -> frozenset[int]:
    if "-" in text:
        low, high = text.split("-")
        return frozenset(range(int(low), int(high) + 1))
    return frozenset(int(part) for part in text.split("|"))
