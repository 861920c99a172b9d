"""A node's log: entries that name their predecessor's hash, each signed by the node's key.

What stands in it are hashes, numbers and codes; `KINDS` says which, and nothing else is taken,
so no personal value can slip in. An entry's hash is over everything but its proof, and the
proof is over the same, so no entry can be changed, left out or put elsewhere without every
later one failing (Haber and Stornetta, "How to Time-Stamp a Digital Document", 1991). That a
whole log was rewritten by its own node is not seen here but by its peers
(`dataspace.recording.heads`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from core.canonical import Json, read_object
from core.errors import InvalidInput, VerificationError
from core.proof import Signer
from dataspace.agreeing.agreement import Did, Name
from dataspace.agreeing.signatures import Statement, read, require_proof, sign

BEGINNING: Final = "none"  # the predecessor of the first entry
CODES: Final = ("log-form", "log-chain", "log-signature")

type Digest = Annotated[str, Field(pattern=r"^z[1-9A-HJ-NP-Za-km-z]{40,60}$")]
type Tag = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
type Sum = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
type Number = Annotated[int, Field(ge=0, le=2**53 - 1, strict=True)]


class Kind(StrEnum):
    """What happened."""

    AGREEMENT_SIGNED = "agreement-signed"
    AGREEMENT_ENDED = "agreement-ended"
    PLAN_RECEIVED = "plan-received"
    GATE_REFUSED = "gate-refused"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    RUN_BEGUN = "run-begun"
    RUN_RELEASED = "run-released"
    RUN_FAILED = "run-failed"
    HEADS_COMPARED = "heads-compared"
    IMPORT = "import"


class Part(StrEnum):
    """What a value in an entry's body is."""

    DIGEST = "digest"  # multibase SHA-256 multihash
    SUM = "sum"  # SHA-256 in hex
    TAG = "tag"
    NUMBER = "number"
    CODE = "code"


_PARTS: Final[Mapping[Part, TypeAdapter[Any]]] = {
    Part.DIGEST: TypeAdapter(Digest),
    Part.SUM: TypeAdapter(Sum),
    Part.TAG: TypeAdapter(Tag),
    Part.NUMBER: TypeAdapter(Number),
    Part.CODE: TypeAdapter(Name),
}

# of each kind, every value that its body has
KINDS: Final[Mapping[Kind, Mapping[str, Part]]] = {
    Kind.AGREEMENT_SIGNED: {"agreement": Part.DIGEST, "version": Part.NUMBER},
    Kind.AGREEMENT_ENDED: {"agreement": Part.DIGEST, "reason": Part.CODE},
    Kind.PLAN_RECEIVED: {"plan": Part.DIGEST, "agreement": Part.DIGEST},
    Kind.GATE_REFUSED: {"plan": Part.DIGEST, "code": Part.CODE},
    Kind.APPROVED: {"plan": Part.DIGEST, "approval": Part.DIGEST, "duty": Part.CODE},
    Kind.REFUSED: {"plan": Part.DIGEST, "duty": Part.CODE, "reason": Part.CODE},
    Kind.WITHDRAWN: {"plan": Part.DIGEST, "withdrawal": Part.DIGEST},
    Kind.RUN_BEGUN: {
        "run": Part.TAG,
        "plan": Part.DIGEST,
        "approvals": Part.DIGEST,
        "input": Part.SUM,  # dataspace.recording.commitment; not at a node without input
        "number": Part.NUMBER,
        "epsilon_milli": Part.NUMBER,
    },
    Kind.RUN_RELEASED: {
        "run": Part.TAG,
        "plan": Part.DIGEST,
        "result": Part.DIGEST,
        "cells": Part.NUMBER,
        "suppressed": Part.NUMBER,
        "epsilon_milli": Part.NUMBER,
    },
    Kind.RUN_FAILED: {"run": Part.TAG, "plan": Part.DIGEST, "phase": Part.CODE},
    Kind.HEADS_COMPARED: {"run": Part.TAG, "disagreements": Part.NUMBER},
    Kind.IMPORT: {"number": Part.NUMBER, "rows_at_least": Part.NUMBER, "file": Part.SUM},
}


class LogEntry(Statement):
    """What is hashed and signed of one entry; the first has number 1."""

    format: Literal["haven-log-entry-1"] = "haven-log-entry-1"
    log: Did  # whose log it is
    number: Annotated[int, Field(ge=1, le=2**53 - 1, strict=True)]
    previous: Digest | Literal["none"]
    at: AwareDatetime
    kind: Kind
    body: dict[Name, Number | str]


_OPTIONAL: Final = {(Kind.RUN_BEGUN, "input")}


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """A whole log whose chain and signatures hold; made by `verify_chain` alone."""

    did: str
    entries: tuple[LogEntry, ...]

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry; (0, BEGINNING) of an empty log."""
        return (self.entries[-1].number, self.entries[-1].digest) if self.entries else _EMPTY

    def at(self, number: int) -> LogEntry | None:
        return self.entries[number - 1] if 1 <= number <= len(self.entries) else None


_EMPTY: Final = (0, BEGINNING)


def append(
    last: tuple[int, str],
    kind: Kind,
    body: Mapping[str, str | int],
    *,
    signer: Signer,
    did: str,
    at: datetime,
) -> Json:
    """The next entry, signed; `last` is the number and hash of the one before, (0, "none") at
    the beginning (`VerifiedLog.head`).

    Raises InvalidInput: the body lacks something of its kind, or has something else.
    """
    number, previous = last
    entry = _entry(log=did, number=number + 1, previous=previous, at=at, kind=kind, body=body)
    _require_body(entry)
    return sign(entry, signer, did, at)


def _entry(**fields: Any) -> LogEntry:
    try:
        return LogEntry.model_validate(fields)
    except ValidationError as err:
        where = ".".join(str(part) for part in err.errors()[0]["loc"])
        raise InvalidInput(f"this is no entry of a log: see {where}", code="log-form") from err


def _require_body(entry: LogEntry) -> None:
    parts = KINDS[entry.kind]
    optional = {name for name in parts if (entry.kind, name) in _OPTIONAL}
    if not set(parts) - optional <= set(entry.body) <= set(parts):
        raise InvalidInput("an entry of the log has exactly what its kind has", code="log-form")
    for name in entry.body:
        part = parts[name]
        try:
            _PARTS[part].validate_python(entry.body[name])
        except ValidationError as err:
            raise InvalidInput(f"{name} of an entry is no {part}", code="log-form") from err


def verify_entry(document: Json, did: str, key: str) -> LogEntry:
    """One entry with its signature, without its place in the chain.

    Raises VerificationError: step `log-form` or `log-signature`.
    """
    try:
        entry = read(LogEntry, document)
        _require_body(entry)
    except (VerificationError, InvalidInput) as err:
        raise VerificationError(err.detail, step="log-form", code="log-form") from err
    if entry.log != did:
        raise VerificationError(
            "this is of another node's log", step="log-form", code="log-form"
        )
    require_proof(entry.digest, document.get("proof"), did, key, step="log-signature")
    return entry


def verify_chain(
    documents: Iterable[Json], did: str, key: str, *, after: tuple[int, str] = _EMPTY
) -> VerifiedLog:
    """That entries follow each other from `after` on, each signed by the node's key.

    Raises VerificationError: step `log-form`, `log-signature` or `log-chain`, with the number
    of the first entry that fails.
    """
    last, entries = after, list[LogEntry]()
    for document in documents:
        entry = verify_entry(document, did, key)
        if (entry.number, entry.previous) != (last[0] + 1, last[1]):
            raise VerificationError(
                f"entry {last[0] + 1} does not follow the one before it",
                step="log-chain",
                code="log-chain",
                number=last[0] + 1,
            )
        entries.append(entry)
        last = (entry.number, entry.digest)
    return VerifiedLog(did, tuple(entries))


def rows_bucket(count: int) -> int:
    """At least how many rows, in powers of ten (0, 1, 10, 100 ...): what an import's entry
    says, since a log is shown to peers and the exact number is nobody's."""
    bucket = 1
    while bucket * 10 <= count:
        bucket *= 10
    return bucket if count > 0 else 0


def as_json_lines(documents: Sequence[Json]) -> str:
    """The log for export: an entry a line, with its proof, in the order given."""
    return "".join(
        json.dumps(each, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"
        for each in documents
    )


def from_json_lines(text: str) -> list[Json]:
    """Entries as they were exported; nothing of them is verified.

    Raises VerificationError: step `log-form`.
    """
    return [read_object(line, step="log-form") for line in text.split("\n") if line]
