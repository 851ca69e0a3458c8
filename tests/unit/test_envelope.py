import json
import stat
from dataclasses import replace

import boto3
import pytest
from cryptography.fernet import Fernet
from moto import mock_aws

from leverageguard import aws, config, envelope

PLAIN = b"a key that opens an account"


def keys_of(settings) -> list[str]:
    return (settings.secrets_dir / envelope.FILE).read_text().split()


def test_seal__same_text_twice__two_data_keys_and_nothing_in_clear(settings):
    first, second = (json.loads(envelope.seal(settings, PLAIN)) for _ in range(2))

    assert first["key"] != second["key"] and first["data"] != second["data"]
    assert PLAIN.decode() not in json.dumps([first, second])


def test_unseal__data_key_of_another_row__does_not_open(settings):
    one, other = (json.loads(envelope.seal(settings, PLAIN)) for _ in range(2))
    mixed = json.dumps({**one, "key": other["key"]}).encode()

    with pytest.raises(envelope.NotOpenedError, match="put the file of that time back"):
        envelope.unseal(settings, mixed)


def test_rewrap__new_wrapping_key__same_data_other_wrapping_and_old_key_not_needed(settings):
    sealed = envelope.seal(settings, PLAIN)
    envelope.add_key(settings)
    wrapped = envelope.rewrap(settings, sealed)
    new, _old = keys_of(settings)
    (settings.secrets_dir / envelope.FILE).write_text(new)

    assert json.loads(wrapped)["data"] == json.loads(sealed)["data"]
    assert envelope.wrapped_by(wrapped) == envelope.present(settings)
    assert envelope.unseal(settings, wrapped) == PLAIN
    with pytest.raises(envelope.NotOpenedError):
        envelope.unseal(settings, sealed)


def test_unseal__after_a_rotation__what_a_process_wrapped_before_still_opens(settings):
    late = envelope.seal(settings, PLAIN)
    envelope.add_key(settings)
    assert envelope.retire(settings) == 0

    assert envelope.unseal(settings, late) == PLAIN


def test_retire__third_key__the_oldest_goes_and_the_file_stays_private(settings):
    before = keys_of(settings)
    envelope.add_key(settings)
    envelope.add_key(settings)

    assert envelope.retire(settings) == 1
    assert len(keys_of(settings)) == envelope.KEPT and before[0] not in keys_of(settings)
    assert stat.S_IMODE((settings.secrets_dir / envelope.FILE).stat().st_mode) == 0o600


def test_unseal__bare_token_of_an_earlier_release__opens_and_gets_a_data_key(settings):
    token = Fernet(keys_of(settings)[0]).encrypt(PLAIN)

    assert envelope.wrapped_by(token) == "none"
    assert envelope.unseal(settings, token) == PLAIN
    wrapped = envelope.rewrap(settings, token)
    assert envelope.wrapped_by(wrapped) == envelope.present(settings)
    assert envelope.unseal(settings, wrapped) == PLAIN


def test_unseal__form_of_a_newer_release__says_so(settings):
    newer = json.dumps({**json.loads(envelope.seal(settings, PLAIN)), "v": 2}).encode()

    with pytest.raises(envelope.NotOpenedError, match="newer release"):
        envelope.unseal(settings, newer)


def test_rotating__while_another_rotates__is_refused(settings):
    with (
        envelope.rotating(settings),
        pytest.raises(config.ConfigError, match="wait for it"),
        envelope.rotating(settings),
    ):
        pass


@pytest.fixture
def in_kms(settings, monkeypatch):
    """Settings that name a key in an emulated KMS."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    with mock_aws():
        key_id = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
        yield replace(settings, credentials_key=f"kms:{key_id}")


def test_rewrap__from_the_file_into_kms__the_file_is_not_needed_any_more(settings, in_kms):
    sealed = envelope.seal(settings, PLAIN)
    wrapped = envelope.rewrap(in_kms, sealed)
    (settings.secrets_dir / envelope.FILE).unlink()

    assert envelope.wrapped_by(wrapped) == in_kms.credentials_key == envelope.present(in_kms)
    assert envelope.unseal(in_kms, wrapped) == PLAIN
    assert json.loads(wrapped)["data"] == json.loads(sealed)["data"]


def test_seal__in_kms__each_row_has_its_data_key_and_a_foreign_one_is_refused(in_kms):
    one, other = (json.loads(envelope.seal(in_kms, PLAIN)) for _ in range(2))

    assert one["key"] != other["key"]
    with pytest.raises(envelope.NotOpenedError):
        envelope.unseal(in_kms, json.dumps({**one, "key": other["key"]}).encode())


def test_kms__without_boto3__names_the_lock_that_brings_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)

    with pytest.raises(config.ConfigError, match=r"requirements/kms\.lock"):
        aws.kms()


@pytest.mark.parametrize("text", ["credentials_key", "secret:chain_proposer", "vault:x"])
def test_credentials_key__neither_file_nor_kms__is_refused_without_its_text(monkeypatch, text):
    monkeypatch.setenv("LEVERAGEGUARD_CREDENTIALS_KEY", text)

    with pytest.raises(config.ConfigError, match="LEVERAGEGUARD_CREDENTIALS_KEY is"):
        config.load()
