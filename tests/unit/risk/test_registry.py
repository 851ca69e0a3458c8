import pytest
from sqlalchemy import text

from leverageguard.domain.probability import RiskInputs
from leverageguard.risk import champion, printing, registry
from leverageguard.risk.registry import Fitted
from leverageguard.store.base import engine, session

SYMBOLS = {"BTC": {"sigma_minute_ppb": 600_000, "maintenance_ppm": 4_000}}
TABLE = {"table": [[0, 1_000_000], [1_000, 300_000], [6_000, 10]], "symbols": SYMBOLS}
FITTED = Fitted("isotonic", "published", "0x" + "aa" * 32, 100, TABLE)
METRICS = {
    "held_out": {"brier_ppm": 1, "ece_ppm": 2}, "gate": {"is_passed": True, "reasons": []}
}  # fmt: skip
INPUTS = RiskInputs("BTC", "long", 20, 4_000, 600_000, 86_400)


def promoted(settings):
    version = registry.register(settings, FITTED, METRICS, "card")
    registry.promote(settings, version, registry.SEED_MODEL, "gate", "better")
    return version


def test_champion__nothing_promoted__is_the_committed_table(stored):
    registry.register(stored, FITTED, {}, "card")

    assert champion.champion(stored).model_version == registry.SEED_MODEL


def test_champion__promoted__prices_by_its_registered_table(stored):
    version = promoted(stored)
    model = champion.champion(stored)

    assert model.model_version == version == FITTED.model_version
    assert model.probability_ppm(INPUTS) != champion.MODELS[registry.SEED_MODEL](
        stored
    ).probability_ppm(INPUTS)
    assert champion.symbol(stored, version, "BTC").sigma_minute_ppb == 600_000


def test_symbol__asset_the_model_does_not_know__is_refused(stored):
    version = promoted(stored)

    for asset, named in (("ETH", version), ("BTC", "another-model")):
        with pytest.raises(champion.NotModelledError):
            champion.symbol(stored, named, asset)


def test_register__same_fit_twice__is_one_row(stored):
    registry.register(stored, FITTED, {"n": 1}, "card")
    registry.register(stored, FITTED, {"n": 2}, "other")

    [row] = registry.every_one(stored)
    assert (row.metrics, row.card) == ('{"n":1}', "card")


def test_promote__not_registered_or_another_prices__is_refused(stored):
    with pytest.raises(registry.RegistryError, match="no risk model"):
        registry.promote(stored, "isotonic-x", registry.SEED_MODEL, "gate", "better")
    version = promoted(stored)
    with pytest.raises(registry.RegistryError, match=f"{version} prices"):
        registry.promote(stored, version, registry.SEED_MODEL, "gate", "better")


def test_parameters__changed_behind_the_registers_back__price_nothing(stored):
    promoted(stored)
    with engine(stored).begin() as opened:
        opened.execute(text("DROP TRIGGER risk_models_no_update"))
        opened.execute(text("UPDATE risk_models SET parameters = replace(parameters, '30', '31')"))

    with pytest.raises(registry.RegistryError, match="not those of their hash"):
        champion.champion(stored)


def test_restore__model_that_priced_before__prices_again_the_committed_one_too(stored):
    version = promoted(stored)
    before = champion.MODELS[registry.SEED_MODEL](stored).probability_ppm(INPUTS)
    champion.restore(stored, registry.SEED_MODEL, "op", "its claims were too many")
    model = champion.champion(stored)

    assert (model.model_version, model.probability_ppm(INPUTS)) == (registry.SEED_MODEL, before)
    assert champion.symbol(stored, registry.SEED_MODEL, "ETH").sigma_minute_ppb > 0
    assert any("committed" in line for line in printing.listing(stored)[2:])
    champion.restore(stored, version, "op", "it was not the model")
    assert champion.champion(stored).model_version == version


def test_restore__model_that_never_priced_or_prices__is_refused(stored):
    never = registry.register(stored, FITTED, {}, "card")
    for named in (never, registry.SEED_MODEL, "none"):
        with pytest.raises(registry.RegistryError, match="did not price before"):
            champion.restore(stored, named, "op", "around the gate")


def test_register__every_write__is_in_the_audit_log_without_the_bulk(stored):
    promoted(stored)
    with session(stored) as opened:
        rows = opened.execute(
            text("SELECT action, actor, payload FROM audit_events ORDER BY seq")
        ).all()

    assert [(row.action, row.actor) for row in rows] == [
        ("risk_models.insert", "isotonic"),
        ("risk_promotions.insert", "gate"),
    ]
    assert FITTED.parameters_hash in rows[0].payload and "table" not in rows[0].payload


@pytest.mark.parametrize("table", ["risk_models", "risk_promotions"])
def test_tables__changed_or_deleted__refuse(stored, table):
    promoted(stored)
    for statement in (f"UPDATE {table} SET model_version = 'x'", f"DELETE FROM {table}"):
        with engine(stored).begin() as opened, pytest.raises(Exception, match="append-only"):
            opened.execute(text(statement))


def test_models__every__plugs_in_under_its_own_name(stored):
    for name, make in champion.MODELS.items():
        assert make(stored).model_version == name
