"""People decide through Airflow's REST API, and the real scheduler does what they decided."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import sync_playwright

from leverageguard import config
from leverageguard.warehouse import connect, snapshot
from tests.e2e import reviewed_world
from tests.e2e.reviewed_world import EDGE, HELD, HONEST, ROOT, STOP, THIN, Person, wait_for
from tests.e2e.stacks import Stack
from tests.e2e.test_dashboard import CHROMIUM, FLAGS
from tests.unit.notifications.conftest import Receiver

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PATIENCE_S = 420
LIMIT = 90_000_000
OK, FORBIDDEN = requests.codes.ok, requests.codes.forbidden
A, B, C = "approver1", "approver2", "approver3"


@dataclass
class World:
    """One stack, its people, and where the operator and a trader are told."""

    stack: Stack
    settings: config.Settings
    people: dict[str, Person]
    alerts: Receiver
    trader: Receiver

    def claim(self, policy: str) -> dict[str, Any]:
        """A policy's one claim as it was published last."""
        query = "select * from fct_claims where policy_reference = ?"
        [found] = connect.rows(snapshot.current(self.settings), query, [policy])
        return found

    def rows(self, query: str, *values: str) -> list[Any]:
        with sqlite3.connect(self.settings.store_path) as database:
            return database.execute(query, values).fetchall()

    def state(self, policy: str) -> str:
        claim_id = self.claim(policy)["claim_id"]
        return str(
            self.rows(
                "select to_state from claim_txns where claim_id = ? order by txn_no desc", claim_id
            )[0][0]
        )

    def wait_until_idle(self) -> None:
        """Wait until nothing runs but questions."""

        def is_idle() -> bool:
            path = "/api/v2/dags/~/dagRuns?limit=100&state=running&state=queued"
            runs = self.people["admin"].get(path)["dag_runs"]
            return {run["dag_id"] for run in runs} <= {"review_claims"}

        wait_for(is_idle, "an idle scheduler")
        time.sleep(5)  # what the last run set off begins
        wait_for(is_idle, "an idle scheduler")

    def reviews(self, claim_id: str) -> list[str]:
        query = "select state from reviews where subject_id = ? order by opened_at_ms"
        return [row[0] for row in self.rows(query, claim_id)]


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("reviews")
    reviewed_world.write(folder / "scenario", folder / "frauds")
    alerts, trader = Receiver(), Receiver()
    variables = {
        "LEVERAGEGUARD_REVIEW_PATIENCE": str(PATIENCE_S),
        "LEVERAGEGUARD_APPROVE_BATCHES_OVER_MICRO_USDC": str(LIMIT),
        "LEVERAGEGUARD_ALERT_WEBHOOK": alerts.url,
    }
    stack = Stack(folder / "data", 24_000, variables)
    try:
        stack.run("up", "--no-superset", "--scenario", str(folder / "scenario"))
        with config.environment(
            {"LEVERAGEGUARD_DATA": str(stack.data), "LEVERAGEGUARD_PORT": str(stack.port)}
        ):
            settings = config.load()
        users = ("admin", "operator", "viewer", A, B, C)
        people = {user: Person(settings, user) for user in users}
        yield World(stack, settings, people, alerts, trader)
    finally:
        stack.run("down", check=False)
        for receiver in (alerts, trader):
            receiver.server.shutdown()


def test_up__with_claims_and_a_batch_that_wait__ends_without_people(reviewed: World) -> None:
    viewer = reviewed.people["viewer"]
    for policy in HELD:
        question = viewer.question(reviewed.claim(policy)["claim_id"], 1)
        assert [user["id"] for user in question["assigned_users"]] == [A, B, C]
        assert reviewed.state(policy) in ("MANUAL_REVIEW", "FRAUD_HOLD")
    batch = viewer.question("Batch of 3 payouts", 1)
    assert "over 90.000000 USDC is not planned without people" in batch["body"]
    assert [reviewed.claim(policy)["tx_hash"] for policy in HONEST] == [None] * 3
    assert reviewed.rows("select 1 from batches") == []


def test_form__in_a_browser__shows_what_a_decision_needs(reviewed: World) -> None:
    person = reviewed.people[A]
    task = person.question(reviewed.claim(THIN)["claim_id"], 1)["task_instance"]
    path = (
        f"/dags/{task['dag_id']}/runs/{task['dag_run_id']}/tasks/{task['task_id']}/mapped/"
        f"{task['map_index']}/required_actions"
    )
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1500, "height": 3100})
        page.goto(f"{person.base}/auth/login/")
        page.fill("input[name=username]", person.user)
        page.fill("input[name=password]", person.password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login" not in url, timeout=60_000)
        page.goto(person.base + path)
        page.get_by_role("button", name="Approve").wait_for(timeout=60_000)
        page.get_by_text("THIN_MARKET").first.wait_for(timeout=60_000)
        page.screenshot(path=reviewed.settings.data_dir / "form.png")
        text = page.inner_text("body")
        browser.close()
    for told in ("THIN_MARKET", "Reject", "Verify again", "reason", "Premium paid", "Left of it"):
        assert told in text


@pytest.mark.parametrize("user", ["viewer", "operator", "admin"])
def test_answer__by_who_is_no_approver__is_forbidden(reviewed: World, user: str) -> None:
    person = reviewed.people[user]
    question = person.question(reviewed.claim(EDGE)["claim_id"], 1)
    assert person.answer(question, "Approve") == FORBIDDEN
    assert person.answer(question, "Reject") == FORBIDDEN


def test_approve__by_two__is_paid_and_told_but_never_by_one_alone(reviewed: World) -> None:
    claim = reviewed.claim(EDGE)
    claim_id = claim["claim_id"]
    [[wallet]] = reviewed.rows("select wallet from quotes where reference = ?", EDGE)
    reviewed.stack.run("contacts", "put", wallet, "webhook", reviewed.trader.url)
    first, second = reviewed.people[A], reviewed.people[B]
    assert first.answer(first.question(claim_id, 1), "Approve", "the add was small") == OK
    question = first.question(claim_id, 2)
    assert [user["id"] for user in question["assigned_users"]] == [B, C]
    assert first.answer(question, "Approve", "me again") == FORBIDDEN
    assert reviewed.state(EDGE) in ("MANUAL_REVIEW", "FRAUD_HOLD")
    assert second.answer(question, "Approve", "seen it too") == OK
    wait_for(lambda: reviewed.claim(EDGE)["paid_micro_usdc"], "the payment of what was approved")
    wait_for(lambda: reviewed.state(EDGE) in ("PAID", "CLOSED"), "the claim as paid")
    [[actor]] = reviewed.rows(
        "select actor from claim_txns where claim_id = ? and rule_id = 'REVIEW_APPROVED'", claim_id
    )
    assert actor == f"{A}+{B}"
    kinds = wait_for(
        lambda: (
            len(reviewed.trader.calls) >= 2
            and sorted(json.loads(body)["kind"] for _, body in reviewed.trader.calls)
        ),
        "the holder is told",
    )
    assert kinds == ["decided", "paid"]


def test_reject__by_one__is_refused_and_not_paid(reviewed: World) -> None:
    person = reviewed.people[B]
    claim_id = reviewed.claim(STOP)["claim_id"]
    assert person.answer(person.question(claim_id, 1), "Reject", "stop moved on purpose") == OK
    wait_for(lambda: reviewed.state(STOP) == "REJECTED", "the claim as rejected")
    assert reviewed.reviews(claim_id)[-1] == "REJECTED"
    assert reviewed.claim(STOP)["tx_hash"] is None


def test_batch_over_the_limit__approved_by_two__is_paid_exactly_so(reviewed: World) -> None:
    first, second = reviewed.people[C], reviewed.people[A]
    about = "Batch of 3 payouts"
    assert first.answer(first.question(about, 1), "Approve", "adds up") == OK
    assert second.answer(second.question(about, 2), "Approve", "adds up") == OK

    def paid() -> bool:
        return all(reviewed.claim(policy)["paid_micro_usdc"] for policy in HONEST)

    wait_for(paid, "the batch is paid")
    [[state, total, items]] = reviewed.rows(
        "select state, total_micro_usdc, items from batch_proposals"
    )
    amounts = [reviewed.claim(policy)["paid_micro_usdc"] for policy in HONEST]
    assert (state, total) == ("PLANNED", sum(amounts))
    assert sorted(each["amount_micro_usdc"] for each in json.loads(items)) == sorted(amounts)


def test_time_out__of_a_question__is_told_and_asked_again(reviewed: World) -> None:
    claim_id = reviewed.claim(THIN)["claim_id"]
    wait_for(lambda: "TIMED_OUT" in reviewed.reviews(claim_id), "the time-out", PATIENCE_S + 120)
    assert reviewed.state(THIN) == "MANUAL_REVIEW"
    told = wait_for(
        lambda: [json.loads(b) for _, b in reviewed.alerts.calls if claim_id.encode() in b],
        "the operator is told",
    )
    assert told[0]["state"] == "TIMED_OUT"
    reviewed.people["operator"].trigger("review_claims")
    person = reviewed.people[B]
    assert person.answer(person.question(claim_id, 1), "Reject", "the book was empty") == OK
    wait_for(lambda: reviewed.state(THIN) == "REJECTED", "the claim as rejected")


def test_run_started_by_an_approver__asks_the_others_alone(reviewed: World) -> None:
    claim_id = reviewed.claim(ROOT)["claim_id"]
    careless, proposer, other = (reviewed.people[user] for user in (A, C, B))
    reviewed.wait_until_idle()
    if reviewed.reviews(claim_id)[-1] == "OPEN":
        # Without a reason it does not count: the review ends, and nothing asks again by itself.
        assert careless.answer(careless.question(claim_id, 1), "Approve", " ") == OK
        wait_for(lambda: reviewed.reviews(claim_id)[-1] == "REFUSED", "the review as refused")
    run_id = proposer.trigger("review_claims")
    question = other.question(claim_id, 1)
    assert question["task_instance"]["dag_run_id"] == run_id
    assert [user["id"] for user in question["assigned_users"]] == [A, B]
    assert proposer.answer(question, "Approve", "my own") == FORBIDDEN
    assert other.answer(question, "Reject", "root unknown") == OK
    wait_for(lambda: reviewed.state(ROOT) == "REJECTED", "the claim as rejected")


def test_runs__that_wait_for_people__hold_up_nothing(reviewed: World) -> None:
    admin = reviewed.people["admin"]
    reviewed.wait_until_idle()
    runs = admin.get("/api/v2/dags/~/dagRuns?limit=100&state=running")["dag_runs"]
    assert {run["dag_id"] for run in runs} <= {"review_claims"}
    pools = admin.get("/api/v2/pools")["pools"]
    assert {pool["name"]: pool["occupied_slots"] for pool in pools} == {
        "default_pool": 0,
        "warehouse": 0,
    }
    failed = admin.get("/api/v2/dags/~/dagRuns?limit=100&state=failed")["dag_runs"]
    assert [run["dag_run_id"] for run in failed] == []


def test_audit__after_all_of_it__is_whole(reviewed: World) -> None:
    assert reviewed.stack.run("audit", "verify").returncode == 0


def test_forms__of_all_reviews__hold_no_uid_and_no_secret(reviewed: World) -> None:
    found = reviewed.people["admin"].get(
        "/api/v2/dags/review_claims/dagRuns/~/hitlDetails?limit=100"
    )["hitl_details"]
    hidden = [row[0] for row in reviewed.rows("select root_uid from accounts")]
    hidden += [path.read_text().strip() for path in Path(reviewed.settings.secrets_dir).iterdir()]
    assert len(found) >= len(HELD) + 1
    assert [word for word in hidden for each in found if word in json.dumps(each)] == []
