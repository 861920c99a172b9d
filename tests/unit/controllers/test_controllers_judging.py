"""Each check of a presentation failing by itself, and only what was verified being believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from controllers_house import ELIGIBILITY, House

from controllers.moment import now
from controllers.organisations.service import did_of
from controllers.verifier.judging import Case, Judge, Judgement
from core.errors import InvalidInput, Unavailable
from core.ports import Answer, AnswerState, RevocationStatus, TenantRef, VerifiedAnswer
from core.presentation import PresentationAsk, ShownPresentation
from governance.checks import CHECK_NAMES, instantiate
from tests.fakes.agents import FakeOrganisations, altered

LATE = ("signature", "revocation")
EARLY = (*CHECK_NAMES, "predicate", "predicate", "issuer", "verifier", "freshness")
LABEL = "eligibility"


class Agent(FakeOrganisations):
    """An agent whose verification and lists are what a test says."""

    def __init__(self, verified: VerifiedAnswer, lists: dict[str, RevocationStatus]) -> None:
        super().__init__()
        self.verified, self.lists, self.looked_up = verified, lists, [""]

    async def verify(self, tenant: TenantRef, exchange_id: str) -> VerifiedAnswer:
        self.network.calls["verify"] += 1
        return self.verified

    async def latest_list(
        self, tenant: TenantRef, registry_id: str, at: object
    ) -> RevocationStatus:
        self.looked_up.append(registry_id)
        if registry_id not in self.lists:
            raise InvalidInput("this leads nowhere")
        return self.lists[registry_id]


async def honest(house: House) -> tuple[Case, ShownPresentation, RevocationStatus]:
    """A case with an honest answer, and the list that it rests on."""
    wallet = await house.new_wallet()
    await house.issue(wallet, "harbour", "service-eligibility", ELIGIBILITY)
    check, _ = await house.check("river", "shelter")
    exchange_id = await house.present(check, wallet)
    answer = await house.fakes[0].answer(house.tenant("river"), exchange_id)
    assert answer.shown
    assert answer.answered_at
    framework = await house.haven.governance.current()
    case = Case(
        plan=instantiate(framework, "shelter", "plain", {}, as_of=now()),
        asker_did=did_of(house.of("river")),
        tenant=house.tenant("river"),
        exchange_id=exchange_id,
        answer=answer,
        answered_at=answer.answered_at,
        expires_at=check.expires_at,
        framework=framework,
    )
    (credential,) = answer.shown.credentials
    status = RevocationStatus(
        credential.registry_id or "", credential.definition_id, credential.status_time or 0, 0
    )
    return case, answer.shown, status


async def judged(
    case: Case,
    shown: ShownPresentation | None,
    status: RevocationStatus,
    *,
    holds: bool = True,
    asked: PresentationAsk | None = None,
    verified: ShownPresentation | None = None,
) -> tuple[Judgement, Agent]:
    """The judgement of a case with this shown; `verified` is what verify() finds instead."""
    answer = replace(case.answer, shown=shown, asked=asked or case.answer.asked)
    finding = VerifiedAnswer(holds, replace(answer, shown=verified or shown))
    agent = Agent(finding, {status.registry_id: status} if status.registry_id else {})
    return await Judge(agent, agent).judge(replace(case, answer=answer)), agent


def failures(judgement: Judgement) -> dict[str, str]:
    return {r.name: r.reason for r in judgement.results if r.outcome == "failed"}


async def test_an_honest_answer_passes_every_check_in_order(small_house: House) -> None:
    case, shown, status = await honest(small_house)
    judgement, _ = await judged(case, shown, status)
    assert tuple(result.name for result in judgement.results) == (*EARLY, *LATE)
    assert judgement.in_order
    assert judgement.shown == shown


def _change(shown: ShownPresentation, **changes: object) -> ShownPresentation:
    return altered(shown, LABEL, **changes)


EARLY_FAILURES: dict[str, tuple[dict[str, object], dict[str, str]]] = {
    "attribute missing": ({"revealed": {"region": "KH-12"}}, {"complete": "missing-attribute"}),
    "more than asked": (
        {"revealed": {"region": "KH-12", "household_size": "2", "status": "assessed"}},
        {"complete": "unasked-disclosure"},
    ),
    "mixed": ({"sub_proofs": (0, 1)}, {"one-credential-each": "mixed-credentials"}),
    "no sub-proof": ({"sub_proofs": ()}, {"one-credential-each": "mixed-credentials"}),
    "predicate not proven": (
        {"predicates": ()},
        {"predicates": "missing-predicate", "predicate": "missing-predicate"},
    ),
    "another issuer": (
        {"issuer_id": "did:webvh:nobody", "registry_id": "did:webvh:nobody/resources/r"},
        {"issuer": "unknown-issuer"},
    ),
    "somebody else's registry": (
        {"registry_id": "did:webvh:nobody/resources/r"},
        {"issuer": "foreign-registry"},
    ),
    "another definition": (
        {"definition_id": "did:webvh:nobody/resources/zQm"},
        {"issuer": "not-granted"},
    ),
}


@pytest.mark.parametrize("name", EARLY_FAILURES)
async def test_each_early_check_fails_alone_and_nothing_is_verified_then(
    small_house: House, name: str
) -> None:
    changes, expected = EARLY_FAILURES[name]
    case, shown, status = await honest(small_house)
    judgement, agent = await judged(case, _change(shown, **changes), status)
    assert failures(judgement) == expected
    assert judgement.shown is None
    assert agent.network.calls["verify"] == 0
    assert agent.looked_up == [""]
    assert {r.reason for r in judgement.results if r.name in LATE} == {"not-made"}


async def test_another_schema_is_refused(small_house: House) -> None:
    case, shown, status = await honest(small_house)
    other = case.framework.schemas["identity"]
    judgement, agent = await judged(case, _change(shown, schema_id=other), status)
    assert failures(judgement)["schema"] == "wrong-schema"
    assert agent.network.calls["verify"] == 0


@pytest.mark.parametrize(
    ("credentials", "missing", "reason"),
    [
        ("none", (), "missing-credential"),
        ("twice", (), "repeated-credential"),
        ("once", (LABEL,), "missing-attribute"),
    ],
)
async def test_what_is_not_whole_is_refused(
    small_house: House, credentials: str, missing: tuple[str, ...], reason: str
) -> None:
    case, shown, status = await honest(small_house)
    number = {"none": 0, "twice": 2, "once": 1}[credentials]
    planted = ShownPresentation(credentials=shown.credentials * number, missing=missing)
    judgement, agent = await judged(case, planted, status)
    assert failures(judgement)["complete"] == reason
    assert agent.network.calls["verify"] == 0


async def test_another_request_than_the_plans_is_refused(small_house: House) -> None:
    case, shown, status = await honest(small_house)
    sent = PresentationAsk(asks=(case.plan.ask.asks[0].model_copy(update={"predicates": ()}),))
    judgement, _ = await judged(case, shown, status, asked=sent)
    assert failures(judgement) == {"request-matches-policy": "request-differs"}


async def test_an_unknown_request_is_refused(small_house: House) -> None:
    case, shown, _ = await honest(small_house)
    blind = replace(case, answer=Answer(AnswerState.RECEIVED, None, shown, case.answered_at))
    agent = Agent(VerifiedAnswer(True, blind.answer), {})
    judgement = await Judge(agent, agent).judge(blind)
    assert failures(judgement) == {"request-matches-policy": "request-unknown"}


async def test_who_may_not_ask_is_refused(small_house: House) -> None:
    case, shown, status = await honest(small_house)
    asker = did_of(small_house.of("court"))
    judgement, _ = await judged(replace(case, asker_did=asker), shown, status)
    assert failures(judgement) == {"verifier": "purpose-not-allowed"}


async def test_an_answer_that_came_too_late_is_refused(small_house: House) -> None:
    case, shown, status = await honest(small_house)
    late = replace(case, expires_at=case.answered_at - timedelta(seconds=1))
    judgement, _ = await judged(late, shown, status)
    assert failures(judgement) == {"freshness": "too-late"}


async def test_a_grant_that_was_withdrawn_is_no_grant(small_house: House) -> None:
    case, shown, status = await honest(small_house)
    grant = small_house.grants["harbour", "service-eligibility"]
    framework = await small_house.haven.accreditation.withdraw_grant(grant)
    later = replace(case, framework=framework, answered_at=now() + timedelta(seconds=1))
    judgement, _ = await judged(later, shown, status)
    assert failures(judgement) == {"issuer": "withdrawn"}


async def test_a_grant_that_ended_still_covers_what_was_issued(small_house: House) -> None:
    case, shown, status = await honest(small_house)
    grant = small_house.grants["harbour", "service-eligibility"]
    framework = await small_house.haven.accreditation.end_grant(grant)
    later = replace(case, framework=framework, answered_at=now() + timedelta(seconds=1))
    judgement, _ = await judged(later, shown, status)
    assert judgement.in_order


async def test_no_answer_that_can_be_read_is_refused(small_house: House) -> None:
    case, _, status = await honest(small_house)
    judgement, agent = await judged(case, None, status)
    assert failures(judgement) == {"complete": "malformed"}
    assert agent.network.calls["verify"] == 0


# --- after the cryptography -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "known", "revoked", "holds", "expected"),
    [
        ({}, True, 0, True, {}),
        ({}, True, 3, True, {}),  # others were withdrawn, this one was not
        ({}, True, 0, False, {"signature": "not-valid"}),
        ({}, True, 1, False, {"revocation": "revoked", "signature": "not-proven"}),
        ({"registry_id": None}, True, 0, True, {"revocation": "not-shown"}),
        ({"status_time": None}, True, 0, True, {"revocation": "not-shown"}),
        ({"status_time": 1}, True, 0, True, {"revocation": "old-list"}),
        ({"status_time": 1}, True, 1, True, {"revocation": "old-list"}),
        (
            {"status_time": 1},
            True,
            1,
            False,
            {"revocation": "old-list", "signature": "not-valid"},
        ),
        ({}, False, 0, True, {"revocation": "list-not-found"}),
        ({}, False, 0, False, {"revocation": "list-not-found", "signature": "not-valid"}),
    ],
)
async def test_withdrawn_and_altered_are_told_apart(
    small_house: House,
    *,
    changes: dict[str, object],
    known: bool,
    revoked: int,
    holds: bool,
    expected: dict[str, str],
) -> None:
    case, shown, status = await honest(small_house)
    latest = replace(status, revoked_count=revoked, registry_id=status.registry_id * known)
    judgement, _ = await judged(case, _change(shown, **changes), latest, holds=holds)
    assert failures(judgement) == expected
    assert (judgement.shown is None) is bool(expected)


async def test_only_what_was_verified_is_believed(small_house: House) -> None:
    case, shown, status = await honest(small_house)
    other = _change(shown, revealed={"region": "KH-1", "household_size": "9"})
    judgement, _ = await judged(case, shown, status, verified=other)
    assert judgement.in_order
    assert judgement.shown == other


@pytest.mark.parametrize("name", EARLY_FAILURES)
async def test_what_was_verified_is_checked_again(small_house: House, name: str) -> None:
    changes, expected = EARLY_FAILURES[name]
    case, shown, status = await honest(small_house)
    judgement, agent = await judged(case, shown, status, verified=_change(shown, **changes))
    assert failures(judgement) == expected
    assert judgement.shown is None
    assert agent.looked_up == [""]


async def test_an_agent_that_does_not_answer_is_no_verdict(small_house: House) -> None:
    case, *_ = await honest(small_house)
    for call in ("verify", "latest_list"):
        small_house.network.fail_once(call)
        with pytest.raises(Unavailable):
            await Judge(*(small_house.fakes[0],) * 2).judge(case)
    judgement = await Judge(*(small_house.fakes[0],) * 2).judge(case)
    assert judgement.in_order


async def test_no_result_repeats_a_value(small_house: House) -> None:
    case, shown, status = await honest(small_house)
    secret = "planted-value-shown"
    revealed = {"region": secret, "household_size": secret}
    for holds in (True, False):
        judgement, _ = await judged(
            case, _change(shown, revealed=revealed), status, holds=holds
        )
        assert secret not in str(judgement.results)
