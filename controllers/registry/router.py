"""The registry's two faces: a public one to read, and one for the own agent to write.

The write router belongs on a listener of the loopback interface. Its tails upload carries no
key, because ACA-Py sends none: what is accepted there is only content under its own hash.
No address of a reader is logged here: who reads a registry is about to meet a holder.
"""

from __future__ import annotations

import hmac
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import PlainTextResponse

from agent.webvh.fetch import MAX_TAILS_BYTES
from agent.webvh.identifiers import is_digest, is_opaque, is_tails_hash
from controllers.problems import RESPONSES
from controllers.registry.schemas import LogAppend, LogState, Publication, Published
from controllers.registry.service import RegistryService
from core.canonical import Json
from core.errors import InvalidInput, NotAuthenticated, NotFound

_IMMUTABLE = "public, max-age=31536000, immutable"
_CHANGES = "no-store"
_BOUNDARY = re.compile(r'multipart/form-data;\s*boundary="?([^";]{1,70})"?\s*', re.IGNORECASE)
_FORM_OVERHEAD = 4_096  # headers and boundaries around the one part of an upload


def public_router(service: RegistryService) -> APIRouter:
    """The read routes. Everything served is public and signed by its owner."""
    router = APIRouter(tags=["registry"], responses=RESPONSES)

    @router.get("/o/{opaque}/did.jsonl")
    async def did_log(opaque: str) -> Response:
        if not is_opaque(opaque):
            raise NotFound("there is no such identifier here")
        text = await service.did_log(opaque)
        return _answer(text, "text/jsonl", _CHANGES)

    @router.get("/o/{opaque}/resources/{digest}")
    async def resource(opaque: str, digest: str) -> Response:
        if not is_opaque(opaque) or not is_digest(digest):
            raise NotFound("there is no such resource here")
        found = await service.resource(opaque, digest)
        caching = _IMMUTABLE if found.immutable else _CHANGES
        return _answer(found.document, "application/json", caching)

    @router.get("/hash/{tails_hash}")
    async def tails(tails_hash: str) -> Response:
        if not is_tails_hash(tails_hash):
            raise NotFound("there is no such tails file here")
        content = await service.tails(tails_hash)
        return _answer(content, "application/octet-stream", _IMMUTABLE)

    return router


def write_router(service: RegistryService, write_key: str) -> APIRouter:
    """The agent's routes. `write_key` is the bearer secret that it must show.

    Raises (from its routes): NotAuthenticated, and what `RegistryService` raises.
    """

    def authenticate(authorization: Annotated[str | None, Header()] = None) -> None:
        shown = (authorization or "").encode()
        if not hmac.compare_digest(shown, f"Bearer {write_key}".encode()):
            raise NotAuthenticated("the registry's write key is missing or wrong")

    router = APIRouter(tags=["registry write"], responses=RESPONSES)
    keyed = [Depends(authenticate)]

    @router.post("/dids/{opaque}/log", dependencies=keyed)
    async def append_log(opaque: str, body: LogAppend) -> LogState:
        verified = await service.append_log(
            opaque, body.entries, expected_version=body.expected_version
        )
        return LogState(did=verified.did, version_id=verified.version_id)

    @router.put("/resources", dependencies=keyed)
    async def put_resource(body: Json) -> Published:
        return Published(id=(await service.put_resource(body)).id)

    @router.post("/publications", dependencies=keyed)
    async def publish(body: Publication) -> Published:
        link = await service.publish(body.status_list, body.registry_definition)
        return Published(id=link.id, timestamp=link.timestamp)

    @router.put("/hash/{tails_hash}")
    async def put_tails(tails_hash: str, request: Request) -> PlainTextResponse:
        body = await _read_body(request, MAX_TAILS_BYTES + _FORM_OVERHEAD)
        content = file_in_form(request.headers.get("content-type", ""), body)
        await service.put_tails(tails_hash, content)
        return PlainTextResponse(tails_hash)

    return router


def _answer(content: str | bytes, media_type: str, caching: str) -> Response:
    headers = {"Cache-Control": caching, "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=media_type, headers=headers)


async def _read_body(request: Request, limit: int) -> bytes:
    """The body, given up on as soon as it grows over the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise InvalidInput("the upload is too large")
    return bytes(body)


def file_in_form(content_type: str, body: bytes) -> bytes:
    """The content of the only part of a multipart form (RFC 7578), as ACA-Py uploads it.

    Raises:
        InvalidInput: it is no form with exactly one part.
    """
    match = _BOUNDARY.fullmatch(content_type)
    if match is None:
        raise InvalidInput("a form with one file was expected")
    delimiter = b"--" + match[1].encode("latin-1")
    before, opening, rest = body.partition(delimiter + b"\r\n")
    part, closing, after = rest.rpartition(b"\r\n" + delimiter + b"--")
    headers, blank, content = part.partition(b"\r\n\r\n")
    whole = not before and opening and closing and blank and after in {b"", b"\r\n"}
    if (
        not whole
        or b"\r\n" + delimiter in content
        or b"content-disposition" not in headers.lower()
    ):
        raise InvalidInput("a form with one file was expected")
    return content
