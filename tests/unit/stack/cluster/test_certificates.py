import socket
import ssl
import stat
import threading
from dataclasses import replace

import pytest

from leverageguard.stack.cluster import certificates


@pytest.fixture
def cluster(settings):
    made = replace(settings, profile="cluster")
    certificates.authority(made)
    return made


def greet(cluster, server, client=None, name="127.0.0.1"):
    """What the server learns of its caller's name over one TLS connection."""
    inside = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=cluster.ca_file)
    inside.load_cert_chain(*server)
    inside.verify_mode = ssl.CERT_REQUIRED
    outside = ssl.create_default_context(cafile=cluster.ca_file)
    if client is not None:
        outside.load_cert_chain(*client)
    seen = []
    one, other = socket.socketpair()

    def serve():
        try:
            with inside.wrap_socket(one, server_side=True) as served:
                seen.append(dict(part[0] for part in served.getpeercert()["subject"]))
                served.sendall(b"hello")
        except ssl.SSLError:
            one.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with outside.wrap_socket(other, server_hostname=name) as calling:
            if calling.recv(5) != b"hello":
                raise ssl.SSLError("closed")
    finally:
        thread.join(10)
    return seen[0]["commonName"]


def test_certificates__server_and_client__believe_each_other(cluster):
    server = certificates.of_server(cluster, "redis")
    client = certificates.of_client(cluster, "store")

    assert greet(cluster, server, client) == "store"
    assert greet(cluster, server, client, "localhost") == "store"


def test_certificates__another_machines_name__is_not_believed(cluster):
    server = certificates.of_server(cluster, "redis")

    with pytest.raises(ssl.SSLError, match="Hostname mismatch"):
        greet(cluster, server, certificates.of_client(cluster, "store"), "example.org")


def test_certificates__a_servers_own__opens_no_door_as_a_client(cluster):
    server = certificates.of_server(cluster, "redis")

    with pytest.raises((ssl.SSLError, ConnectionError)):
        greet(cluster, server, certificates.of_server(cluster, "nginx"))


def test_certificates__without_one__nobody_enters(cluster):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        greet(cluster, certificates.of_server(cluster, "redis"))


def test_certificates__asked_for_again__are_the_same(cluster):
    before = [path.read_bytes() for path in certificates.of_server(cluster, "redis")]
    authority = cluster.ca_file.read_bytes()

    certificates.authority(cluster)

    assert [path.read_bytes() for path in certificates.of_server(cluster, "redis")] == before
    assert cluster.ca_file.read_bytes() == authority


def test_certificates__near_their_end__are_made_anew_and_still_believed(cluster, monkeypatch):
    old = certificates.of_server(cluster, "redis")[0].read_bytes()
    monkeypatch.setattr(certificates, "RENEWED_BEFORE_DAYS", certificates.DAYS)

    renewed = certificates.of_server(cluster, "redis")

    assert renewed[0].read_bytes() != old
    assert greet(cluster, renewed, certificates.of_client(cluster, "store")) == "store"


def test_certificates__keys__are_read_by_their_owner_alone(cluster):
    certificates.of_server(cluster, "redis")

    keys = list(cluster.tls_dir.glob("*.key"))

    assert {path.name for path in keys} == {"ca.key", "redis.key"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
    assert stat.S_IMODE(cluster.tls_dir.stat().st_mode) == 0o700
