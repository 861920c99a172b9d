"""Signatures on a framework: Data Integrity proofs, one for each signer, over one document.

What is signed is the document without `proof`, in its canonical form (RFC 8785). A proof is by
a key under `assertionMethod` of the signer's DID document (eddsa-jcs-2022). Several proofs are
a proof set: each is over the document alone, so they are made in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from core.canonical import canonicalize_integers
from core.errors import HavenError, VerificationError
from core.proof import Signer, proof_over, verify_proof_over
from governance.model import Signers

type DidDocuments = Callable[[str], dict[str, Any]]


def unsigned(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the proofs are over."""
    return {name: value for name, value in document.items() if name != "proof"}


def digest_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical form without proofs, in hex: what names a version's content."""
    return sha256(canonicalize_integers(unsigned(document), step="signatures")).hexdigest()


def proofs_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The proofs that a document carries; none if they are not a list of objects."""
    found = document.get("proof")
    whole = isinstance(found, list) and all(isinstance(each, dict) for each in found)
    return list(found) if whole and found else []


def signer_of(proof: Mapping[str, Any]) -> str:
    """The DID that a proof says it is by."""
    return str(proof.get("verificationMethod", "")).partition("#")[0]


def sign(
    document: Mapping[str, Any], signer: Signer, *, method: str, created: datetime
) -> dict[str, Any]:
    """A proof with a key that is at hand; organisations sign through their agent."""
    hashed = bytes.fromhex(digest_of(document))
    return proof_over(hashed, signer, method=method, created=created)


def with_proof(document: Mapping[str, Any], proof: Mapping[str, Any]) -> dict[str, Any]:
    """The document with one proof more; a signer's second replaces the first."""
    kept = [each for each in proofs_of(document) if signer_of(each) != signer_of(proof)]
    return {**document, "proof": [*kept, dict(proof)]}


def who_signed(
    document: Mapping[str, Any], among: frozenset[str], did_documents: DidDocuments
) -> frozenset[str]:
    """Those of `among` whose proof holds. A proof that does not hold counts for nobody; it
    does not spoil the others, since anybody can add one to a copy."""
    hashed = bytes.fromhex(digest_of(document))
    return frozenset(
        signer_of(proof)
        for proof in proofs_of(document)
        if signer_of(proof) in among and _holds(hashed, proof, did_documents)
    )


def _holds(hashed: bytes, proof: dict[str, Any], did_documents: DidDocuments) -> bool:
    try:
        verify_proof_over(hashed, proof, did_documents(signer_of(proof)))
    except HavenError:
        return False
    return True


def require_signed(
    document: Mapping[str, Any],
    signers: Signers,
    at: datetime,
    did_documents: DidDocuments,
) -> frozenset[str]:
    """Those who signed, if they are enough of those who count at `at`.

    Raises VerificationError: step `signatures`.
    """
    found = who_signed(document, signers.current(at), did_documents)
    if len(found) < signers.threshold:
        raise VerificationError(
            f"this version needs {signers.threshold} signatures that count and has "
            f"{len(found)}",
            step="signatures",
        )
    return found
