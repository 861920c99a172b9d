"""What a short link answers (RFC 0434 URL shortening, docs/adr/0007).

GET  /l/{token}                Accept: application/json -> a check's invitation, or what an
                               offer needs; otherwise a page. Consumes nothing.
GET  /l/{token}/statement      who asks, signed
POST /l/{token}/accept         an offer: the code and the wallet's claim -> invitation
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from controllers.haven import House
from controllers.issuer.meeting import Meeting
from controllers.links.page import check_page, code_page, invitation_page, message_page
from controllers.links.service import LinkKind
from controllers.problems import RESPONSES
from controllers.sealing import Seal
from controllers.words import preferred
from core.errors import Forbidden, HavenError, InvalidInput, NotFound, Unavailable
from core.ports import Document

Token = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9_-]{20,64}$")]
Variant = Annotated[str, Query(max_length=32, pattern=r"^[a-z-]+$")]
Accept = Annotated[str, Header()]

_FORM_LIMIT = 1024
_NEVER_KEPT = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_SAFE = {"X-Content-Type-Options": "nosniff"}


class Acceptance(BaseModel):
    """Binds an offer's link to the wallet that sends this claim."""

    model_config = ConfigDict(extra="forbid")

    claim: str = Field(min_length=20, max_length=100)
    code: str | None = Field(None, max_length=12)
    earlier: str | None = Field(
        None,
        min_length=20,
        max_length=100,
        description="The claim by which this wallet took an earlier credential of this issuer: "
        "the offer then comes over the connection that there is",
    )
    only_who: bool = Field(
        False,
        description="Answer who offers what, without an invitation: a wallet that may "
        "know the issuer asks so first",
    )


class Accepted(BaseModel):
    """Who offers what, and the invitation to connect with who offers, signed; no invitation
    where only that was asked, or where the offer comes over the connection that there is."""

    reference: str = Field(description="Stands in the offer's comment")
    issuer: str
    credential: str
    expires: datetime
    invitation: Document | None = None
    statement: Document | None = None

    @classmethod
    def of(cls, meeting: Meeting) -> Accepted:
        """What the wallet is told."""
        return cls.model_validate(meeting, from_attributes=True)


def _tongue(
    language: Annotated[str | None, Header(alias="Accept-Language", max_length=200)] = None,
    lang: Annotated[
        Literal["en", "es", "km"] | None, Query(description="Language of the page")
    ] = None,
) -> str:
    return lang or preferred(language)


Tongue = Annotated[str, Depends(_tongue)]

router = APIRouter(prefix="/l", tags=["links"], responses=RESPONSES)


@router.get("/{token}", response_model=None)
async def open_link(
    house: House,
    token: Token,
    tongue: Tongue,
    variant: Variant = "plain",
    accept: Accept = "text/html",
) -> Response:
    """What the link leads to: for a wallet as JSON, for a person as a page."""
    as_json = "application/json" in accept
    try:
        link = await house.links.open(token)
    except HavenError as err:
        if as_json:
            raise
        return _page(message_page(tongue, "link.gone", title="link.ended"), err.status)
    if not as_json:
        return _page(_welcome(link.kind, tongue, f"{house.settings.base_url}/l/{token}"))
    if link.kind is LinkKind.OFFER:
        return JSONResponse({"kind": "offer", "needs_code": True}, headers=_NEVER_KEPT)
    request = await house.verifier.request(link.subject_id, variant)
    return JSONResponse(request.invitation, headers=_NEVER_KEPT)


@router.get("/{token}/statement", response_model=None)
async def statement(house: House, token: Token, variant: Variant = "plain") -> Response:
    """Who asks, signed with a did:webvh over the invitation."""
    link = await house.links.open(token)
    if link.kind is not LinkKind.CHECK:
        raise NotFound("An offer says who offers when it is accepted", code="other-kind")
    request = await house.verifier.request(link.subject_id, variant)
    return JSONResponse(request.statement, headers=_NEVER_KEPT)


@router.post("/{token}/accept")
async def accept_offer(house: House, token: Token, body: Acceptance) -> Accepted:
    """Open an offer with the desk's code; the first claim binds the link."""
    link = await house.links.bind(token, body.claim, body.code)
    if link.kind is not LinkKind.OFFER:
        raise NotFound("A check is answered by the invitation itself", code="other-kind")
    meetings, issuance_id = house.issuer.meetings, link.subject_id
    earlier = body.earlier
    if body.only_who or (
        earlier and await meetings.over_connection(issuance_id, body.claim, earlier)
    ):
        return Accepted.of(await meetings.who(issuance_id))
    return Accepted.of(await meetings.by_invitation(issuance_id, body.claim))


@router.post("/{token}", response_class=HTMLResponse)
async def accept_on_page(
    house: House, token: Token, request: Request, tongue: Tongue
) -> HTMLResponse:
    """The same on a page, for any other Aries wallet."""
    try:
        code = await _posted_code(request)
        link = await house.links.bind(token, _page_claim(house, token, code), code)
        meeting = await house.issuer.meetings.by_invitation(link.subject_id)
    except Forbidden:
        return _page(code_page(tongue, wrong=True), 403)
    except Unavailable as err:
        return _page(message_page(tongue, "link.later"), err.status)
    except HavenError as err:
        return _page(message_page(tongue, "link.gone", title="link.ended"), err.status)
    return _page(invitation_page(tongue, meeting.invitation or {}))


def _page_claim(house: House, token: str, code: str) -> str:
    """The claim of the page, the same at each try: an answer that got lost, or an agent that
    did not answer, does not use the link up. Keyed, so that no wallet can send it."""
    seal = Seal(house.secrets.sealing_key, "link-page")
    return seal.pseudonym(f"{token}:{code.strip().upper()}")


async def _posted_code(request: Request) -> str:
    """The one field of the page's form (application/x-www-form-urlencoded)."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_LIMIT:
            raise InvalidInput("This is not the form of this page", code="not-the-form")
    return parse_qs(body.decode("ascii", "replace")).get("code", [""])[0][:12]


def _welcome(kind: LinkKind, language: str, link: str) -> str:
    return (code_page if kind is LinkKind.OFFER else check_page)(language, link)


def _page(content: str, status: int = 200) -> HTMLResponse:
    policy = {
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        **_NEVER_KEPT,
        **_SAFE,
    }
    return HTMLResponse(content, status, headers=policy)
