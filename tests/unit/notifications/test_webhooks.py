from __future__ import annotations

import hashlib
import hmac
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from leverageguard.config import Settings
from leverageguard.notifications import webhooks
from leverageguard.notifications.webhooks import WebhookFailed, WebhookRefused
from tests.unit.notifications.conftest import Receiver


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks.time, "sleep", lambda _: None)


def test_post__body__is_signed_with_the_time_and_the_receivers_secret(
    world: Settings, receiver: Receiver
) -> None:
    secret = webhooks.secret_of(world, "0xABC")
    webhooks.post(world, receiver.url, secret, "ntf_1", b'{"a":1}')
    [(headers, body)] = receiver.calls
    stamp = headers["X-LeverageGuard-Timestamp"]
    expected = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-LeverageGuard-Signature"] == f"v1={expected}"
    assert headers["X-LeverageGuard-Delivery"] == "ntf_1"
    assert headers["Host"] == receiver.url.split("/")[2]
    assert secret == webhooks.secret_of(world, "0xabc") != webhooks.secret_of(world, "0xdef")


def test_post__passing_fault__is_tried_again(world: Settings, receiver: Receiver) -> None:
    receiver.answers = [500, 429, 200]
    webhooks.post(world, receiver.url, "s", "ntf_1", b"{}")
    assert len(receiver.calls) == 3


@pytest.mark.parametrize(("answers", "calls"), [([500] * 9, 3), ([404], 1), ([302], 1)])
def test_post__no_success__fails_and_follows_no_redirection(
    world: Settings, receiver: Receiver, answers: list[int], calls: int
) -> None:
    receiver.answers = answers
    with pytest.raises(WebhookFailed, match=f"status {answers[0]}"):
        webhooks.post(world, receiver.url, "s", "ntf_1", b"{}")
    assert len(receiver.calls) == calls


def test_post__nobody_listens__fails(world: Settings, receiver: Receiver) -> None:
    receiver.server.server_close()
    with pytest.raises(WebhookFailed, match="ConnectError"):
        webhooks.post(world, receiver.url, "s", "ntf_1", b"{}")


def resolves_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in addresses]
    monkeypatch.setattr(webhooks.socket, "getaddrinfo", lambda *_, **__: found)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.9", "172.16.0.1", "169.254.169.254", "100.64.0.1",
     "0.0.0.0", "224.0.0.1", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1"],
)  # fmt: skip
def test_resolve__private_address_in_a_real_world__is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    resolves_to(monkeypatch, "93.184.216.34", address)
    with pytest.raises(WebhookRefused, match="private address"):
        webhooks.resolve("https://hooks.example.com/x", is_simulated=False)


def test_resolve__public_address__is_the_one_that_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolves_to(monkeypatch, "93.184.216.34")
    target = webhooks.resolve("https://hooks.example.com/x", is_simulated=False)
    assert (target.ip, target.host, target.port) == ("93.184.216.34", "hooks.example.com", 443)


def test_post__plain_http_in_a_real_world__is_refused(tmp_path: Path, receiver: Receiver) -> None:
    real = Settings(tmp_path / "real")
    with pytest.raises(WebhookRefused, match="must be https"):
        webhooks.post(real, receiver.url, "s", "ntf_1", b"{}")
    with pytest.raises(WebhookRefused, match="private address"):
        webhooks.post(real, receiver.url.replace("http:", "https:"), "s", "ntf_1", b"{}")
    assert receiver.calls == []


def test_post__the_operators_own__may_be_private(tmp_path: Path, receiver: Receiver) -> None:
    real = replace(Settings(tmp_path / "real"))
    webhooks.post(real, receiver.url, "s", "ntf_1", b"{}", is_ours=True)
    assert len(receiver.calls) == 1
