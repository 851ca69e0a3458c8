"""Superset's settings: secrets from files, one hardened DuckDB snapshot, no other hosts.

Superset lives in an environment of its own, so this file imports nothing of the package. The
launcher sets LEVERAGEGUARD_DATA and LEVERAGEGUARD_PORT.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import fence
import guests
import services
from sqlalchemy.pool import NullPool

DATA = Path(os.environ["LEVERAGEGUARD_DATA"])
_given = services.read(os.environ)
SNAPSHOT = DATA / "serve" / "current" / "leverageguard.duckdb"


def _secret(name: str) -> str:
    path = DATA / "secrets" / name
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        raise SystemExit(f"secret {path} is missing: run ./leverageguard up") from None


APP_NAME = "LeverageGuard"
SECRET_KEY = _secret("superset_secret_key")
GUEST_TOKEN_JWT_SECRET = _secret("superset_guest_key")
SQLALCHEMY_DATABASE_URI = _given.database or f"sqlite:///{DATA / 'superset' / 'superset.db'}"
if _given.database:
    SQLALCHEMY_ENGINE_OPTIONS = {"pool_pre_ping": True}  # the server may have been restarted

WTF_CSRF_ENABLED = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Plain HTTP on the loopback interface, unless a certificate is given; behind a proxy of one's own
# that speaks TLS set LEVERAGEGUARD_SUPERSET_HTTPS=1.
SESSION_COOKIE_SECURE = _given.is_https
RATELIMIT_ENABLED = True

TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": _given.is_https,
    "session_cookie_secure": _given.is_https,
}

# What the proxy says of the browser's request; it says nothing of a path in front of ours.
ENABLE_PROXY_FIX = _given.proxy_ca is not None
PROXY_FIX_CONFIG = {"x_for": 1, "x_proto": 1, "x_host": 1, "x_port": 1, "x_prefix": 0}

# Rows of charts are cached by snapshot, see guests.py. CACHE_CONFIG stays empty: an old route keeps
# whole answers in it, without looking at the snapshot, nor at who asks.
CELERY_CONFIG = None
if _given.redis is not None:
    DATA_CACHE_CONFIG = _given.redis.cache("data", services.CHART_SECONDS)
    FILTER_STATE_CACHE_CONFIG = _given.redis.cache("filters", services.STATE_SECONDS)
    EXPLORE_FORM_DATA_CACHE_CONFIG = _given.redis.cache("explore", services.STATE_SECONDS)
    RESULTS_BACKEND = _given.redis.results()
    CELERY_CONFIG = _given.redis.celery()
    RATELIMIT_STORAGE_URI = _given.redis.url(services.CACHES)
    RATELIMIT_STORAGE_OPTIONS = _given.redis.options
    RATELIMIT_IN_MEMORY_FALLBACK_ENABLED = True  # counted apart is better than not answered

# Superset sends no figures home and offers no page that needs another host.
FEATURE_FLAGS = {"ALERT_REPORTS": False, "EMBEDDED_SUPERSET": True, "THUMBNAILS": False}
LANGUAGES: dict[str, dict[str, str]] = {}
LOG_LEVEL = "WARNING"
FAB_ADD_SECURITY_API = False

# A trader is a guest of one wallet.
GUEST_ROLE_NAME = guests.GUEST_ROLE
GUEST_TOKEN_JWT_AUDIENCE = guests.AUDIENCE
CUSTOM_SECURITY_MANAGER = guests.WalletGuests

QUERY_SECONDS = float(os.environ.get("LEVERAGEGUARD_SUPERSET_QUERY_SECONDS", "30"))


def DB_CONNECTION_MUTATOR(uri, params, username, security_manager, source):  # noqa: N802
    """Every DuckDB connection goes to the newest snapshot, through the fence.

    The link is resolved here: a path that stays the same would serve a stale file to a process
    that still holds it open.
    """
    if uri.drivername != "duckdb":
        return uri, params
    if not SNAPSHOT.exists():
        from superset.exceptions import SupersetGenericDBErrorException

        raise SupersetGenericDBErrorException(
            "nothing is published yet: the first build_claims run publishes"
        )
    return uri, {"creator": _fenced, "poolclass": NullPool}


def _fenced() -> Any:
    return fence.FencedConnection(os.path.realpath(SNAPSHOT), QUERY_SECONDS)
