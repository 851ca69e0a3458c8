from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from leverageguard.config import ConfigError, Settings
from leverageguard.settlement.signing import keystores, signers

KEY = "0x" + "4c" * 32
ADDRESS = signers.KeySigner(KEY).address


@pytest.fixture
def with_passphrase(settings: Settings, tmp_path: Path) -> Settings:
    path = tmp_path / "passphrase"
    path.write_text("correct horse\n")
    return replace(settings, keystore_passphrase=f"file:{path}")


def test_keystore__written_and_opened__is_the_same_key_and_private(
    with_passphrase: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "proposer.json"
    assert keystores.write_keystore(with_passphrase, KEY, path) == ADDRESS

    assert signers.signer(with_passphrase, f"keystore:{path}").address == ADDRESS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert '"scrypt"' in path.read_text() and "4c4c" not in path.read_text()
    used = replace(with_passphrase, proposer_key=f"keystore:{path}")
    assert signers.required_proposer(used).address == ADDRESS
    by_command = replace(with_passphrase, keystore_passphrase="command:echo correct horse")
    assert keystores.open_keystore(by_command, path).address == ADDRESS
    wrong = replace(with_passphrase, keystore_passphrase="command:echo battery staple")
    with pytest.raises(ConfigError, match="does not open") as refusal:
        keystores.open_keystore(wrong, path)
    assert "staple" not in str(refusal.value)


@pytest.mark.parametrize("how", ["file:", "file:/nowhere/at/all", "command:false", "correct horse"])
def test_passphrase__cannot_be_had__is_refused_without_showing_it(
    settings: Settings, how: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        keystores.passphrase(replace(settings, keystore_passphrase=how))
    assert "horse" not in str(refusal.value)


def test_open_keystore__no_such_file__says_so(with_passphrase: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no keystore file"):
        keystores.open_keystore(with_passphrase, tmp_path / "absent.json")


@pytest.mark.parametrize("spec", ["", "chain_proposer", "vault:x", "kms:", "keystore:"])
def test_signer__spec_nobody_knows__says_what_there_is(settings: Settings, spec: str) -> None:
    with pytest.raises(ConfigError, match="secret:NAME, keystore:PATH or kms:KEY_ID"):
        signers.signer(settings, spec)
