"""What waits in a wallet: taken up, and neither answered, nor declined, nor past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from controllers.moment import now
from controllers.wallet.notes import HISTORY, PENDING
from controllers.wallet.presenting import show_offer, show_request
from controllers.wallet.schemas import OfferPreview, RequestPreview
from controllers.wallet.service import WalletService
from controllers.wallet.sessions import OpenWallet
from core.errors import (
    Conflict,
    Gone,
    GovernanceDenied,
    InvalidInput,
    NotFound,
    Unavailable,
    VerificationError,
)
from core.ports import Document, OfferState

# an offer that was said yes to may still arrive after its time
_LONG_PAST = timedelta(days=7)
# each is verified again, which costs something; the ones that end last are those of today
_MOST = 5
# what could be verified when it was taken up, and cannot be any more, or not just now
_NOT_TO_SHOW = (
    Conflict,
    Gone,
    GovernanceDenied,
    InvalidInput,
    NotFound,
    Unavailable,
    VerificationError,
)


async def pending(
    service: WalletService, wallet: OpenWallet, language: str
) -> list[OfferPreview | RequestPreview]:
    """Each as it was shown when it was taken up, verified again; the first to end first. At
    most five.

    What is long past is removed, with the values of its offer.
    """
    notes = await service.notes.all(wallet.token, PENDING)
    await _remove(service, wallet, notes)
    answered = await service.notes.all(wallet.token, HISTORY)
    waiting = [
        (key, note)
        for key, note in sorted(notes.items(), key=lambda each: _ends(each[1]))
        if _ends(note) > now() and key not in answered
    ]
    found = [await _shown(service, wallet, *each, language) for each in waiting[-_MOST:]]
    return _once([each for each in found if each is not None])


async def _shown(
    service: WalletService, wallet: OpenWallet, key: str, note: Document, language: str
) -> OfferPreview | RequestPreview | None:
    try:
        if note["kind"] == "request":
            return show_request(await service.requests.noted(wallet, note), language)
        offer = await service.offers.arrived(wallet, key, note)
        taken_back = offer.offer.state in (OfferState.FAILED, OfferState.UNKNOWN)
        return None if taken_back else show_offer(offer, language)
    except _NOT_TO_SHOW:
        return None


def _once(
    found: Sequence[OfferPreview | RequestPreview],
) -> list[OfferPreview | RequestPreview]:
    """A question that was looked at in several ways waits once: as it can be answered."""
    shown: dict[str, OfferPreview | RequestPreview] = {}
    for each in found:
        link = each.link if isinstance(each, RequestPreview) else None
        key = link or each.id
        before = shown.get(key)
        if not (isinstance(before, RequestPreview) and before.can_answer):
            shown[key] = each
    return list(shown.values())


async def _remove(
    service: WalletService, wallet: OpenWallet, notes: Mapping[str, Document]
) -> None:
    past = [key for key, note in notes.items() if _ends(note) < now() - _LONG_PAST]
    for key in past:
        offers = notes[key]["kind"] == "offer"
        close = await service.offers.exchanges(wallet, notes[key]) if offers else []
        await service.notes.change(wallet.token, delete=[(PENDING, key)], close=close)


def _ends(note: Document) -> datetime:
    return datetime.fromisoformat(str(note["at"]))
