"""A commitment to what an organisation put into a computation, without showing it.

SHA-256 over a salt of 32 random bytes that the node keeps, the shape, and the numbers. It
stands in the log when the run begins. Later, if the organisation shows salt and numbers to
somebody it trusts (an auditor), they can see that they are what went in. Without the salt the
hash tells nothing, however few values a table could have.
"""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.errors import InvalidInput, VerificationError

CODES: Final = ("input-other",)
SALT_BYTES: Final = 32
_PREFIX: Final = b"haven-input-commitment-1\0"

type Input = npt.NDArray[np.integer[Any]]


def commit(values: Input, salt: bytes) -> str:
    """The commitment in hex to an array of integers of any shape.

    Raises InvalidInput: the salt is not 32 bytes, or the values do not fit 64 bits.
    """
    if len(salt) != SALT_BYTES:
        raise InvalidInput("the salt of a commitment has 32 bytes")
    if not np.issubdtype(values.dtype, np.integer) or not np.can_cast(values.dtype, np.int64):
        raise InvalidInput("a commitment is to whole numbers of 64 bits")
    shape = np.array([values.ndim, *values.shape], dtype="<i8").tobytes()
    numbers = np.ascontiguousarray(values, dtype="<i8").tobytes()
    return sha256(_PREFIX + salt + shape + numbers).hexdigest()


def require_commitment(commitment: str, values: Input, salt: bytes) -> None:
    """Raises VerificationError, step `input`: these are not the numbers that went in."""
    if not compare_digest(commitment, commit(values, salt)):
        raise VerificationError(
            "these numbers are not what went in", step="input", code="input-other"
        )
