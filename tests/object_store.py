"""An S3 over HTTP on loopback, emulated by moto's server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

BUCKET = "copies-of-the-pool"


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """host:port of an S3 with one empty bucket; credentials as AWS's own tools find them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    # What it holds is kept by this process, whichever test put it there.
    requests.post(f"http://127.0.0.1:{port}/moto-api/reset", timeout=10).raise_for_status()
    client(f"127.0.0.1:{port}").create_bucket(Bucket=BUCKET)
    yield f"127.0.0.1:{port}"
    server.stop()


def client(address: str) -> Any:
    return boto3.client("s3", endpoint_url=f"http://{address}", region_name="us-east-1")


def url(address: str, path: str, bucket: str = BUCKET) -> str:
    """How Arrow is told of a bucket on a server of one's own."""
    return f"s3://{bucket}/{path}?scheme=http&endpoint_override={address}&region=us-east-1"
