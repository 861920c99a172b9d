"""The multi-tenant manager of wallets that are open only during a session.

ACA-Py lowercases the class path it is given, hence `vaultmanager`.

The rules, in the order of the code:
1. A wallet opens with its raw key; the key is tried on the store itself, or, when the store
   is open already, compared with a keyed digest of the one that opened it.
2. Each opening is a session with an unguessable id that the controllers choose; a token
   (agent/keys.py) names wallet and session, never the key.
3. A token counts only while its session is open *in this process*.
4. When a wallet's last session ends, its store is closed and its digest forgotten.
5. An inbound message for a wallet without a session waits for the next one (inbox.py).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from typing import Any

import jwt
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.error import ProfileError
from acapy_agent.core.profile import Profile
from acapy_agent.multitenant.error import InvalidTokenError, WalletKeyMissingError
from acapy_agent.multitenant.manager import MultitenantManager
from acapy_agent.protocols.routing.v1_0.models.route_record import RouteRecord
from acapy_agent.storage.base import BaseStorage
from acapy_agent.wallet.models.wallet_record import WalletRecord

from agent.plugins.lean.tenants import claims_of
from agent.plugins.vault.inbox import Inbox
from agent.plugins.vault.opened import OpenWallet, digest, request_profile

RAW_KEY = {"wallet.key_derivation_method": "RAW"}


class WrongKeyError(ProfileError):
    """The key does not open this wallet's store."""


class vaultmanager(MultitenantManager):  # noqa: N801 (ACA-Py lowercases the path)
    """Sub-wallets that exist for the agent only while their holder has them open."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile)
        self._open: dict[str, OpenWallet] = {}
        self.inbox = Inbox(profile, self._open, self.get_wallets_by_message)

    @property
    def open_profiles(self) -> Iterable[Profile]:
        """Every store that has to be closed when the agent stops."""
        yield from [wallet.profile for wallet in self._open.values()]
        yield from super().open_profiles

    @property
    def open_count(self) -> int:
        """How many wallets have a session now."""
        return len(self._open)

    async def create_vault(self, label: str, raw_key: str) -> str:
        """Create a wallet whose store `raw_key` encrypts; answers its id. It is left closed."""
        record = await self.create_wallet(
            {
                "wallet.type": "askar-anoncreds",
                "wallet.name": f"w-{secrets.token_hex(16)}",
                "wallet.key": raw_key,
                "wallet.webhook_urls": [],
                "wallet.dispatch_type": "base",
                "default_label": label,
                **RAW_KEY,
            },
            WalletRecord.MODE_UNMANAGED,
        )
        await self._close_cached(record.wallet_id)
        return str(record.wallet_id)

    async def open_session(self, wallet_id: str, raw_key: str, session_id: str) -> None:
        """Open a session under an unguessable id. Raises WrongKeyError, StorageNotFoundError.

        Opening the same session again (after this process was restarted) is no error. What
        waits for the wallet is taken in afterwards, while the session is used already.
        """
        wallet = await self._unlock(wallet_id, raw_key)
        wallet.sessions[session_id] = time.monotonic()
        self.inbox.catch_up(wallet)

    async def close_session(self, wallet_id: str, session_id: str) -> None:
        """End a session; with the last one the store is closed."""
        wallet = self._open.get(wallet_id)
        if wallet is None:
            return
        wallet.sessions.pop(session_id, None)
        if not wallet.sessions:
            await self.close_vault(wallet_id)

    async def close_vault(self, wallet_id: str) -> None:
        """End every session of a wallet and close its store."""
        wallet = self._open.pop(wallet_id, None)
        if wallet is None:
            return
        try:
            await self.inbox.let_finish(wallet)
        finally:
            await wallet.profile.close()

    async def close_idle(self, max_idle_seconds: float) -> int:
        """Close wallets that no request touched for so long; answers how many.

        It is called again and again, so it also removes messages that waited for too long.
        """
        await self.inbox.purge()
        edge = time.monotonic() - max_idle_seconds
        idle = [
            wallet_id
            for wallet_id, wallet in self._open.items()
            if max(wallet.sessions.values(), default=0.0) < edge
        ]
        for wallet_id in idle:
            await self.close_vault(wallet_id)
        return len(idle)

    async def destroy_vault(self, wallet_id: str, raw_key: str) -> None:
        """Delete a wallet for good: its store, its routes, its record, what waits for it."""
        await self._unlock(wallet_id, raw_key)
        await self.close_vault(wallet_id)
        record = await self._record(wallet_id)
        profile = await self._profile_from_store(record, raw_key)
        profile.opened.config.auto_remove = True
        await self.remove_wallet_profile(profile)
        await profile.close()
        await self._forget(record)
        await self.inbox.forget(wallet_id)

    # --- what ACA-Py asks -----------------------------------------------------------------

    async def get_wallet_profile(
        self,
        base_context: InjectionContext,
        wallet_record: WalletRecord,
        extra_settings: dict[str, Any] | None = None,
        *,
        provision: bool = False,
    ) -> Profile:
        """The open profile, or a store opened with the key in `extra_settings`."""
        wallet = self._open.get(wallet_record.wallet_id)
        if wallet is not None:
            return request_profile(wallet.profile)
        if not (extra_settings or {}).get("wallet.key"):
            raise WalletKeyMissingError("This wallet is closed")
        return await super().get_wallet_profile(
            base_context,
            wallet_record,
            {**(extra_settings or {}), **RAW_KEY},
            provision=provision,
        )

    async def get_profile_for_token(self, context: InjectionContext, token: str) -> Profile:
        """The profile of an open session; InvalidTokenError for any other token (rule 3)."""
        claims = claims_of(self, token)
        wallet = self._open.get(claims.get("wallet_id", ""))
        if wallet is None or claims.get("sid") not in wallet.sessions:
            raise InvalidTokenError("This session has ended")
        wallet.sessions[claims["sid"]] = time.monotonic()
        return request_profile(wallet.profile)

    async def get_profile_for_key(
        self, context: InjectionContext, recipient_key: str
    ) -> Profile | None:
        """The open profile that owns this key, if any (rule 5)."""
        record = await self._get_wallet_by_key(recipient_key)
        wallet = self._open.get(record.wallet_id) if record else None
        return request_profile(wallet.profile) if wallet else None

    # --- inside ---------------------------------------------------------------------------

    async def _unlock(self, wallet_id: str, raw_key: str) -> OpenWallet:
        wallet = self._open.get(wallet_id) or await self._open_store(wallet_id, raw_key)
        if not wallet.matches(raw_key):
            raise WrongKeyError("The key does not open this wallet")
        return wallet

    async def _open_store(self, wallet_id: str, raw_key: str) -> OpenWallet:
        record = await self._record(wallet_id)
        try:
            profile = await self._profile_from_store(record, raw_key)
        except ProfileError as err:
            # Askar does not tell a wrong key from a damaged store, and neither may we
            raise WrongKeyError("The key does not open this wallet") from err
        salt = secrets.token_bytes(32)
        wallet = OpenWallet(wallet_id, profile, salt, digest(salt, raw_key))
        # another request may have opened it meanwhile: its store is the one that stays
        kept = self._open.setdefault(wallet_id, wallet)
        if kept is not wallet:
            await profile.close()
        return kept

    async def _profile_from_store(self, record: WalletRecord, raw_key: str) -> Profile:
        await super().get_wallet_profile(
            self._profile.context, record, {"wallet.key": raw_key, **RAW_KEY}
        )
        profile = self._profiles.get(record.wallet_id)
        self._profiles.remove(record.wallet_id)
        return profile

    async def _close_cached(self, wallet_id: str) -> None:
        profile = self._profiles.get(wallet_id)
        if profile is not None:
            self._profiles.remove(wallet_id)
            await profile.close()

    async def _record(self, wallet_id: str) -> WalletRecord:
        async with self._profile.session() as session:
            return await WalletRecord.retrieve_by_id(session, wallet_id)

    async def remove_wallet_profile(self, profile: Profile) -> None:
        """A vault's store is removed when its profile closes; nothing is cached."""
        await profile.remove()

    async def _forget(self, record: WalletRecord) -> None:
        async with self._profile.session() as session:
            await session.inject(BaseStorage).delete_all_records(
                RouteRecord.RECORD_TYPE, {"wallet_id": record.wallet_id}
            )
            await record.delete_record(session)

    def _token(self, wallet_id: str, session_id: str) -> str:
        secret = self._profile.settings.get("multitenant.jwt_secret")
        return jwt.encode(
            {"wallet_id": wallet_id, "sid": session_id}, secret, algorithm="HS256"
        )
