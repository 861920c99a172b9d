"""Holders of chapter 6 who make presentations by hand, and not honestly."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from agent.foreign import ForeignHolder, send, tampered, without_status_proof
from controllers.story.checking import why_refused
from controllers.story.issuing import eligibility, entitlement, in_days, issue
from controllers.story.people import Json
from controllers.story.scene import ELIGIBILITY, Scene


def picks(request: Json, pick: Any) -> dict[str, str]:
    referents = [*request["requested_attributes"], *request["requested_predicates"]]
    return {referent: pick(referent) for referent in referents}


async def mixed(scene: Scene) -> str:
    """Valid by one credential, a large household by another that ran out."""
    phone = await scene.phone()
    over = eligibility(shelter_until=in_days(-1), household_size=6)
    await issue(scene.cast, phone, "shelter-a", ELIGIBILITY, **eligibility(household_size=1))
    await issue(scene.cast, phone, "shelter-a", ELIGIBILITY, **over)
    asked = await scene.shelter.ask("shelter")
    invitation, request = await scene.outside.opened(asked)
    async with scene.outside.by_hand(phone) as holder:
        by_size = {each.values["household_size"]: each for each in await holder.credentials()}

        def pick(referent: str) -> str:
            size = "6" if referent in request["requested_attributes"] else "1"
            return by_size[size].credential_id

        await send(invitation, await holder.present(request, picks(request, pick)))
    return why_refused(await scene.shelter.verdict(asked))


async def old_list(scene: Scene) -> str:
    """Withdrawn, but proven against the list from before."""
    phone = await scene.phone()
    issued = await issue(scene.cast, phone, "shelter-a", ELIGIBILITY, **eligibility())
    before = int(time.time())
    await asyncio.sleep(1.1)  # lists have whole seconds
    await scene.cast.issuing("shelter-a").revoke(issued)
    asked = await scene.shelter.ask("shelter")
    invitation, request = await scene.outside.opened(asked)
    async with scene.outside.by_hand(phone) as holder:
        chosen = await _all_from_first(holder, request)
        await send(invitation, await holder.present(request, chosen, status_at=before))
    return why_refused(await scene.shelter.verdict(asked))


async def status_left_out(scene: Scene) -> str:
    """Withdrawn; the proof of the contrary is left out, and the newest list claimed."""
    phone = await scene.phone()
    issued = await issue(scene.cast, phone, "shelter-a", ELIGIBILITY, **eligibility())
    await scene.cast.issuing("shelter-a").revoke(issued)
    asked = await scene.shelter.ask("shelter")
    invitation, request = await scene.outside.opened(asked)
    unasked = {name: value for name, value in request.items() if name != "non_revoked"}
    async with scene.outside.by_hand(phone) as holder:
        (mine,) = await holder.credentials()
        chosen = picks(unasked, lambda _: mine.credential_id)
        made = await holder.present(unasked, chosen, prove_status=False)
        newest = await holder.newest_list_time(mine.credential_id)
        await send(invitation, without_status_proof(made, mine.registry_id or "", newest))
    return why_refused(await scene.shelter.verdict(asked))


async def tampered_then_replayed(scene: Scene) -> str:
    """Altered; then honest; then the honest one again for another check."""
    phone = await scene.phone()
    await issue(scene.cast, phone, "fund", "support-entitlement", **entitlement())
    found, kept = [], {}
    for attempt in ("altered", "honest", "replayed"):
        asked = await scene.payer.ask("payment", amount_minor=100, currency="USD")
        invitation, request = await scene.outside.opened(asked)
        if attempt != "replayed":
            async with scene.outside.by_hand(phone) as holder:
                chosen = await _all_from_first(holder, request)
                kept = await holder.present(request, chosen)
        altered = tampered(kept, "payment_ref", "a" * 26)
        await send(invitation, altered if attempt == "altered" else kept)
        found.append(f"{attempt}: {why_refused(await scene.payer.verdict(asked))}")
    return "; ".join(found)


async def _all_from_first(holder: ForeignHolder, request: Json) -> dict[str, str]:
    (first, *_) = await holder.credentials()
    return picks(request, lambda _: first.credential_id)
