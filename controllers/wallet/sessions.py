"""Sessions: a wallet is open for as long as its holder keeps it open, and not longer.

1. The wallet's key comes from the holder's device with each opening. It is never written.
2. What the device gets back is a sealed token that holds the key again: the server can read it
   only together with the device, and the device only through the server.
3. The database knows that a session exists and until when. Ending it there makes every copy
   of its token worthless, and closes the store.
4. When the wallet agent was restarted, the next request opens the store again from the token.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, update

from agent.keys import raw_wallet_key
from controllers.moment import now
from controllers.sealing import Seal
from controllers.store.brief import filled, table_of
from controllers.store.database import Database
from controllers.store.models import WalletSession
from controllers.wallet.codes import told_as
from core.errors import Forbidden, InvalidInput, NotAuthenticated, NotFound, SessionClosed
from core.ports import Vaults
from core.secret import Secret

_PREFIX = "hvw_"
_CONTEXT = "wallet-session"
_KEY_BYTES = 32
_KEY_LETTERS = 44  # of 32 bytes in base58, at most: every token is as long as every other
_RENEW_AFTER = timedelta(minutes=1)

_ROW = table_of(WalletSession)
_BY_DIGEST = select(_ROW).where(_ROW.c.session_digest == bindparam("wanted"))
_PAST = delete(_ROW).where(_ROW.c.expires_at < bindparam("until"))
_SET = update(_ROW).where(
    _ROW.c.session_digest == bindparam("wanted"), _ROW.c.ended_at.is_(None)
)


@dataclass(frozen=True, slots=True)
class OpenWallet:
    """A session in use: `token` speaks for the wallet on its agent."""

    wallet_id: str
    session_id: str
    token: Secret
    key: Secret


def read_key(text: str) -> Secret:
    """The store key from what the device sent: base64url of 32 bytes. Raises InvalidInput."""
    try:
        seed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as err:
        raise InvalidInput("The key is not in the right form", code="bad-key") from err
    if len(seed) != _KEY_BYTES:
        raise InvalidInput("The key is not in the right form", code="bad-key")
    return raw_wallet_key(seed)


class SessionService:
    """Opens, recognises and ends sessions."""

    def __init__(
        self,
        database: Database,
        vaults: Vaults,
        seal: Seal,
        minutes: int,
        *,
        before_destroying: Callable[[Secret], Awaitable[None]],
    ) -> None:
        self._database = database
        self._vaults = vaults
        self._seal = seal
        self._before_destroying = before_destroying
        self._lifetime = timedelta(minutes=minutes)

    async def create_wallet(self, key: str) -> str:
        """A new wallet under the device's key; answers its id."""
        return await self._vaults.create(read_key(key))

    async def destroy_wallet(self, wallet_id: str, key: str) -> None:
        """Delete a wallet for good. Raises NotAuthenticated for a wrong key or wallet.

        What is kept outside it on its behalf goes first: only the wallet knows what that is.
        """
        store_key, session_id = read_key(key), secrets.token_urlsafe(32)
        try:
            await self._vaults.open(wallet_id, store_key, session_id)
            try:
                await self._before_destroying(self._vaults.token(wallet_id, session_id))
                await self._vaults.destroy(wallet_id, store_key)
            except BaseException:
                await self._vaults.close(wallet_id, session_id)
                raise
        except (NotFound, Forbidden) as err:
            raise NotAuthenticated("This key opens no wallet here", code="wrong-key") from err
        async with self._database.transaction() as session:
            await session.execute(
                delete(WalletSession).where(WalletSession.wallet_id == wallet_id)
            )

    async def open(self, wallet_id: str, key: str) -> tuple[str, datetime]:
        """A session's token and when it ends unless used. Raises NotAuthenticated, the same
        for an unknown wallet and for a wrong key."""
        store_key, session_id = read_key(key), secrets.token_urlsafe(32)
        try:
            await self._vaults.open(wallet_id, store_key, session_id)
        except (NotFound, Forbidden) as err:
            raise NotAuthenticated("This key opens no wallet here", code="wrong-key") from err
        ends = now() + self._lifetime
        async with self._database.transaction() as session:
            session.add(
                WalletSession(
                    session_digest=_digest(session_id), wallet_id=wallet_id, expires_at=ends
                )
            )
        padded = store_key.reveal().ljust(_KEY_LETTERS)
        sealed = {"wallet": wallet_id, "session": session_id, "key": padded}
        return _PREFIX + self._seal.seal_text(sealed, _CONTEXT), ends

    async def recognise(self, presented: str) -> OpenWallet:
        """The open wallet behind a token; each use prolongs it. Raises NotAuthenticated."""
        if not presented.startswith(_PREFIX):
            raise NotAuthenticated("Please open your wallet", code="wallet-locked")
        with told_as("wallet-locked", NotAuthenticated):
            sealed = self._seal.open_text(presented.removeprefix(_PREFIX), _CONTEXT)
        await self._prolong(sealed["session"])
        token = self._vaults.token(sealed["wallet"], sealed["session"])
        key = Secret(sealed["key"].rstrip())
        return OpenWallet(sealed["wallet"], sealed["session"], token, key)

    async def close(self, wallet: OpenWallet) -> None:
        """End the session now, here first and then on the agent."""
        await self._end(wallet.session_id)
        await self._vaults.close(wallet.wallet_id, wallet.session_id)

    async def within[Result](
        self, wallet: OpenWallet, work: Callable[[], Awaitable[Result]]
    ) -> Result:
        """Run `work` in the session; open the store again if its agent was restarted.

        Raises NotAuthenticated if the session has been ended meanwhile.
        """
        try:
            return await work()
        except SessionClosed:
            await self._reopen(wallet)
            return await work()

    async def purge(self) -> None:
        """Forget sessions whose time is over, and close the stores that they left open."""
        await self._vaults.close_idle(self._lifetime.total_seconds())
        await self._database.change(_PAST, until=now() - self._lifetime)

    async def _reopen(self, wallet: OpenWallet) -> None:
        """Open the store again; what was ended is not brought back."""
        await self._alive(wallet.session_id, now())
        with told_as("wallet-locked", NotFound, Forbidden):
            await self._vaults.open(wallet.wallet_id, wallet.key, wallet.session_id)
        try:
            # ending writes the row first and closes the store then: either we see the row, or
            # its closing comes after our opening
            await self._alive(wallet.session_id, now())
        except NotAuthenticated:
            await self._vaults.close(wallet.wallet_id, wallet.session_id)
            raise

    async def _alive(self, session_id: str, at: datetime) -> WalletSession:
        row = await self._database.row(_BY_DIGEST, wanted=_digest(session_id))
        if row is None or row.ended_at is not None or row.expires_at <= at:
            raise NotAuthenticated(
                "Your wallet was locked. Please open it again.", code="wallet-locked"
            )
        return filled(WalletSession, row)

    async def _prolong(self, session_id: str) -> None:
        at = now()
        row = await self._alive(session_id, at)
        if row.expires_at - at < self._lifetime - _RENEW_AFTER:
            await self._set(session_id, expires_at=at + self._lifetime)

    async def _end(self, session_id: str) -> None:
        await self._set(session_id, ended_at=now())

    async def _set(self, session_id: str, **values: datetime) -> None:
        await self._database.change(_SET, wanted=_digest(session_id), **values)


def _digest(session_id: str) -> str:
    return hashlib.sha256(session_id.encode()).hexdigest()
