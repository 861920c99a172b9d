"""Data Integrity proofs with the cryptosuite eddsa-jcs-2022, bound to a DID document.

Source: W3C "Data Integrity EdDSA Cryptosuites v1.0", section 3.3. Verifying checks, in order:

1. the proof is one object with the members that are understood here, and no other;
2. type, cryptosuite and purpose are the expected ones, `created` is a time;
3. the contexts that the proof was made under begin those of the document;
4. the verification method belongs to the DID and stands under its `assertionMethod`;
5. it is an Ed25519 Multikey;
6. the signature over hash(options) + hash(document) holds.

An unknown member is refused: ignoring one (`expires`, `domain`) could only permit more.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from core.canonical import Json, canonicalize, decode_multibase, encode_multibase
from core.errors import VerificationError

PURPOSE = "assertionMethod"
_ED25519 = bytes((0xED, 0x01))  # multicodec ed25519-pub
_REQUIRED = {"type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue"}
_ALLOWED = _REQUIRED | {"created", "@context"}


class Signer(Protocol):
    """A private Ed25519 key, wherever it is kept."""

    @property
    def multikey(self) -> str:
        """The public key as a Multikey."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature of 64 bytes."""
        ...


class SeedSigner:
    """A key from its 32 secret bytes; for tests and tools, the agent signs in its wallet."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def multikey(self) -> str:
        return encode_multikey(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def encode_multikey(public_key: bytes) -> str:
    """An Ed25519 public key as a Multikey."""
    return encode_multibase(_ED25519 + public_key)


def add_proof(document: Json, signer: Signer, *, method: str, created: datetime) -> Json:
    """The document with a proof by `signer`, whose verification method is `method`.

    A proof that the document already had is replaced.
    """
    unsecured = {key: value for key, value in document.items() if key != "proof"}
    hashed = sha256(canonicalize(unsecured, step="proof")).digest()
    context = {"@context": unsecured["@context"]} if "@context" in unsecured else {}
    proof = proof_over(hashed, signer, method=method, created=created, context=context)
    return {**unsecured, "proof": proof}


def proof_over(
    hashed: bytes,
    signer: Signer,
    *,
    method: str,
    created: datetime,
    context: Json | None = None,
) -> Json:
    """A proof over a document of which only the SHA-256 of its canonical form is at hand."""
    options: Json = {
        **(context or {}),
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "verificationMethod": method,
        "proofPurpose": PURPOSE,
    }
    signature = signer.sign(_hash_data(hashed, options))
    return {**options, "proofValue": encode_multibase(signature)}


def verify_proof(document: Json, did_document: Json) -> str:
    """Check the document's proof against a DID document that was verified before.

    Returns:
        The verification method that signed.

    Raises:
        VerificationError: step `proof`.
    """
    proof = _checked_form(document.get("proof"))
    _check_context(proof, document)
    unsecured = {key: value for key, value in document.items() if key != "proof"}
    hashed = sha256(canonicalize(unsecured, step="proof")).digest()
    return _verify(hashed, proof, did_document)


def verify_proof_over(hashed: bytes, proof: object, did_document: Json) -> str:
    """The same for a document without contexts, of which the SHA-256 of its canonical form is
    at hand: one that several have signed is hashed once.

    Raises:
        VerificationError: step `proof`.
    """
    read = _checked_form(proof)
    if "@context" in read:
        raise _failed("the proof was made under another context")
    return _verify(hashed, read, did_document)


def _checked_form(proof: object) -> Json:
    if not isinstance(proof, dict) or not _REQUIRED <= proof.keys() <= _ALLOWED:
        raise _failed("the proof is missing or has members that are not understood")
    _check_options(proof)
    return proof


def _verify(hashed: bytes, proof: Json, did_document: Json) -> str:
    multikey = assertion_key(did_document, proof["verificationMethod"])
    options = {key: value for key, value in proof.items() if key != "proofValue"}
    _check_signature(multikey, proof["proofValue"], _hash_data(hashed, options))
    return str(proof["verificationMethod"])


def _check_options(proof: Json) -> None:
    if proof["type"] != "DataIntegrityProof" or proof["cryptosuite"] != "eddsa-jcs-2022":
        raise _failed("the kind of proof is not eddsa-jcs-2022")
    if proof["proofPurpose"] != PURPOSE:
        raise _failed("the proof was made for another purpose")
    try:
        datetime.fromisoformat(proof.get("created", "1970-01-01T00:00:00Z"))
    except (ValueError, TypeError):
        raise _failed("the proof's time cannot be read") from None


def _check_context(proof: Json, document: Json) -> None:
    """Section 3.3.2: the document's contexts start with those of the proof."""
    if "@context" not in proof:
        return
    signed, shown = _as_list(proof["@context"]), _as_list(document.get("@context", []))
    if signed != shown:  # the suite allows more behind them; that would change what is hashed
        raise _failed("the proof was made under another context")


def assertion_key(did_document: Json, method: object) -> str:
    """The Multikey of a verification method listed under `assertionMethod`.

    Raises:
        VerificationError: step `proof`; the method is another DID's, is not listed, is
            described twice, or is no Multikey.
    """
    did = did_document.get("id")
    if not isinstance(method, str) or not isinstance(did, str):
        raise _failed("the verification method is not named")
    if not method.startswith(f"{did}#") or len(method) <= len(did) + 1:
        raise _failed("the verification method belongs to another DID")
    found = [
        entry for entry in _assertion_methods(did_document) if _is_named(entry, did, method)
    ]
    if len(found) != 1:
        raise _failed("the key is not listed under assertionMethod")
    return _multikey(found[0], did)


def _assertion_methods(did_document: Json) -> list[Json]:
    """The methods under `assertionMethod`, references replaced by what they refer to."""
    did = did_document["id"]
    described = _as_list(did_document.get("verificationMethod", []))
    methods: list[Json] = []
    for entry in _as_list(did_document.get(PURPOSE, [])):
        if isinstance(entry, dict):
            methods.append(entry)
        elif isinstance(entry, str):
            name = did + entry if entry.startswith("#") else entry
            methods += [m for m in described if isinstance(m, dict) and _is_named(m, did, name)]
    return methods


def _is_named(entry: Json, did: str, name: str) -> bool:
    identifier = entry.get("id")
    return isinstance(identifier, str) and name in (identifier, did + identifier)


def _multikey(entry: Json, did: str) -> str:
    key = entry.get("publicKeyMultibase")
    if entry.get("type") != "Multikey" or not isinstance(key, str):
        raise _failed("the verification method is not a Multikey")
    if entry.get("controller") != did:
        raise _failed("the verification method is controlled by another DID")
    return key


def _check_signature(multikey: str, value: object, data: bytes) -> None:
    try:
        signature = decode_multibase(value) if isinstance(value, str) else b""
    except ValueError:
        signature = b""
    if not verify_ed25519(multikey, signature, data):
        raise _failed("the signature does not hold")


def verify_ed25519(multikey: str, signature: bytes, data: bytes) -> bool:
    """Whether a signature by an Ed25519 Multikey holds; no other kind of key is taken."""
    try:
        key = decode_multibase(multikey)
        if not key.startswith(_ED25519):
            return False
        Ed25519PublicKey.from_public_bytes(key[2:]).verify(signature, data)
    except (ValueError, InvalidSignature):
        return False
    return True


def _hash_data(hashed: bytes, options: Json) -> bytes:
    """Section 3.3.4: the two hashes whose concatenation is signed."""
    return sha256(canonicalize(options, step="proof")).digest() + hashed


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _failed(reason: str) -> VerificationError:
    return VerificationError(reason, step="proof")
