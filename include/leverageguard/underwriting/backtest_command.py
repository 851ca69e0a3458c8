"""`./leverageguard backtest`: what each product expects to lose, and what it would have lost."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leverageguard.config import Settings
from leverageguard.domain.money import PPM, micro_from_text, text_from_micro
from leverageguard.domain.product import ProductVersion
from leverageguard.intake import products
from leverageguard.risk import champion, measuring, training
from leverageguard.risk.measuring import Measured
from leverageguard.underwriting import adequacy, backtesting, price_files
from leverageguard.underwriting.adequacy import Cell
from leverageguard.underwriting.backtesting import Outcome

PRODUCTS = ("seed-v1", "actuarial-v2")
SHOWN_ERRORS = 10
HEAD = (
    "  product        lev hours sold   policies  refused  touches  expected    loss  "
    "        lowest  ruined"
)


def run(settings: Settings, options: argparse.Namespace) -> tuple[int, str]:
    """The exit code (1 when rows of the price file were left out) and what to print.

    Raises PriceFileError for a file that cannot be used, ValueError where no hour can.
    """
    measured, told, errors = _prices(settings, options)
    named = [products.product(settings, name) for name in options.product or PRODUCTS]
    principal = micro_from_text(options.principal)
    leverages = sorted(set(options.leverages or backtesting.LEVERAGES))
    now = champion.priced_by(settings)
    funds = micro_from_text(options.funds)
    outcomes = list(backtesting.replay(measured, now, named, principal, funds, leverages))
    cells = [cell for each in named for cell in _cells(settings, each, principal, leverages)]
    path = settings.data_dir / "risk" / "adequacy.csv"
    _write(path, cells)
    code = 1 if errors else 0
    if options.json:
        found = {
            "prices": told,
            "rows_left_out": errors,
            "model_version": now.model_version,
            "outcomes": [backtesting.as_json(one) for one in outcomes],
            "cells": [asdict(cell) for cell in cells],
        }
        return code, json.dumps(found)
    lines = [told, *_error_lines(errors), f"priced by {now.model_version}", "", HEAD]
    lines += [_line(one) for one in outcomes]
    lines += ["", *_adequacy_lines(named, cells), f"every cell: {path}"]
    return code, "\n".join(lines)


def _prices(settings: Settings, options: argparse.Namespace) -> tuple[Measured, str, list[str]]:
    """What to replay, what to call it, and the rows that were left out."""
    if options.prices is None:
        days, seed = options.days, options.seed
        told = f"SIMULATED PRICES: common paths of {days} days, seed {seed}; no real price in them"
        return training.simulated(settings, days, seed), told, []
    symbols = champion.priced_by(settings).parameters["symbols"]
    read = price_files.read(options.prices, symbols)
    at = read.candles["minute_at_ms"].to_pylist()
    assets = sorted(set(read.candles["base_asset"].to_pylist()))
    told = (
        f"prices of {options.prices}: {len(at)} candles of {', '.join(assets)}, "
        f"{_day(min(at))} to {_day(max(at))}"
    )
    return measuring.measure(settings, read.candles, str(options.prices)), told, read.errors


def _cells(
    settings: Settings, product: ProductVersion, principal: int, leverages: Sequence[int]
) -> list[Cell]:
    asked = sorted(product.leverages | set(leverages))
    return list(adequacy.cells(settings, product, principal, asked))


def _error_lines(errors: Sequence[str]) -> list[str]:
    if not errors:
        return []
    more = [f"  … {len(errors) - SHOWN_ERRORS} more"] if len(errors) > SHOWN_ERRORS else []
    shown = [f"  {error}" for error in errors[:SHOWN_ERRORS]]
    return [f"{len(errors)} rows left out:", *shown, *more]


def _line(one: Outcome) -> str:
    refused = sum(one.refused.values())
    ruined = _day(one.ruined_at_ms) if one.ruined_at_ms is not None else "-"
    return (
        f"  {one.product_version:13} {one.leverage:4} {one.hours:5} "
        f"{'yes' if one.is_sold else 'no':4} {one.policies:10,} {refused:8,} {one.touches:8,} "
        f"{_ratio(one.expected_ratio_ppm, one):>9} {_ratio(one.loss_ratio_ppm, one):>7} "
        f"{text_from_micro(one.lowest_micro_usdc):>16}  {ruined}"
    )


def _ratio(ppm: int, one: Outcome) -> str:
    return f"{ppm / PPM:.3f}" if one.policies else "-"


def _adequacy_lines(named: Iterable[ProductVersion], cells: Sequence[Cell]) -> list[str]:
    lines = ["Expected loss ratio of what is sold, before it is sold"]
    for product in named:
        own = [cell for cell in cells if cell.product_version == product.product_version]
        sold = [cell for cell in own if not cell.refused]
        if not sold:
            lines.append(f"  {product.product_version}: nothing is sold at this principal")
            continue
        worst = max(sold, key=lambda cell: cell.expected_ratio_ppm)
        over = [cell for cell in sold if cell.expected_ratio_ppm > (cell.target_ppm or PPM)]
        target = f"{(worst.target_ppm or PPM) / PPM:.3f}"
        lines.append(
            f"  {product.product_version}: {len(sold)} of {len(own)} cells are sold, "
            f"{len(over)} over {target}; worst {worst.expected_ratio_ppm / PPM:.3f} "
            f"({worst.base_asset} {worst.side} {worst.leverage}x {worst.hours} h)"
        )
    return lines


def _write(path: Path, cells: Sequence[Cell]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(Cell.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(asdict(cell) for cell in cells)


def _day(at_ms: Any) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"
