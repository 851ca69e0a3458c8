from __future__ import annotations

import pytest

from leverageguard import config
from leverageguard.config import ConfigError


def test_gateway__nothing_set__counts_here_and_lets_no_other_origin_call():
    loaded = config.load()

    assert (loaded.rate_limits, loaded.cors_origins) == ("memory://", ())
    assert (loaded.token_minutes, loaded.request_seconds) == (15, 60)


def test_gateway__lists__are_read_with_commas(monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_CORS_ORIGINS", "https://a.example, https://b.example,")
    monkeypatch.setenv("LEVERAGEGUARD_PUBLIC_HOSTS", "app.example")

    loaded = config.load()

    assert loaded.cors_origins == ("https://a.example", "https://b.example")
    assert loaded.public_hosts == ("app.example",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LEVERAGEGUARD_RATE_LIMITS", "memcached://here"),
        ("LEVERAGEGUARD_CORS_ORIGINS", "*"),
        ("LEVERAGEGUARD_TOKEN_MINUTES", "0"),
        ("LEVERAGEGUARD_RATE_PERCENT", "-1"),
        ("LEVERAGEGUARD_REQUEST_SECONDS", "soon"),
    ],
)
def test_gateway__what_is_no_setting__is_refused_by_name(monkeypatch, name, text):
    monkeypatch.setenv(name, text)

    with pytest.raises(ConfigError, match=name):
        config.load()
