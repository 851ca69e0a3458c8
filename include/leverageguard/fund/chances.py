"""The chance of a liquidation of what was sold, by the model that prices."""

from __future__ import annotations

from functools import cache

from leverageguard.config import Settings
from leverageguard.risk import champion as models
from leverageguard.risk.champion import NotModelledError, Symbol


class Chances:
    """Chances by asset, leverage and seconds of cover, of the likelier side; asked once each."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._model = models.champion(settings)
        self.symbol = cache(self._symbol)
        self.ppm = cache(self._ppm)

    @property
    def model_version(self) -> str:
        """The model that is asked."""
        return self._model.model_version

    def knows(self, base_asset: str | None) -> bool:
        """Whether the model knows how an asset moves."""
        return self.symbol(base_asset) is not None

    def sigma_minute_ppb(self, base_asset: str) -> int | None:
        """How an asset moves in a minute, None where the model does not know it."""
        symbol = self.symbol(base_asset)
        return symbol.sigma_minute_ppb if symbol else None

    def _symbol(self, base_asset: str | None) -> Symbol | None:
        if base_asset is None:
            return None
        try:
            return models.symbol(self._settings, self.model_version, base_asset)
        except NotModelledError:
            return None

    def _ppm(self, base_asset: str, leverage: int, seconds: int) -> int:
        """Raises NotModelledError for an asset that the model does not know."""
        symbol = self.symbol(base_asset)
        if symbol is None:
            raise NotModelledError(f"{base_asset} has no volatility under {self.model_version}")
        return models.worst_side(self._model, symbol, leverage, seconds)
