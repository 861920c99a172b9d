"""Wallets spread over several wallet agents: each wallet is on one of them for life.

A holder's store is a file beside its agent and is opened there alone, so wallets are not
shared between agents but dealt out to them:

1. A new wallet goes to any agent that answers.
2. Its id says which: ids of the first agent are as they always were, those of the others
   begin with `s` and the agent's number. So an agent that is added moves no wallet.
3. A session's token begins in the same way.
4. An agent that does not answer makes its own wallets unavailable, and no other.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from core.errors import NotFound, SessionClosed, Unavailable
from core.ports import (
    Awaited,
    Document,
    HeldCredential,
    HolderAgent,
    PresentingAgent,
    ReceivedOffer,
    Vaults,
    WalletNotes,
)
from core.presentation import PresentationAsk
from core.secret import Secret

LOGGER = logging.getLogger(__name__)

# no id of the first agent's (a UUID) and no token of its (a JWT) can look like this
_NUMBERED = re.compile(r"s([1-9][0-9]{0,3})-(.+)", re.DOTALL)


class Wallets(Vaults, HolderAgent, PresentingAgent, WalletNotes, Protocol):
    """All that the controllers need of holders' wallets, wherever these are."""

    async def ready(self) -> bool: ...

    async def verify_statement(self, token: Secret, statement: Document) -> str: ...


class ShardedWallets:
    """Implements Wallets over several of them. The order of `shards` is for good."""

    def __init__(self, shards: Sequence[Wallets]) -> None:
        self._shards = tuple(shards)

    async def ready(self) -> bool:
        """Whether every one is ready: each has wallets that nobody else has."""
        return all(await asyncio.gather(*(shard.ready() for shard in self._shards)))

    # --- vaults ---------------------------------------------------------------------------

    async def create(self, key: Secret) -> str:
        numbers = random.sample(range(len(self._shards)), len(self._shards))
        for number in numbers[:-1]:
            try:
                return _name(number, await self._shards[number].create(key))
            except Unavailable:
                LOGGER.warning("a wallet agent does not answer; the next one is asked")
        return _name(numbers[-1], await self._shards[numbers[-1]].create(key))

    def token(self, wallet_id: str, session_id: str) -> Secret:
        number, own = _parts(wallet_id)
        return Secret(_name(number, self._at(number).token(own, session_id).reveal()))

    async def open(self, wallet_id: str, key: Secret, session_id: str) -> None:
        number, own = _parts(wallet_id)
        await self._at(number).open(own, key, session_id)

    async def close(self, wallet_id: str, session_id: str) -> None:
        number, own = _parts(wallet_id)
        await self._at(number).close(own, session_id)

    async def close_idle(self, seconds: float) -> int:
        """Close idle wallets everywhere; an agent that does not answer has none to close
        that anybody could use, and is asked again the next time.
        """
        answers = await asyncio.gather(
            *(shard.close_idle(seconds) for shard in self._shards), return_exceptions=True
        )
        closed = 0
        for answer in answers:
            if isinstance(answer, int):
                closed += answer
            elif not isinstance(answer, Unavailable):
                raise answer
        return closed

    async def destroy(self, wallet_id: str, key: Secret) -> None:
        number, own = _parts(wallet_id)
        await self._at(number).destroy(own, key)

    # --- statements -----------------------------------------------------------------------

    async def verify_statement(self, token: Secret, statement: Document) -> str:
        shard, own = self._speaking(token)
        return await shard.verify_statement(own, statement)

    # --- being offered --------------------------------------------------------------------

    async def connect(self, token: Secret, invitation: Document) -> str:
        shard, own = self._speaking(token)
        return await shard.connect(own, invitation)

    async def offers(
        self,
        token: Secret,
        connection_id: str,
        reference: str | None = None,
        *,
        awaited: Awaited = Awaited.NOTHING,
        seconds: float = 0.0,
    ) -> list[ReceivedOffer]:
        shard, own = self._speaking(token)
        return await shard.offers(
            own, connection_id, reference, awaited=awaited, seconds=seconds
        )

    async def accept_offer(self, token: Secret, exchange_id: str) -> None:
        shard, own = self._speaking(token)
        await shard.accept_offer(own, exchange_id)

    async def close_offer(self, token: Secret, exchange_id: str) -> None:
        shard, own = self._speaking(token)
        await shard.close_offer(own, exchange_id)

    async def credentials(self, token: Secret) -> list[HeldCredential]:
        shard, own = self._speaking(token)
        return await shard.credentials(own)

    async def delete_credential(self, token: Secret, credential_id: str) -> None:
        shard, own = self._speaking(token)
        await shard.delete_credential(own, credential_id)

    # --- being asked ----------------------------------------------------------------------

    async def receive(self, token: Secret, invitation: Document) -> str:
        shard, own = self._speaking(token)
        return await shard.receive(own, invitation)

    async def present(
        self, token: Secret, exchange_id: str, ask: PresentationAsk, chosen: Mapping[str, str]
    ) -> None:
        shard, own = self._speaking(token)
        await shard.present(own, exchange_id, ask, chosen)

    async def refuse(self, token: Secret, exchange_id: str) -> None:
        shard, own = self._speaking(token)
        await shard.refuse(own, exchange_id)

    async def is_revoked(self, token: Secret, credential_id: str) -> bool:
        shard, own = self._speaking(token)
        return await shard.is_revoked(own, credential_id)

    async def forget(self, token: Secret, exchange_id: str) -> None:
        shard, own = self._speaking(token)
        await shard.forget(own, exchange_id)

    # --- notes ----------------------------------------------------------------------------

    async def put_note(self, token: Secret, kind: str, key: str, note: Document) -> None:
        shard, own = self._speaking(token)
        await shard.put_note(own, kind, key, note)

    async def notes(self, token: Secret, kind: str) -> dict[str, Document]:
        shard, own = self._speaking(token)
        return await shard.notes(own, kind)

    async def change_notes(
        self,
        token: Secret,
        *,
        put: Mapping[tuple[str, str], Document],
        delete: Sequence[tuple[str, str]],
        close: Sequence[str] = (),
    ) -> None:
        shard, own = self._speaking(token)
        await shard.change_notes(own, put=put, delete=delete, close=close)

    async def delete_note(self, token: Secret, kind: str, key: str) -> None:
        shard, own = self._speaking(token)
        await shard.delete_note(own, kind, key)

    # --- inside ---------------------------------------------------------------------------

    def _at(self, number: int) -> Wallets:
        if number >= len(self._shards):
            raise NotFound("There is no such wallet")
        return self._shards[number]

    def _speaking(self, token: Secret) -> tuple[Wallets, Secret]:
        """The agent that a token is for, and the token as that agent knows it."""
        number, own = _parts(token.reveal())
        if number >= len(self._shards):
            raise SessionClosed("Your wallet is closed. Please open it again.")
        return self._shards[number], Secret(own)


def _name(number: int, own: str) -> str:
    """How an id or a token of an agent is called outside."""
    return own if number == 0 else f"s{number}-{own}"


def _parts(name: str) -> tuple[int, str]:
    """The number of the agent, and the id or token as that agent knows it."""
    found = _NUMBERED.fullmatch(name)
    return (int(found[1]), found[2]) if found else (0, name)
