"""An authority of the stack's own, and the certificates it gives its servers and their clients.

Kept in `secrets/tls`. What would end within a month is made anew by `up`; those who held the old
one go on, since the authority stays.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from leverageguard.config import Settings

AUTHORITY = "ca"
AUTHORITY_DAYS, DAYS, RENEWED_BEFORE_DAYS = 3650, 365, 30
_Key = ec.EllipticCurvePrivateKey


def authority(settings: Settings) -> None:
    """Make the authority unless it is there."""
    settings.tls_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if _is_good(settings.ca_file):
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "LeverageGuard stack")])
    made = (
        _begun(name, key, AUTHORITY_DAYS)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
    )
    _write(settings, AUTHORITY, key, made.sign(key, hashes.SHA256()))


def of_server(settings: Settings, name: str) -> tuple[Path, Path]:
    """The certificate and key of a server, for every name this machine is called by."""
    hosts = dict.fromkeys(("localhost", "127.0.0.1", settings.host))
    return _issued(settings, name, ExtendedKeyUsageOID.SERVER_AUTH, tuple(hosts))


def of_client(settings: Settings, name: str) -> tuple[Path, Path]:
    """The certificate and key by which a client shows who it is: PostgreSQL takes it for a role."""
    return _issued(settings, name, ExtendedKeyUsageOID.CLIENT_AUTH, (), prefix="client-")


def _issued(
    settings: Settings,
    name: str,
    purpose: x509.ObjectIdentifier,
    hosts: tuple[str, ...],
    prefix: str = "",
) -> tuple[Path, Path]:
    files = settings.certificate(prefix + name)
    if all(file.exists() for file in files) and _is_good(files[0]):
        return files
    signer = x509.load_pem_x509_certificate(settings.ca_file.read_bytes())
    signing = serialization.load_pem_private_key(
        settings.certificate(AUTHORITY)[1].read_bytes(), None
    )
    if not isinstance(signing, _Key):
        raise TypeError(f"{settings.ca_file} is no authority of this stack")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        _begun(subject, key, DAYS)
        .issuer_name(signer.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()),
            critical=False,
        )
    )
    if hosts:
        made = made.add_extension(
            x509.SubjectAlternativeName([_named(host) for host in hosts]), critical=False
        )
    _write(settings, prefix + name, key, made.sign(signing, hashes.SHA256()))
    return files


def _begun(subject: x509.Name, key: _Key, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _named(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _is_good(file: Path) -> bool:
    """Whether a certificate is there and holds for a while yet."""
    if not file.exists():
        return False
    ends = x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
    return ends > datetime.now(UTC) + timedelta(days=RENEWED_BEFORE_DAYS)


def _write(settings: Settings, name: str, key: _Key, made: x509.Certificate) -> None:
    """Key first: a certificate that is there has its key."""
    certificate, secret = settings.certificate(name)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for path, text, mode in (
        (secret, pem, 0o600),
        (certificate, made.public_bytes(serialization.Encoding.PEM), 0o644),
    ):
        draft = path.with_name(f".{path.name}.tmp")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(text)
        draft.replace(path)
