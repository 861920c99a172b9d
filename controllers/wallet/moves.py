"""Asking issuers for credentials in another wallet (docs/adr/0028).

1. Nothing moves by the phone alone: the issuer's desk speaks with the holder and issues anew.
2. A credential is asked for at the site that it was taken through, by the claim that it was
   taken with. No other site hears of it, and that one only once the holder has asked.
3. Without the receipt there is no claim: then the holder asks at the desk herself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field

from controllers.governance.service import GovernanceService
from controllers.issuer.service import standing_definition
from controllers.wallet.fetching import LinkFetcher
from controllers.wallet.notes import ORIGINS, Notes
from controllers.wallet.sessions import OpenWallet
from core.errors import Conflict, GovernanceDenied, HavenError, NotFound
from core.ports import Document, HolderAgent
from governance.engine import Framework

MoveState = Literal["possible", "asked", "offered", "moved", "not-possible"]
Reason = Literal["no-receipt", "issuer-unknown", "not-ours"]

_KNOWN: Mapping[str, MoveState] = {
    "asked": "asked",
    "offered": "offered",
    "moved": "moved",
    "withdrawn": "not-possible",
}


class MoveShown(BaseModel):
    """Whether a credential can be moved to another wallet, and how far that has come."""

    credential_id: str
    state: MoveState
    reason: Reason | None = Field(
        None,
        description="no-receipt: the wallet does not keep where it came from; issuer-unknown: "
        "its issuer may not issue it any more; not-ours: its issuer does not know it; none of "
        "these: it was withdrawn",
    )


class MoveList(BaseModel):
    """One for each credential of the wallet."""

    items: list[MoveShown]


@dataclass(frozen=True, slots=True)
class MoveService:
    """What a wallet can ask its issuers."""

    holder: HolderAgent
    governance: GovernanceService
    fetcher: LinkFetcher
    notes: Notes

    async def all(self, wallet: OpenWallet) -> MoveList:
        """How it stands with each credential."""
        origins = await self.notes.all(wallet.token, ORIGINS)
        held = await self.holder.credentials(wallet.token)
        if not held:
            return MoveList(items=[])
        framework = await self.governance.current()
        shown = (
            self._shown(wallet, framework, each.credential_id, origins.get(each.credential_id))
            for each in held
        )
        return MoveList(items=await asyncio.gather(*shown))

    async def ask(self, wallet: OpenWallet, credential_id: str) -> None:
        """Ask the issuer; asking again changes nothing.

        Raises NotFound, GovernanceDenied, Unavailable, and Conflict if the wallet does not
        know where it came from, or it was withdrawn.
        """
        origin = await self._origin(wallet, credential_id)
        if origin is None:
            held = await self.holder.credentials(wallet.token)
            if all(each.credential_id != credential_id for each in held):
                raise NotFound(
                    "There is no such credential in your wallet.", code="no-such-card"
                )
            raise Conflict(
                "Its receipt is gone. Please ask at the desk that issued it.", code="no-receipt"
            )
        if "move" not in origin:
            _require_authority(await self.governance.current(), origin)
        state = await self._asked(origin)
        if state == "not-possible":
            raise Conflict(
                "It was withdrawn. Please ask the desk for a new one.", code="card-withdrawn"
            )
        await self._note(wallet, credential_id, state)

    async def _shown(
        self,
        wallet: OpenWallet,
        framework: Framework,
        credential_id: str,
        origin: Document | None,
    ) -> MoveShown:
        if origin is None:
            return _not_possible(credential_id, "no-receipt")
        if origin.get("move") == "moved":
            return MoveShown(credential_id=credential_id, state="moved")
        if "move" in origin:
            return await self._looked_up(wallet, credential_id, origin)
        try:
            _require_authority(framework, origin)
        except GovernanceDenied:
            return _not_possible(credential_id, "issuer-unknown")
        return MoveShown(credential_id=credential_id, state="possible")

    async def _looked_up(
        self, wallet: OpenWallet, credential_id: str, origin: Document
    ) -> MoveShown:
        """One that was asked for: its issuer says how it stands."""
        try:
            state = await self._asked(origin)
        except NotFound:
            return _not_possible(credential_id, "not-ours")
        except HavenError:
            state = origin["move"]  # as we last heard
        if state not in (origin["move"], "not-possible"):
            await self._note(wallet, credential_id, state)
        return MoveShown(credential_id=credential_id, state=state)

    async def _asked(self, origin: Document) -> MoveState:
        said = await self.fetcher.ask_move(origin["site"], origin["claim"])
        state = said.get("state")
        if not isinstance(state, str) or state not in _KNOWN:
            raise NotFound(
                "Its issuer does not understand this. Please ask at its desk.", code="not-ours"
            )
        return _KNOWN[state]

    async def _note(self, wallet: OpenWallet, credential_id: str, state: MoveState) -> None:
        """Unless its receipt was deleted in the meantime: then nothing is kept of it."""
        origin = await self._origin(wallet, credential_id)
        if origin is not None:
            await self.notes.put(
                wallet.token, ORIGINS, credential_id, {**origin, "move": state}
            )

    async def _origin(self, wallet: OpenWallet, credential_id: str) -> Document | None:
        return (await self.notes.all(wallet.token, ORIGINS)).get(credential_id)


def _require_authority(framework: Framework, origin: Document) -> None:
    """Whoever may not issue it any more cannot issue it anew. Raises GovernanceDenied."""
    standing_definition(framework, origin["issuer"], origin["credential"])


def _not_possible(credential_id: str, reason: Reason) -> MoveShown:
    return MoveShown(credential_id=credential_id, state="not-possible", reason=reason)
