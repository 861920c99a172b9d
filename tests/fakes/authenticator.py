"""A device with passkeys, as WebAuthn sees it from outside: what browsers would send for it.

ES256, discoverable keys, no attestation. What a test wants to be wrong is said when asking.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


def text(data: bytes) -> str:
    """base64url without padding, as browsers write bytes in JSON."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def data(written: str) -> bytes:
    """The bytes behind it."""
    return base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))


@dataclass
class Key:
    """One passkey on the device."""

    private: ec.EllipticCurvePrivateKey
    id: bytes
    user: bytes
    count: int = 0


@dataclass
class Authenticator:
    """A device in a browser at `origin`."""

    origin: str
    rp_id: str
    keys: list[Key] = field(default_factory=list)
    verifies: bool = True  # whether it asks for a finger or a code
    counts: bool = True

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Make a passkey (RegistrationResponseJSON)."""
        key = Key(
            ec.generate_private_key(ec.SECP256R1()),
            secrets.token_bytes(32),
            data(options["user"]["id"]),
        )
        self.keys.append(key)
        attested = bytes(16) + len(key.id).to_bytes(2) + key.id + _cose(key)
        authenticator_data = self._data(key, _ATTESTED) + attested
        attestation = {"fmt": "none", "attStmt": {}, "authData": authenticator_data}
        response = {
            "attestationObject": text(cbor2.dumps(attestation)),
            "clientDataJSON": text(self._client_data("webauthn.create", options["challenge"])),
        }
        return self._credential(key, response)

    def answer(self, options: dict[str, Any], key: Key | None = None) -> dict[str, Any]:
        """Answer a sign-in (AuthenticationResponseJSON), with the newest passkey."""
        key = key or self.keys[-1]
        key.count += int(self.counts)
        authenticator_data = self._data(key, 0)
        client_data = self._client_data("webauthn.get", options["challenge"])
        signed = authenticator_data + hashlib.sha256(client_data).digest()
        response = {
            "authenticatorData": text(authenticator_data),
            "clientDataJSON": text(client_data),
            "signature": text(key.private.sign(signed, ec.ECDSA(SHA256()))),
            "userHandle": text(key.user),
        }
        return self._credential(key, response)

    def _data(self, key: Key, more: int) -> bytes:
        flags = _PRESENT | (_VERIFIED if self.verifies else 0) | more
        rp = hashlib.sha256(self.rp_id.encode()).digest()
        return rp + bytes([flags]) + key.count.to_bytes(4)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin}
        return json.dumps({**said, "crossOrigin": False}).encode()

    @staticmethod
    def _credential(key: Key, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": text(key.id),
            "rawId": text(key.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": response,
        }


def _cose(key: Key) -> bytes:
    """The public key as COSE writes it (RFC 9052: EC2, ES256, P-256)."""
    point = key.private.public_key().public_numbers()
    return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})
