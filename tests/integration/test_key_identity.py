"""Whose a key is, asked of every venue as somebody binds an account: an answer, or no answer."""

from __future__ import annotations

import pytest

from leverageguard import clock, config
from leverageguard.exchanges import identity, registry, retry
from leverageguard.intake.accounts import Credentials
from leverageguard.simulator import scenario
from tests.integration.venue_world import VenueWorld
from tests.simulators import RunningSimulator

QUICK = retry.Policy(attempts=2, base_seconds=0.01, cap_seconds=0.02, timeout_seconds=2.0)


@pytest.fixture(params=config.VENUES)
def venue(request, tmp_path, monkeypatch, settings):
    world = VenueWorld(request.param, accounts=1, lives=1, hours=1)
    loaded = scenario.load(world.write(tmp_path / "world"))
    clock.set_world(loaded.now_ms)
    running = RunningSimulator(loaded, request.param)
    monkeypatch.setenv(f"LEVERAGEGUARD_{request.param.upper()}_URL", running.url)
    monkeypatch.setattr(identity, "PATIENCE", QUICK)
    yield request.param, loaded.accounts[0], running
    running.stop()


def given(account):
    key = scenario.key_of(account)
    return Credentials(key.api_key, key.api_secret, key.passphrase)


def test_ask__sound_key__names_the_account_and_that_it_only_reads(venue):
    exchange, account, _ = venue

    found = identity.ask(config.load(), exchange, given(account))

    assert found.uid.lower() == account.uid.lower()
    assert found.is_read_only is True
    assert found.root_uid is None or found.root_uid.lower() == account.main_uid.lower()


def test_ask__key_of_nobody__is_refused(venue):
    exchange, _, _ = venue
    nobody = Credentials("0x" + "ef" * 20 if registry.venue(exchange).is_keyless else "k" * 32,
                         "s" * 32, "p" * 16)  # fmt: skip

    with pytest.raises(identity.KeyRefused):
        identity.ask(config.load(), exchange, nobody)


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("kind", ["http_503", "html", "truncated", "empty"])
def test_ask__venue_that_fails__says_nothing_of_the_key(venue, kind, after):
    exchange, account, running = venue
    running.fault("*", kind, times=10_000, after=after)

    with pytest.raises(identity.VenueSilent):
        identity.ask(config.load(), exchange, given(account))
