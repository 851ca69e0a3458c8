import json

import pytest

from leverageguard import airflow_secrets, config, secret_homes
from leverageguard.security import secrets_command

VAULT = "vault:https://vault.example:8200/kv/pools/one"


@pytest.mark.parametrize(
    "text",
    [
        "folder", "vault:", "vault:vault.example/kv/pool", "vault:https://vault.example/kv", "aws:",
        "vault:https://hvs.made-up@vault.example/kv/pool",
    ],
)  # fmt: skip
def test_load__home_of_no_known_form__is_refused_without_its_text(monkeypatch, text):
    monkeypatch.setenv("LEVERAGEGUARD_SECRETS", text)

    with pytest.raises(config.ConfigError, match="LEVERAGEGUARD_SECRETS") as refused:
        config.load()
    assert "hvs" not in str(refused.value)


def test_load__vault__token_is_a_file_of_the_secrets_folder_unless_named(monkeypatch, tmp_path):
    monkeypatch.setenv("LEVERAGEGUARD_SECRETS", VAULT)
    settings = config.load()
    assert settings.vault_token_file == settings.secrets_dir / "vault_token"

    monkeypatch.setenv("LEVERAGEGUARD_VAULT_TOKEN_FILE", str(tmp_path / "token"))
    assert config.load().vault_token_file == tmp_path / "token"


def test_environment__vault__airflow_asks_below_one_path_and_no_secret_is_in_it(monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_SECRETS", VAULT)
    settings = config.load()
    made = airflow_secrets.environment(settings)
    arguments = json.loads(made["AIRFLOW__SECRETS__BACKEND_KWARGS"])

    assert made["AIRFLOW__CORE__FERNET_KEY_SECRET"] == "airflow_fernet"
    assert not any(name.endswith("_CMD") for name in made)
    assert arguments == {
        "url": "https://vault.example:8200",
        "mount_point": "kv",
        "connections_path": "pools/one/connections",
        "variables_path": "pools/one/variables",
        "config_path": "pools/one",
        "kv_engine_version": 2,
        "token_path": str(settings.vault_token_file),
    }


def test_secret__that_another_program_opens_by_path__is_a_file_in_any_home(monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_SECRETS", VAULT)
    settings = config.load()
    settings.secrets_dir.mkdir(parents=True)
    (settings.secrets_dir / "superset_secret_key").write_text("made up\n")

    assert settings.secret("superset_secret_key") == "made up"


def test_secret__missing__names_where_it_should_be(settings):
    with pytest.raises(config.ConfigError, match=r"'nothing' is missing in .*secrets: run"):
        settings.secret("nothing")


@pytest.mark.parametrize("name", ["../x", "connections/../x", "a/b", "connections/", "", ".x"])
def test_put__name_that_leads_elsewhere__is_refused(settings, tmp_path, name):
    path = tmp_path / "text"
    path.write_text("made up")

    with pytest.raises(config.ConfigError, match="a secret is named by"):
        list(secrets_command.lines(settings, {"action": "put", "name": name, "file": path}))


def test_put__no_text__is_refused(settings, tmp_path):
    path = tmp_path / "text"
    path.write_text("\n")

    with pytest.raises(config.ConfigError, match="no text for one"):
        list(secrets_command.lines(settings, {"action": "put", "name": "one", "file": path}))


def test_import__while_secrets_are_files__says_what_to_set(settings):
    with pytest.raises(config.ConfigError, match="LEVERAGEGUARD_SECRETS"):
        list(secrets_command.lines(settings, {"action": "import"}))


def test_looked_up__elsewhere__is_kept_for_a_while_and_what_is_missing_is_not(monkeypatch):
    class Counting:
        def __init__(self):
            self.asked, self.texts = [], {"one": "1"}

        def get(self, name):
            self.asked.append(name)
            return self.texts.get(name)

    secret_homes.forget()
    home, now = Counting(), [100.0]
    monkeypatch.setattr(secret_homes.time, "monotonic", lambda: now[0])
    for name in ("one", "one", "two", "two"):
        secret_homes.looked_up("aws:x", home, name)
    assert home.asked == ["one", "two", "two"]
    now[0] += secret_homes.KEPT_S
    home.texts["one"] = "new"
    assert secret_homes.looked_up("aws:x", home, "one") == "new"
    secret_homes.forget()


@pytest.mark.parametrize(("home", "lock"), [(VAULT, "secrets.lock"), ("aws:pool", "secrets.lock")])
def test_secret__library_is_missing__names_the_lock_that_brings_it(
    settings, monkeypatch, home, lock
):
    for module in ("hvac", "boto3"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    monkeypatch.setenv("LEVERAGEGUARD_SECRETS", home)
    secret_homes.forget()

    with pytest.raises(config.ConfigError, match=lock):
        config.load().secret("credentials_key")
