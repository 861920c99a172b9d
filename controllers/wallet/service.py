"""A wallet in an open session: links taken up, answers given, credentials kept or deleted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from controllers.governance.service import GovernanceService
from controllers.wallet.dependents import DependentNumbers
from controllers.wallet.fetching import LinkFetcher
from controllers.wallet.moves import MoveService
from controllers.wallet.notes import ORIGINS, Notes
from controllers.wallet.offers import OfferService
from controllers.wallet.presenting import show_credential, show_offer, show_request
from controllers.wallet.receipts import show_entry
from controllers.wallet.requests import RequestService
from controllers.wallet.schemas import (
    CodeNeeded,
    CredentialShown,
    History,
    OfferPreview,
    Preview,
    RequestPreview,
    TakeUp,
)
from controllers.wallet.sessions import OpenWallet
from core.errors import Unavailable
from core.ports import HeldCredential, HolderAgent, PresentingAgent


@dataclass(frozen=True, slots=True)
class WalletService:
    """What the wallet's API calls."""

    holder: HolderAgent
    presenting: PresentingAgent
    governance: GovernanceService
    fetcher: LinkFetcher
    notes: Notes
    offers: OfferService
    requests: RequestService
    moves: MoveService

    async def take_up(self, wallet: OpenWallet, what: TakeUp, language: str) -> Preview:
        """Show what was scanned. Nothing is disclosed by looking.

        Raises NotFound, Gone, Forbidden, VerificationError, GovernanceDenied, InvalidInput.
        """
        if what.link is None:
            found = await self.requests.take_in(
                wallet, what.invitation or {}, what.statement or {}
            )
            return show_request(found, language)
        variant = {"variant": what.variant} if what.variant else {}
        document = await self.fetcher.get(what.link, **variant)
        if "@type" in document:
            request = await self.requests.take_up(wallet, what.link, document, what.variant)
            return show_request(request, language)
        if not what.code:
            return CodeNeeded()
        return show_offer(await self.offers.take_up(wallet, what.link, what.code), language)

    async def accept_offer(
        self, wallet: OpenWallet, offer_id: str, language: str
    ) -> OfferPreview:
        """Take the credential; returns when it is stored."""
        verified = await self.offers.accept(wallet, offer_id)
        if verified.for_dependent:
            with suppress(Unavailable):  # else the next look at the cards counts her
                held = await self.holder.credentials(wallet.token)
                await DependentNumbers(self.notes).numbers(wallet, held, verified.framework)
        return show_offer(verified, language)

    async def answer(
        self,
        wallet: OpenWallet,
        request_id: str,
        choice: dict[str, str] | None,
        language: str,
    ) -> RequestPreview:
        """Show what was asked for."""
        return show_request(await self.requests.answer(wallet, request_id, choice), language)

    async def credentials(
        self, wallet: OpenWallet, language: str, *, with_state: bool
    ) -> list[CredentialShown]:
        """Every credential; with_state also asks whether it was withdrawn."""
        held = await self.holder.credentials(wallet.token)
        if not held:  # an empty wallet opens before there is an authority, too
            return []
        framework = await self.governance.current()
        numbers = await DependentNumbers(self.notes).numbers(wallet, held, framework)
        return [
            show_credential(
                each,
                framework,
                language,
                held_for=numbers.get(each.credential_id),
                revoked=await self._revoked(wallet, each) if with_state else None,
            )
            for each in held
        ]

    async def delete_credential(self, wallet: OpenWallet, credential_id: str) -> None:
        """Delete one credential, and first what it could be moved by; deleting what is not
        there is no error. With the last one of a dependent goes what she was counted by."""
        await self.notes.delete(wallet.token, ORIGINS, credential_id)
        await self.holder.delete_credential(wallet.token, credential_id)
        dependents = DependentNumbers(self.notes)
        if await dependents.any(wallet):
            held = await self.holder.credentials(wallet.token)
            await dependents.tidy(wallet, held, await self.governance.current())

    async def history(self, wallet: OpenWallet, language: str) -> History:
        """Every receipt in words, newest first."""
        entries = await self.notes.history(wallet.token)
        if not entries:
            return History(items=[])
        framework = await self.governance.current()
        return History(items=[show_entry(entry, framework, language) for entry in entries])

    async def _revoked(self, wallet: OpenWallet, held: HeldCredential) -> bool:
        if held.registry_id is None:
            return False
        return await self.presenting.is_revoked(wallet.token, held.credential_id)
