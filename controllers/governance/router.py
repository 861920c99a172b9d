"""The governance API: organisations, grants, the framework itself (which anybody may read)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi import Path as PathParameter

from controllers.access import Governor, Operator, Role, end_key, list_keys
from controllers.governance.changing import grant_by_draft
from controllers.governance.schemas import (
    SLUG,
    FrameworkChanged,
    GrantShown,
    InvitationMade,
    KeyMade,
    KeyShown,
    NewAdministrator,
    NewAdministratorOf,
    NewAuthority,
    NewGrant,
    NewKey,
    NewKeyOf,
    NewOrganisation,
    OrganisationShown,
)
from controllers.haven import House
from controllers.idempotency import IdempotencyKey
from controllers.organisations.service import did_of
from controllers.problems import RESPONSES
from controllers.staff.people import Duty, invitation_link
from controllers.store.models import Organisation
from core.errors import Forbidden, InvalidInput, NotFound

Slug = Annotated[str, PathParameter(pattern=SLUG)]
KeyId = Annotated[str, PathParameter(pattern=r"^[0-9a-f]{1,24}$")]
GrantId = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9-]{1,64}$")]


router = APIRouter(prefix="/api/governance", tags=["governance"], responses=RESPONSES)


@router.post("/authority", status_code=201)
async def found(
    house: House, body: NewAuthority, caller: Operator, key: IdempotencyKey = None
) -> OrganisationShown:
    """Found the authority, the framework's first version, and publish every schema."""

    async def make() -> OrganisationShown:
        await house.accreditation.check_founding(body.slug, body.role, body.name)
        authority = await house.organisations.create(body.slug, body.label)
        founded = await house.accreditation.found(authority)
        if body.role is not None and did_of(authority) not in founded.participants:
            await house.accreditation.admit(authority, body.role, body.name)
        return _shown(authority)

    return await house.repeatable.run(caller.key_id, key, body, OrganisationShown, make)


@router.post("/schemas")
async def publish_schemas(house: House, caller: Operator) -> FrameworkChanged:
    """After a new release: publish the schemas of credentials that were added, and have the
    framework name the documents in words as they are now."""
    framework = await house.governance.current()
    authority = await house.organisations.by_did(framework.authority)
    await house.accreditation.publish_schemas(authority)
    changed = await house.accreditation.adopt_documents()
    return FrameworkChanged.of(changed)


@router.post("/organisations", status_code=201)
async def create(
    house: House, body: NewOrganisation, caller: Governor, key: IdempotencyKey = None
) -> OrganisationShown:
    """An organisation with its identity, taken into the framework in a role."""

    async def make() -> OrganisationShown:
        await house.accreditation.check_admission(body.role, body.name)
        organisation = await house.organisations.create(body.slug, body.label)
        if body.role is not None:
            await house.accreditation.admit(organisation, body.role, body.name)
        return _shown(organisation)

    return await house.repeatable.run(caller.key_id, key, body, OrganisationShown, make)


@router.get("/organisations")
async def listing(house: House, caller: Governor) -> list[OrganisationShown]:
    """Every organisation of this installation."""
    return [_shown(each) for each in await house.organisations.all()]


@router.post("/organisations/{slug}/keys", status_code=201)
async def new_key(
    house: House, slug: Slug, body: NewKey, caller: Operator, key: IdempotencyKey = None
) -> KeyMade:
    """A key to our API for one role; one to govern for the authority and other signers."""
    organisation = await house.organisations.by_slug(slug)
    await _may_get(house, organisation, body.role)

    async def make() -> KeyMade:
        made = await house.organisations.new_key(organisation, body.role)
        return KeyMade(key=made.reveal())

    asked = NewKeyOf(slug=slug, role=body.role)
    return await house.repeatable.run(caller.key_id, key, asked, KeyMade, make)


@router.get("/organisations/{slug}/keys")
async def list_of_keys(house: House, slug: Slug, caller: Operator) -> list[KeyShown]:
    """The keys of an organisation, without their secrets."""
    organisation = await house.organisations.by_slug(slug)
    keys = await list_keys(house.database, organisation.id)
    return [KeyShown.model_validate(key, from_attributes=True) for key in keys]


@router.post("/organisations/{slug}/keys/{key_id}/end")
async def end_of_key(
    house: House, slug: Slug, key_id: KeyId, caller: Operator
) -> list[KeyShown]:
    """A key was lost or its holder left: it opens nothing from now."""
    organisation = await house.organisations.by_slug(slug)
    await end_key(house.database, organisation.id, key_id)
    return await list_of_keys(house, slug, caller)


@router.post("/organisations/{slug}/administrators", status_code=201)
async def invite_administrator(
    house: House,
    slug: Slug,
    body: NewAdministrator,
    caller: Operator,
    key: IdempotencyKey = None,
) -> InvitationMade:
    """The first administrator of an organisation's desks, or one after a restore: a link."""
    organisation = await house.organisations.by_slug(slug)

    async def make() -> InvitationMade:
        _, invitation = await house.desks.people.enrol(
            organisation.id, body.name, [Duty.ADMINISTER], by=None
        )
        link = invitation_link(house.settings.base_url, invitation.token)
        return InvitationMade(link=link, expires_at=invitation.expires_at)

    asked = NewAdministratorOf(slug=slug, name=body.name)
    return await house.repeatable.run(caller.key_id, key, asked, InvitationMade, make)


@router.post("/grants", status_code=201)
async def grant(
    house: House, body: NewGrant, caller: Governor, key: IdempotencyKey = None
) -> GrantShown:
    """Grant authority to issue, with a credential definition of its own (can take minutes)."""

    async def make() -> GrantShown:
        organisation = await house.organisations.by_slug(body.organisation)
        if (await house.governance.newest()).framework.signers.threshold > 1:
            return await grant_by_draft(house, organisation, body.credential)
        made = await house.accreditation.grant(organisation, body.credential)
        return GrantShown(grant_id=made.grant_id, definition_id=made.definition_id)

    return await house.repeatable.run(caller.key_id, key, body, GrantShown, make)


@router.post("/grants/{grant_id}/end")
async def end(house: House, grant_id: GrantId, caller: Governor) -> FrameworkChanged:
    """Nothing new under this grant from now; what was issued stays good."""
    return FrameworkChanged.of(await house.accreditation.end_grant(grant_id))


@router.post("/grants/{grant_id}/withdraw")
async def withdraw(house: House, grant_id: GrantId, caller: Governor) -> FrameworkChanged:
    """Its key was stolen: everything under its definition is refused from now."""
    return FrameworkChanged.of(await house.accreditation.withdraw_grant(grant_id))


@router.get("/framework", response_class=Response)
async def framework(
    house: House,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    """The framework document: the newest version, or the one asked for."""
    number = version or (await house.governance.current()).sequence
    return Response(await house.governance.document(number), media_type="application/json")


async def _may_get(house: House, organisation: Organisation, role: Role) -> None:
    if role is Role.OPERATE:
        raise InvalidInput("An organisation does not operate the installation")
    if role is Role.GOVERN and not await _signs(house, organisation):
        raise Forbidden("Only the authority and who signs with it get a key to govern")


async def _signs(house: House, organisation: Organisation) -> bool:
    """Before the founding nobody does."""
    try:
        return organisation.did is not None and await house.drafts.has_voice(organisation.did)
    except NotFound:
        return False


def _shown(organisation: Organisation) -> OrganisationShown:
    return OrganisationShown.model_validate(organisation, from_attributes=True)
