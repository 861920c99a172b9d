"""The issuer's desk: choose a credential, fill in its form, look at it, issue it.

One address for each credential's form; which step is meant, the button says. Values travel in
the form itself, between the page and the person who types them, and rest nowhere until they are
issued. The last step carries a key of its own: sent twice, it issues once.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from controllers.desks import shown
from controllers.desks.entry import AtIssuing, Desk, DeskRoute, Sent
from controllers.desks.forms import (
    PREFIX,
    fields_of,
    first_wrong,
    mistakes,
    typed_of,
    values_of,
    with_links,
)
from controllers.issuer.references import LONGEST as LONGEST_REFERENCE
from controllers.issuer.service import standing_definition
from controllers.issuer.two_people import two_are_needed
from controllers.organisations.service import did_of
from controllers.staff.deeds import note
from controllers.staff.people import plain_text
from controllers.staff.proposals import Kind, Proposed, agree_within
from controllers.store.brief import Beside, Steps, nothing_beside
from controllers.wallet.labelling import labelled
from core.errors import GovernanceDenied, HavenError, InvalidInput, NotFound
from credential_defs import CredentialDefinition, load_all

router = APIRouter(prefix="/desk/issue", route_class=DeskRoute, include_in_schema=False)

Credential = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Replaced = Annotated[str, Query(pattern=r"^[A-Za-z0-9-]{0,64}$")]
_ONCE = re.compile(r"[0-9a-f-]{36}")
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form holds."""

    definition: CredentialDefinition
    typed: Mapping[str, str]
    reference: str
    replaces: str

    @classmethod
    def of(cls, definition: CredentialDefinition, sent: Mapping[str, str]) -> Draft:
        """From a form that was sent."""
        replaces = sent.get("replaces", "")
        return cls(
            definition=definition,
            typed=typed_of(definition, sent),
            reference=sent.get("reference", "").strip(),
            replaces=replaces if _ID.fullmatch(replaces) else "",
        )

    @property
    def values(self) -> dict[str, str | int | bool]:
        """What was typed, as values to sign."""
        return values_of(self.definition, self.typed)


class IssueOnce(BaseModel):
    """All that an issuance rests on; the same sent again is the same issuance."""

    organisation: str
    credential: str
    values: dict[str, str | int | bool]
    reference: str
    replaces: str


class IssuedOnce(BaseModel):
    """Where the issuance is, and what may be shown of it for now."""

    issuance_id: str
    shown: shown.Shown
    expires_at: datetime


@router.get("")
async def choose(desk: AtIssuing) -> HTMLResponse:
    """The credentials that the framework lets this organisation issue now."""
    return desk.page("issuing_choose.html", choices=await issuable(desk))


@router.get("/{credential}")
async def form(
    desk: AtIssuing, credential: Credential, replaces: Replaced = ""
) -> HTMLResponse:
    """An empty form."""
    draft = Draft(await _issuable(desk, credential), {}, "", replaces)
    return _form(desk, draft, {})


@router.post("/{credential}")
async def step(desk: AtIssuing, credential: Credential, sent: Sent) -> Response:
    """Look at it, change it, or issue it."""
    draft = Draft.of(await _issuable(desk, credential), sent)
    wrong = _mistakes(draft)
    if wrong or sent.get("step") == "change":
        return _form(desk, draft, {} if sent.get("step") == "change" else wrong)
    once = sent.get("once", "")
    if sent.get("step") == "issue" and _ONCE.fullmatch(once):
        return await _issue(desk, draft, once)
    return _review(desk, draft)


async def issuable(desk: Desk) -> list[CredentialDefinition]:
    """What this organisation may issue now."""
    found = []
    for name in load_all():
        try:
            found.append(await _issuable(desk, name))
        except GovernanceDenied:
            continue
    return found


async def _issuable(desk: Desk, credential: str) -> CredentialDefinition:
    definition = load_all().get(credential)
    if definition is None:
        raise NotFound("There is no such credential", code="not-found")
    framework = await desk.house.governance.current()
    standing_definition(framework, did_of(desk.organisation), credential)
    return definition


def _mistakes(draft: Draft) -> dict[str, str]:
    """What does not fit, by attribute or, for our own field, by its name."""
    wrong: dict[str, str] = {}
    try:
        draft.definition.validate_values(draft.values)
    except InvalidInput as err:
        wrong |= mistakes(err)
    if draft.reference:
        try:
            plain_text(draft.reference, LONGEST_REFERENCE)
        except InvalidInput:
            wrong["reference"] = "not-a-name"
    return wrong


def _form(desk: Desk, draft: Draft, wrong: Mapping[str, str]) -> HTMLResponse:
    fields = fields_of(draft.definition, desk.language, desk.say, draft.typed, wrong)
    return desk.page(
        "issuing_form.html",
        422 if wrong else 200,
        draft=draft,
        fields=[each for each in fields if not each.is_link],
        links=[each for each in fields if each.is_link],
        first_wrong=first_wrong(fields),
        reference_wrong="reference" in wrong,
        longest_reference=LONGEST_REFERENCE,
    )


def _review(desk: Desk, draft: Draft) -> HTMLResponse:
    values = with_links(draft.definition, draft.values)
    signed = draft.definition.validate_values(values)
    made = {
        PREFIX + name: str(value)
        for name, value in values.items()
        if name in draft.definition.links
    }
    told = [
        each
        for each in labelled(draft.definition, signed, desk.language)
        if each.attribute in values and each.kind != "none"
    ]
    return desk.page(
        "issuing_review.html",
        draft=draft,
        carried={**draft.typed, **made},
        told=told,
        once=str(uuid.uuid4()),
    )


async def _issue(desk: Desk, draft: Draft, once: str) -> Response:
    if await two_are_needed(
        desk.house, desk.organisation, draft.definition, draft.values, draft.replaces or None
    ):
        return await _propose(desk, draft, once)
    return await issue(desk, _asked(desk, draft), once)


def _asked(desk: Desk, draft: Draft) -> IssueOnce:
    return IssueOnce(
        organisation=desk.organisation.id,
        credential=draft.definition.name,
        values=draft.values,
        reference=draft.reference,
        replaces=draft.replaces,
    )


class ProposedOnce(BaseModel):
    """A proposal that was made."""

    proposal_id: str


async def _propose(desk: Desk, draft: Draft, once: str) -> Response:
    asked = _asked(desk, draft)

    async def propose() -> ProposedOnce:
        made = await desk.house.desks.proposals.propose(
            desk.organisation.id, Kind.ISSUE, asked.model_dump(), by=desk.who.person_id
        )
        return ProposedOnce(proposal_id=made.id)

    made = await desk.house.repeatable.run(
        desk.who.person_id, once, asked, ProposedOnce, propose
    )
    return desk.go(f"/desk/tasks/{made.proposal_id}")


async def issue_agreed(desk: Desk, proposed: Proposed) -> Response:
    """Issue what a colleague asked for: it counts as agreed when it is there, and once."""
    organisation, person = desk.organisation.id, desk.who.person_id

    def agreed(steps: Steps, _issuance_id: str) -> None:
        agree_within(steps, organisation, proposed, by=person)

    return await issue(desk, IssueOnce.model_validate(proposed.content), proposed.id, agreed)


async def issue(
    desk: Desk, asked: IssueOnce, once: str, beside: Beside = nothing_beside
) -> Response:
    """Issue, once for each key, and lead to the page that shows the code to scan."""
    organisation, person = desk.organisation, desk.who.person_id

    def noted(steps: Steps, issuance_id: str) -> None:
        beside(steps, issuance_id)
        note(steps, organisation.id, person, "issued", issuance_id)

    async def make() -> IssuedOnce:
        issuance, link = await desk.house.issuer.create(
            organisation,
            asked.credential,
            asked.values,
            asked.replaces or None,
            reference=plain_text(asked.reference, LONGEST_REFERENCE)
            if asked.reference
            else None,
            place_id=desk.who.place_id,
            beside=noted,
        )
        return IssuedOnce(
            issuance_id=issuance.id,
            shown=shown.Shown(token=link.token, code=link.code),
            expires_at=issuance.expires_at,
        )

    made = await desk.house.repeatable.run(person, once, asked, IssuedOnce, make)
    path = f"/desk/issued/{made.issuance_id}"
    answer = desk.go(path)
    shown.keep(answer, desk, path, made.shown, made.expires_at)
    return answer


def values_in_words(
    definition: CredentialDefinition, values: Mapping[str, Any], language: str
) -> list[Any]:
    """Values of a proposal as a person reads them; none where they do not fit any more."""
    try:
        signed = definition.validate_values(values)
    except HavenError:
        return []
    return [
        each
        for each in labelled(definition, signed, language)
        if each.attribute in values and each.kind != "none"
    ]
