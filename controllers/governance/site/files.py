"""The signed framework as a file: the newest, each version, and where its DID URL leads.

A version's `version_id` is a DID URL below the authority's DID; a resolver of did:webvh turns
its path into `/o/{opaque}/framework/{version}.json` (did:webvh 1.0, path resolution).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParameter

from agent.webvh.identifiers import is_opaque
from controllers.governance.site.pages import CHANGES, IMMUTABLE, answer
from controllers.governance.site.service import Site
from controllers.problems import RESPONSES
from core.errors import NotFound

SemanticVersion = Annotated[
    str, PathParameter(max_length=32, pattern=r"^\d{1,9}\.\d{1,9}\.\d{1,9}$")
]
_JSON = "application/json"
# pages of others may read it too: it is public, signed, and says nothing of who asks
_FOR_ALL = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


def files(site: Site) -> APIRouter:
    """The routes; anybody may read them."""
    router = APIRouter(tags=["framework"], responses=RESPONSES)

    @router.get("/governance/framework.json", response_class=Response)
    async def newest(request: Request) -> Response:
        """The newest signed framework, as it is stored; readers verify it themselves."""
        framework = (await site.newest()).framework
        return await _file(site, request, framework.version, framework.sequence, CHANGES)

    @router.get("/governance/framework/{version}.json", response_class=Response)
    async def one(request: Request, version: SemanticVersion) -> Response:
        """One version, for good."""
        return await _numbered(site, request, version)

    @router.get("/o/{opaque}/framework/{version}.json", response_class=Response)
    async def by_did_url(request: Request, opaque: str, version: SemanticVersion) -> Response:
        """The same bytes, where the version's own DID URL leads."""
        found = await site.newest()
        authority = found.framework.authority.rpartition(":")[2]
        if not is_opaque(opaque) or opaque != authority:
            raise NotFound("There is no framework under this identifier")
        return await _numbered(site, request, version)

    return router


async def _numbered(site: Site, request: Request, version: str) -> Response:
    found = await site.versions.numbered(version)
    return await _file(site, request, version, found.sequence, IMMUTABLE)


async def _file(
    site: Site, request: Request, version: str, sequence: int, caching: str
) -> Response:
    document = await site.governance.document(sequence)
    return answer(
        request, document, version, media_type=_JSON, caching=caching, headers=_FOR_ALL
    )
