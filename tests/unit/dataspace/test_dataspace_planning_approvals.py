"""Whether a run may begin: each check, and who tries to get around it."""

from __future__ import annotations

from typing import Any

import pytest
from agreement_world import (
    AGREEMENT,
    ANALYST,
    DAY,
    HOLDERS,
    NOW,
    approval,
    did,
    documents,
    plan,
    request,
    signed,
    signer,
    terms,
    withdrawal,
)

from core.errors import Conflict, Gone, HavenError, InvalidInput, VerificationError
from dataspace.agreeing.signatures import sign
from dataspace.planning.approvals import (
    CODES,
    REQUEST_LASTS,
    SKEW,
    STEPS,
    ApprovedPlan,
    Documents,
    duties_of,
    require_approved,
    verify_approval,
)
from dataspace.planning.plan import Plan, read_plan
from dataspace.planning.statements import Approval, Duty, Refusal
from dataspace.planning.taking_part import taking_part
from dataspace.questions.base import ColumnUse, Engine, Use

PLAN = plan()
GROUP = (ColumnUse("region", Use.GROUP),)
REVEAL = (ColumnUse("phone", Use.LINK_REVEAL),)


def approved(of: Plan, given: Documents, **changed: Any) -> ApprovedPlan:
    usual: dict[str, Any] = {"uses": GROUP, "now": NOW}
    return require_approved(of, AGREEMENT, given, **{**usual, **changed})


def refused(kind: type[HavenError], step: str, of: Plan, given: Documents, **more: Any) -> None:
    with pytest.raises(kind) as caught:
        approved(of, given, **more)
    assert caught.value.extra["step"] == step
    assert caught.value.code == f"approval-{step}"
    assert caught.value.code in CODES


def instead(name: str, document: dict[str, Any], **changed: Any) -> Documents:
    """All approvals, but this document in the place of one organisation's."""
    others = [approval(PLAN, each) for each in HOLDERS if each != name]
    return documents(PLAN, approvals=[*others, document], **changed)


def test_a_plan_that_all_approved_may_run() -> None:
    made = approved(PLAN, documents(PLAN))
    assert [each.organisation for each in made.approvals] == [did(name) for name in HOLDERS]
    assert made.request.number == 1


def test_what_all_nodes_log_does_not_hang_on_the_order_of_documents() -> None:
    given = documents(PLAN)
    turned = Documents(approvals=given.approvals[::-1], request=given.request)
    assert approved(PLAN, given).approvals_digest == approved(PLAN, turned).approvals_digest


def test_a_plan_changed_after_it_was_approved() -> None:
    given = documents(PLAN)
    changed = plan(threshold=12)
    refused(VerificationError, "digest", changed, given)


def test_an_approval_of_another_plan() -> None:
    refused(
        VerificationError, "digest", PLAN, instead("police", approval(plan(runs=4), "police"))
    )


def test_a_plan_of_another_version_of_the_agreement() -> None:
    newer = signed(version=2)
    with pytest.raises(VerificationError) as caught:
        require_approved(PLAN, newer, documents(PLAN), uses=GROUP, now=NOW)
    assert caught.value.step == "digest"


@pytest.mark.parametrize("missing", HOLDERS)
def test_every_holder_has_to_approve(missing: str) -> None:
    given = [approval(PLAN, name) for name in HOLDERS if name != missing]
    refused(Conflict, "approved", PLAN, documents(PLAN, approvals=given))


def test_one_organisation_many_times_is_one() -> None:
    given = [approval(PLAN, "police") for _ in HOLDERS]
    refused(Conflict, "approved", PLAN, documents(PLAN, approvals=given))


def test_an_approval_by_the_evaluator() -> None:
    refused(VerificationError, "holder", PLAN, instead("police", approval(PLAN, "evaluator")))


def test_an_approval_by_a_stranger() -> None:
    refused(VerificationError, "holder", PLAN, instead("police", approval(PLAN, "stranger")))


def test_an_approval_forged_with_another_participants_key() -> None:
    forged = approval(PLAN, "police", by="health")
    refused(VerificationError, "signature", PLAN, instead("police", forged))


def test_an_approval_with_another_organisations_proof() -> None:
    taken = {**approval(PLAN, "police"), "proof": approval(PLAN, "health")["proof"]}
    refused(VerificationError, "signature", PLAN, instead("police", taken))


def test_an_approval_without_a_proof() -> None:
    bare = {k: v for k, v in approval(PLAN, "police").items() if k != "proof"}
    refused(VerificationError, "signature", PLAN, instead("police", bare))


@pytest.mark.parametrize(
    "changed",
    [
        {"until": (NOW + 9 * DAY).isoformat()},
        {"made": (NOW - 2 * DAY).isoformat()},
        {"nonce": "0" * 32},
    ],
)
def test_an_approval_that_was_changed(changed: dict[str, Any]) -> None:
    given = instead("police", {**approval(PLAN, "police"), **changed})
    refused(VerificationError, "signature", PLAN, given)


def test_an_approval_for_the_data_made_one_for_the_law() -> None:
    given = documents(PLAN).approvals
    turned = [each | {"duty": "legal"} for each in given]
    refused(Conflict, "approved", PLAN, instead("police", turned[2]))
    both = documents(PLAN, approvals=[*given, *turned])
    refused(VerificationError, "signature", PLAN, both, uses=REVEAL)


@pytest.mark.parametrize(
    "changed", [{"more": 1}, {"nonce": "no"}, {"format": "haven-approval-2"}, {"duty": "all"}]
)
def test_an_approval_that_is_not_understood(changed: dict[str, Any]) -> None:
    refused(
        VerificationError, "form", PLAN, instead("police", approval(PLAN, "police") | changed)
    )


def test_a_refusal_is_no_approval() -> None:
    said = Refusal(plan=PLAN.digest, organisation=did("police"), made=NOW)
    document = sign(said, signer("police"), did("police"), NOW)
    refused(VerificationError, "form", PLAN, instead("police", document))


@pytest.mark.parametrize(
    ("times", "kind"),
    [
        ({"made": NOW - 5 * DAY, "until": NOW}, Gone),
        ({"made": NOW - 5 * DAY, "until": NOW + 6 * DAY}, VerificationError),
        ({"made": NOW + 2 * SKEW, "until": NOW + DAY}, VerificationError),
        ({"made": NOW - DAY, "until": NOW - 2 * DAY}, VerificationError),
        # older than the agreement's version, though not than the talks about it
        ({"made": AGREEMENT.since - 2 * SKEW, "until": NOW + DAY}, VerificationError),
    ],
    ids=["expired", "too-long", "from-the-future", "backwards", "before-the-agreement"],
)
def test_an_approval_with_wrong_times(times: dict[str, Any], kind: type[HavenError]) -> None:
    given = instead("police", approval(PLAN, "police", **times))
    refused(kind, "time", PLAN, given)


def test_an_approval_that_has_ended_can_be_given_anew() -> None:
    old = approval(PLAN, "police", made=NOW - 9 * DAY, until=NOW - DAY)
    given = documents(PLAN)
    approved(PLAN, documents(PLAN, approvals=[old, *given.approvals]))


def test_a_bad_document_spoils_nothing() -> None:
    forged = [approval(PLAN, name, by="evaluator") for name in HOLDERS]
    given = documents(PLAN)
    approved(PLAN, documents(PLAN, approvals=[*forged, *given.approvals, *forged, {}]))


def test_another_organisations_old_document_is_not_what_is_missing() -> None:
    old = approval(PLAN, "health", made=NOW - 9 * DAY, until=NOW - DAY)
    given = [approval(PLAN, name) for name in HOLDERS if name != "police"]
    refused(Conflict, "approved", PLAN, documents(PLAN, approvals=[old, *given]))


def test_of_two_good_approvals_all_nodes_take_the_same() -> None:
    given, later = documents(PLAN), approval(PLAN, "police", made=NOW)
    found = {
        approved(PLAN, documents(PLAN, approvals=order)).approvals_digest
        for order in ([later, *given.approvals], [*given.approvals, later])
    }
    assert len(found) == 1


# --- withdrawn, refused -------------------------------------------------------------------


def test_a_withdrawn_approval() -> None:
    refused(Gone, "withdrawn", PLAN, documents(PLAN, withdrawals=[withdrawal(PLAN, "health")]))


def test_a_refusal_after_an_approval() -> None:
    said = Refusal(plan=PLAN.digest, organisation=did("health"), made=NOW, reason="too-much")
    document = sign(said, signer("health"), did("health"), NOW)
    refused(Gone, "withdrawn", PLAN, documents(PLAN, refusals=[document]))
    legal = said.model_copy(update={"duty": Duty.LEGAL})
    document = sign(legal, signer("health"), did("health"), NOW)
    approved(PLAN, documents(PLAN, refusals=[document]))  # of a duty that this plan lacks


def test_nobody_withdraws_for_another() -> None:
    forged = withdrawal(PLAN, "health", by="police")
    other = withdrawal(plan(runs=4), "health")
    approved(PLAN, documents(PLAN, withdrawals=[forged, other, {"format": "x"}]))


def test_an_approval_after_a_withdrawal_is_a_new_one() -> None:
    before = withdrawal(PLAN, "health", NOW - 2 * DAY)
    approved(PLAN, documents(PLAN, withdrawals=[before]))
    at_once = withdrawal(PLAN, "health", NOW - DAY)
    refused(Gone, "withdrawn", PLAN, documents(PLAN, withdrawals=[at_once]))


# --- links are revealed -------------------------------------------------------------------


def test_revealing_links_needs_everyones_legal_officer() -> None:
    assert duties_of(REVEAL) == (Duty.DATA, Duty.LEGAL)
    refused(Conflict, "legal", PLAN, documents(PLAN), uses=REVEAL)
    both = documents(PLAN, duties=(Duty.DATA, Duty.LEGAL))
    assert len(approved(PLAN, both, uses=REVEAL).approvals) == 2 * len(HOLDERS)
    for missing in range(len(both.approvals)):
        left = [each for n, each in enumerate(both.approvals) if n != missing]
        step = "approved" if missing < len(HOLDERS) else "legal"
        refused(Conflict, step, PLAN, documents(PLAN, approvals=left), uses=REVEAL)


# --- the run ------------------------------------------------------------------------------


def test_the_sixth_run_of_five() -> None:
    for done in range(5):
        approved(PLAN, documents(PLAN, runs_done=done, request=request(PLAN, number=done + 1)))
    refused(Gone, "runs", PLAN, documents(PLAN, runs_done=5, request=request(PLAN, number=6)))
    refused(Gone, "runs", PLAN, documents(PLAN, runs_done=5, request=request(PLAN, number=5)))
    refused(Gone, "runs", PLAN, documents(PLAN, runs_done=0, request=request(PLAN, number=6)))


def test_the_agreements_limit_of_runs_counts_too() -> None:
    many = plan(runs=6)
    refused(Gone, "runs", many, documents(many, runs_done=5, request=request(many, number=6)))


def test_a_run_of_a_number_that_is_done() -> None:
    refused(
        Conflict, "runs", PLAN, documents(PLAN, runs_done=2, request=request(PLAN, number=2))
    )


def test_a_replayed_tag() -> None:
    asked = request(PLAN)
    given = documents(PLAN, request=asked, used_tags={asked["tag"]})
    refused(Conflict, "tag", PLAN, given)


def test_a_run_asked_for_by_somebody_else() -> None:
    refused(
        VerificationError,
        "analyst",
        PLAN,
        documents(PLAN, request=request(PLAN, by=signer("x"))),
    )
    changed = request(PLAN) | {"tag": "0" * 32}
    refused(VerificationError, "analyst", PLAN, documents(PLAN, request=changed))
    other = request(plan(runs=4))
    refused(VerificationError, "analyst", PLAN, documents(PLAN, request=other))
    refused(VerificationError, "form", PLAN, documents(PLAN, request={"tag": "x"}))


def test_an_organisations_key_is_no_analysts() -> None:
    as_analyst = request(PLAN, by=signer("police"))
    refused(VerificationError, "analyst", PLAN, documents(PLAN, request=as_analyst))


@pytest.mark.parametrize("at", [NOW - 2 * REQUEST_LASTS, NOW + 2 * SKEW])
def test_a_run_that_was_not_asked_for_now(at: Any) -> None:
    refused(Gone, "analyst", PLAN, documents(PLAN, request=request(PLAN, at=at)))


def test_an_expired_plan() -> None:
    short = plan(expires=NOW)
    refused(Gone, "plan-expired", short, documents(short))


def test_an_agreement_that_is_over() -> None:
    short = signed(ends=NOW)
    of = plan(short)
    with pytest.raises(Gone) as caught:
        require_approved(of, short, documents(of), uses=GROUP, now=NOW)
    assert caught.value.extra["step"] == "agreement"


def test_the_first_check_that_fails_is_told() -> None:
    """Each of these has every later fault as well; the step is the earliest one's."""
    asked = request(PLAN, number=6)
    given = documents(PLAN, request=asked, used_tags={asked["tag"]}, runs_done=5)
    refused(Conflict, "tag", PLAN, given)
    refused(Conflict, "approved", PLAN, documents(PLAN, approvals=[], request=asked))
    assert list(STEPS) == sorted(STEPS, key=STEPS.index)


def test_no_error_names_a_person_or_key() -> None:
    forged = approval(PLAN, "police", by="health")
    with pytest.raises(VerificationError) as caught:
        verify_approval(forged, PLAN, AGREEMENT, now=NOW)
    assert ANALYST.multikey not in str(caught.value)
    assert "police" not in str(caught.value)


# --- plans --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "x"},
        {"groups": []},
        {"threshold": 12},
        {"epsilon_milli": 1},
        {"receivers": [did("police")]},
        {"analyst": signer("other").multikey},
        {"options": {"a": 1}},
        {"expires": "2026-05-01T12:00:00Z"},
    ],
)
def test_any_change_is_another_plan(changed: dict[str, Any]) -> None:
    assert read_plan(PLAN.document() | changed).digest != PLAN.digest


def test_a_plan_reads_as_it_was_written() -> None:
    of = plan(options={"b": ("x", "y"), "a": 1, "c": "d"})
    assert read_plan(of.document()) == of
    assert read_plan(of.document()).digest == of.digest


@pytest.mark.parametrize("value", [10**30, 2**53, True, 1.5, None, {"x": 1}])
def test_no_option_has_two_readings(value: object) -> None:
    with pytest.raises(InvalidInput):
        read_plan(PLAN.document() | {"options": {"a": value}})


def test_who_takes_part_is_worked_out() -> None:
    everyone = taking_part(terms(), Engine.SHARES)
    assert [each.did for each in everyone.holders] == [did(name) for name in HOLDERS]
    ring = taking_part(terms(), Engine.RING)
    assert [(each.participant.did, each.reason) for each in ring.left_out] == [
        (did("shelter-b"), "no-linkage")
    ]
    assert ring.are_enough
    assert not ring.includes(did("shelter-b"))
    assert not ring.includes(did("evaluator"))


def test_an_approval_can_be_verified_when_it_comes() -> None:
    assert isinstance(
        verify_approval(approval(PLAN, "police"), PLAN, AGREEMENT, now=NOW), Approval
    )
