"""The governance API: organisations, grants, the framework itself (which anybody may read)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi import Path as PathParameter

from controllers.access import Governor, Operator
from controllers.governance.accreditation import AccreditationService
from controllers.governance.schemas import (
    SLUG,
    FrameworkChanged,
    GrantShown,
    KeyMade,
    NewGrant,
    NewKey,
    NewOrganisation,
    OrganisationShown,
)
from controllers.governance.service import GovernanceService
from controllers.organisations.service import OrganisationService
from controllers.problems import RESPONSES
from controllers.store.models import Organisation

Slug = Annotated[str, PathParameter(pattern=SLUG)]
GrantId = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9-]{1,64}$")]


def router(
    governance: GovernanceService,
    accreditation: AccreditationService,
    organisations: OrganisationService,
) -> APIRouter:
    """Routes below /api/governance."""
    routes = APIRouter(prefix="/api/governance", tags=["governance"], responses=RESPONSES)

    @routes.post("/authority", status_code=201)
    async def found(body: NewOrganisation, caller: Operator) -> OrganisationShown:
        """Found the authority, the framework's first version, and publish every schema."""
        authority = await organisations.create(body.slug, body.label)
        await accreditation.found(authority)
        if body.role is not None:
            await accreditation.admit(authority, body.role, body.name)
        return _shown(authority)

    @routes.post("/organisations", status_code=201)
    async def create(body: NewOrganisation, caller: Governor) -> OrganisationShown:
        """An organisation with its identity, taken into the framework in a role."""
        organisation = await organisations.create(body.slug, body.label)
        if body.role is not None:
            await accreditation.admit(organisation, body.role, body.name)
        return _shown(organisation)

    @routes.get("/organisations")
    async def listing(caller: Governor) -> list[OrganisationShown]:
        """Every organisation of this installation."""
        return [_shown(each) for each in await organisations.all()]

    @routes.post("/organisations/{slug}/keys", status_code=201)
    async def new_key(slug: Slug, body: NewKey, caller: Operator) -> KeyMade:
        """A key to our API for one role."""
        organisation = await organisations.by_slug(slug)
        return KeyMade(key=(await organisations.new_key(organisation, body.role)).reveal())

    @routes.post("/grants", status_code=201)
    async def grant(body: NewGrant, caller: Governor) -> GrantShown:
        """Grant authority to issue, with a credential definition of its own (takes seconds)."""
        organisation = await organisations.by_slug(body.organisation)
        made = await accreditation.grant(organisation, body.credential)
        return GrantShown(grant_id=made.grant_id, definition_id=made.definition_id)

    @routes.post("/grants/{grant_id}/end")
    async def end(grant_id: GrantId, caller: Governor) -> FrameworkChanged:
        """Nothing new under this grant from now; what was issued stays good."""
        return FrameworkChanged(version=(await accreditation.end_grant(grant_id)).version)

    @routes.post("/grants/{grant_id}/withdraw")
    async def withdraw(grant_id: GrantId, caller: Governor) -> FrameworkChanged:
        """Its key was stolen: everything under its definition is refused from now."""
        return FrameworkChanged(version=(await accreditation.withdraw_grant(grant_id)).version)

    @routes.get("/framework", response_class=Response)
    async def framework(
        version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    ) -> Response:
        """The framework document: the newest version, or the one asked for."""
        number = version or (await governance.current()).version
        return Response(await governance.document(number), media_type="application/json")

    return routes


def _shown(organisation: Organisation) -> OrganisationShown:
    return OrganisationShown.model_validate(organisation, from_attributes=True)
