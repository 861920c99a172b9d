"""Checking at a counter: a check by its name, a link for the wallet, a verdict.

    waiting -> judging -> done        verdict: accepted, refused, or not shown
    judging -> waiting                judging broke off (an agent did not answer)
    waiting -> done                   not shown (declined, or nobody came in time)

A request is made for a variant when a wallet first opens the link for it, so that a check
nobody answers costs the agent nothing. The first answer counts, whatever its variant.
What was disclosed is sealed, kept as long as the policy says, and then gone; where the policy
keeps nothing, the desk has two minutes to read it on the screen.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError

from controllers.events import tell
from controllers.governance.service import GovernanceService, require
from controllers.links.service import FreshLink, LinkKind, issue_link
from controllers.moment import now
from controllers.organisations.service import OrganisationService, did_of, tenant_of
from controllers.sealing import Seal
from controllers.statements import StatementMaker
from controllers.store.brief import Beside, Steps, filled, nothing_beside, table_of
from controllers.store.database import Database
from controllers.store.models import Check, CheckRequest, Organisation
from controllers.verifier.judging import Case, Judge, Judgement
from controllers.verifier.reserving import forget_past, release, reserve
from controllers.verifier.states import State, Verdict
from core.errors import Gone, HavenError, InvalidInput, NotFound
from core.ports import Answer, AnswerState, VerifierAgent
from core.presentation import ShownPresentation
from governance.checks import CheckPlan, instantiate
from governance.engine import Ask

__all__ = ["State", "Verdict", "VerifierService"]

_READING_TIME = timedelta(minutes=2)
_STALE = timedelta(seconds=30)
_FIRST_VARIANT = "plain"
_ENDED = "This check has ended. Please ask the desk for a new one."
_RELEASED = "released"  # an event, not a state: the verdict stands

_ROW, _REQUEST = table_of(Check), table_of(CheckRequest)
_BY_ID = select(_ROW).where(_ROW.c.id == bindparam("its_id"))
_SET = update(_ROW).where(_ROW.c.id == bindparam("its_id"))
_TAKE = _SET.where(_ROW.c.state == bindparam("seen"), _ROW.c.updated_at == bindparam("seen_at"))
_END = _SET.where(_ROW.c.state != State.DONE.value)
_FORGOTTEN = _SET.where(_ROW.c.forgotten_at.is_(None))
_KEPT_TOO_LONG = (
    update(_ROW)
    .where(_ROW.c.disclosed_until <= bindparam("at"))
    .values(sealed_disclosed=None, disclosed_until=None)
)
_UNFINISHED = select(_ROW.c.id).where(
    _ROW.c.forgotten_at.is_(None),  # set last of all: only what is done can be forgotten
    _ROW.c.updated_at < bindparam("quiet_since"),
)
_REQUESTS = select(_REQUEST).where(_REQUEST.c.check_id == bindparam("its_id"))
_OF_VARIANT = _REQUESTS.where(_REQUEST.c.variant == bindparam("its_variant"))
_BY_EXCHANGE = select(_REQUEST.c.check_id).where(_REQUEST.c.exchange_id == bindparam("it"))


class VerifierService:
    """All that a checking organisation can do."""

    def __init__(
        self,
        *,
        database: Database,
        governance: GovernanceService,
        organisations: OrganisationService,
        agent: VerifierAgent,
        judge: Judge,
        statements: StatementMaker,
        seal: Seal,
        check_minutes: int,
        observe_verdict: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._database = database
        self._governance = governance
        self._organisations = organisations
        self._agent = agent
        self._judge = judge
        self._statements = statements
        self._seal = seal
        self._lifetime = timedelta(minutes=check_minutes)
        self._observe_verdict = observe_verdict

    async def start(
        self,
        organisation: Organisation,
        name: str,
        parameters: Mapping[str, int | str],
        *,
        place_id: str | None = None,
        beside: Beside = nothing_beside,
    ) -> tuple[Check, FreshLink]:
        """Open a check. Raises NotFound, InvalidInput and GovernanceDenied."""
        framework, at = await self._governance.current(), now()
        plan = instantiate(framework, name, _FIRST_VARIANT, parameters, as_of=at)
        require(
            await self._governance.decide(Ask(did_of(organisation), plan.purpose, plan.ask)),
            "may-not-ask",
        )
        check = Check(
            id=str(uuid.uuid4()),
            organisation_id=organisation.id,
            name=name,
            parameters=dict(parameters),
            framework_version=framework.sequence,
            state=State.WAITING.value,
            created_at=at,
            updated_at=at,
            expires_at=at + self._lifetime,
            place_id=place_id,
        )

        def open_check(steps: Steps) -> FreshLink:
            steps.add(check)
            link = issue_link(steps, LinkKind.CHECK, check.id, check.expires_at)
            tell(steps, check.id, check.state)
            beside(steps, check.id)
            return link

        return check, await self._database.write(open_check)

    async def get(self, organisation: Organisation, check_id: str) -> Check:
        """One check of this organisation. Raises NotFound."""
        found = await self._check(check_id)
        if found.organisation_id != organisation.id:
            raise NotFound("There is no such check")
        return found

    def disclosed(self, check: Check) -> dict[str, dict[str, str]] | None:
        """What was shown, by credential; None when it was not kept or its time is over."""
        if check.sealed_disclosed is None or (check.disclosed_until or now()) <= now():
            return None
        shown: dict[str, dict[str, str]] = self._seal.open(check.sealed_disclosed, check.id)
        return shown

    async def cancel(
        self, organisation: Organisation, check_id: str, beside: Beside = nothing_beside
    ) -> Check:
        """Close a check that waits. Cancelling one that is done changes nothing."""
        check = await self.get(organisation, check_id)
        await self._conclude_not_shown(check, beside)
        return await self.get(organisation, check_id)

    async def release(
        self, organisation: Organisation, check_id: str, beside: Beside = nothing_beside
    ) -> Check:
        """Give back what an accepted check reserved: the till failed after the verdict.

        Raises NotFound, and Conflict if nothing is reserved for it.
        """
        check = await self.get(organisation, check_id)

        def give_back(steps: Steps) -> None:
            release(steps, check.id)
            tell(steps, check.id, _RELEASED)
            beside(steps, check.id)

        await self._database.write(give_back)
        return check

    # --- what a link leads to -------------------------------------------------------------

    async def request(self, check_id: str, variant: str) -> CheckRequest:
        """The invitation and statement of a variant; made at the first asking.

        Raises NotFound (no such variant) and Gone (answered, or its time is over).
        """
        check = await self._check(check_id)
        if check.state != State.WAITING or check.expires_at <= now():
            raise Gone(_ENDED, code="link-ended")
        return await self._stored(check_id, variant) or await self._make(check, variant)

    async def _make(self, check: Check, variant: str) -> CheckRequest:
        organisation = await self._organisations.get(check.organisation_id)
        tenant, as_of = tenant_of(organisation), now()
        plan = await self._plan(check, variant, as_of)
        require(
            await self._governance.decide(Ask(did_of(organisation), plan.purpose, plan.ask)),
            "may-not-ask",
        )
        exchange_id = await self._agent.request(
            tenant, plan.ask, plan.purpose, check.expires_at
        )
        invitation = await self._agent.invite_to(tenant, exchange_id, organisation.label)
        framework = await self._governance.version(check.framework_version)
        statement = await self._statements.request(
            organisation,
            invitation.message,
            check=check.name,
            purpose=plan.purpose,
            variant=variant,
            variants=tuple(framework.checks[check.name].variants),
            retention_seconds=plan.retention_seconds,
            expires=check.expires_at,
        )
        made = CheckRequest(
            check_id=check.id,
            variant=variant,
            exchange_id=exchange_id,
            as_of=as_of,
            invitation=invitation.message,
            statement=statement,
        )
        try:
            await self._database.write(lambda steps: steps.add(made))
        except IntegrityError:
            # two wallets opened it at once: the first request is the check's, ours is not sent
            await self._agent.forget_request(tenant, exchange_id)
            return await self._stored(check.id, variant) or made
        if (await self._check(check.id)).state == State.DONE:
            # who concluded the check may not have seen this request among those to forget
            await self._agent.forget_request(tenant, exchange_id)
            raise Gone(_ENDED, code="link-ended")
        return made

    async def _plan(self, check: Check, variant: str, as_of: datetime) -> CheckPlan:
        framework = await self._governance.version(check.framework_version)
        return instantiate(framework, check.name, variant, check.parameters, as_of=as_of)

    # --- going on -------------------------------------------------------------------------

    async def advance(self, check_id: str) -> None:
        """Look at the agent's truth and conclude the check if it can be."""
        check = await self._check(check_id)
        if check.state == State.DONE:
            await self._forget(check)
            return
        if check.state == State.JUDGING and check.updated_at > now() - _STALE:
            return  # somebody is at it
        declined = False
        for request in await self._requests(check_id):
            answer, malformed = await self._answer(check, request)
            if malformed or answer.state in (AnswerState.RECEIVED, AnswerState.VERIFIED):
                await self._judge_answer(check, request, answer)
                return
            declined = declined or answer.state is AnswerState.ABANDONED
        if declined or check.expires_at <= now():
            await self._conclude_not_shown(check)

    async def by_exchange(self, exchange_id: str) -> str | None:
        """The check that an exchange belongs to."""
        found: str | None = await self._database.value(_BY_EXCHANGE, it=exchange_id)
        return found

    async def unfinished(self, quiet_for: timedelta) -> list[str]:
        """Checks in flight that were not looked at for so long; and those that are done but
        not yet forgotten by the agent."""
        quiet = await self._database.rows(_UNFINISHED, quiet_since=now() - quiet_for)
        return [row.id for row in quiet]

    async def purge(self) -> None:
        """Remove what was disclosed and may not be kept any longer."""

        def purge(steps: Steps) -> None:
            steps.change(_KEPT_TOO_LONG, at=now())
            forget_past(steps)

        await self._database.write(purge)

    async def _answer(self, check: Check, request: CheckRequest) -> tuple[Answer, bool]:
        organisation = await self._organisations.get(check.organisation_id)
        try:
            answer = await self._agent.answer(tenant_of(organisation), request.exchange_id)
        except InvalidInput:
            return Answer(AnswerState.RECEIVED), True  # it came, and it is not well formed
        return answer, False

    async def _judge_answer(self, check: Check, request: CheckRequest, answer: Answer) -> None:
        claimed_at = await self._claim(check)
        if claimed_at is None:
            return
        try:
            await self._judge_claimed(check, request, answer)
        except HavenError:
            await self._give_back(check, claimed_at)  # to be judged again at the next look
            raise
        await self._forget(check)

    async def _judge_claimed(self, check: Check, request: CheckRequest, answer: Answer) -> None:
        organisation = await self._organisations.get(check.organisation_id)
        plan = await self._plan(check, request.variant, request.as_of)
        case = Case(
            plan=plan,
            asker_did=did_of(organisation),
            tenant=tenant_of(organisation),
            exchange_id=request.exchange_id,
            answer=answer,
            answered_at=answer.answered_at or now(),
            expires_at=check.expires_at,
            framework=await self._governance.current(),
        )
        judgement = await self._judge.judge(case)
        await self._conclude(check, request.variant, case, judgement)

    async def _claim(self, check: Check) -> datetime | None:
        """When this worker took the check up; None if another was quicker."""
        at, seen = now(), {"seen": check.state, "seen_at": check.updated_at}
        judging = {"state": State.JUDGING.value, "updated_at": at}
        claimed = await self._database.change(_TAKE, its_id=check.id, **seen, **judging)
        return at if claimed else None

    async def _give_back(self, check: Check, claimed_at: datetime) -> None:
        """Undo a claim, unless it grew stale and another worker has it now."""
        seen = {"seen": State.JUDGING.value, "seen_at": claimed_at}
        waiting = {"state": State.WAITING.value, "updated_at": now()}
        await self._database.change(_TAKE, its_id=check.id, **seen, **waiting)

    async def _conclude(
        self, check: Check, variant: str, case: Case, judgement: Judgement
    ) -> None:
        def conclude(steps: Steps) -> bool:
            # first, and it locks the row: of two that judge, one concludes
            if not steps.change(_END, its_id=check.id, state=State.DONE.value):
                return False
            once = reserve(steps, self._seal, check, case, judgement)
            results = (*judgement.results, *once)
            accepted = all(result.outcome != "failed" for result in results)
            verdict = (Verdict.ACCEPTED if accepted else Verdict.REFUSED).value
            kept = (
                self._kept(check, case.plan, judgement.shown)
                if accepted and judgement.shown is not None
                else {}
            )
            steps.change(
                _SET,
                its_id=check.id,
                updated_at=now(),
                verdict=verdict,
                variant=variant,
                result=[result.model_dump() for result in results],
                **kept,
            )
            tell(steps, check.id, verdict)
            return True

        if await self._database.write(conclude):
            self._observe_verdict((now() - case.answered_at).total_seconds())

    def _kept(self, check: Check, plan: CheckPlan, shown: ShownPresentation) -> dict[str, Any]:
        values = {each.label: each.revealed for each in shown.credentials if each.revealed}
        kept = timedelta(seconds=plan.retention_seconds)
        return {
            "permission": plan.representative.permission if plan.representative else None,
            "sealed_disclosed": self._seal.seal(values, check.id),
            "disclosed_until": now() + max(kept, _READING_TIME),
        }

    async def _conclude_not_shown(self, check: Check, beside: Beside = nothing_beside) -> None:
        not_shown = {
            "state": State.DONE.value,
            "verdict": Verdict.NOT_SHOWN.value,
            "result": [],
            "updated_at": now(),
        }

        def conclude(steps: Steps) -> None:
            if steps.change(_END, its_id=check.id, **not_shown):
                tell(steps, check.id, Verdict.NOT_SHOWN.value)
                beside(steps, check.id)

        await self._database.write(conclude)
        await self._forget(check)

    async def _forget(self, check: Check) -> None:
        """Remove the exchanges from the agent: the presentation is not kept there either."""
        organisation = await self._organisations.get(check.organisation_id)
        for request in await self._requests(check.id):
            await self._agent.forget_request(tenant_of(organisation), request.exchange_id)
        await self._database.change(_FORGOTTEN, its_id=check.id, forgotten_at=now())

    async def _check(self, check_id: str) -> Check:
        row = await self._database.row(_BY_ID, its_id=check_id)
        if row is None:
            raise NotFound("There is no such check")
        return filled(Check, row)

    async def _requests(self, check_id: str) -> list[CheckRequest]:
        rows = await self._database.rows(_REQUESTS, its_id=check_id)
        return [filled(CheckRequest, row) for row in rows]

    async def _stored(self, check_id: str, variant: str) -> CheckRequest | None:
        row = await self._database.row(_OF_VARIANT, its_id=check_id, its_variant=variant)
        return None if row is None else filled(CheckRequest, row)
