"""The product catalogue: one CSV, shared with the warehouse as its seed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from hashlib import sha256

from leverageguard.config import Settings
from leverageguard.domain.product import ProductVersion


def product(settings: Settings, product_version: str) -> ProductVersion:
    """One version of the catalogue; ValueError names the versions that exist."""
    path = settings.dbt_dir / "seeds" / "product_versions.csv"
    with path.open(newline="") as file:
        rows = {row["product_version"]: row for row in csv.DictReader(file)}
    if product_version not in rows:
        raise ValueError(
            f"product {product_version!r} is not in the catalogue; known: {', '.join(sorted(rows))}"
        )
    return _parse(rows[product_version])


def terms_hash(row: Mapping[str, str]) -> str:
    """SHA-256 (0x-hex) of a catalogue row as its file writes it: what a quote binds."""
    canonical = "\n".join(f"{name}={row[name]}" for name in sorted(row))
    return "0x" + sha256(canonical.encode()).hexdigest()


def _parse(row: dict[str, str]) -> ProductVersion:
    rates = {
        name: int(row[name])
        for name in ProductVersion.__dataclass_fields__
        if name.endswith(("_ppm", "_micro_usdc"))
    }
    return ProductVersion(
        product_version=row["product_version"],
        terms_hash=terms_hash(row),
        leverages=_leverages(row["leverages"]),
        wait_seconds={8: int(row["wait_seconds_8h"]), 24: int(row["wait_seconds_24h"])},
        filing_grace_seconds=int(row["filing_grace_seconds"]),
        **rates,
    )


def _leverages(text: str) -> frozenset[int]:
    if "-" in text:
        low, high = text.split("-")
        return frozenset(range(int(low), int(high) + 1))
    return frozenset(int(part) for part in text.split("|"))
