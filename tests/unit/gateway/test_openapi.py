"""The OpenAPI document against the app: whatever it allows is answered as it says.

Requests are made from the document by schemathesis; each one that names something by an id is sent
again with the id of something that exists.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import duckdb
import hypothesis
import pytest
import schemathesis
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, Phase
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from leverageguard import config
from leverageguard.exchanges import identity
from leverageguard.gateway.app import PREFIX, create_app
from leverageguard.gateway.host import Host
from leverageguard.warehouse import snapshot
from tests import gateway_shop
from tests import gateway_world as world
from tests.unit.gateway.resources.test_transparency import MARTS

CLAIM = "clm_" + "0a" * 12
EXAMPLES = hypothesis.settings().max_examples // 12
CHECKS = (
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
)
FOR_ADMINS = ("/service-accounts", "/audit")
sent: Counter[int] = Counter()
# Tests are made from the document before any fixture: the app gets its store afterwards.
app = create_app(
    replace(config.Settings(data_dir=config.REPO_DIR), rate_percent=100_000),
    Host(world.operator_of),
)


async def outer(scope, receive, send):
    """The app under its prefix; a mount would answer a path with a line break by itself."""
    await app({**scope, "root_path": PREFIX}, receive, send)


api = schemathesis.openapi.from_asgi(f"{PREFIX}/api/openapi.json", outer)


def publish(settings):
    """What readers of the snapshot find: the figures of test_transparency and one filing."""
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(MARTS)
        connection.execute("alter table fct_claims add column filing_id text")
        connection.execute(
            "create table fct_claim_checks as select 'clm_1' as claim_id, 'ONCE' as check_code, 22 "
            "as check_order, 'pass' as result, false as is_hold, 'a' as observed, 'b' as expected"
        )
    snapshot.publish(settings)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEVERAGEGUARD_DATA", str(tmp_path_factory.mktemp("openapi") / "data"))
        settings = replace(config.load(), rate_percent=100_000)
        settings.secrets_dir.mkdir(parents=True)
        (settings.secrets_dir / "credentials_key").write_bytes(Fernet.generate_key())
        patch.setattr(identity, "ask", lambda *_: identity.Identity("42", None, True))
        made = gateway_shop.opened(settings, patch)
        app.state.settings = settings
        publish(settings)
        policy = made.policy()
        filing = made.file(policy)
        made.open(CLAIM, policy, ("NOTIFIED", "NOTICE"))
        ids = {"quote_id": made.quote("q-2")["quote_id"], "policy_id": policy, "claim_id": CLAIM}
        yield made, ids, filing


@pytest.fixture
def own_data_folder(shop, monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(shop[0].settings.data_dir))
    return shop[0].settings.data_dir


@api.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_api__whatever_the_document_allows__is_answered_as_it_says(case, shop):
    made, ids, _ = shop
    is_for_admins = any(name in case.path for name in FOR_ADMINS)
    headers = world.person("admin") if is_for_admins else made.trader

    def send():
        answer = case.call(headers=headers)
        sent[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    send()
    known = {name: ids[name] for name in case.path_parameters or {} if name in ids}
    if known:
        case.path_parameters.update(known)
        send()


def test_api__all_of_it__was_asked_and_nothing_failed():
    assert sum(sent.values()) > 200
    assert not [status for status in sent if status >= 500]
    print(f"{sum(sent.values())} requests, answered {dict(sorted(sent.items()))}")


def is_shown(schema, schemas):
    """Whether the document says by example what such a value looks like."""
    if "$ref" in schema:
        return is_shown(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    if {"examples", "enum", "const", "default"} & set(schema):
        return True
    if "anyOf" in schema:
        kinds = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return any(is_shown(one, schemas) for one in kinds)
    if schema.get("type") == "array":
        return is_shown(schema["items"], schemas)
    if schema.get("type") == "object":
        return all(is_shown(one, schemas) for one in schema.get("properties", {}).values())
    return schema.get("type") != "string"


def test_document__every_body__is_shown_by_example():
    document = app.openapi()
    schemas = document["components"]["schemas"]
    bodies = {
        (path, method): content["schema"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for part in (
            operation.get("requestBody", {}),
            *(one for status, one in operation["responses"].items() if status < "300"),
        )
        for kind, content in part.get("content", {}).items()
        if kind == "application/json"
    }

    assert len(bodies) > 30
    assert [name for name, schema in bodies.items() if not is_shown(schema, schemas)] == []
