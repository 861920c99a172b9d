"""Chapter 6: what is not accepted, each with a reason for the person who may know it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from agent.foreign import send
from agent.organisations import OrganisationsAgent
from controllers.organisations.service import did_of, tenant_of
from controllers.store.models import Organisation
from controllers.story.cast import Cast, framework
from controllers.story.checking import check, why_refused
from controllers.story.dishonest import (
    mixed,
    old_list,
    picks,
    status_left_out,
    tampered_then_replayed,
)
from controllers.story.issuing import (
    Holders,
    eligibility,
    guardianship,
    in_days,
    issue,
    new_links,
    only,
)
from controllers.story.outside import Outside
from controllers.story.people import Desk, Json, Phone, Refused
from controllers.story.scene import ELIGIBILITY, Scene
from controllers.story.telling import Teller
from core.errors import Conflict
from core.ports import AnswerState, OfferState, TenantRef
from core.presentation import CredentialAsk, PresentationAsk
from credential_defs import load

_ROGUE_REGISTRY = 16


async def tell_refusing(teller: Teller, cast: Cast, holders: Holders, outside: Outside) -> None:
    """Play chapter 6."""
    scene = Scene(cast, holders, outside, cast.checking("shelter-b"), cast.checking("payer"))
    for number, title, expected, play in _PLOT:
        await teller.step(number, title, expected, lambda play=play: play(scene))  # type: ignore[misc] # bound now


# --- issuers ------------------------------------------------------------------------------


async def _unknown_issuer(scene: Scene) -> str:
    rogue = await scene.outside.organisation("rogue", "Harbour House")
    office = await scene.outside.organisation("guardianship-office")
    await asyncio.gather(*(_define(scene, each) for each in (rogue, office)))
    return await _shown_under(scene, rogue)


async def _not_granted(scene: Scene) -> str:
    try:
        await scene.cast.issuing("court").offer("identity")
        desk = "accepted"
    except Refused as refused:
        desk = refused.why
    office = await scene.outside.organisation("guardianship-office")
    return f"desk: {desk}; {await _shown_under(scene, office)}"


async def _define(scene: Scene, issuer: Organisation) -> None:
    """A definition on the authority's schema, made past the controllers."""
    schema_id = (await framework(scene.cast))["schemas"][ELIGIBILITY]
    scene.definitions[issuer.slug] = await scene.outside.org.create_definition(
        tenant_of(issuer), did_of(issuer), schema_id, f"x{time.time_ns()}", _ROGUE_REGISTRY
    )


async def _shown_under(scene: Scene, issuer: Organisation) -> str:
    phone, org = await scene.phone(), scene.outside.org
    values = load(ELIGIBILITY).validate_values(eligibility())
    invitation = await org.invite(tenant_of(issuer), issuer.label)
    definition_id = scene.definitions[issuer.slug]
    async with scene.outside.wallet(phone) as token:
        holder = scene.outside.wallets
        connection = await holder.connect(token, invitation.message)
        desk = await _until(
            lambda: org.connection_for(tenant_of(issuer), invitation.invitation_id)
        )
        tenant = tenant_of(issuer)
        offered = await org.offer(tenant, desk, definition_id, values, "")
        (offer, *_) = await _until(lambda: holder.offers(token, connection))
        await holder.accept_offer(token, offer.exchange_id)
        await _until(lambda: _requested(org, tenant, offered))
        await org.issue(tenant, offered)
        await _until(lambda: holder.credentials(token))
        _, verdict = await check(scene.shelter, phone, "shelter")
    return why_refused(verdict)


async def _requested(org: OrganisationsAgent, tenant: TenantRef, exchange_id: str) -> bool:
    status = await org.offer_status(tenant, exchange_id)
    return status.state is OfferState.REQUESTED


async def _until(ask: Any) -> Any:
    for _ in range(400):
        if found := await ask():
            return found
        await asyncio.sleep(0.05)
    raise Conflict("What was waited for did not happen")


# --- what the holder's own wallet tells her, and nobody else -------------------------------


async def _ran_out(scene: Scene) -> str:
    phone = await scene.phone()
    values = eligibility(shelter_until=in_days(-1))
    await issue(scene.cast, phone, "shelter-a", ELIGIBILITY, **values)
    return await _told(scene.shelter, phone, await scene.shelter.ask("shelter"))


async def _above_limit(scene: Scene) -> str:
    asked = await scene.payer.ask("payment", amount_minor=90_000, currency="USD")
    return await _told(scene.payer, scene.holders.survivor, asked)


async def _no_permission(scene: Scene) -> str:
    phone, links = await scene.phone(), new_links()
    office = guardianship(links, perm_necessaries_until=0, perm_school_until=in_days(90))
    child = eligibility(held_for_other=1, **only(links, "shelter", "court"))
    await issue(scene.cast, phone, "guardianship-office", "guardianship", **office)
    await issue(scene.cast, phone, "shelter-a", ELIGIBILITY, **child)
    asked = await scene.shelter.ask("shelter")
    return await _told(scene.shelter, phone, asked, "representative")


async def _plain_with_held_for_other(scene: Scene) -> str:
    asked = await scene.shelter.ask("shelter")
    return await _told(scene.shelter, scene.holders.guardian, asked, "plain")


async def _told(desk: Desk, phone: Phone, asked: Json, variant: str | None = None) -> str:
    """What the wallet tells its holder, and what the desk sees when she declines."""
    seen = await phone.look(asked["link"], variant=variant)
    told = sorted({f"{each['label']} {each['kind']}" for each in seen["obstacles"]})
    await phone.say_no(seen)
    verdict = await desk.verdict(asked)
    return f"holder: {', '.join(told)}; desk: {why_refused(verdict)}"


# --- a guardian ------------------------------------------------------------------------------


async def _other_dependent(scene: Scene) -> str:
    """The app does not offer it; an app of her own sends it, and the check refuses it."""
    guardian, other = scene.holders.guardian, new_links()
    child = eligibility(held_for_other=1, household_size=4, **only(other, "shelter", "court"))
    await issue(scene.cast, guardian, "shelter-a", ELIGIBILITY, **child)
    asked = await scene.shelter.ask("shelter")
    seen = await guardian.look(asked["link"], variant="representative")
    wrong = await _wrong_pair(guardian, seen)
    try:
        await guardian.say_yes(seen, wrong)
        app = "sent"
    except Refused as refused:
        app = refused.why
    await _send_pair(scene, guardian, asked, wrong)
    return f"app: {app}; {why_refused(await scene.shelter.verdict(asked))}"


async def _wrong_pair(guardian: Phone, seen: Json) -> dict[str, str]:
    (choice,) = seen["choices"]
    right = choice["credentials"]
    mine = await guardian.credentials()
    (wrong,) = [
        each["id"]
        for each in mine
        if each["credential"] == ELIGIBILITY and each["id"] not in right.values()
    ]
    return {
        label: wrong if credential_id in _ids(mine, ELIGIBILITY) else credential_id
        for label, credential_id in right.items()
    }


def _ids(mine: list[Json], credential: str) -> set[str]:
    return {each["id"] for each in mine if each["credential"] == credential}


async def _send_pair(scene: Scene, phone: Phone, asked: Json, pair: Mapping[str, str]) -> None:
    invitation, request = await scene.outside.opened(asked, "representative")
    async with scene.outside.by_hand(phone) as holder:
        chosen = picks(request, lambda referent: pair[referent.partition("/")[0]])
        await send(invitation, await holder.present(request, chosen))


# --- askers ----------------------------------------------------------------------------------


async def _asks_too_much(scene: Scene) -> str:
    payer = await scene.outside.organisation("payer")
    schema_id = (await framework(scene.cast))["schemas"]["support-entitlement"]
    reveal = ("payment_ref", "currency", "limit_minor")
    ask = PresentationAsk(
        asks=(CredentialAsk(label="entitlement", schema_id=schema_id, reveal=reveal),)
    )
    invitation, statement, exchange_id = await scene.outside.invitation(
        payer, ask, "benefit-payment", "payment"
    )
    wallet = await _look(scene.holders.survivor, invitation, statement)
    answer = await scene.outside.org.answer(tenant_of(payer), exchange_id)
    return f"wallet: {wallet}; asker: {_nothing(answer.state)}"


async def _false_label(scene: Scene) -> str:
    """A rogue under a known name: as itself, under a stolen DID, with a stolen statement."""
    rogue = await scene.outside.organisation("rogue", "Harbour House")
    schema_id = (await framework(scene.cast))["schemas"][ELIGIBILITY]
    ask = PresentationAsk(
        asks=(CredentialAsk(label="eligibility", schema_id=schema_id, reveal=("region",)),)
    )
    invitation, own, exchange_id = await scene.outside.invitation(
        rogue, ask, "shelter-intake", "shelter"
    )
    shelter = did_of(await scene.outside.organisation("shelter-b"))
    asked = await scene.shelter.ask("shelter")
    genuine = await scene.outside.statement(asked)
    tried = [
        await _look(scene.holders.survivor, invitation, statement)
        for statement in (own, own | {"issuer": shelter}, genuine)
    ]
    answer = await scene.outside.org.answer(tenant_of(rogue), exchange_id)
    return f"wallet: {', '.join(tried)}; asker: {_nothing(answer.state)}"


async def _look(phone: Phone, invitation: Json, statement: Json) -> str:
    try:
        await phone.look_at_invitation(invitation, statement)
    except Refused as refused:
        return refused.why
    return "shown"


def _nothing(state: AnswerState) -> str:
    return "nothing" if state is AnswerState.WAITING else state.value


_PLOT = (
    (
        "6.1",
        "An issuer that the framework does not know, under a known name",
        "refused: issuer: unknown-issuer",
        _unknown_issuer,
    ),
    (
        "6.2",
        "An organisation issues what it may not issue",
        "desk: credential-not-allowed; refused: issuer: not-granted",
        _not_granted,
    ),
    (
        "6.3",
        "An eligibility that ran out: only the holder is told",
        "holder: Place to stay, until too-low; desk: not-shown",
        _ran_out,
    ),
    (
        "6.4",
        "An amount above the limit: only the holder is told",
        "holder: Limit, in hundredths too-low; desk: not-shown",
        _above_limit,
    ),
    (
        "6.5",
        "A guardianship without the permission that is needed",
        "holder: Everyday needs, until too-low; desk: not-shown",
        _no_permission,
    ),
    (
        "6.6",
        "A guardian presents another dependent's eligibility",
        "app: invalid-input; refused: links: values-differ",
        _other_dependent,
    ),
    (
        "6.7",
        "A guardian answers a plain check with what is held for another",
        "holder: Kept for another person too-high; desk: not-shown",
        _plain_with_held_for_other,
    ),
    (
        "6.8",
        "A verifier asks for more than its purpose allows",
        "wallet: attribute-not-allowed; asker: nothing",
        _asks_too_much,
    ),
    (
        "6.9",
        "Two credentials are mixed to fake one",
        "refused: one-credential-each: mixed-credentials",
        mixed,
    ),
    (
        "6.10",
        "A proof that rests on an old revocation list",
        "refused: revocation: old-list",
        old_list,
    ),
    (
        "6.11",
        "A presentation that was altered, and one that is replayed",
        "altered: refused: signature: not-valid; honest: accepted; "
        "replayed: refused: signature: not-valid",
        tampered_then_replayed,
    ),
    (
        "6.12",
        "An asker who is not who its label says",
        "wallet: unknown-participant, proof, invitation-digest; asker: nothing",
        _false_label,
    ),
    (
        "6.13",
        "A withdrawn credential without any proof that it still holds",
        "refused: revocation: not-shown",
        status_left_out,
    ),
)
