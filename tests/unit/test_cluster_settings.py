from dataclasses import replace

import pytest

from leverageguard import cluster_settings, config


def test_load__nothing_said__is_embedded_and_speaks_plain_http_on_loopback(settings):
    loaded = config.load()

    assert (loaded.profile, loaded.airflow_url) == ("embedded", "http://127.0.0.1:18080")
    assert loaded.store_url.startswith("sqlite:///")
    assert loaded.verify is True


def test_load__profile_of_the_data_folder__is_remembered(settings):
    (settings.data_dir / cluster_settings.PROFILE_FILE).write_text("cluster\n")

    loaded = config.load()

    assert loaded.is_cluster
    assert loaded.airflow_url.startswith("https://")
    assert loaded.verify == str(loaded.ca_file)


def test_load__unknown_profile__names_both(monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_PROFILE", "clustr")

    with pytest.raises(config.ConfigError, match="embedded or cluster, not 'clustr'"):
        config.load()


@pytest.mark.parametrize("text", ["0", "two", "65", "-1"])
def test_load__bad_number_of_workers__is_refused(monkeypatch, text):
    monkeypatch.setenv("LEVERAGEGUARD_WORKERS", text)

    with pytest.raises(config.ConfigError, match="LEVERAGEGUARD_WORKERS"):
        config.load()


def test_databases__of_a_cluster__are_entered_by_a_certificate_of_their_own(settings):
    cluster = replace(settings, profile="cluster")

    for name in cluster_settings.DATABASES:
        url = cluster.postgresql_url(name)
        assert url.startswith(f"postgresql+psycopg://{name}@127.0.0.1:")
        assert "sslmode=verify-full" in url
        assert f"client-{name}.key" in url
        assert f"user={name} dbname={name} sslmode=verify-full" in cluster.postgresql_words(name)
    assert cluster.store_url == cluster.postgresql_url("store")


def test_store__named_by_hand__wins_in_a_cluster(settings):
    mine = "postgresql+psycopg://me@db/store"

    assert replace(settings, profile="cluster", store_database=mine).store_url == mine


def test_counting__in_a_cluster__is_done_in_its_redis_unless_said_otherwise(settings):
    cluster = replace(settings, profile="cluster")
    settings.secrets_dir.mkdir(exist_ok=True)
    (settings.secrets_dir / "redis_password").write_text("p/w\n")

    assert settings.counting_url == "memory://"
    assert cluster.counting_url.startswith("rediss://:p%2Fw@127.0.0.1:18090/0?")
    assert "ssl_cert_reqs=required" in cluster.counting_url
    assert replace(cluster, rate_limits="redis://other").counting_url == "redis://other"
