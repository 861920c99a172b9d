"""The framework in other formats, for whoever wants to check it with tools of her own."""

from __future__ import annotations

from fastapi import APIRouter, Response

from controllers.governance.discovery import TRUST_LIST
from controllers.haven import Haven, House
from controllers.problems import RESPONSES
from governance.faces import cedar, trust_list

router = APIRouter(prefix="", tags=["framework"], responses=RESPONSES)

_MOST_NAMED = 20  # earlier versions in a trust list; the site has them all


@router.get(TRUST_LIST, response_class=Response)
async def signed_trust_list(house: House) -> Response:
    """A Credential Trust Establishment document, signed by the authority (a JWT)."""
    framework = await house.governance.recent()
    token = house.governance.kept_trust_list(framework.sequence)
    if token is None:
        token = await _signed(house)
    return _answer(token, "application/jwt")


@router.get("/governance/trust-list.schema.json", response_class=Response)
async def profile() -> Response:
    """The JSON Schema of that document."""
    return _answer(trust_list.profile_text(), "application/schema+json")


@router.get("/governance/framework.cedar", response_class=Response)
async def policies(house: House) -> Response:
    """The framework as Cedar policies."""
    return _answer(cedar.policies(await house.governance.recent()), "text/plain; charset=utf-8")


@router.get("/governance/framework.cedarschema", response_class=Response)
async def schema() -> Response:
    """The schema that they are validated against."""
    return _answer(cedar.SCHEMA, "text/plain; charset=utf-8")


@router.get("/governance/framework.cedar.json")
async def entities(house: House) -> list[dict[str, object]]:
    """The entities that they are about."""
    return cedar.entities(await house.governance.recent())


async def _signed(house: Haven) -> str:
    framework = await house.governance.current()
    earlier = (await house.governance.history(_MOST_NAMED))[1:]
    payload = trust_list.trust_list(framework, house.settings.base_url, earlier)
    return await house.governance.trust_list(framework.sequence, payload)


def _answer(content: str, kind: str) -> Response:
    headers = {"Cache-Control": f"max-age={trust_list.TTL_SECONDS}"}
    return Response(content, media_type=kind, headers=headers)
