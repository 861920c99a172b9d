"""The wallet's API: open a session, take up a link, say yes or no, look, delete."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi import Path as PathParameter
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from controllers.haven import House
from controllers.idempotency import IdempotencyKey
from controllers.problems import RESPONSES
from controllers.wallet.moves import MoveList
from controllers.wallet.schemas import (
    Answer,
    CodeNeeded,
    CredentialList,
    Done,
    History,
    OfferPreview,
    RequestPreview,
    SessionOpened,
    TakeUp,
    WalletKey,
    WalletMade,
)
from controllers.wallet.sessions import OpenWallet, SessionService
from controllers.words import preferred
from core.errors import NotAuthenticated

_bearer = HTTPBearer(auto_error=False, description="The `session` of an open wallet")

PlainId = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9-]{1,64}$")]
AcceptLanguage = Annotated[str | None, Header(alias="Accept-Language", max_length=200)]


async def recognised(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> OpenWallet:
    """The open wallet that a request speaks for. Raises NotAuthenticated."""
    if credentials is None:
        raise NotAuthenticated("Please open your wallet", code="wallet-locked")
    sessions: SessionService = request.app.state.haven.sessions
    return await sessions.recognise(credentials.credentials)


Open = Annotated[OpenWallet, Depends(recognised)]


router = APIRouter(prefix="/api/wallet", tags=["wallet"], responses=RESPONSES)


@router.post("/wallets", status_code=201)
async def create(house: House, body: WalletKey, repeated: IdempotencyKey = None) -> WalletMade:
    """Make a wallet under a key that the device made."""

    async def make() -> WalletMade:
        return WalletMade(wallet_id=await house.sessions.create_wallet(body.key))

    # nobody is known here yet; only who has the wallet's key gets the same answer again
    return await house.repeatable.run("wallet", repeated, body, WalletMade, make)


@router.post("/wallets/{wallet_id}/sessions", status_code=201)
async def open_session(house: House, wallet_id: PlainId, body: WalletKey) -> SessionOpened:
    """Open a wallet."""
    session, ends = await house.sessions.open(wallet_id, body.key)
    return SessionOpened(session=session, expires_at=ends)


@router.post("/wallets/{wallet_id}/destroy")
async def destroy(house: House, wallet_id: PlainId, body: WalletKey) -> Done:
    """Delete a wallet and everything in it, for good."""
    await house.sessions.destroy_wallet(wallet_id, body.key)
    return Done()


@router.post("/session/close")
async def close(house: House, wallet: Open) -> Done:
    """Lock the wallet now."""
    try:
        await house.wallet.requests.tidy(wallet)
    finally:
        await house.sessions.close(wallet)
    return Done()


@router.post("/links")
async def take_up(
    house: House, wallet: Open, body: TakeUp, language: AcceptLanguage = None
) -> OfferPreview | RequestPreview | CodeNeeded:
    """See who offers or asks what. Nothing is disclosed by looking."""
    return await house.sessions.within(
        wallet,
        lambda: house.wallet.take_up(wallet, body, preferred(language)),
    )


@router.post("/offers/{offer_id}/accept")
async def accept(
    house: House, wallet: Open, offer_id: PlainId, language: AcceptLanguage = None
) -> OfferPreview:
    """Take a credential; answers when it is in the wallet."""
    return await house.sessions.within(
        wallet, lambda: house.wallet.accept_offer(wallet, offer_id, preferred(language))
    )


@router.post("/offers/{offer_id}/decline")
async def decline_offer(house: House, wallet: Open, offer_id: PlainId) -> Done:
    """Do not take a credential."""
    await house.sessions.within(wallet, lambda: house.wallet.offers.decline(wallet, offer_id))
    return Done()


@router.post("/requests/{request_id}/accept")
async def answer(
    house: House,
    wallet: Open,
    request_id: PlainId,
    body: Answer,
    language: AcceptLanguage = None,
) -> RequestPreview:
    """Show what was asked for."""
    return await house.sessions.within(
        wallet,
        lambda: house.wallet.answer(wallet, request_id, body.choice, preferred(language)),
    )


@router.post("/requests/{request_id}/decline")
async def decline(house: House, wallet: Open, request_id: PlainId) -> Done:
    """Say no; why is nobody's business."""
    await house.sessions.within(
        wallet, lambda: house.wallet.requests.decline(wallet, request_id)
    )
    return Done()


@router.get("/credentials")
async def credentials(
    house: House,
    wallet: Open,
    language: AcceptLanguage = None,
    state: Annotated[Literal["true", "false"], Query()] = "false",
) -> CredentialList:
    """What is in the wallet, and how long it is good; ?state=true also asks whether
    something was withdrawn."""
    items = await house.sessions.within(
        wallet,
        lambda: house.wallet.credentials(
            wallet, preferred(language), with_state=state == "true"
        ),
    )
    return CredentialList(items=items)


@router.delete("/credentials/{credential_id}")
async def delete_credential(house: House, wallet: Open, credential_id: PlainId) -> Done:
    """Delete a credential."""
    await house.sessions.within(
        wallet, lambda: house.wallet.delete_credential(wallet, credential_id)
    )
    return Done()


@router.get("/moves")
async def moves(house: House, wallet: Open) -> MoveList:
    """Which credentials can be moved to another wallet, and how far a move has come. Only
    where one was asked for already is its issuer asked."""
    return await house.sessions.within(wallet, lambda: house.wallet.moves.all(wallet))


@router.post("/credentials/{credential_id}/move")
async def move(house: House, wallet: Open, credential_id: PlainId) -> Done:
    """Ask the issuer for this credential in another wallet. Nothing moves until its desk
    issues it anew."""
    await house.sessions.within(wallet, lambda: house.wallet.moves.ask(wallet, credential_id))
    return Done()


@router.get("/history")
async def history(house: House, wallet: Open, language: AcceptLanguage = None) -> History:
    """Every credential received, every disclosure and every no, newest first."""
    return await house.sessions.within(
        wallet, lambda: house.wallet.history(wallet, preferred(language))
    )


@router.delete("/history/{entry_id}")
async def forget(house: House, wallet: Open, entry_id: PlainId) -> Done:
    """Delete one receipt."""
    await house.sessions.within(
        wallet, lambda: house.wallet.notes.forget(wallet.token, entry_id)
    )
    return Done()
