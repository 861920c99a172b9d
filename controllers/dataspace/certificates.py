"""The certificate that a node shows its peers: self-signed, known by its fingerprint.

No authority stands behind it. The agreement that all signed names the SHA-256 of each
participant's certificate (DER), and exactly these are let in. The environment stands in the
subject's OU, so that a node of one kind refuses a certificate of the other by itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from core.errors import VerificationError
from dataspace.agreeing.agreement import Environment

_LASTS = timedelta(days=825)
_CLOCKS_DIFFER = timedelta(minutes=5)
_MOST_PEM = 8192


@dataclass(frozen=True, slots=True)
class MadeCertificate:
    """A new private key and its certificate, both PEM."""

    key: bytes
    certificate: bytes


def make_certificate(name: str, environment: Environment, at: datetime) -> MadeCertificate:
    """A P-256 key with a certificate for client and server, good for 825 days from `at`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name[:64]),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, environment.value),
        ]
    )
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    public = key.public_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - _CLOCKS_DIFFER)
        .not_valid_after(at + _LASTS)
        # it may sign no other certificate: the fingerprint decides, and this agrees with it
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return MadeCertificate(private, certificate.public_bytes(Encoding.PEM))


def fingerprint(der: bytes) -> str:
    """SHA-256 of a certificate's DER, in hex, as the agreement names it."""
    return hashlib.sha256(der).hexdigest()


def der_of(pem: str) -> bytes:
    """The one certificate in a PEM text. Raises VerificationError: step `certificate`."""
    try:
        if len(pem) > _MOST_PEM:
            raise ValueError("longer than a certificate is")
        return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    except ValueError as err:
        raise VerificationError("this is no certificate", step="certificate") from err


def environment_of(der: bytes) -> Environment:
    """The environment that a certificate was made for.

    Raises VerificationError, step `environment`: it names none, or one that is not known.
    """
    try:
        subject = x509.load_der_x509_certificate(der).subject
        (found,) = subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        return Environment(str(found.value))
    except ValueError as err:
        raise VerificationError(
            "this certificate does not say what it was made for", step="environment"
        ) from err


def require_environment(der: bytes, environment: Environment) -> None:
    """Refuse a certificate of the sandbox at a production node, and the other way round.

    Raises VerificationError: step `environment`.
    """
    if environment_of(der) is not environment:
        raise VerificationError(
            f"this certificate is not one of {environment.value}", step="environment"
        )
