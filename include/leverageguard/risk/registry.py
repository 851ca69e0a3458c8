"""The register of risk models: what was fitted is written once, and a promotion says who and why.

A model is loaded from its parameters alone; parameters that are not those of their hash are an
error, and nothing prices with them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import clock, store_landing
from leverageguard.config import Settings
from leverageguard.domain.evidence import canonical_json
from leverageguard.domain.learned_probability import FEATURES, Boosted, Logistic, Tree
from leverageguard.domain.probability import LiquidationProbability, Recalibrated, RiskRefused
from leverageguard.store.base import session
from leverageguard.store.risk_tables import RiskModel, RiskPromotion

# What prices before the first promotion: the committed table, fitted to SIMULATED paths.
SEED_MODEL = "isotonic-simulated-v1"
SIMULATED = "SIMULATED"


class RegistryError(RiskRefused):
    """The register does not hold what was asked for, or not as it was written."""


@dataclass(frozen=True)
class Fitted:
    """A model that was fitted, and what it was fitted on.

    `parameters` hold no floats. They have `symbols` (asset -> sigma_minute_ppb and
    maintenance_ppm) and what the kind is priced from: `table`, or `features` with `intercept_ppb`
    and `weights_ppb`, or `features` with `baseline_ppb` and `trees`.
    """

    kind: str
    data_source: str
    data_hash: str
    row_count: int
    parameters: Mapping[str, Any]

    @property
    def parameters_hash(self) -> str:
        """0x-hex sha256 of the parameters' canonical JSON."""
        return "0x" + sha256(canonical_json(self.parameters)).hexdigest()

    @property
    def model_version(self) -> str:
        """Kind, data source and a hash of data and parameters: the same fit has the same name."""
        digest = sha256(f"{self.data_hash}{self.parameters_hash}".encode()).hexdigest()
        return f"{self.kind}-{self.data_source.lower()}-{digest[:12]}"


def register(
    settings: Settings,
    fitted: Fitted,
    metrics: Mapping[str, Any],
    card: str,
    version: str | None = None,
) -> str:
    """Write a model down and return its version; one that is there already stays as it is."""
    version = version or fitted.model_version
    with session(settings) as opened:
        if opened.get(RiskModel, version) is None:
            opened.add(
                RiskModel(
                    model_version=version,
                    kind=fitted.kind,
                    data_source=fitted.data_source,
                    data_hash=fitted.data_hash,
                    row_count=fitted.row_count,
                    parameters_hash=fitted.parameters_hash,
                    parameters=canonical_json(fitted.parameters).decode(),
                    metrics=canonical_json(metrics).decode(),
                    card=card,
                    created_at_ms=clock.now_ms(),
                )
            )
    return version


def promote(settings: Settings, model_version: str, replaced: str, who: str, why: str) -> None:
    """Let a registered model price from now on, in place of `replaced`.

    Raises RegistryError when it is not registered, or when `replaced` does not price.
    """
    with session(settings) as opened:
        if opened.get(RiskModel, model_version) is None:
            raise RegistryError(f"no risk model {model_version!r} is registered")
        last = _last_promotion(opened)
        prices = SEED_MODEL if last is None else last.model_version
        if prices != replaced:
            raise RegistryError(f"{prices} prices, not {replaced}: compare with it")
        opened.add(
            RiskPromotion(
                model_version=model_version,
                replaced=replaced,
                promoted_by=who,
                why=why,
                promoted_at_ms=clock.now_ms(),
            )
        )


def promoted(settings: Settings) -> RiskModel | None:
    """The model that was promoted last; None while none was."""
    with session(settings) as opened:
        last = _last_promotion(opened)
        return None if last is None else opened.get(RiskModel, last.model_version)


def priced_before(settings: Settings) -> set[str]:
    """Every model that ever priced and was replaced, or prices now by a promotion."""
    with session(settings) as opened:
        rows = opened.scalars(select(RiskPromotion)).all()
        return {version for row in rows for version in (row.model_version, row.replaced)}


def record(settings: Settings, model_version: str) -> RiskModel | None:
    """The register's row of a model; None when there is none."""
    with session(settings) as opened:
        return opened.get(RiskModel, model_version)


def every_one(settings: Settings) -> list[RiskModel]:
    """All models, oldest first."""
    with session(settings) as opened:
        return list(opened.scalars(select(RiskModel).order_by(RiskModel.created_at_ms)))


def parameters(row: RiskModel) -> dict[str, Any]:
    """What a model is priced from; RegistryError when it is not what was written."""
    if "0x" + sha256(row.parameters.encode()).hexdigest() != row.parameters_hash:
        raise RegistryError(f"the parameters of {row.model_version} are not those of their hash")
    found: dict[str, Any] = json.loads(row.parameters)
    return found


def land(settings: Settings) -> int:
    """Land what the register holds and the raw files do not show; the rows landed."""
    landed = store_landing.land(settings, "risk/models", RiskModel.created_at_ms)
    return landed + store_landing.land(settings, "risk/promotions", RiskPromotion.promoted_at_ms)


def model(version: str, kind: str, found: Mapping[str, Any]) -> LiquidationProbability:
    """The model that prices by these parameters; RegistryError for one of another shape."""
    if kind == "isotonic":
        return Recalibrated(version, [(int(z), int(p)) for z, p in found["table"]])
    if tuple(found["features"]) != FEATURES:
        raise RegistryError(f"{version} reads {found['features']}, not {list(FEATURES)}")
    if kind == "logistic":
        return Logistic(version, int(found["intercept_ppb"]), tuple(found["weights_ppb"]))
    trees = tuple(Tree(*(tuple(column) for column in tree)) for tree in found["trees"])
    return Boosted(version, int(found["baseline_ppb"]), trees)


def _last_promotion(opened: Session) -> RiskPromotion | None:
    query = select(RiskPromotion).order_by(RiskPromotion.promotion_id.desc()).limit(1)
    return opened.scalars(query).first()
