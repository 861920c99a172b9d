"""What nodes say to each other about their logs, so that none can rewrite its own unseen.

A head is a signed word: "my log has so many entries, and the last has this hash". Peers keep
the last head of each. What they can then find:

- a log that was rewritten: the entry at the remembered number has another hash
  (`require_remembered`), or what is shown does not lead from the old head to the new one
  (`require_extension`);
- a log with two faces: the signed entries about a run, of which all were told, do not stand in
  the log that was shown here (`require_standing`), or others were told of other ones
  (`require_one_face`). An entry's hash stands for everything before it, too;
- a run that was not the same for all: another plan, other approvals, another result
  (`compare_heads`). Only when all agree is a result released.

What is not found: entries that a node never wrote, a node that rewrites entries whose head no
peer ever saw, and two faces that differ only after the last run that was released. Heads are
exchanged after each run for that reason.
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


def require_standing(
    said: Iterable[LogEntry], head: Head | None, since: Sequence[Json], key: str
) -> None:
    """That entries of which all were told stand in the log that leads to a head seen here;
    `since` is what comes after the first of them, as the log's node shows it here. Without a
    head an empty log was seen.

    Raises VerificationError: step `log-forked`, or those of `verify_entry`.
    """
    if head is None:
        raise _forked()
    first, *others = _in_order(said)
    try:
        log = verify_chain(since, first.log, key, after=(first.number, first.digest))
    except VerificationError as error:
        raise (_forked() if error.step == "log-chain" else error) from error
    stand = {each.number: each.digest for each in (first, *log.entries)}
    wanted = [(head.number, head.hash), *((each.number, each.digest) for each in others)]
    if any(stand.get(number) != digest for number, digest in wanted):
        raise _forked()


def require_one_face(told: Iterable[Mapping[str, str]]) -> None:
    """That all nodes were told of the same entries: of each node that speaks, the hash of one
    entry in each log. Raises VerificationError: step `log-forked`."""
    first, *others = told
    if any(each != first for each in others):
        raise _forked()


def _in_order(entries: Iterable[LogEntry]) -> list[LogEntry]:
    return sorted(entries, key=lambda each: each.number)


def _forked() -> VerificationError:
    return VerificationError(
        "a node shows one log to some and another one to others",
        step="log-forked",
        code="log-forked",
    )


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
    """What the comparison of a run found; a result is released only if it is clean. `said` are
    the entries about it of each log that has them, verified."""

    run: str
    disagreements: tuple[Disagreement, ...]
    said: Mapping[str, Mapping[Kind, LogEntry]]

    @property
    def is_clean(self) -> bool:
        return not self.disagreements

    @property
    def faces(self) -> dict[str, str]:
        """Of each log, the hash of its last entry about the run (`require_one_face`)."""
        return {did: _in_order(said.values())[-1].digest for did, said in self.said.items()}


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
    That the entries stand in the logs whose heads were shown is `require_standing`'s.
    """
    keys = {each.did: each.key for each in who}
    mine, wrong = _said(own, run, me, keys.get(me))
    found = [Disagreement(me, wrong)] if wrong else []
    whole = {} if wrong else {me: mine}
    for each in who:
        if each.did != me:
            theirs, wrong = _said(others.get(each.did, ()), run, each.did, each.key)
            whole |= {} if wrong else {each.did: theirs}
            differs = [wrong] if wrong else _differences(mine, theirs)
            found += [Disagreement(each.did, what) for what in differs]
    return Comparison(run, tuple(found), whole)


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
