"""TLS for the gRPC door: a certificate authority that stays in the state directory, and a server certificate under it."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = timedelta(days=365)


def certificates(ca_dir: Path, host: str) -> tuple[Path, bytes, bytes]:
    """The CA's file, and the server's key and certificate chain as PEM, for loopback and ``host``.

    The CA is kept and used again: gRPC reads its roots once in a process, so a new CA at each start would lock clients out.
    """
    ca_file, key_file = ca_dir / "ca.pem", ca_dir / "ca-key.pem"
    if ca_file.exists() and key_file.exists():
        ca = x509.load_pem_x509_certificate(ca_file.read_bytes())
        loaded = load_pem_private_key(key_file.read_bytes(), None)
        if isinstance(loaded, ec.EllipticCurvePrivateKey) and ca.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1):
            return ca_file, *_server_certificate(ca, loaded, host)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _authority(ca_key)
    key_file.touch(mode=0o600)
    key_file.write_bytes(_pem(ca_key))
    ca_file.write_bytes(ca.public_bytes(Encoding.PEM))
    return ca_file, *_server_certificate(ca, ca_key, host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
    )


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    name = _name("Guestlist sandbox CA")
    builder = _builder("Guestlist sandbox CA", name, key)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())


def _server_certificate(ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey, host: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName(host)]
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = _builder("localhost", ca.subject, key)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(issuer_key, critical=False)
    certificate = builder.sign(ca_key, hashes.SHA256())
    return _pem(key), certificate.public_bytes(Encoding.PEM) + ca.public_bytes(Encoding.PEM)
