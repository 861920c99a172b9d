"""Whose token it is, without reading the tenant's record from the store for every call.

A record is believed for some seconds. Nothing of it changes while an installation runs: tenants
are not removed, and their tokens are minted, never renewed (agent/keys.py).
"""

from __future__ import annotations

import hashlib
import time
import weakref
from typing import Any

import jwt
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.profile import Profile
from acapy_agent.multitenant.base import BaseMultitenantManager
from acapy_agent.multitenant.error import InvalidTokenError, WalletKeyMissingError
from acapy_agent.multitenant.manager import MultitenantManager
from acapy_agent.wallet.models.wallet_record import WalletRecord

from agent.plugins.lean.kept import Kept

_BELIEVED_SECONDS = 5.0
_MOST = 1000

_verified: weakref.WeakKeyDictionary[BaseMultitenantManager, Kept[bytes, dict[str, Any]]] = (
    weakref.WeakKeyDictionary()
)
_recent: weakref.WeakKeyDictionary[MultitenantManager, dict[str, tuple[float, Any]]] = (
    weakref.WeakKeyDictionary()
)


def install() -> None:
    """Put ours in place of ACA-Py's; doing it twice changes nothing."""
    MultitenantManager.get_profile_for_token = _get_profile_for_token
    BaseMultitenantManager.get_wallet_details_from_token = _details


async def _get_profile_for_token(
    self: MultitenantManager, context: InjectionContext, token: str
) -> Profile:
    """The tenant behind a token, checked as ACA-Py checks it."""
    claims = claims_of(self, token)
    record = await record_of(self, str(claims.get("wallet_id")))
    if record.requires_external_key:
        raise WalletKeyMissingError()
    if record.jwt_iat and record.jwt_iat != claims.get("iat"):
        raise InvalidTokenError()
    return await self.get_wallet_profile(context, record, {})


def _details(self: BaseMultitenantManager, token: str) -> tuple[str | None, str | None]:
    claims = claims_of(self, token)
    return claims.get("wallet_id"), claims.get("wallet_key")


def claims_of(manager: BaseMultitenantManager, token: str) -> dict[str, Any]:
    """What a token says, if its signature is ours; verified once, and known by its digest.

    Whether it still counts, whoever asks decides by record or session. Raises InvalidTokenError
    of jwt.
    """
    verified = _verified.setdefault(manager, Kept(_MOST))
    name = hashlib.blake2b(token.encode()).digest()
    if name in verified:
        return verified[name]
    secret = manager._profile.context.settings.get("multitenant.jwt_secret")
    claims: dict[str, Any] = jwt.decode(token, secret, algorithms=["HS256"], leeway=1)
    return claims if "exp" in claims else verified.keep(name, claims)


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
