"""Packing and unpacking messages (RFC 0019) with keys that were read before.

The envelopes are ACA-Py's, made by Askar. A key of our own is found by its public half, so what
was read once stays true; it is kept with its store, and forgotten when that is closed. Packing
takes less than handing it to another thread and back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from acapy_agent.askar.didcomm.v1 import pack_message, unpack_message
from acapy_agent.utils import jwe
from acapy_agent.wallet.askar import AskarWallet
from acapy_agent.wallet.error import WalletError, WalletNotFoundError
from aries_askar import AskarError, Key, Session
from marshmallow import Schema

from agent.plugins.lean.kept import kept_with

_SCHEMAS = (jwe.JweSchema, jwe.JweRecipientSchema)


@functools.cache
def _once(schema: type[Schema]) -> Callable[[], Schema]:
    made = schema()
    return lambda: made


@dataclass(frozen=True, slots=True)
class _Kept:
    key: Key


class _Keys:
    """Stands for a session where ACA-Py's unpacking looks for a key."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def fetch_key(self, verkey: str) -> _Kept | None:
        kept, name = kept_with(self._session._store, "keys"), (self._profile, verkey)
        if name not in kept:
            entry = await self._session.fetch_key(verkey)
            if entry is None:
                return None
            kept.keep(name, _Kept(entry.key))
        found: _Kept = kept[name]
        return found

    @property
    def _profile(self) -> str | None:
        return getattr(self._session, "_profile", None)


def install() -> None:
    """Put ours in place of ACA-Py's; doing it twice changes nothing."""
    # a schema holds nothing of what it reads, and is as good the second time
    jwe.JweSchema, jwe.JweRecipientSchema = (_once(each) for each in _SCHEMAS)
    AskarWallet.pack_message = _pack
    AskarWallet.unpack_message = _unpack


async def _pack(
    self: AskarWallet, message: str, to_verkeys: Sequence[str], from_verkey: str | None = None
) -> bytes:
    """As ACA-Py's. Raises WalletError."""
    if message is None:
        raise WalletError("Message not provided")
    try:
        own = await _Keys(self.session.handle).fetch_key(from_verkey) if from_verkey else None
        if from_verkey and own is None:
            raise WalletNotFoundError("Missing key for pack operation")
        return bytes(pack_message(to_verkeys, own.key if own else None, message))
    except AskarError as err:
        raise WalletError("Exception when packing message") from err


async def _unpack(self: AskarWallet, enc_message: bytes) -> tuple[str, str, str]:
    """As ACA-Py's: the message, its sender's key, and ours. Raises WalletError."""
    if not enc_message:
        raise WalletError("Message not provided")
    try:
        message, ours, sender = await unpack_message(_Keys(self.session.handle), enc_message)
    except AskarError as err:
        raise WalletError("Exception when unpacking message") from err
    return message.decode(), sender, ours
