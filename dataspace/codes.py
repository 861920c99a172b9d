"""Every stable code that a decision about a computation gives.

The words for them, in each language, are kept with the pages that show them; a test there holds
that no code is without words. Codes never change their meaning: a new meaning is a new code.
"""

from __future__ import annotations

from typing import Final

from dataspace.agreeing import negotiating, signatures
from dataspace.gating import gate, ledger, lists
from dataspace.planning import approvals, taking_part
from dataspace.recording import commitment, heads, log

CHECKS: Final = gate.NAMES  # the gate's checks: each needs words whether it held or not

CODES: Final = tuple(
    dict.fromkeys(
        (
            *signatures.CODES,
            *negotiating.CODES,
            *approvals.CODES,
            *gate.CODES,
            *ledger.CODES,
            *lists.CODES,
            taking_part.NO_LINKAGE,
            *log.CODES,
            *heads.CODES,
            *commitment.CODES,
        )
    )
)
