"""Changing the framework with care, over HTTP: drafts, signatures, history, decisions.

Whoever signs may come: the authority, every other signer, and who is to be one by a draft that
waits. The operator speaks for the authority, whose keys this installation keeps.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from controllers.access import Caller, Governing, Role
from controllers.governance.drafts import Voice
from controllers.governance.naming import did_of_whom, named
from controllers.governance.operations import GiveGrant
from controllers.governance.questions import Decided, ToDecide, query_of
from controllers.governance.schemas import GrantShown
from controllers.governance.showing import (
    DraftShown,
    DraftWhole,
    NewDraft,
    NewProof,
    Past,
    Signing,
    Spoken,
    VersionShown,
    draft_shown,
    history,
)
from controllers.haven import Haven, House
from controllers.idempotency import IdempotencyKey
from controllers.moment import now
from controllers.organisations.service import did_of
from controllers.paging import RowId
from controllers.problems import RESPONSES
from controllers.store.models import Organisation
from core.errors import Forbidden
from governance.engine import decide

router = APIRouter(prefix="/api/governance", tags=["governance"], responses=RESPONSES)


async def _voice(house: House, caller: Governing) -> tuple[Caller, Voice]:
    """For whom a key speaks. Raises Forbidden for one whose organisation does not sign."""
    if caller.role is Role.OPERATE:
        return caller, await authority_voice(house)
    did = did_of(caller.tenant)
    if not await house.drafts.has_voice(did):
        raise Forbidden("Only who signs the framework may do this", code="not-a-signer")
    return caller, Voice(caller.tenant, did)


async def authority_voice(house: Haven) -> Voice:
    """The authority itself. Raises NotFound before it was founded."""
    document = await house.governance.newest_document()
    did = str(document["authority"])
    return Voice(await house.organisations.by_did(did), did)


Speaking = Annotated[tuple[Caller, Voice], Depends(_voice)]


@router.post("/drafts", status_code=201)
async def make(
    house: House, body: NewDraft, speaking: Speaking, key: IdempotencyKey = None
) -> DraftShown:
    """A whole next version of the framework that waits for signatures."""
    caller, voice = speaking

    async def create() -> DraftShown:
        operation = await named(house.organisations, body.operation)
        draft = await house.drafts.make(operation, voice)
        return _brief(await draft_shown(house.drafts, draft, "en"))

    return await house.repeatable.run(caller.key_id, key, body, DraftShown, create)


@router.get("/drafts")
async def listing(
    house: House, speaking: Speaking, asked: Annotated[Spoken, Query()]
) -> list[DraftShown]:
    """Those that wait for signatures, newest first."""
    waiting = await house.drafts.open()
    return [_brief(await draft_shown(house.drafts, each, asked.language)) for each in waiting]


@router.get("/drafts/{draft_id}")
async def one(
    house: House, draft_id: RowId, speaking: Speaking, asked: Annotated[Spoken, Query()]
) -> DraftWhole:
    """One, with its document, what it means, and who has signed."""
    return await draft_shown(house.drafts, await house.drafts.one(draft_id), asked.language)


@router.post("/drafts/{draft_id}/sign")
async def sign(house: House, draft_id: RowId, body: Signing, speaking: Speaking) -> DraftShown:
    """Sign it with the organisation's key; with the last signature needed it is in force."""
    draft = await house.drafts.sign(draft_id, speaking[1], body.digest)
    return _brief(await draft_shown(house.drafts, draft, "en"))


@router.post("/drafts/{draft_id}/proofs")
async def add_proof(
    house: House, draft_id: RowId, body: NewProof, speaking: Speaking
) -> DraftShown:
    """Keep a signature that was made elsewhere, once it is verified."""
    draft = await house.drafts.add_proof(draft_id, body.proof.model_dump(), speaking[1])
    return _brief(await draft_shown(house.drafts, draft, "en"))


@router.post("/drafts/{draft_id}/drop")
async def drop(house: House, draft_id: RowId, speaking: Speaking) -> DraftShown:
    """Nobody signs it any more."""
    draft = await house.drafts.drop(draft_id, speaking[1])
    return _brief(await draft_shown(house.drafts, draft, "en"))


@router.get("/history")
async def past(
    house: House, speaking: Speaking, asked: Annotated[Past, Query()]
) -> list[VersionShown]:
    """Versions, newest first: number, when, signed by whom, and what changed in words."""
    newest = int((await house.governance.newest_document())["sequence"])
    begin = min(newest, asked.version or newest)
    return await history(house.governance, begin, asked.size, asked.language)


@router.post("/decide")
async def decided(house: House, body: ToDecide, speaking: Speaking) -> Decided:
    """Any decision as of a date: yes or no, by which rules, by which version."""
    did = await did_of_whom(house.organisations, body.query.who)
    governance = house.governance
    framework = (
        await governance.current()
        if body.in_force_at is None
        else await governance.in_force(body.in_force_at)
    )
    as_of = body.as_of or body.in_force_at or now()
    decision = decide(framework, query_of(body.query, did), as_of=as_of)
    return Decided.of(decision, framework, as_of)


async def grant_by_draft(
    house: Haven, organisation: Organisation, credential: str
) -> GrantShown:
    """Make the definition now; the grant is given by who signs the draft."""
    made = await house.accreditation.prepare(organisation, credential)
    operation = GiveGrant(
        kind="grant",
        organisation=did_of(organisation),
        credential=credential,
        grant=made.grant_id,
        definition_id=made.definition_id,
    )
    draft = await house.drafts.make(operation, await authority_voice(house))
    return GrantShown(
        grant_id=made.grant_id, definition_id=made.definition_id, draft_id=draft.id
    )


def _brief(whole: DraftWhole) -> DraftShown:
    return DraftShown(**whole.model_dump(exclude={"document"}))
