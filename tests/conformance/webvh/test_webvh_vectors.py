"""Values published by others: the W3C's vector for eddsa-jcs-2022.

Source: "Data Integrity EdDSA Cryptosuites v1.0", appendix B.2. Its issuer is no DID, so the
DID document here only carries the vector's key under the vector's name.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.errors import VerificationError
from core.proof import PURPOSE, SeedSigner, add_proof, verify_proof

MULTIKEY = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
DID = f"did:key:{MULTIKEY}"
METHOD = f"{DID}#{MULTIKEY}"
CONTEXT = [
    "https://www.w3.org/ns/credentials/v2",
    "https://www.w3.org/ns/credentials/examples/v2",
]
UNSECURED = {
    "@context": CONTEXT,
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
}
PROOF = {
    "type": "DataIntegrityProof",
    "cryptosuite": "eddsa-jcs-2022",
    "created": "2023-02-24T23:36:38Z",
    "verificationMethod": METHOD,
    "proofPurpose": "assertionMethod",
    "@context": CONTEXT,
    "proofValue": "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAV"
    "FuUfjoJdcnTMuVor51aX",
}
DID_DOCUMENT = {
    "id": DID,
    PURPOSE: [
        {"id": METHOD, "type": "Multikey", "controller": DID, "publicKeyMultibase": MULTIKEY}
    ],
}


def test_the_vector_verifies() -> None:
    assert verify_proof({**UNSECURED, "proof": PROOF}, DID_DOCUMENT) == METHOD


def test_a_changed_vector_does_not() -> None:
    with pytest.raises(VerificationError):
        verify_proof({**UNSECURED, "name": "Other", "proof": PROOF}, DID_DOCUMENT)


def test_our_proof_options_are_the_vectors_options() -> None:
    signed = add_proof(
        UNSECURED,
        SeedSigner(bytes(32)),
        method=METHOD,
        created=datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC),
    )
    assert {**signed["proof"], "proofValue": PROOF["proofValue"]} == PROOF
