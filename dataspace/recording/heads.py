"""What nodes say to each other about their logs, so that none can rewrite its own unseen.

A head is a signed word: "my log has so many entries, and the last has this hash". Peers keep
the last head of each. What they can then find:

- a log that was rewritten: the entry at the remembered number has another hash
  (`require_remembered`), or what is shown does not lead from the old head to the new one
  (`require_extension`);
- a log with two faces: two signed heads of one number and different hashes (`forked`), which
  anybody can verify, and which no honest node makes;
- a run that was not the same for all: another plan, other approvals, another result
  (`compare_heads`). Only when all agree is a result released.

What is not found: entries that a node never wrote, and a node that rewrites entries whose head
no peer ever saw. Heads are exchanged after each run for that reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field

from core.canonical import Json
from core.errors import VerificationError
from core.proof import Signer
from dataspace.agreeing.agreement import Did, Participant
from dataspace.agreeing.signatures import Statement, read, require_proof, sign
from dataspace.recording.log import Digest, Kind, LogEntry, verify_chain, verify_entry

CODES: Final = (
    "head-signature",
    "log-rewritten",
    "log-forked",
    "heads-missing",
    "heads-signature",
    "heads-twice",
    "heads-plan",
    "heads-approvals",
    "heads-result",
)


class Head(Statement):
    """How far a node's log was at a moment."""

    format: Literal["haven-log-head-1"] = "haven-log-head-1"
    log: Did
    number: Annotated[int, Field(ge=1, le=2**53 - 1, strict=True)]
    hash: Digest
    at: AwareDatetime


def sign_head(last: tuple[int, str], signer: Signer, did: str, at: datetime) -> Json:
    """The head of one's own log (`VerifiedLog.head`), signed; the log is not empty."""
    return sign(Head(log=did, number=last[0], hash=last[1], at=at), signer, did, at)


def verify_head(document: Json, did: str, key: str) -> Head:
    """A peer's head. Raises VerificationError: step `form` or `head-signature`."""
    head = read(Head, document)
    if head.log != did:
        raise VerificationError(
            "this is the head of another log", step="form", code="statement-form"
        )
    require_proof(head.digest, document.get("proof"), did, key, step="head-signature")
    return head


def require_remembered(remembered: Head, shown: Json | None, key: str) -> LogEntry:
    """That the peer's log still has the entry that its remembered head named; `shown` is what
    it answers for that number now.

    Raises VerificationError: step `log-rewritten`, or those of `verify_entry`.
    """
    entry = verify_entry(shown, remembered.log, key) if shown is not None else None
    if entry is None or (entry.number, entry.digest) != (remembered.number, remembered.hash):
        raise _rewritten()
    return entry


def require_extension(older: Head, newer: Head, between: Sequence[Json], key: str) -> None:
    """That the entries after the older head lead to the newer one.

    Raises VerificationError: step `log-rewritten`, or those of `verify_chain`.
    """
    log = verify_chain(between, older.log, key, after=(older.number, older.hash))
    reached = log.head if log.entries else (older.number, older.hash)
    if newer.log != older.log or reached != (newer.number, newer.hash):
        raise _rewritten()


def _rewritten() -> VerificationError:
    return VerificationError(
        "a node's log is not the one that it showed before",
        step="log-rewritten",
        code="log-rewritten",
    )


def forked(heads: Iterable[Head]) -> tuple[Head, Head] | None:
    """Two verified heads of one log that cannot both be true; peers pass heads on for it."""
    seen: dict[tuple[str, int], Head] = {}
    for head in heads:
        other = seen.setdefault((head.log, head.number), head)
        if other.hash != head.hash:
            return other, head
    return None


# --- one run, at all nodes ----------------------------------------------------------------


class What(StrEnum):
    """In what a node's log differs from one's own about a run."""

    MISSING = "missing"
    SIGNATURE = "signature"
    TWICE = "twice"
    PLAN = "plan"
    APPROVALS = "approvals"
    RESULT = "result"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A participant whose log says something else. Which of the two is wrong is not known."""

    did: str
    what: What

    @property
    def code(self) -> str:
        return f"heads-{self.what}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the comparison of a run found; a result is released only if it is clean."""

    run: str
    disagreements: tuple[Disagreement, ...]

    @property
    def is_clean(self) -> bool:
        return not self.disagreements


# what is compared of each kind of entry about a run
_COMPARED: Final = (
    (Kind.RUN_BEGUN, (("plan", What.PLAN), ("approvals", What.APPROVALS))),
    (Kind.RUN_RELEASED, (("plan", What.PLAN), ("result", What.RESULT))),
)


def entries_of(run: str, entries: Iterable[Json]) -> list[Json]:
    """The signed entries about one run: what a node shows its peers after it."""
    kinds = {kind.value for kind, _ in _COMPARED}
    return [e for e in entries if e["kind"] in kinds and e["body"].get("run") == run]


def compare_heads(
    own: Sequence[Json],
    others: Mapping[str, Sequence[Json]],
    run: str,
    *,
    who: Sequence[Participant],
    me: str,
) -> Comparison:
    """Whether all logs say the same about a run.

    `own` are this node's signed entries about it, `others` each other participant's by DID
    (`entries_of`). Every one of `who`, the participants of this run, is expected to have logged
    it. An own log that lacks the run disagrees with itself: `me` is among the disagreements.
    That the entries stand in the logs whose heads were shown is `require_extension`'s.
    """
    keys = {each.did: each.key for each in who}
    mine, wrong = _said(own, run, me, keys.get(me))
    found = [Disagreement(me, wrong)] if wrong else []
    for each in who:
        if each.did != me:
            theirs, wrong = _said(others.get(each.did, ()), run, each.did, each.key)
            differs = [wrong] if wrong else _differences(mine, theirs)
            found += [Disagreement(each.did, what) for what in differs]
    return Comparison(run, tuple(found))


type _Said = dict[Kind, LogEntry]


def _said(
    documents: Sequence[Json], run: str, did: str, key: str | None
) -> tuple[_Said, What | None]:
    """What a participant's log says about a run, by kind; what is wrong with it."""
    said: _Said = {}
    for document in documents:
        try:
            entry = verify_entry(document, did, key or "")
        except VerificationError:
            return {}, What.SIGNATURE
        if entry.body.get("run") != run:
            continue
        if entry.kind in said:
            return {}, What.TWICE
        said[entry.kind] = entry
    complete = all(kind in said for kind, _ in _COMPARED)
    return said, None if complete else What.MISSING


def _differences(mine: _Said, theirs: _Said) -> list[What]:
    differs = [
        what
        for kind, compared in _COMPARED
        for name, what in compared
        if kind not in mine or mine[kind].body[name] != theirs[kind].body[name]
    ]
    return list(dict.fromkeys(differs))
