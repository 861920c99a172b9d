"""Signatures of whoever is asked for, with keys made from their DIDs: the port Signatory."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from hashlib import sha256

from controllers.governance.signatory import among
from core.jwt import compact_jwt
from core.ports import Document
from core.proof import SeedSigner
from governance.signing import DidDocuments, sign


class FakeSignatory:
    """Signs as anybody; `strangers` have no readable identity."""

    def __init__(self, strangers: Collection[str] = ()) -> None:
        self._strangers = frozenset(strangers)

    async def sign(self, did: str, document: Document) -> Document:
        """See Signatory."""
        return sign(document, _signer(did), method=f"{did}#key-1", created=datetime.now(UTC))

    async def sign_trust_list(self, did: str, payload: Document) -> str:
        """See Signatory."""
        return compact_jwt(payload, _signer(did), method=f"{did}#key-1")

    async def did_documents(self, dids: Collection[str]) -> DidDocuments:
        """See Signatory."""
        return among({did: _document(did) for did in dids if did not in self._strangers})


def _signer(did: str) -> SeedSigner:
    return SeedSigner(sha256(did.encode()).digest())


def _document(did: str) -> Document:
    method = {
        "id": f"{did}#key-1",
        "type": "Multikey",
        "controller": did,
        "publicKeyMultibase": _signer(did).multikey,
    }
    return {"id": did, "verificationMethod": [method], "assertionMethod": [f"{did}#key-1"]}
