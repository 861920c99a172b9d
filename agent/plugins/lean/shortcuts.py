"""Questions that ACA-Py asks its store again and again, and whose answer is known here.

- Whether a store is being upgraded: with each call of the admin API. Haven's stores are made in
  the form of this release and never upgraded in place (tests hold that).
- Which mediator is the default one: Haven's agents have addresses of their own and use none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from acapy_agent.admin import server
from acapy_agent.protocols.coordinate_mediation.v1_0.manager import MediationManager
from aiohttp import web


def install() -> None:
    """Put the answers in place of the questions; doing it twice changes nothing."""
    server.upgrade_middleware = _no_upgrade
    MediationManager.get_default_mediator = _none
    MediationManager.get_default_mediator_id = _none


@web.middleware
async def _no_upgrade(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    return await handler(request)


async def _none(self: MediationManager) -> Any:
    return None
