"""Chapters 4 and 5: the checks at a shelter, in court and at a till; a guardian passes too."""

from __future__ import annotations

from controllers.story.cast import Cast
from controllers.story.issuing import Holders
from controllers.story.people import Desk, Json, Phone, Values
from controllers.story.telling import Teller

AMOUNT: Values = {"amount_minor": 4_500, "currency": "USD"}


async def check(
    desk: Desk, phone: Phone, name: str, parameters: Values | None = None
) -> tuple[Json, Json]:
    """A check that the holder answers; the check and its verdict."""
    asked = await desk.ask(name, **(parameters or {}))
    await phone.show(asked)
    return asked, await desk.verdict(asked)


def why_refused(verdict: Json) -> str:
    """`accepted`, `not-shown`, or the first check that failed and its reason."""
    for result in verdict["results"]:
        if result["outcome"] == "failed":
            return f"{verdict['verdict']}: {result['name']}: {result['reason']}"
    return str(verdict["verdict"])


async def tell_checking(teller: Teller, cast: Cast, holders: Holders) -> None:
    """Play chapters 4 and 5."""
    survivor, guardian = holders.survivor, holders.guardian
    shelter, court, payer = (cast.checking(slug) for slug in ("shelter-b", "court", "payer"))
    await teller.step(
        "4.1",
        "Shelter B: may its visitor have shelter tonight?",
        "accepted; learnt: eligibility household_size region",
        lambda: _learnt(shelter, survivor, "shelter"),
    )
    await teller.step(
        "4.2",
        "Court: a prosecutor relies on an identity",
        "accepted; learnt: identity birthdate_dateint birthdate_known family_name given_names "
        "subject_ref",
        lambda: _learnt(court, survivor, "court"),
    )
    await teller.step(
        "4.3",
        "Payment: 45 dollars are within the limit, today",
        "accepted; learnt: entitlement currency payment_ref",
        lambda: _learnt(payer, survivor, "payment", **AMOUNT),
    )
    await teller.step(
        "5.1",
        "The guardian passes the shelter check for the child",
        "accepted by a representative (necessaries); learnt: eligibility household_size "
        "link_shelter region, guardianship link_shelter",
        lambda: _learnt(shelter, guardian, "shelter"),
    )
    await teller.step(
        "5.2",
        "The guardian passes the payment check for the child",
        "accepted by a representative (necessaries); learnt: entitlement currency "
        "link_payment payment_ref, guardianship link_payment",
        lambda: _learnt(payer, guardian, "payment", **AMOUNT),
    )


async def _learnt(desk: Desk, phone: Phone, name: str, **parameters: str | int) -> str:
    asked, verdict = await check(desk, phone, name, parameters)
    if verdict["verdict"] != "accepted":
        return why_refused(verdict)
    shown = await desk.learnt(asked)
    parts = ", ".join(f"{label} {' '.join(sorted(shown[label]))}" for label in sorted(shown))
    permission = verdict["representative_permission"]
    by = f" by a representative ({permission})" if permission else ""
    return f"accepted{by}; learnt: {parts}"
