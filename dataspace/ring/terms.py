"""What all parties of one run of the ring agreed on before it starts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from hashlib import sha256

from core.canonical import canonicalize
from core.errors import Forbidden, InvalidInput, VerificationError
from dataspace.gating.lists import is_long_enough
from dataspace.ring.group import TOKEN, Domain

FEWEST, MOST = 2, 12  # as dataspace/estimating/overlaps.py
_MOST_KEYS = 8
_MOST_RECORDS = 2**20
_MOST_BATCH = 2**14


class Padding(StrEnum):
    """How a list's size is rounded up by dummies, so that neighbours learn only a bucket.

    PADME: to about 3 to 5 significant bits, at most 12 % more; it tells O(log log n) bits
    (Nikitin et al. 2019, "Reducing metadata leakage from encrypted files and communication
    with PURBs", section 4). MULTIPLE: to the next multiple of the bucket.
    """

    PADME = "padme"
    MULTIPLE = "multiple"


class Answer(StrEnum):
    """What an owner is told about each of its links in a run for priorities.

    ANY: at least one other organisation has it. LEVEL: one, or at least two. REVEAL: which.
    """

    ANY = "any"
    LEVEL = "level"
    REVEAL = "reveal"


@dataclass(frozen=True, slots=True)
class Terms:
    """One run. All nodes hold the same; `tag()` stands in every message.

    purpose, period, agreement, run: see `group.Domain`.
    keys: names of the match keys, the strongest first (or the kinds of links).
    holders: the organisations, in the order of the ring. evaluator: none of them.
    minimum: fewest records of a list; a list of one name would ask about that person. An empty
    list asks about nobody and may come too, as in dataspace.gating.lists.
    bucket: the unit of padded sizes in records; every padded size is a multiple of it.
    batch: records a message. most: most records of a padded list. seconds: deadline of the run.
    answer: what owners are told in a run for priorities; None in a counting run.
    answered: the holders that are told; None for all. The others bring their lists and hear
    nothing but the end.
    stated: in a revealing run who brings only the cases that everybody approved, however few.
    """

    purpose: str
    period: str
    agreement: str
    run: str
    keys: tuple[str, ...]
    holders: tuple[str, ...]
    evaluator: str
    minimum: int
    padding: Padding = Padding.PADME
    bucket: int = 64
    batch: int = 1024
    most: int = 2**17
    seconds: float = 600.0
    answer: Answer | None = None
    answered: tuple[str, ...] | None = None
    stated: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises InvalidInput."""
        if not FEWEST <= len(set(self.holders)) == len(self.holders) <= MOST:
            raise InvalidInput(f"a ring has {FEWEST} to {MOST} different organisations")
        if not 1 <= len(set(self.keys)) == len(self.keys) <= _MOST_KEYS:
            raise InvalidInput(f"a ring has 1 to {_MOST_KEYS} different keys")
        if self.evaluator in self.holders:
            raise InvalidInput("the evaluator of a ring holds no list")
        if not 1 <= self.bucket <= self.most <= _MOST_RECORDS:
            raise InvalidInput("the bucket or the longest list of a ring is out of bounds")
        if not 1 <= self.batch <= _MOST_BATCH or not 0 < self.seconds <= 86_400:
            raise InvalidInput("the batch or the deadline of a ring is out of bounds")
        if not 0 <= self.minimum <= self.most:
            raise InvalidInput("the shortest list of a ring is out of bounds")
        if not {*(self.answered or ()), *self.stated} <= set(self.holders):
            raise InvalidInput("who is told anything holds a list of this ring")
        if self.stated and (self.answer is not Answer.REVEAL or self.answered != self.stated):
            raise InvalidInput("few cases are stated only by who is told in a revealing run")
        self.separation_tags()

    def is_answered(self, name: str) -> bool:
        """Whether this holder is told about its own links."""
        return self.answered is None or name in self.answered

    @property
    def width(self) -> int:
        """Bytes of a record: a token for each key."""
        return TOKEN * len(self.keys)

    def separation_tags(self) -> tuple[bytes, ...]:
        """The domain separation tag of each key."""
        named = (self.purpose, self.period, self.agreement, self.run)
        return tuple(Domain(*named, key).separation_tag() for key in self.keys)

    def tag(self) -> bytes:
        """SHA-256 of the canonical terms: nodes with other terms refuse each other."""
        return sha256(canonicalize(asdict(self), step="terms")).digest()

    def padded(self, size: int) -> int:
        """The size that a list of `size` records is filled up to. Never 0: an empty list is
        filled up as the shortest one is, so that neighbours cannot tell it from that."""
        buckets = max(1, -(-(size or self.minimum) // self.bucket))
        return self.bucket * (_padme(buckets) if self.padding is Padding.PADME else buckets)

    def place(self, name: str) -> int:
        """Where this holder stands in the ring.

        Raises Forbidden: it is none.
        """
        if name not in self.holders:
            raise Forbidden("this organisation holds no list in this ring")
        return self.holders.index(name)

    def after(self, place: int) -> str:
        """Who a holder passes lists of others on to."""
        return self.holders[(place + 1) % len(self.holders)]

    def before(self, place: int) -> str:
        """Who a holder gets lists from."""
        return self.holders[place - 1]

    def require_own_size(self, size: int) -> None:
        """A holder's check of its own list before it takes part. An empty one may.

        Raises:
            Forbidden: the list is shorter than was agreed.
            InvalidInput: it is longer.
        """
        if not is_long_enough(size, self.minimum):
            raise Forbidden(
                "this list is shorter than the agreement allows: a very short list would ask "
                "the others about single people",
                code="list-too-short",
            )
        if self.padded(size) > self.most:
            raise InvalidInput("this list is longer than the agreement allows")

    def require_padded_size(self, records: int) -> None:
        """Every party's check of what another one declares.

        A padded size hides the true one: this refuses lists that are surely too short. That a
        list is not one name and many dummies only its holder can attest.

        Raises VerificationError: step `list-size`.
        """
        shortest = self.padded(self.minimum)
        if not shortest <= records <= self.most or self.padded(records) != records:
            raise VerificationError(
                "a list has a size that the agreement does not allow", step="list-size"
            )

    def require_attested_size(self, size: int, records: int) -> None:
        """The evaluator's check of an attested size, which may be 0, against the padded one.

        Raises VerificationError: step `attested-size`.
        """
        if not is_long_enough(size, self.minimum) or self.padded(size) != records:
            raise VerificationError(
                "an organisation attested a size that its list does not have or that the "
                "agreement does not allow",
                step="attested-size",
            )


def _padme(size: int) -> int:
    """Round up so that as many low bits are zero as the size of its own length allows."""
    exponent = size.bit_length() - 1
    low = exponent - exponent.bit_length()
    mask = (1 << max(low, 0)) - 1
    return (size + mask) & ~mask
