"""A list on its way in: parts in order, each as long as it must be, none beyond the last."""

from __future__ import annotations

from core.errors import VerificationError
from dataspace.ring.messages import Batch, Marks
from dataspace.ring.terms import Terms


class Incoming:
    """Checks the parts of one list as they arrive. It keeps none of them."""

    def __init__(self, terms: Terms, width: int) -> None:
        self._terms, self._width = terms, width
        self._records: int | None = None
        self._next = 0

    @property
    def records(self) -> int:
        """The padded size that was declared; 0 before the first part."""
        return self._records or 0

    @property
    def complete(self) -> bool:
        """Every part was taken."""
        return self._records is not None and self._next == parts(self._terms, self._records)

    def take(self, message: Batch | Marks) -> bytes:
        """The records of the next part.

        Raises VerificationError: step `list-size` (a size that the terms do not allow), `part`
        (another one than the next, or after the last), `declared` (other numbers than in the
        first part), `batch-length` (fewer or more records than this part has).
        """
        if self._records is None:
            self._terms.require_padded_size(message.records)
            self._records = message.records
        of = parts(self._terms, self._records)
        if message.records != self._records or message.of != of:
            raise VerificationError("a list changed its size on its way", step="declared")
        if message.part != self._next or self.complete:
            raise VerificationError("a part of a list came twice or too early", step="part")
        data = message.tokens if isinstance(message, Batch) else message.marks
        first = self._next * self._terms.batch
        if len(data) != min(self._terms.batch, self._records - first) * self._width:
            raise VerificationError(
                "a part of a list is longer or shorter than declared", step="batch-length"
            )
        self._next += 1
        return data


def parts(terms: Terms, records: int) -> int:
    """How many messages a list of this padded size is sent in."""
    return -(-records // terms.batch)


def cut(terms: Terms, table: bytes, width: int) -> list[bytes]:
    """A table of records of `width` bytes, in pieces of one message each."""
    step = terms.batch * width
    return [table[at : at + step] for at in range(0, len(table), step)]
