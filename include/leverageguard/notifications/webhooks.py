"""Signed webhooks: who may be called, and one call with its retries.

The body's HMAC-SHA256 over `<timestamp>.<body>` stands in a header; a receiver takes it again with
the secret it was told, refuses old timestamps, and counts each delivery id once.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httpx

from leverageguard.config import Settings

TIMEOUT_S = 10.0
TRIES = 3
KEY = "webhook_key"
RETRIED = frozenset({408, 425, 429, *range(500, 600)})


class WebhookRefused(ValueError):
    """An address that is never called; the message names the fix."""


class WebhookFailed(Exception):
    """The call did not arrive, as far as we know; it may be made again."""


@dataclass(frozen=True)
class Target:
    """Where a call goes: the address as it was given, and the checked IP it is made to."""

    url: str
    host: str
    ip: str
    port: int


def secret_of(settings: Settings, name: str) -> str:
    """The signing secret of one receiver, made from the stack's key; told to it alone."""
    key = settings.secret(KEY).encode()
    return hmac.new(key, name.lower().encode(), hashlib.sha256).hexdigest()


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """What the signature header says."""
    signed = f"{timestamp}.".encode() + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def check_url(url: str, is_simulated: bool) -> SplitResult:
    """The address in parts; WebhookRefused unless it may be called as far as its text tells."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise WebhookRefused("the webhook's port is no number: use https://host/path") from None
    if not parts.hostname or parts.username or parts.password or port == 0:
        raise WebhookRefused("a webhook is https://host/path, without a name or password in it")
    if parts.scheme != "https" and not (is_simulated and parts.scheme == "http"):
        raise WebhookRefused(f"a webhook must be https, not {parts.scheme or 'nothing'!r}")
    if not url.isascii() or any(sign.isspace() or not sign.isprintable() for sign in url):
        raise WebhookRefused("a webhook's address has plain signs alone: encode the others")
    return parts


def resolve(url: str, is_simulated: bool, is_ours: bool = False) -> Target:
    """Where to call; WebhookRefused when any of the host's addresses is not public.

    Private ones are allowed in a simulated world, and where the operator set the address.
    """
    parts = check_url(url, is_simulated or is_ours)
    host = str(parts.hostname)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise WebhookFailed(f"the webhook's host is not found: {error.strerror}") from None
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    if not (is_simulated or is_ours):
        for address in addresses:
            if not _is_public(address):
                raise WebhookRefused("the webhook's host is a private address: use a public one")
    return Target(url, host, addresses[0], port)


def post(
    settings: Settings, url: str, secret: str, delivery_id: str, body: bytes, is_ours: bool = False
) -> None:
    """Call once with success, in a few tries; WebhookFailed or WebhookRefused otherwise.

    The call goes to the address that was checked, whatever the name says a moment later, follows
    no redirection and uses no proxy.
    """
    target = resolve(url, settings.is_simulated, is_ours)
    problem = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(0.5 * 2**attempt)
        try:
            status = _call(target, secret, delivery_id, body)
        except httpx.HTTPError as error:
            problem = type(error).__name__
            continue
        if 200 <= status < 300:
            return
        problem = f"status {status}"
        if status not in RETRIED:
            break
    raise WebhookFailed(f"the webhook answered with {problem}")


def _call(target: Target, secret: str, delivery_id: str, body: bytes) -> int:
    now = int(time.time())
    parts = urlsplit(target.url)
    ip = f"[{target.ip}]" if ":" in target.ip else target.ip
    pinned = parts._replace(netloc=f"{ip}:{target.port}", fragment="").geturl()
    headers = {
        "Host": parts.netloc,
        "Content-Type": "application/json",
        "User-Agent": "leverageguard",
        "X-LeverageGuard-Delivery": delivery_id,
        "X-LeverageGuard-Timestamp": str(now),
        "X-LeverageGuard-Signature": signature(secret, now, body),
    }
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False) as client:
        request = client.build_request("POST", pinned, content=body, headers=headers)
        request.extensions["sni_hostname"] = target.host
        answer = client.send(request, stream=True)  # the status says all: no body is read
        answer.close()
        return answer.status_code


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    mapped = getattr(ip, "ipv4_mapped", None)
    checked = mapped or ip
    return checked.is_global and not checked.is_multicast
