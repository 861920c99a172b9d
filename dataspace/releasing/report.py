"""The report of a run: what was asked, how it was computed, within which limits, what came out.

Every participant's node makes the same report by itself and signs it, so a reader sees that all
of them stand behind one result: the signatures are over one digest, which holds the result's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field

from core.canonical import Json
from core.errors import VerificationError
from core.proof import Signer
from dataspace.agreeing.agreement import Did, Environment, Limits, Name, Terms
from dataspace.agreeing.signatures import (
    Statement,
    proof_of,
    read,
    require_proof,
    signer_of,
)
from dataspace.planning.plan import Plan
from dataspace.planning.statements import Digest, Tag
from dataspace.questions.base import Question, Released
from dataspace.releasing.release import result_digest, result_document

FORMAT: Final = "haven-report-1"


class Method(Statement):
    """How it was computed. `circuit` names what was computed in shares, if anything was;
    `together` is t: so many compute nodes learn nothing of another's input together, beside
    what is opened. The evaluator is named where one counted."""

    engine: Name
    circuit: Name | None = None
    computing: tuple[Did, ...] = ()
    together: Annotated[int, Field(ge=0, le=50)] = 0
    evaluator: Did | None = None


class Budget(Statement):
    """Privacy budget in thousandths of epsilon, at each organisation."""

    run_milli: Annotated[int, Field(ge=0)]
    agreed_milli: Annotated[int, Field(ge=0)]


class Report(Statement):
    """Everything that a reader needs to judge a result. `approvals` is the digest that every
    node logged for the approvals of this run, `approved` are who gave them."""

    format: Literal["haven-report-1"] = "haven-report-1"
    environment: Environment
    title: Annotated[str, Field(min_length=1, max_length=200)]
    question: Name
    computation: Name
    leak: str
    purpose: Name
    agreement: Digest
    plan: Digest
    tag: Tag
    asker: Did
    receivers: tuple[Did, ...]
    holders: tuple[Did, ...]
    left_out: tuple[Did, ...] = ()
    method: Method
    threshold: int
    contributors: int
    budget: Budget
    limits: Limits
    approvals: Digest
    approved: tuple[Did, ...]
    result: Digest
    cells: int
    suppressed: int
    notes: tuple[str, ...] = ()
    at: AwareDatetime


def make_report(
    plan: Plan,
    terms: Terms,
    question: Question,
    released: Released,
    *,
    tag: str,
    method: Method,
    holders: Sequence[str],
    approvals: str,
    approved: Sequence[str],
    at: datetime,
) -> Report:
    """The report of a run whose result is `released`. `at` is the run request's time, the same
    at every node."""
    document = result_document(released, plan=plan.digest, tag=tag)
    return Report(
        environment=terms.environment,
        title=plan.title,
        question=question.name,
        computation=question.computation,
        leak=question.leak,
        purpose=plan.purpose,
        agreement=terms.digest,
        plan=plan.digest,
        tag=tag,
        asker=plan.asker,
        receivers=plan.receivers,
        holders=tuple(holders),
        left_out=tuple(each.did for each in terms.holders if each.did not in holders),
        method=method,
        threshold=plan.threshold,
        contributors=plan.contributors,
        budget=Budget(run_milli=plan.epsilon_milli, agreed_milli=terms.limits.epsilon_milli),
        limits=terms.limits,
        approvals=approvals,
        approved=tuple(approved),
        result=result_digest(document),
        cells=len(released.rows),
        suppressed=released.suppressed,
        notes=tuple(str(each) for each in released.notes),
        at=at,
    )


def sign_report(report: Report, signer: Signer, did: str, at: datetime) -> Json:
    """One participant's proof over the report."""
    return proof_of(report.digest, signer, did, at)


def signed_report(report: Report, proofs: Sequence[Json]) -> Json:
    """The report with the proofs of all who signed it, as it is handed out."""
    return {"report": report.document(), "proofs": list(proofs)}


def verify_report(
    signed: Mapping[str, Any], terms: Terms, result: Json | None = None
) -> Report:
    """The report, if every participant of the terms signed exactly it.

    With `result` (the JSON document) also that it is the one that was signed.

    Raises VerificationError: step `form`; `agreement` (it was made under other terms);
    `report-proof` (a participant's proof is missing, twice or does not hold); `result`.
    """
    body, proofs = signed.get("report"), signed.get("proofs")
    if not isinstance(body, dict) or not isinstance(proofs, list | tuple):
        raise VerificationError("this is no signed report", step="form")
    report = read(Report, body)
    if report.agreement != terms.digest:
        raise VerificationError("the report was made under another agreement", step="agreement")
    _require_all(report, proofs, terms)
    if result is not None and _digest(result) != report.result:
        raise VerificationError("the result is not the one that was signed", step="result")
    return report


def _require_all(report: Report, proofs: Sequence[Any], terms: Terms) -> None:
    by = [signer_of(each) for each in proofs if isinstance(each, dict)]
    if sorted(by) != sorted(each.did for each in terms.participants) or len(by) != len(proofs):
        raise VerificationError(
            "the report is not signed by every participant, once each", step="report-proof"
        )
    for did, proof in zip(by, proofs, strict=True):
        signer = terms.participant(did)
        if signer is not None:  # it is: the names are those of the terms
            require_proof(report.digest, proof, did, signer.key, step="report-proof")


def _digest(result: Json) -> str:
    return result_digest(result)
