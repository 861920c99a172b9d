"""An organisation's own reference of an issuance: found by a keyed digest, kept sealed."""

from __future__ import annotations

import unicodedata

from controllers.sealing import Seal

LONGEST = 80


def pseudonym_of(seal: Seal, organisation_id: str, reference: str) -> str:
    """Equal for a reference however it is spaced and capitalised; of no use to anybody else."""
    plain = " ".join(unicodedata.normalize("NFKC", reference).casefold().split())
    return seal.pseudonym(f"{organisation_id}/{plain}")
