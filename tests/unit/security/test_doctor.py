from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from leverageguard import clock, envelope
from leverageguard.intake import accounts
from leverageguard.security import doctor, keys
from leverageguard.stack import secrets
from leverageguard.store import base

FAR = "http://example.org/x"


def told(settings) -> list[str]:
    return [finding.what for finding in doctor.findings(settings)]


@pytest.fixture
def safe(settings):
    """A stack of real money with nothing to say against it."""
    settings.secrets_dir.chmod(0o700)
    for path in settings.secrets_dir.iterdir():
        path.chmod(0o600)
    return replace(
        settings,
        proposer_key="kms:1",
        reserver_key="kms:2",
        treasurer_key="kms:3",
        canceller_key="kms:4",
    )


def test_doctor__safe_stack__says_so(safe):
    assert list(doctor.lines(safe, {})) == [
        "secrets live in files",
        "nothing insecure found",
    ]


def test_doctor__secret_that_others_can_read__is_named_in_a_simulated_world_too(safe):
    clock.set_world(1)
    path = safe.secrets_dir / envelope.FILE
    path.chmod(0o640)
    printed = []

    with pytest.raises(doctor.UnsafeError, match="1 insecure"):
        printed.extend(doctor.lines(safe, {}))
    assert printed[1] == f"INSECURE: others can open {path}"


def test_doctor__generated_stack__notes_while_simulated_and_insecure_with_real_money(settings):
    secrets.generate(settings)
    (settings.secrets_dir / envelope.FILE).chmod(0o600)
    found = told(settings)

    assert any("3 verifier keys lie on one machine" in what for what in found)
    assert any("LEVERAGEGUARD_PROPOSER_KEY is a key in clear" in what for what in found)
    assert any("generated ones" in what for what in found)
    with pytest.raises(doctor.UnsafeError):
        list(doctor.lines(settings, {}))
    clock.set_world(1)
    printed = list(doctor.lines(settings, {}))
    assert printed[-1] == "nothing insecure found (SIMULATED world)"
    assert sum(line.startswith("note: ") for line in printed) == len(found)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"alert_webhook": FAR}, "LEVERAGEGUARD_ALERT_WEBHOOK"),
        ({"venue_urls": {"okx": FAR}}, "LEVERAGEGUARD_OKX_URL"),
        ({"chain_rpc": f"https://a.example,{FAR}"}, "LEVERAGEGUARD_CHAIN_RPC"),
        ({"rate_limits": "redis://example.org"}, "LEVERAGEGUARD_RATE_LIMITS"),
        ({"cors_origins": ("http://example.org",)}, "LEVERAGEGUARD_CORS_ORIGINS"),
    ],
)
def test_doctor__plain_http_to_elsewhere__names_setting_and_host_and_no_path(safe, changes, named):
    [what] = told(replace(safe, **changes))

    assert named in what and "example.org" in what and "/x" not in what


def test_doctor__certificate__may_be_read_by_others_and_its_key_may_not(safe):
    folder = safe.secrets_dir / "tls"
    folder.mkdir(mode=0o700)
    for name, mode in (("one.crt", 0o644), ("one.key", 0o644), ("two.crt", 0o664)):
        (folder / name).touch()
        (folder / name).chmod(mode)

    assert told(safe) == [
        f"others can open {folder / 'one.key'}",
        f"others can open {folder / 'two.crt'}",
    ]


def test_doctor__store_that_does_not_answer__is_told_and_the_rest_is_looked_at(safe):
    away = "postgresql+psycopg://nobody@127.0.0.1:1/store"
    told_of = told(replace(safe, store_database=away, public_hosts=("pool.example.org",)))

    assert "the store does not answer (OperationalError)" in told_of[0]
    assert "pool.example.org" in told_of[-1]


def test_doctor__cluster_with_plain_files__is_told(safe, monkeypatch):
    monkeypatch.setattr(doctor, "CHECKS", (doctor._secrets_home,))
    [what] = told(replace(safe, profile="cluster"))

    assert "the secrets of a cluster are plain files" in what
    assert told(safe) == []


def test_doctor__vault_without_tls__is_told(safe, monkeypatch):
    monkeypatch.setattr(doctor.secrets_command, "leftovers", lambda _: [])
    monkeypatch.setattr(type(safe), "secret_names", lambda *_: [])
    monkeypatch.setattr(type(safe), "find_secret", lambda *_: None)
    [what] = told(replace(safe, secrets_home="vault:http://example.org/kv/pool"))

    assert "LEVERAGEGUARD_SECRETS" in what and "example.org" in what


@pytest.mark.parametrize(
    "changes",
    [
        {"alert_webhook": "https://example.org/x"},
        {"venue_urls": {"okx": "http://127.0.0.1:1"}},
        {"chain_rpc": "http://localhost:8545"},
        {"rate_limits": "rediss://example.org"},
    ],
)
def test_doctor__tls_or_this_machine__is_fine(safe, changes):
    assert told(replace(safe, **changes)) == []


def test_doctor__one_key_for_two_roles__is_told(safe):
    [what] = told(replace(safe, canceller_key="kms:3"))

    assert "LEVERAGEGUARD_TREASURER_KEY and LEVERAGEGUARD_CANCELLER_KEY are one key" in what


def test_doctor__public_host__asks_for_tls_before_it(safe):
    [what] = told(replace(safe, public_hosts=("pool.example.org", "127.0.0.1")))

    assert "pool.example.org" in what


def test_doctor__rows_under_an_older_key__until_rotated(safe):
    base.Base.metadata.create_all(base.engine(safe))
    safe.store_path.chmod(0o600)
    with base.session(safe) as session:
        account = accounts.BoundAccount("acc", "okx", "uid-1")
        key = accounts.Credentials("a", "b", "c")
        accounts.register(session, account, "uid-1", "0x" + "11" * 20, key, 1)
    assert told(safe) == []

    path = safe.secrets_dir / envelope.FILE
    path.write_text(f"{Fernet.generate_key().decode()}\n{path.read_text()}")
    [what] = told(safe)
    assert "1 exchange keys and contacts are wrapped by an older key" in what

    list(keys.lines(safe, {"action": "rotate"}))
    assert told(safe) == []


def test_doctor__output__holds_no_secret(settings):
    secrets.generate(settings)
    printed = "\n".join(f"{finding.what} {finding.fix}" for finding in doctor.findings(settings))

    for path in settings.secrets_dir.iterdir():
        assert path.read_text().strip() not in printed
