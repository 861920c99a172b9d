"""The certificate of one party for one run, made afresh by its node.

It certifies nothing by itself: the node's identity key signs its fingerprint in the run's
agreement, and every other node pins it. Peers accept exactly the pinned certificates.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.errors import InvalidInput

# clocks of two organisations may differ by so much
_SKEW = timedelta(minutes=10)
# a run waits for people no longer than that
_LIFE = timedelta(hours=6)


def make_certificate(party_number: int, run_tag: str) -> tuple[bytes, bytes]:
    """A fresh ECDSA P-256 key and a self-signed certificate for it, both as PEM.

    The subject is `MPyC party <number>`; the run's tag stands beside it as organisational
    unit, so that people who look at a certificate see what it was for.
    """
    if party_number < 0 or not 1 <= len(run_tag) <= 64:
        raise InvalidInput("a party has a number from 0 and a run a tag of 1 to 64 characters")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, run_tag),
            x509.NameAttribute(NameOID.COMMON_NAME, f"MPyC party {party_number}"),
        ]
    )
    now = datetime.now(UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return secret, certificate.public_bytes(serialization.Encoding.PEM)


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a PEM certificate's DER form, in hexadecimal. InvalidInput if it is none."""
    return sha256(_read(certificate).public_bytes(serialization.Encoding.DER)).hexdigest()


def belong_together(key: bytes, certificate: bytes) -> bool:
    """Whether a PEM private key is the one that a PEM certificate is about."""
    try:
        loaded = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as error:
        raise InvalidInput("the party's private key cannot be read") from error
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return loaded.public_key().public_bytes(*form) == _read(
        certificate
    ).public_key().public_bytes(*form)


def _read(certificate: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(certificate)
    except ValueError as error:
        raise InvalidInput("a party's certificate cannot be read") from error
