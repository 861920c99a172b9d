"""Documents of peer DIDs, read once.

A did:peer:4 is the digest of its own document (Peer DID Method, section 4): what it resolves to
never changes. Each message to a new connection reads it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from acapy_agent.connections.base_manager import BaseConnectionManager

from agent.plugins.lean.kept import kept_with

_OWN_DIGEST = "did:peer:4"
_plain = BaseConnectionManager.resolve_didcomm_services


def install() -> None:
    """Put ours in place of ACA-Py's; doing it twice changes nothing."""
    BaseConnectionManager.resolve_didcomm_services = _resolve


async def _resolve(
    self: BaseConnectionManager, did: str, service_accept: Sequence[str] | None = None
) -> tuple[Any, list[Any]]:
    """As ACA-Py's: the document and its services."""
    if not did.startswith(_OWN_DIGEST):
        document, services = await _plain(self, did, service_accept)
        return document, services
    name = (did, tuple(service_accept or ()))
    kept = kept_with(self._profile.opened.store.handle, "peers")
    if name not in kept:
        kept.keep(name, await _plain(self, did, service_accept))
    document, services = kept[name]
    return document, list(services)
