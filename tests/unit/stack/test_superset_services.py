"""What a shared Superset is told by variables: nothing that would leave a connection open."""

from __future__ import annotations

import importlib.util
import ssl
import sys

import pytest

from leverageguard import config

DATABASE = "postgresql+psycopg2://lg@127.0.0.1:5432/superset"
FILES = "sslmode=verify-full&sslrootcert=/c/ca.crt&sslcert=/c/me.crt&sslkey=/c/me.key"
REDIS = "rediss://127.0.0.1:6379"
NAMES = "ssl_ca_certs=/c/ca.crt&ssl_certfile=/c/me.crt&ssl_keyfile=/c/me.key"
WORD = "p@ss/w:rd"


@pytest.fixture(scope="module")
def services():
    """Superset's own module; it lives in no package and takes nothing but the standard library."""
    path = config.REPO_DIR / "include" / "superset" / "services.py"
    spec = importlib.util.spec_from_file_location("superset_services", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def variables(tmp_path):
    (tmp_path / "password").write_text(WORD + "\n")
    return {
        "LEVERAGEGUARD_PORT": "18080",
        "LEVERAGEGUARD_SUPERSET_DATABASE_URL": f"{DATABASE}?{FILES}",
        "LEVERAGEGUARD_SUPERSET_REDIS_URL": f"{REDIS}?{NAMES}",
        "LEVERAGEGUARD_SUPERSET_REDIS_PASSWORD_FILE": str(tmp_path / "password"),
        "LEVERAGEGUARD_SUPERSET_TLS_CERTIFICATE": "/c/server.crt",
        "LEVERAGEGUARD_SUPERSET_TLS_KEY": "/c/server.key",
    }


def test_read__no_variable__is_the_embedded_one(services):
    given = services.read({"LEVERAGEGUARD_PORT": "18080"})

    assert given == services.Services(None, None, None, None, None, False, 18081)


def test_read__everything__checks_certificates_on_both_sides(services, variables):
    given = services.read({**variables, "LEVERAGEGUARD_SUPERSET_PORT": "18098"})

    assert (given.database, given.is_https, given.port) == (f"{DATABASE}?{FILES}", True, 18098)
    for options in (given.redis.tls, given.redis.cache("data", 5)["CACHE_OPTIONS"]):
        assert options["ssl_cert_reqs"] is ssl.CERT_REQUIRED
        assert options["ssl_check_hostname"] is True
        assert options["ssl_certfile"] == "/c/me.crt"
    assert given.redis.url(2) == "rediss://127.0.0.1:6379/2"
    assert given.redis.celery().broker_url == "rediss://:p%40ss%2Fw%3Ard@127.0.0.1:6379/2"
    assert WORD not in repr(given)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABASE_URL", DATABASE, "verify-full"),
        ("DATABASE_URL", f"{DATABASE}?{FILES.replace('verify-full', 'require')}", "verify-full"),
        ("DATABASE_URL", f"{DATABASE}?sslmode=prefer&{FILES}", "verify-full"),
        ("DATABASE_URL", f"{DATABASE}?{FILES.replace('sslkey', 'other')}", "sslkey"),
        ("DATABASE_URL", f"{DATABASE.replace('lg@', 'lg:word@')}?{FILES}", "password"),
        ("DATABASE_URL", "mysql://somewhere/superset", "postgresql"),
        ("REDIS_URL", f"redis://127.0.0.1:6379?{NAMES}", "rediss://"),
        ("REDIS_URL", REDIS, "ssl_ca_certs"),
        ("REDIS_URL", f"rediss://:word@127.0.0.1:6379?{NAMES}", "password"),
        ("REDIS_PASSWORD_FILE", "/nowhere/password", "file"),
        ("TLS_KEY", "", "go together"),
        ("TLS_CERTIFICATE", "", "go together"),
    ],
)
def test_read__what_would_be_open__is_refused(services, variables, name, value, said):
    with pytest.raises(SystemExit, match=said):
        services.read({**variables, f"LEVERAGEGUARD_SUPERSET_{name}": value})


def test_read__proxy_of_a_server_without_certificate__is_refused(services):
    given = {"LEVERAGEGUARD_PORT": "18080", "LEVERAGEGUARD_SUPERSET_PROXY_CA": "/c/ca.crt"}

    with pytest.raises(SystemExit, match="goes with"):
        services.read(given)


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_read__shared_without_a_certificate__is_refused(services, variables, name):
    kept = ("PORT", name, "REDIS_PASSWORD_FILE")
    given = {key: value for key, value in variables.items() if key.endswith(kept)}

    with pytest.raises(SystemExit, match="plain HTTP is for the embedded stack alone"):
        services.read(given)
