"""What came out of a run, as all nodes know it: its digest, its report, and who keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from controllers.dataspace.open_runs import OpenRun
from controllers.dataspace.saying import Agreed, Computed, from_everybody
from core.canonical import Json, content_digest
from core.errors import VerificationError
from dataspace.agreeing.agreement import Participant
from dataspace.agreeing.signatures import require_proof, signer_of
from dataspace.planning.taking_part import taking_part
from dataspace.questions.base import Engine, Released
from dataspace.recording.heads import require_one_face
from dataspace.releasing.release import result_digest
from dataspace.releasing.report import Budget, Method, Report


def said_computed(run: OpenRun, did: str, at: datetime) -> Computed:
    """That this node's part is done, with what it saw come out."""
    said: dict[str, Any] = {}
    if run.result is not None:
        document = run.result.document
        said = {
            "result": result_digest(document),
            "cells": len(document["rows"]),
            "suppressed": document["suppressed"],
            "notes": tuple(document["notes"]),
        }
    return Computed(run=run.tag, node=did, at=at, **said)


def seen(run: OpenRun) -> Sequence[Computed]:
    """What those said who saw something come out, in the order of the terms. Where all see the
    same, one stands for all of them.

    Raises VerificationError, step `result`: it was not the same, or nobody saw anything.
    """
    order = [each.did for each in run.terms.participants]
    said = [run.computed[did] for did in order if run.computed[did].result is not None]
    if run.question.engine is Engine.OWNERS:
        return said
    about = {(each.result, each.cells, each.suppressed, each.notes) for each in said}
    if len(about) != 1:
        raise VerificationError("not the same came out at all nodes", step="result")
    return said[:1]


def common_digest(run: OpenRun) -> str:
    """Of what came out; of owners' answers, which differ, over the digests of all."""
    said = seen(run)
    if run.question.engine is Engine.OWNERS:
        return content_digest({each.node: each.result for each in said})
    return str(said[0].result)


def require_agreed(run: OpenRun, documents: Any) -> str:
    """What all agree that came out, after they were shown the same logs; its digest.

    Raises VerificationError: step `agreed` or `log-forked`.
    """
    said = from_everybody(Agreed, documents, run.terms, run.tag, step="agreed").values()
    digest = common_digest(run)
    if {each.result for each in said} != {digest}:
        raise VerificationError("not all agree about the result", step="agreed")
    require_one_face(each.logs for each in said)
    return digest


def require_result(run: OpenRun, digest: str) -> Json:
    """The result for a receiver: what it saw, or what all who handed it on say alike.

    Raises VerificationError: step `result`.
    """
    own = [run.result.document] if run.result is not None else []
    results = [*own, *run.handed.values()]
    if not results or any(result_digest(each) != digest for each in results):
        raise VerificationError("this receiver got another result", step="result")
    return results[0]


def report_of(run: OpenRun) -> Report:
    """The report that every node makes by itself, the same at all."""
    plan, terms, said = run.plan, run.terms, seen(run)
    holders = taking_part(terms, run.question.engine).holders
    return Report(
        environment=terms.environment,
        title=plan.title,
        question=run.question.name,
        computation=run.question.computation,
        leak=run.question.leak,
        purpose=plan.purpose,
        agreement=terms.digest,
        plan=plan.digest,
        tag=run.tag,
        asker=plan.asker,
        receivers=plan.receivers,
        holders=tuple(each.did for each in holders),
        left_out=tuple(each.did for each in terms.holders if each not in holders),
        method=_method(run, holders),
        threshold=plan.threshold,
        contributors=plan.contributors,
        budget=Budget(run_milli=plan.epsilon_milli, agreed_milli=terms.limits.epsilon_milli),
        limits=terms.limits,
        approvals=run.approved.approvals_digest,
        approved=tuple(dict.fromkeys(each.organisation for each in run.approved.approvals)),
        result=common_digest(run),
        cells=sum(each.cells for each in said),
        suppressed=sum(each.suppressed for each in said),
        notes=tuple(dict.fromkeys(note for each in said for note in each.notes)),
        at=run.approved.request.at,
    )


def _method(run: OpenRun, holders: Sequence[Participant]) -> Method:
    evaluator = run.terms.evaluator
    if run.question.engine is Engine.SHARES:
        evaluator = None
    computing = run.part.parties
    return Method(
        engine=run.question.engine.value,
        circuit=run.part.circuit_name,
        computing=tuple(computing),
        together=(len(computing) - 1) // 2 if computing else 0,
        evaluator=evaluator.did if evaluator is not None else None,
    )


def require_report(run: OpenRun, proofs: Any) -> Json:
    """The report with the proofs of all. Raises VerificationError: step `report-proof`."""
    report = report_of(run)
    if not isinstance(proofs, list) or not all(isinstance(each, dict) for each in proofs):
        raise VerificationError("the report is not signed", step="report-proof")
    by = {signer_of(each): each for each in proofs}
    for each in run.terms.participants:
        require_proof(report.digest, by.get(each.did), each.did, each.key, step="report-proof")
    return {"report": report.document(), "proofs": [by[p.did] for p in run.terms.participants]}


def released_in(document: Json) -> Released:
    """What came out, from the document that it was kept as."""
    return Released(
        columns=tuple(document["columns"]),
        rows=tuple(tuple(row) for row in document["rows"]),
        suppressed=document["suppressed"],
        notes=tuple(document["notes"]),
        decimals=document["decimals"],
        extra=document["extra"],
    )
