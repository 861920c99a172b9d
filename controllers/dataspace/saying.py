"""What each node signs during a run, so that every other node can verify it by itself.

The coordinator only carries these: it cannot say in anybody's name that they are ready, what
came out at theirs, or that their logs agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from core.canonical import Json
from core.errors import VerificationError
from dataspace.agreeing.agreement import Did, Name, Terms
from dataspace.agreeing.signatures import Statement, read, require_proof
from dataspace.planning.statements import Digest, Tag

type Sum = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
type Count = Annotated[int, Field(ge=0, le=2**53 - 1, strict=True)]


class Said(Statement):
    """Every statement about a run: which one, and who says it."""

    run: Tag
    node: Did
    at: AwareDatetime


class Ready(Said):
    """The node has verified everything by itself and waits for the others.

    `approvals` is the digest of the approvals that counted, `input` its commitment.
    `certificate` is the one of its party of this run alone, where it computes.
    """

    format: Literal["haven-ready-1"] = "haven-ready-1"
    plan: Digest
    approvals: Digest
    input: Sum
    certificate: Annotated[str, Field(max_length=8192)] | None = None
    host: Annotated[str, Field(max_length=253)] | None = None
    port: Annotated[int, Field(ge=1, le=65535, strict=True)] | None = None


class Computed(Said):
    """The node's part is done; `result` is the digest of what came out, where it saw it."""

    format: Literal["haven-computed-1"] = "haven-computed-1"
    result: Digest | None = None
    cells: Count = 0
    suppressed: Count = 0
    notes: tuple[Name, ...] = ()


class Agreed(Said):
    """The node has compared the logs of all, and they say the same about the run. `logs` has of
    each log, its own too, the hash of the last entry about it, as it was shown to this node:
    else who leads could tell each node of another face of a log."""

    format: Literal["haven-agreed-1"] = "haven-agreed-1"
    result: Digest
    logs: dict[Did, Digest]


def from_everybody[T: Said](
    kind: type[T], documents: Any, terms: Terms, run: str, *, step: str
) -> dict[str, T]:
    """One statement of each participant about this run, verified, by DID.

    Raises VerificationError with the given step: one is missing, comes twice, is about another
    run, or is not signed by who says it.
    """
    if not isinstance(documents, list) or len(documents) != len(terms.participants):
        raise VerificationError(
            "not everybody has said something, or somebody twice", step=step
        )
    said = {each.node: each for each in _verified(kind, documents, terms, step)}
    whole = said.keys() == {each.did for each in terms.participants}
    if not whole or any(each.run != run for each in said.values()):
        raise VerificationError("somebody has said nothing about this run", step=step)
    return said


def _verified[T: Said](
    kind: type[T], documents: Iterable[Any], terms: Terms, step: str
) -> Iterable[T]:
    for document in documents:
        if not isinstance(document, dict):
            raise VerificationError("this is no statement about a run", step=step)
        said = read(kind, document)
        member = terms.participant(said.node)
        if member is None:
            raise VerificationError("this is said by nobody in this space", step=step)
        proof: Json | None = document.get("proof")
        require_proof(said.digest, proof, member.did, member.key, step=step)
        yield said
