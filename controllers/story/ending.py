"""Chapter 7: what was issued is withdrawn, authority ends, a key is stolen."""

from __future__ import annotations

from controllers.story.cast import Cast
from controllers.story.checking import check, why_refused
from controllers.story.issuing import Holders, eligibility, issue
from controllers.story.people import Phone, Refused
from controllers.story.telling import Teller

_CREDENTIAL = "service-eligibility"
_ISSUER = "shelter-a"


async def tell_ending(teller: Teller, cast: Cast, holders: Holders) -> None:
    """Play chapter 7."""
    other = await (await Phone.new(cast.base_url)).unlock()
    await issue(cast, other, _ISSUER, _CREDENTIAL, **eligibility())
    await teller.step(
        "7.1",
        "Shelter A withdraws an eligibility; the very next check refuses it",
        "refused: revocation: revoked; others: accepted",
        lambda: _revoke(cast, holders, other),
    )
    await teller.step(
        "7.2",
        "The grant to issue ends: old credentials stay good, new ones cannot be issued",
        "old: accepted; new: grant-ended",
        lambda: _end_grant(cast, other),
    )
    await teller.step(
        "7.3",
        "The key is reported stolen: everything under that definition is refused",
        "refused: issuer: withdrawn",
        lambda: _withdraw_grant(cast, other),
    )


async def _revoke(cast: Cast, holders: Holders, other: Phone) -> str:
    shelter = cast.checking("shelter-b")
    await cast.issuing(_ISSUER).revoke(holders.issued["2.3"])
    _, refused = await check(shelter, holders.survivor, "shelter")
    _, accepted = await check(shelter, other, "shelter")
    return f"{why_refused(refused)}; others: {why_refused(accepted)}"


async def _end_grant(cast: Cast, other: Phone) -> str:
    grant_id = cast.grants[_ISSUER, _CREDENTIAL]
    await cast.operator.post(f"/api/governance/grants/{grant_id}/end")
    _, old = await check(cast.checking("shelter-b"), other, "shelter")
    try:
        await cast.issuing(_ISSUER).offer(_CREDENTIAL, **eligibility())
        new = "issued"
    except Refused as refused:
        new = refused.why
    return f"old: {why_refused(old)}; new: {new}"


async def _withdraw_grant(cast: Cast, other: Phone) -> str:
    grant_id = cast.grants[_ISSUER, _CREDENTIAL]
    await cast.operator.post(f"/api/governance/grants/{grant_id}/withdraw")
    _, verdict = await check(cast.checking("shelter-b"), other, "shelter")
    return why_refused(verdict)
