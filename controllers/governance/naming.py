"""Short names of this installation's organisations, looked up in what somebody asks for."""

from __future__ import annotations

from typing import Any

from controllers.governance.operations import Operation
from controllers.organisations.service import OrganisationService, did_of


async def did_of_whom(organisations: OrganisationService, who: str) -> str:
    """A DID as it is, a short name's DID. Raises NotFound, Unavailable."""
    if who.startswith("did:"):
        return who
    return did_of(await organisations.by_slug(who))


async def named(organisations: OrganisationService, operation: Operation) -> Operation:
    """The operation with DIDs alone. Raises NotFound, Unavailable."""
    given: dict[str, Any] = {}
    who = getattr(operation, "organisation", None)
    if who is not None:
        given["organisation"] = await did_of_whom(organisations, who)
    several = getattr(operation, "signers", None)
    if several is not None:
        given["signers"] = [await did_of_whom(organisations, each) for each in several]
    return operation.model_copy(update=given)
