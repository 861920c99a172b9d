"""Dishonest holders against the whole verifier: a check started by its API, real agents.

What our own wallet never sends is sent by a holder's own software. Whatever comes, and in
whatever order: there is one verdict, it is never accepted with a forged value, and what the
desk reads is what was verified.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from agent.foreign import relabelled, send, tampered, with_broken_proof
from agent.organisations import OrganisationsAgent
from controllers.moment import now
from controllers.organisations.service import tenant_of
from controllers.sealing import Seal
from controllers.statements import StatementMaker
from controllers.store.models import Check, Event, InboxItem
from controllers.story.cast import Cast
from controllers.story.checking import why_refused
from controllers.story.issuing import eligibility, guardianship, issue, new_links, only
from controllers.story.outside import Outside
from controllers.story.people import Desk, Json, Phone, Refused
from controllers.verifier.judging import Judge
from controllers.verifier.service import Verdict, VerifierService
from core.ports import AnswerState, TenantRef, VerifiedAnswer
from core.presentation import ShownPresentation
from tests.scenarios.holders import Prepared, exchange_of, new_phone, prepare
from tests.support.installation import Installation
from tests.support.waiting import until

pytestmark = pytest.mark.agents

TRUE, FORGED = "2", "9"  # household sizes
NOT_VALID = "refused: signature: not-valid"


@dataclass
class Stage:
    """A shelter that checks, a holder with an eligibility, and what stands behind both."""

    installation: Installation
    cast: Cast
    outside: Outside
    shelter: Desk
    holder: Phone
    tenant: TenantRef

    async def ask(self) -> tuple[Json, Prepared]:
        """A check, and the holder's honest answer to it, not sent yet."""
        asked = await self.shelter.ask("shelter")
        return asked, await prepare(self.outside, self.holder, asked)

    async def verdict(self, asked: Json) -> str:
        return why_refused(await self.shelter.verdict(asked))

    async def household(self, asked: Json) -> str | None:
        """The household size that the desk can read; None where nothing can be read."""
        try:
            learnt = await self.shelter.learnt(asked)
        except Refused:
            return None
        return str(learnt["eligibility"]["household_size"])

    async def verdicts_told(self, asked: Json) -> int:
        """How many verdicts were announced to those who follow the check live."""
        async with self.installation.haven.database.reading() as session:
            count = await session.scalar(
                select(func.count()).where(
                    Event.subject_id == asked["id"], Event.kind.in_(list(Verdict))
                )
            )
            return count or 0

    async def quiet(self, asked: Json, variant: str = "plain") -> InboxItem:
        """The inbox's row of the check's exchange, once nothing is left to handle."""
        exchange_id = await exchange_of(self.installation, asked, variant)

        async def row() -> InboxItem | None:
            async with self.installation.haven.database.reading() as session:
                return await session.scalar(
                    select(InboxItem).where(InboxItem.record_id == exchange_id)
                )

        item = await until(row, lambda found: found and found.handled >= found.heard)
        assert item is not None
        return item


@pytest.fixture(scope="module")
async def stage(installation: Installation, cast: Cast, outside: Outside) -> Stage:
    holder = await new_phone(cast)
    await issue(cast, holder, "shelter-a", "service-eligibility", **eligibility())
    tenant = tenant_of(await outside.organisation("shelter-b"))
    return Stage(installation, cast, outside, cast.checking("shelter-b"), holder, tenant)


def forge(prepared: Prepared) -> Json:
    return tampered(prepared.presentation, "household_size", FORGED)


# --- (a) a second presentation for the same request, at each moment -----------------------

type Happening = Callable[[], Awaitable[None]]


async def nothing() -> None:
    return None


class InterruptedAgent(OrganisationsAgent):
    """The real agent; something happens just before or just after it verifies."""

    before: Happening = staticmethod(nothing)
    after: Happening = staticmethod(nothing)

    async def verify(self, tenant: TenantRef, exchange_id: str) -> VerifiedAnswer:
        await self.before()
        verified = await super().verify(tenant, exchange_id)
        await self.after()
        return verified


def interrupted_verifier(
    installation: Installation,
) -> tuple[VerifierService, InterruptedAgent]:
    haven, secrets = installation.haven, installation.secrets
    agent = InterruptedAgent(haven.org_api, secrets.agents["org"].jwt_secret)
    service = VerifierService(
        database=haven.database,
        governance=haven.governance,
        organisations=haven.organisations,
        agent=agent,
        judge=Judge(agent, agent),
        statements=StatementMaker(agent),
        seal=Seal(secrets.sealing_key, "check"),
        check_minutes=10,
    )
    return service, agent


@asynccontextmanager
async def resting_worker(installation: Installation) -> AsyncIterator[None]:
    """Nobody judges meanwhile; what was announced waits in the inbox."""
    await installation.haven.worker.stop()
    try:
        yield
    finally:
        installation.haven.worker.start()


async def arrive(stage: Stage, asked: Json, prepared: Prepared, presentation: Json) -> None:
    """Send, and wait until the verifier's agent holds exactly this."""
    group = presentation["requested_proof"]["revealed_attr_groups"]["eligibility"]
    size = group["values"]["household_size"]["raw"]
    exchange_id = await exchange_of(stage.installation, asked)
    await send(prepared.invitation, presentation)

    def is_there(found: tuple[AnswerState, ShownPresentation | None]) -> bool:
        state, shown = found
        return (
            state is AnswerState.RECEIVED
            and shown is not None
            and shown.credentials[0].revealed["household_size"] == size
        )

    async def held() -> tuple[AnswerState, ShownPresentation | None]:
        answer = await stage.installation.org.answer(stage.tenant, exchange_id)
        return answer.state, answer.shown

    await until(held, is_there)


SEQUENCES = {
    # who is there first, when the other one comes, the verdict, what the desk reads
    "forged-before-verifying": ("honest", "before", NOT_VALID, None),
    "forged-after-verifying": ("honest", "after", "accepted", TRUE),
    "honest-before-verifying": ("forged", "before", "accepted", TRUE),
    "honest-after-verifying": ("forged", "after", NOT_VALID, None),
}


@pytest.mark.parametrize("sequence", SEQUENCES)
async def test_only_what_was_verified_is_believed(stage: Stage, sequence: str) -> None:
    first, moment, verdict, household = SEQUENCES[sequence]
    asked, prepared = await stage.ask()
    both = {"honest": prepared.presentation, "forged": forge(prepared)}
    (second,) = both.keys() - {first}
    service, agent = interrupted_verifier(stage.installation)
    setattr(agent, moment, lambda: arrive(stage, asked, prepared, both[second]))
    async with resting_worker(stage.installation):
        await arrive(stage, asked, prepared, both[first])
        await service.advance(asked["id"])
    assert (await stage.verdict(asked), await stage.household(asked)) == (verdict, household)


@pytest.mark.parametrize("order", [("honest", "forged"), ("forged", "honest")])
async def test_whatever_wins_a_race_no_forged_value_does(
    stage: Stage, order: tuple[str, str]
) -> None:
    asked, prepared = await stage.ask()
    both = {"honest": prepared.presentation, "forged": forge(prepared)}
    for which in order:
        await send(prepared.invitation, both[which])
    outcome = await stage.verdict(asked), await stage.household(asked)
    assert outcome in (("accepted", TRUE), (NOT_VALID, None))
    assert await stage.verdicts_told(asked) == 1


async def test_what_comes_after_the_verdict_changes_nothing(stage: Stage) -> None:
    asked, prepared = await stage.ask()
    await send(prepared.invitation, prepared.presentation)
    assert await stage.verdict(asked) == "accepted"
    await send(prepared.invitation, forge(prepared))
    await stage.quiet(asked)
    assert (await stage.verdict(asked), await stage.household(asked)) == ("accepted", TRUE)


# --- (b), (c), (d): messages that are not as they should be -------------------------------


async def test_without_an_address_to_thank_there_is_a_verdict(stage: Stage) -> None:
    asked, prepared = await stage.ask()
    await send(prepared.invitation, prepared.presentation, reply_to=None)
    assert (await stage.verdict(asked), await stage.household(asked)) == ("accepted", TRUE)
    assert (await stage.quiet(asked)).tries == 0


def without_a_value(presentation: Json) -> Json:
    """The group says less than was asked for."""
    changed = deepcopy(presentation)
    group = changed["requested_proof"]["revealed_attr_groups"]["eligibility"]
    del group["values"]["household_size"]
    return changed


def with_null_group(presentation: Json) -> Json:
    changed = deepcopy(presentation)
    changed["requested_proof"]["revealed_attr_groups"]["eligibility"] = None
    return changed


def with_negative_index(presentation: Json) -> Json:
    changed = deepcopy(presentation)
    group = changed["requested_proof"]["revealed_attr_groups"]["eligibility"]
    group["sub_proof_index"] = -1
    return changed


def with_text_for_raw(presentation: Json) -> Json:
    changed = deepcopy(presentation)
    group = changed["requested_proof"]["revealed_attr_groups"]["eligibility"]
    group["values"]["household_size"] = FORGED
    return changed


def without_proofs(presentation: Json) -> Json:
    return presentation | {"proof": {}}


def without_identifiers(presentation: Json) -> Json:
    return presentation | {"identifiers": []}


def of_an_unknown_definition(presentation: Json) -> Json:
    changed = deepcopy(presentation)
    for identifier in changed["identifiers"]:
        identifier["cred_def_id"] = "did:webvh:QmNobody:nobody.invalid/resources/zNothing"
    return changed


def without_revocation(presentation: Json) -> Json:
    changed = deepcopy(presentation)
    for identifier in changed["identifiers"]:
        identifier.update(timestamp=None, rev_reg_id=None)
    return changed


def said_to_be_larger(presentation: Json) -> Json:
    return relabelled(presentation, "household_size", FORGED)


# the agent takes these in, and the verifier judges them
POISON: dict[Callable[[Json], Json], str] = {
    without_a_value: "refused: complete: missing-attribute",
    with_negative_index: "refused: complete: malformed",
    without_revocation: NOT_VALID,
    said_to_be_larger: NOT_VALID,
    with_broken_proof: NOT_VALID,
}
# the agent does not even take these in: to the verifier it is as if nobody had answered
NEVER_TAKEN_IN = (
    with_null_group,
    with_text_for_raw,
    without_proofs,
    without_identifiers,
    of_an_unknown_definition,
)


def name_of(change: Callable[[Json], Json]) -> str:
    return change.__name__


@pytest.mark.parametrize("change", POISON, ids=name_of)
async def test_poison_ends_in_a_verdict(stage: Stage, change: Callable[[Json], Json]) -> None:
    """It is refused, and not tried again for ever: the inbox comes to rest."""
    asked, prepared = await stage.ask()
    await send(prepared.invitation, change(prepared.presentation))
    assert await stage.verdict(asked) == POISON[change]
    assert await stage.household(asked) is None
    assert (await stage.quiet(asked)).tries == 0


@pytest.mark.parametrize("change", NEVER_TAKEN_IN, ids=name_of)
async def test_what_is_no_presentation_leaves_the_check_open(
    stage: Stage, change: Callable[[Json], Json]
) -> None:
    asked, prepared = await stage.ask()
    await send(prepared.invitation, change(prepared.presentation))
    await send(prepared.invitation, prepared.presentation)
    assert (await stage.verdict(asked), await stage.household(asked)) == ("accepted", TRUE)
    assert (await stage.quiet(asked)).tries == 0


# --- (e), (f), (g): the same again, elsewhere, or by somebody else ------------------------


async def test_the_same_presentation_twice_gives_one_verdict(stage: Stage) -> None:
    asked, prepared = await stage.ask()
    await asyncio.gather(*(send(prepared.invitation, prepared.presentation) for _ in range(2)))
    assert (await stage.verdict(asked), await stage.household(asked)) == ("accepted", TRUE)
    await stage.quiet(asked)
    assert await stage.verdicts_told(asked) == 1


async def test_an_answer_to_one_check_is_none_to_another(stage: Stage) -> None:
    first, prepared = await stage.ask()
    second = await stage.shelter.ask("shelter")
    invitation, _ = await stage.outside.opened(second)
    await send(prepared.invitation, prepared.presentation)
    await send(invitation, prepared.presentation)
    assert await stage.verdict(first) == "accepted"
    assert await stage.verdict(second) == NOT_VALID


async def test_another_wallet_comes_too_late(stage: Stage) -> None:
    other = await new_phone(stage.cast)
    values = eligibility(household_size=5)
    await issue(stage.cast, other, "shelter-a", "service-eligibility", **values)
    asked = await stage.shelter.ask("shelter")
    seen = await other.look(asked["link"])
    await stage.holder.show(asked)
    assert await stage.verdict(asked) == "accepted"
    with pytest.raises(Refused) as too_late:
        await other.say_yes(seen)  # the wallet looks once more, and discloses nothing
    assert too_late.value.problem["status"] == 410
    await stage.quiet(asked)
    assert (await stage.verdict(asked), await stage.household(asked)) == ("accepted", TRUE)
    assert await stage.verdicts_told(asked) == 1
    with pytest.raises(Refused) as refused:
        await other.look(asked["link"])
    assert refused.value.problem["status"] == 410


# --- (h) when the time is over ------------------------------------------------------------


async def end_time(stage: Stage, asked: Json) -> None:
    """As if ten minutes had passed; the sweep looks only after what was quiet for a while."""
    over = {"expires_at": now() - timedelta(seconds=1), "updated_at": now()}
    async with stage.installation.haven.database.transaction() as session:
        await session.execute(update(Check).where(Check.id == asked["id"]).values(**over))


async def test_an_answer_after_the_time_is_refused(stage: Stage) -> None:
    asked, prepared = await stage.ask()
    await end_time(stage, asked)
    await send(prepared.invitation, prepared.presentation)
    assert await stage.verdict(asked) == "refused: freshness: too-late"
    assert await stage.household(asked) is None


async def test_where_nobody_comes_nothing_was_shown(stage: Stage) -> None:
    asked, prepared = await stage.ask()
    await end_time(stage, asked)
    assert await stage.verdict(asked) == "not-shown"
    await send(prepared.invitation, prepared.presentation)
    for _ in range(10):  # the agent knows of no such exchange any more, and announces nothing
        await asyncio.sleep(0.1)
        seen = await stage.verdict(asked), await stage.household(asked)
        assert seen == ("not-shown", None)


# --- (i) two variants of one check --------------------------------------------------------


@pytest.fixture(scope="module")
async def both_ways(stage: Stage) -> Phone:
    """A guardian who may have shelter herself, and for a child."""
    phone, links = await new_phone(stage.cast), new_links()
    child = eligibility(held_for_other=1, household_size=1, **only(links, "shelter", "court"))
    office = guardianship(links)
    await issue(stage.cast, phone, "shelter-a", "service-eligibility", **eligibility())
    await issue(stage.cast, phone, "shelter-a", "service-eligibility", **child)
    await issue(stage.cast, phone, "guardianship-office", "guardianship", **office)
    return phone


BY_VARIANT = {
    # the permission and the household size that the desk must see
    "plain": (None, TRUE),
    "representative": ("necessaries", "1"),
}


@pytest.mark.parametrize(
    ("first", "second"), [("plain", "representative"), ("representative", "plain")]
)
async def test_the_first_answer_counts_whatever_its_variant(
    stage: Stage, both_ways: Phone, first: str, second: str
) -> None:
    asked = await stage.shelter.ask("shelter")
    seen = {each: await both_ways.look(asked["link"], variant=each) for each in BY_VARIANT}
    await both_ways.say_yes(seen[first])
    assert await stage.verdict(asked) == "accepted"
    with pytest.raises(Refused) as too_late:
        await both_ways.say_yes(seen[second])
    assert too_late.value.problem["code"] == "not-waiting"
    found = await stage.shelter.verdict(asked)
    permission, household = BY_VARIANT[first]
    assert found["representative_permission"] == permission
    assert await stage.household(asked) == household
    assert await stage.verdicts_told(asked) == 1


async def test_both_variants_at_once_give_one_verdict_of_one_piece(
    stage: Stage, both_ways: Phone
) -> None:
    asked = await stage.shelter.ask("shelter")
    seen = {each: await both_ways.look(asked["link"], variant=each) for each in BY_VARIANT}
    said = (both_ways.say_yes(each) for each in seen.values())
    answered = await asyncio.gather(*said, return_exceptions=True)
    assert any(not isinstance(each, BaseException) for each in answered)
    found = await stage.shelter.verdict(asked)
    assert found["verdict"] == "accepted"
    outcome = found["representative_permission"], await stage.household(asked)
    assert outcome in BY_VARIANT.values()
    assert await stage.verdicts_told(asked) == 1
