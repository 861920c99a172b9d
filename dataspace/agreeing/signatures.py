"""Statements that somebody signs: a form, a digest, and a Data Integrity proof by one key.

A key in a data space is one that the signed terms name, so what verifies a signature is made of
the terms: a DID document with this one key. Verifying is over what was *understood* (the parsed
statement), so a member that was not read cannot have been signed.

Source: W3C "Data Integrity EdDSA Cryptosuites v1.0", section 3.3 (core.proof); did:key
(W3C CCG "The did:key Method v0.7") for people, who have a key and no DID document.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from core.canonical import Json, content_digest, decode_multibase
from core.errors import VerificationError
from core.proof import PURPOSE, Signer, proof_over, verify_proof_over

CODES: Final = ("statement-form",)
_MULTIHASH = 2  # bytes before the hash: its code and its length


class Statement(BaseModel):
    """A frozen document that is signed; what its signature is over is `document()`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def document(self) -> Json:
        """As JSON, without a proof."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> str:
        """Multibase SHA-256 multihash of the canonical form (RFC 8785)."""
        return content_digest(self.document())


def method_of(did: str, key: str) -> str:
    """The verification method of a key that the terms name for this DID."""
    return f"{did}#{key}"


def did_of_key(key: str) -> str:
    """The did:key of a person who signs for herself: an analyst."""
    return f"did:key:{key}"


def proof_of(digest: str, signer: Signer, did: str, at: datetime) -> Json:
    """A proof by `did` over a document with this digest; the key has to be the terms' one."""
    method = method_of(did, signer.multikey)
    return proof_over(_hash_in(digest), signer, method=method, created=at)


def sign(statement: Statement, signer: Signer, did: str, at: datetime) -> Json:
    """The statement as it is sent: its document with a proof by `did`."""
    return {**statement.document(), "proof": proof_of(statement.digest, signer, did, at)}


def read[T: Statement](kind: type[T], signed: Mapping[str, Any]) -> T:
    """What a signed document says; its proof is not looked at.

    Raises VerificationError: step `form`, naming the place and no value.
    """
    said = {name: value for name, value in signed.items() if name != "proof"}
    try:
        return kind.model_validate(said)
    except ValidationError as err:
        where = ".".join(str(part) for part in err.errors()[0]["loc"]) or "the document"
        raise VerificationError(
            f"this document is malformed: see {where}", step="form", code="statement-form"
        ) from err


def require_proof(digest: str, proof: object, did: str, key: str, *, step: str) -> None:
    """That `key`, named for `did`, signed a document with this digest.

    Raises VerificationError with the given step.
    """
    try:
        verify_proof_over(_hash_in(digest), proof, _did_document(did, key))
    except VerificationError as err:
        raise VerificationError(
            f"the signature is not by the key that was agreed on: {err.detail}",
            step=step,
            code=step,
        ) from err


def holds(digest: str, proof: object, did: str, key: str) -> bool:
    """The same as a yes or no, where a bad proof counts for nobody."""
    try:
        require_proof(digest, proof, did, key, step="signature")
    except VerificationError:
        return False
    return True


def signer_of(proof: Mapping[str, Any]) -> str:
    """The DID that a proof says it is by."""
    return str(proof.get("verificationMethod", "")).partition("#")[0]


def _hash_in(digest: str) -> bytes:
    return decode_multibase(digest)[_MULTIHASH:]


def _did_document(did: str, key: str) -> Json:
    method = {
        "id": method_of(did, key),
        "type": "Multikey",
        "controller": did,
        "publicKeyMultibase": key,
    }
    return {"id": did, PURPOSE: [method]}
