"""What one node shows its own officers on loopback: pages for people, JSON for programs.

The pages are the console's, for this node alone. They know no more than the officers' API: each
of them asks it, with the key of the officer who is signed in.
"""

from __future__ import annotations

import hashlib

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from controllers.dataspace.console.app import console_app
from controllers.dataspace.console.entry import Console
from controllers.dataspace.console.nodes import NodeAddress, NodeClient, Nodes
from controllers.dataspace.console.sessions import Sessions
from controllers.dataspace.node import Node
from controllers.dataspace.officer_api import officer_app
from dataspace.agreeing.agreement import Environment

PLACE = "own"
_IDLE = 15 * 60.0  # seconds: whoever walks away from the desk is signed out
_INSIDE = "http://127.0.0.1"


class Officers:
    """The app of a node's port for officers: `/api/` is the API, everything else pages."""

    def __init__(self, node: Node) -> None:
        self._api: ASGIApp = officer_app(node)
        self._pages: ASGIApp = console_app(_console(node, self._api))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        is_api = str(scope.get("path", "")).startswith("/api/")
        await (self._api if is_api else self._pages)(scope, receive, send)


def _console(node: Node, api: ASGIApp) -> Console:
    identity = node.books.identity
    address = NodeAddress(PLACE, _INSIDE, "")  # in this process, and nobody's until signed in
    mark = hashlib.sha256(identity.did.encode()).hexdigest()[:12]
    return Console(
        nodes=Nodes({PLACE: NodeClient(address, httpx.ASGITransport(api))}),
        sessions=Sessions(_IDLE),
        base_url=_INSIDE,
        by_keys=True,
        made_up=identity.environment is Environment.SANDBOX,
        cookie_name=f"haven-node-{mark}",
    )
