"""Whether the keys that terms name are their participants' own."""

from __future__ import annotations

from collections.abc import Callable

from core.canonical import Json
from core.errors import VerificationError
from core.proof import assertion_key
from dataspace.agreeing.agreement import Terms


def require_listed_keys(terms: Terms, did_documents: Callable[[str], Json]) -> None:
    """That each participant's key stands under `assertionMethod` of its DID document, which
    the caller has resolved and verified: the terms cannot give somebody another's key.

    Raises VerificationError: step `agreement-key`.
    """
    for each in terms.participants:
        document = did_documents(each.did)
        listed = [m for m in _methods(document) if _key_of(document, m) == each.key]
        if not listed:
            raise VerificationError(
                "a key of the terms does not stand in its participant's DID document",
                step="agreement-key",
                code="agreement-key",
            )


def _methods(document: Json) -> list[str]:
    found = [*document.get("assertionMethod", []), *document.get("verificationMethod", [])]
    names = [each.get("id") if isinstance(each, dict) else each for each in found]
    own = [str(name) for name in names if isinstance(name, str)]
    return [f"{document.get('id')}{name}" if name.startswith("#") else name for name in own]


def _key_of(document: Json, method: str) -> str | None:
    try:
        return assertion_key(document, method)
    except VerificationError:
        return None
