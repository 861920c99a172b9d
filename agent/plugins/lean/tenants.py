"""Whose token it is, without reading the tenant's record from the store for every call.

A record is believed for some seconds. Nothing of it changes while an installation runs: tenants
are not removed, and their tokens are minted, never renewed (agent/keys.py).
"""

from __future__ import annotations

import time
import weakref
from typing import Any

import jwt
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.profile import Profile
from acapy_agent.multitenant.error import InvalidTokenError, WalletKeyMissingError
from acapy_agent.multitenant.manager import MultitenantManager
from acapy_agent.wallet.models.wallet_record import WalletRecord

_BELIEVED_SECONDS = 5.0
_MOST = 1000

_recent: weakref.WeakKeyDictionary[MultitenantManager, dict[str, tuple[float, Any]]] = (
    weakref.WeakKeyDictionary()
)


def install() -> None:
    """Put ours in place of ACA-Py's; doing it twice changes nothing."""
    MultitenantManager.get_profile_for_token = _get_profile_for_token


async def _get_profile_for_token(
    self: MultitenantManager, context: InjectionContext, token: str
) -> Profile:
    """The tenant behind a token, checked as ACA-Py checks it."""
    secret = self._profile.context.settings.get("multitenant.jwt_secret")
    claims = jwt.decode(token, secret, algorithms=["HS256"], leeway=1)
    record = await record_of(self, str(claims.get("wallet_id")))
    if record.requires_external_key:
        raise WalletKeyMissingError()
    if record.jwt_iat and record.jwt_iat != claims.get("iat"):
        raise InvalidTokenError()
    return await self.get_wallet_profile(context, record, {})


async def record_of(manager: MultitenantManager, wallet_id: str) -> WalletRecord:
    """A tenant's record, as it was some seconds ago at most. Raises StorageNotFoundError."""
    recent, at = _recent.setdefault(manager, {}), time.monotonic()
    believed_until, record = recent.get(wallet_id, (0.0, None))
    if believed_until > at:
        return record
    async with manager._profile.session() as session:
        record = await WalletRecord.retrieve_by_id(session, wallet_id)
    if len(recent) >= _MOST:
        recent.clear()
    recent[wallet_id] = (at + _BELIEVED_SECONDS, record)
    return record
