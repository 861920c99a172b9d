"""An officer's hands at the pages of her own organisation's node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from console_hands import Browser

from controllers.dataspace.node import Node
from controllers.dataspace.officer_pages import Officers
from controllers.dataspace.officers import OfficerDuty, create_officer
from core.secret import Secret
from tests.support.space import Space

EVERYTHING = tuple(OfficerDuty)


@asynccontextmanager
async def browser_at(node: Node) -> AsyncIterator[Browser]:
    """A browser at a node's own port, with nobody signed in."""
    transport = httpx.ASGITransport(Officers(node))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", follow_redirects=True
    ) as client:
        yield Browser(client)


async def key_of(space: Space, node: Node, *duties: OfficerDuty) -> Secret:
    """A new officer's key."""
    at = space.outside.clock.now()
    return await create_officer(node.books.database, frozenset(duties), at)


@asynccontextmanager
async def signed_in_at(
    space: Space, node: Node, *duties: OfficerDuty
) -> AsyncIterator[Browser]:
    """A browser at a node's own port, of an officer with these duties."""
    async with browser_at(node) as browser:
        await come_in(browser, await key_of(space, node, *duties))
        yield browser


async def come_in(browser: Browser, key: Secret) -> None:
    """Sign in by a key."""
    await browser.open("/key")
    await browser.send("/key", ("key", key.reveal()))
