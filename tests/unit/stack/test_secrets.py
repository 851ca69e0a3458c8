import stat

from leverageguard.stack import secrets


def test_generate__new_folder__every_file_is_private(settings):
    secrets.generate(settings)

    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in settings.secrets_dir.iterdir()
    }
    modes.pop("credentials_key")  # written by the fixture
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(settings.secrets_dir.stat().st_mode) == 0o700


def test_generate__second_time__changes_nothing(settings):
    secrets.generate(settings)
    before = {path.name: path.read_text() for path in settings.secrets_dir.iterdir()}

    secrets.generate(settings)

    assert {path.name: path.read_text() for path in settings.secrets_dir.iterdir()} == before


def test_generate__chain_keys__all_differ(settings):
    secrets.generate(settings)

    keys = [path.read_text() for path in settings.secrets_dir.glob("chain_*")]
    assert len(keys) == len(set(keys)) == len(secrets.CHAIN_ROLES) + settings.verifier_count
