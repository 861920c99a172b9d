"""The wallet's API: open a session, take up a link, say yes or no, look, delete."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi import Path as PathParameter
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from controllers.problems import RESPONSES
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
from controllers.wallet.service import WalletService
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
        raise NotAuthenticated("Please open your wallet")
    sessions: SessionService = request.app.state.haven.sessions
    return await sessions.recognise(credentials.credentials)


Open = Annotated[OpenWallet, Depends(recognised)]


def router(service: WalletService, sessions: SessionService) -> APIRouter:
    """Routes below /api/wallet."""
    routes = APIRouter(prefix="/api/wallet", tags=["wallet"], responses=RESPONSES)

    @routes.post("/wallets", status_code=201)
    async def create(body: WalletKey) -> WalletMade:
        """Make a wallet under a key that the device made."""
        return WalletMade(wallet_id=await sessions.create_wallet(body.key))

    @routes.post("/wallets/{wallet_id}/sessions", status_code=201)
    async def open_session(wallet_id: PlainId, body: WalletKey) -> SessionOpened:
        """Open a wallet."""
        session, ends = await sessions.open(wallet_id, body.key)
        return SessionOpened(session=session, expires_at=ends)

    @routes.post("/wallets/{wallet_id}/destroy")
    async def destroy(wallet_id: PlainId, body: WalletKey) -> Done:
        """Delete a wallet and everything in it, for good."""
        await sessions.destroy_wallet(wallet_id, body.key)
        return Done()

    @routes.post("/session/close")
    async def close(wallet: Open) -> Done:
        """Lock the wallet now."""
        await sessions.close(wallet)
        return Done()

    @routes.post("/links")
    async def take_up(
        wallet: Open, body: TakeUp, language: AcceptLanguage = None
    ) -> OfferPreview | RequestPreview | CodeNeeded:
        """See who offers or asks what. Nothing is disclosed by looking."""
        return await sessions.within(
            wallet,
            lambda: service.take_up(wallet, body, preferred(language)),
        )

    @routes.post("/offers/{offer_id}/accept")
    async def accept(
        wallet: Open, offer_id: PlainId, language: AcceptLanguage = None
    ) -> OfferPreview:
        """Take a credential; answers when it is in the wallet."""
        return await sessions.within(
            wallet, lambda: service.accept_offer(wallet, offer_id, preferred(language))
        )

    @routes.post("/offers/{offer_id}/decline")
    async def decline_offer(wallet: Open, offer_id: PlainId) -> Done:
        """Do not take a credential."""
        await sessions.within(wallet, lambda: service.offers.decline(wallet, offer_id))
        return Done()

    @routes.post("/requests/{request_id}/accept")
    async def answer(
        wallet: Open, request_id: PlainId, body: Answer, language: AcceptLanguage = None
    ) -> RequestPreview:
        """Show what was asked for."""
        return await sessions.within(
            wallet,
            lambda: service.answer(wallet, request_id, body.choice, preferred(language)),
        )

    @routes.post("/requests/{request_id}/decline")
    async def decline(wallet: Open, request_id: PlainId) -> Done:
        """Say no; why is nobody's business."""
        await sessions.within(wallet, lambda: service.requests.decline(wallet, request_id))
        return Done()

    @routes.get("/credentials")
    async def credentials(
        wallet: Open,
        language: AcceptLanguage = None,
        state: Annotated[Literal["true", "false"], Query()] = "false",
    ) -> CredentialList:
        """What is in the wallet; ?state=true also asks whether something was withdrawn."""
        items = await sessions.within(
            wallet,
            lambda: service.credentials(
                wallet, preferred(language), with_state=state == "true"
            ),
        )
        return CredentialList(items=items)

    @routes.delete("/credentials/{credential_id}")
    async def delete_credential(wallet: Open, credential_id: PlainId) -> Done:
        """Delete a credential."""
        await sessions.within(wallet, lambda: service.delete_credential(wallet, credential_id))
        return Done()

    @routes.get("/history")
    async def history(wallet: Open) -> History:
        """Every disclosure, with its receipt."""
        return await sessions.within(wallet, lambda: service.history(wallet))

    @routes.delete("/history/{entry_id}")
    async def forget(wallet: Open, entry_id: PlainId) -> Done:
        """Delete one receipt."""
        await sessions.within(wallet, lambda: service.notes.forget(wallet.token, entry_id))
        return Done()

    return routes
