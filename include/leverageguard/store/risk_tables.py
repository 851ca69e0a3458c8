"""The register of risk models: every model that was fitted, and which one priced since when."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.append_only import append_only
from leverageguard.store.base import Base, one_of

KINDS = ("isotonic", "logistic", "boosting")
DATA_SOURCES = ("SIMULATED", "published")


class RiskModel(Base):
    """A fitted model with what it was fitted on and how it did; never changed.

    `parameters` is the canonical JSON it is priced from, `metrics` of its evaluation and of the
    gate's decision, `card` what people read. `data_hash` and `parameters_hash` are 0x-hex sha256.
    """

    __tablename__ = "risk_models"
    __table_args__ = (
        one_of("kind", KINDS),
        one_of("data_source", DATA_SOURCES),
        CheckConstraint("row_count > 0", name="rows_there"),
    )
    model_version: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    data_source: Mapped[str] = mapped_column(String(16))
    data_hash: Mapped[str] = mapped_column(String(66))
    row_count: Mapped[int] = mapped_column(BigInteger)
    parameters_hash: Mapped[str] = mapped_column(String(66))
    parameters: Mapped[str] = mapped_column(String)
    metrics: Mapped[str] = mapped_column(String)
    card: Mapped[str] = mapped_column(String)
    created_at_ms: Mapped[int] = mapped_column(BigInteger)


class RiskPromotion(Base):
    """From here on this model prices; `replaced` is the one that did before."""

    __tablename__ = "risk_promotions"
    promotion_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    model_version: Mapped[str] = mapped_column(ForeignKey("risk_models.model_version"))
    replaced: Mapped[str] = mapped_column(String(64))
    promoted_by: Mapped[str] = mapped_column(String(128))
    why: Mapped[str] = mapped_column(String(2000))
    promoted_at_ms: Mapped[int] = mapped_column(BigInteger)


# A migration that creates the tables must execute these too; create_all does so by itself.
TRIGGERS = (*append_only(RiskModel), *append_only(RiskPromotion))
