"""From an answer to a verdict: every check that was made, each with its result and reason.

In this order:
 1. request-matches-policy   the request really sent is the plan's               (governance)
 2. complete                 every part answered, nothing beside                 (governance)
 3. one-credential-each      all referents of one credential from one credential (governance)
 4. schema, predicates       as asked; then `predicate` for each one of them     (governance)
 5. links, expected-values   guardianship binding; values that must match        (governance)
 6. representative           the permission that was shown, or not applicable    (governance)
 7. issuer                   each definition stands under a grant of its issuer  (governance)
                             and the registry named is of the same DID
 8. verifier                 this organisation may ask this for this purpose     (governance)
 9. freshness                the answer came while the check was open
10. signature                the cryptography of the whole presentation          (agent)
11. revocation               the registry is the definition's own, and each proof (registry)
                             rests on its latest list

What fails in 1 to 9 is refused without 10 and 11: then nothing is resolved that a stranger
chose. 1 to 9 are made again on exactly the presentation that 10 verified, because a holder may
send another one in between; only that one is believed and kept.

Accepted only if nothing failed. A signature that does not verify over the *latest* list, while
everything else about the presentation is in order and the registry has revoked entries, is how
an honest wallet's answer with a revoked credential looks: AnonCreds tells no verifier more, so
it is said to be withdrawn. In a registry without a revoked entry it can only be altered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.proof_format import issuer_of
from core.decision import Deny
from core.errors import InvalidInput, NotFound, VerificationError
from core.ports import Answer, RevocationAgent, RevocationStatus, TenantRef, VerifierAgent
from core.presentation import PresentationAsk, ShownCredential, ShownPresentation
from governance.checks import CheckPlan, CheckResult, assess
from governance.engine import Ask, Framework, Rely, decide
from governance.plan import Outcome


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a judgement rests on."""

    plan: CheckPlan
    asker_did: str
    tenant: TenantRef
    exchange_id: str
    answer: Answer
    answered_at: datetime
    expires_at: datetime
    framework: Framework


@dataclass(frozen=True, slots=True)
class Judgement:
    """Every result, and what was shown if it may be believed."""

    results: tuple[CheckResult, ...]
    shown: ShownPresentation | None

    @property
    def in_order(self) -> bool:
        """Nothing failed."""
        return _all_in_order(self.results)


class Judge:
    """Makes every check; the verdict is the caller's to draw from them."""

    def __init__(self, verifier: VerifierAgent, revocations: RevocationAgent) -> None:
        self._verifier = verifier
        self._revocations = revocations

    async def judge(self, case: Case) -> Judgement:
        """All results, in the order above. Raises Unavailable."""
        if not _all_in_order(early := _early(case, case.answer)):
            return Judgement((*early, *_NOT_MADE), None)
        verified = await self._verifier.verify(case.tenant, case.exchange_id)
        early, shown = _early(case, verified.answer), verified.answer.shown
        if shown is None or not _all_in_order(early):
            return Judgement((*early, *_NOT_MADE), None)
        lists = await self._latest_lists(case, shown)
        late = _late(verified.holds, shown, lists)
        return Judgement((*early, *late), shown if _all_in_order(late) else None)

    async def _latest_lists(
        self, case: Case, shown: ShownPresentation
    ) -> dict[str, RevocationStatus]:
        found = {}
        for registry_id in {each.registry_id for each in shown.credentials if each.registry_id}:
            try:
                found[registry_id] = await self._revocations.latest_list(
                    case.tenant, registry_id, case.answered_at
                )
            except (InvalidInput, NotFound, VerificationError):
                continue  # a registry that does not resolve has no list: revocation fails
        return found


def _early(case: Case, answer: Answer) -> tuple[CheckResult, ...]:
    if answer.shown is None:
        return (_result("complete", "malformed", "The answer is not well formed."),)
    return (
        *assess(case.plan, answer.shown, answer.asked),
        *_each_predicate(case.plan, answer.shown),
        _issuers(case, answer.shown),
        _verifier(case, answer.asked),
        _freshness(case),
    )


def _each_predicate(plan: CheckPlan, shown: ShownPresentation) -> Iterator[CheckResult]:
    """One result for each condition, in words: what was to be proven, and whether it was."""
    proven = {each.label: each.predicates for each in shown.credentials}
    for asked in plan.ask.asks:
        for each in asked.predicates:
            words = f"{asked.label}: {each.attribute} {each.operator} {each.value}"
            if each in proven.get(asked.label, ()):
                yield _ok("predicate", words)
            else:
                yield _result("predicate", "missing-predicate", words)


def _late(
    holds: bool, shown: ShownPresentation, lists: dict[str, RevocationStatus]
) -> Sequence[CheckResult]:
    revocation = _revocation(shown, lists)
    if holds:
        return (_ok("signature", "The signatures hold."), revocation)
    if revocation.outcome == "passed" and any(each.revoked_count for each in lists.values()):
        unproven = "Not proven, because the credential is withdrawn or the answer was altered."
        return (
            _result("revocation", "revoked", "This credential has been withdrawn."),
            _result("signature", "not-proven", unproven),
        )
    altered = "The answer does not verify: it was altered, or made for another request."
    return (_result("signature", "not-valid", altered), revocation)


def _revocation(shown: ShownPresentation, lists: dict[str, RevocationStatus]) -> CheckResult:
    for each in shown.credentials:
        if each.registry_id is None or each.status_time is None:
            words = "It was not shown that the credential still holds."
            return _result("revocation", "not-shown", words)
        latest = lists.get(each.registry_id)
        if latest is not None and latest.definition_id != each.definition_id:
            words = "The list of withdrawn credentials belongs to another kind of credential."
            return _result("revocation", "foreign-registry", words)
        if latest is None:
            words = "The list of withdrawn credentials could not be found."
            return _result("revocation", "list-not-found", words)
        if each.status_time != latest.timestamp:
            words = "The proof rests on an old list of withdrawn credentials. Please ask again."
            return _result("revocation", "old-list", words)
    newest = max((status.timestamp for status in lists.values()), default=0)
    return _ok("revocation", f"Not withdrawn as of the latest list (time {newest}).")


def _issuers(case: Case, shown: ShownPresentation) -> CheckResult:
    for each in shown.credentials:
        decision = decide(case.framework, _rely(each), as_of=case.answered_at)
        if isinstance(decision, Deny):
            return _result("issuer", decision.reason, decision.explanation)
        if each.registry_id is not None and issuer_of(each.registry_id) != each.issuer_id:
            # a holder names the registry: one that she hosts herself would say anything
            words = "The list of withdrawn credentials is somebody else's."
            return _result("issuer", "foreign-registry", words)
    return _ok("issuer", "Every issuer was entitled to issue this.")


def _rely(shown: ShownCredential) -> Rely:
    return Rely(shown.issuer_id, shown.schema_id, shown.definition_id)


def _verifier(case: Case, asked: PresentationAsk | None) -> CheckResult:
    query = Ask(case.asker_did, case.plan.purpose, asked or case.plan.ask)
    decision = decide(case.framework, query, as_of=case.answered_at)
    if isinstance(decision, Deny):
        return _result("verifier", decision.reason, decision.explanation)
    return _ok("verifier", "This organisation may ask this for this purpose.")


def _freshness(case: Case) -> CheckResult:
    if case.answered_at > case.expires_at:
        return _result("freshness", "too-late", "The answer came after the time of the check.")
    return _ok("freshness", "The answer came in time, made for this check alone.")


def _all_in_order(results: Sequence[CheckResult]) -> bool:
    return all(result.outcome != "failed" for result in results)


_NOT_NEEDED = "Not looked at, because the answer is refused already."
_NOT_MADE = tuple(
    CheckResult(name=name, outcome="not-applicable", reason="not-made", explanation=_NOT_NEEDED)
    for name in ("signature", "revocation")
)


def _ok(name: str, explanation: str) -> CheckResult:
    return _result(name, "ok", explanation, "passed")


def _result(
    name: str, reason: str, explanation: str, outcome: Outcome = "failed"
) -> CheckResult:
    return CheckResult(name=name, outcome=outcome, reason=reason, explanation=explanation)
