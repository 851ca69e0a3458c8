from __future__ import annotations

import pytest

from leverageguard import config
from leverageguard.config import ConfigError


def test_capital_paths__nothing_set__are_ten_thousand(monkeypatch):
    monkeypatch.delenv("LEVERAGEGUARD_CAPITAL_PATHS", raising=False)

    assert config.load().capital_paths == 10_000


def test_capital_paths__set__are_that_many(monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_CAPITAL_PATHS", "200")

    assert config.load().capital_paths == 200


@pytest.mark.parametrize("text", ["199", "-1", "many", "1e4"])
def test_capital_paths__too_few_or_no_number__are_refused_by_name(monkeypatch, text):
    monkeypatch.setenv("LEVERAGEGUARD_CAPITAL_PATHS", text)

    with pytest.raises(ConfigError, match="LEVERAGEGUARD_CAPITAL_PATHS must be"):
        config.load()
