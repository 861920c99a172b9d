"""Keys and DID documents for whoever signs a framework in these tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from governance_sample import did

from core.errors import NotFound
from core.proof import SeedSigner
from governance.signing import sign, with_proof


class Hand:
    """Somebody with a key; the same name always has the same one."""

    def __init__(self, name: str, seed: str | None = None) -> None:
        self.did = did(name)
        self.method = f"{self.did}#key-1"
        self._signer = SeedSigner(sha256((seed or name).encode()).digest())

    @property
    def did_document(self) -> dict[str, Any]:
        """The DID document that lists the key."""
        method = {
            "id": self.method,
            "type": "Multikey",
            "controller": self.did,
            "publicKeyMultibase": self._signer.multikey,
        }
        return {
            "id": self.did,
            "verificationMethod": [method],
            "assertionMethod": [self.method],
        }

    def signs(self, document: Mapping[str, Any], at: datetime) -> dict[str, Any]:
        """The document with this hand's signature beside those that it has."""
        proof = sign(document, self._signer, method=self.method, created=at)
        return with_proof(document, proof)


AUTHORITY, MINISTRY, COUNCIL = Hand("authority"), Hand("ministry"), Hand("council")
HANDS = {hand.did: hand for hand in (AUTHORITY, MINISTRY, COUNCIL)}


def documents_of(*hands: Hand) -> Any:
    """A look-up of DID documents, as a reader has it."""
    known = {hand.did: hand.did_document for hand in hands or HANDS.values()}

    def look_up(wanted: str) -> dict[str, Any]:
        if wanted not in known:
            raise NotFound("there is no such identity")
        return known[wanted]

    return look_up
