"""A certificate authority of a test's own: PostgreSQL, Redis and Superset show what it signed."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


def certificates(folder: Path, client: str = "leverageguard") -> Path:
    """ca.crt, server.crt/.key for the loopback interface, client.crt/.key of one user."""
    folder.mkdir(parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _named("Test authority")
    own = _builder(authority, authority, authority_key.public_key())
    own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = x509.KeyUsage(True, *[False] * 4, True, True, False, False)
    own = own.add_extension(usage, critical=True)
    _write(folder / "ca.crt", own.sign(authority_key, hashes.SHA256()))
    loopback = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    for name, subject in (("server", "localhost"), ("client", client)):
        key = ec.generate_private_key(ec.SECP256R1())
        made = _builder(_named(subject), authority, key.public_key())
        if name == "server":
            made = made.add_extension(x509.SubjectAlternativeName(loopback), critical=False)
        _write(folder / f"{name}.crt", made.sign(authority_key, hashes.SHA256()))
        kind = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        text = key.private_bytes(serialization.Encoding.PEM, *kind)
        (folder / f"{name}.key").write_bytes(text)
        (folder / f"{name}.key").chmod(0o600)
    return folder


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    made = made.serial_number(x509.random_serial_number())
    return made.not_valid_before(now - DAY).not_valid_after(now + DAY)


def _write(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
