"""The console's side of the officer API: JSON on loopback, one key a node.

What a node refuses arrives as an error of core/errors.py with the node's own code, so that a
page can say it in the person's language; the gate's checks come along where there are some.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from core.errors import NodeRefused, NotAuthenticated, StorageFull, Unavailable
from core.secret import Secret

_SECONDS = 30.0
_SERVER_ERROR = 500
_NOT_KNOWN = 401

# what is not of one problem alone, such as a line and a column
_OF_EVERY_PROBLEM = frozenset(
    ("type", "title", "status", "detail", "code", "request_id", "checks", "answered")
)

type Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where a node listens for its officers, and the key of theirs. `place` names it in the
    addresses of pages."""

    place: str
    url: str
    key: str = field(repr=False)


class NodeClient:
    """One node, asked as its officer."""

    def __init__(
        self, address: NodeAddress, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.place = address.place
        self._headers = {"Authorization": f"Bearer {address.key}"}
        self._client = httpx.AsyncClient(
            base_url=f"{address.url}/api",
            timeout=_SECONDS,
            transport=transport,
            trust_env=False,  # loopback: no proxy of the machine's is asked
        )

    def by(self, key: Secret) -> NodeClient:
        """The same node, asked by another officer's key."""
        other = copy(self)
        other._headers = {"Authorization": f"Bearer {key.reveal()}"}
        return other

    async def get(self, path: str) -> Any:
        """What stands at a path. Raises NodeRefused, NotAuthenticated, Unavailable."""
        return (await self._ask("GET", path)).json()

    async def post(self, path: str, body: Document | None = None) -> Any:
        """The answer to a step.

        Raises NodeRefused, NotAuthenticated, Unavailable, StorageFull."""
        answer = await self._ask("POST", path, body or {})
        return answer.json() if answer.content else {}

    async def send(self, path: str, media_type: str, content: AsyncIterator[bytes]) -> Any:
        """The answer to a body that is passed on as it comes, and may take long to be read.

        Raises NodeRefused, NotAuthenticated, Unavailable, StorageFull."""
        headers = {**self._headers, "Content-Type": media_type}
        asked = self._client.post(path, content=content, headers=headers, timeout=None)
        return (await _answered(asked)).json()

    async def file(self, path: str) -> tuple[bytes, str]:
        """A file's bytes and media type. Raises NodeRefused, NotAuthenticated, Unavailable."""
        answer = await self._ask("GET", path)
        return answer.content, answer.headers.get("content-type", "application/octet-stream")

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    async def _ask(
        self, method: str, path: str, body: Document | None = None
    ) -> httpx.Response:
        return await _answered(
            self._client.request(method, path, json=body, headers=self._headers)
        )


async def _answered(asked: Awaitable[httpx.Response]) -> httpx.Response:
    try:
        answer = await asked
    except httpx.HTTPError as err:
        raise Unavailable("The organisation's node does not answer") from err
    if answer.is_success:
        return answer
    if answer.status_code == StorageFull.status:
        raise StorageFull("The disk of the organisation's node is full")
    if answer.status_code >= _SERVER_ERROR:
        raise Unavailable("The organisation's node could not do this now")
    if answer.status_code == _NOT_KNOWN:
        raise NotAuthenticated("This key is not known here, or has ended", code="key-ended")
    raise _refusal(answer)


def _refusal(answer: httpx.Response) -> NodeRefused:
    try:
        said = answer.json()
    except ValueError:
        said = {}
    checks = said.get("checks", ())
    named = str(said.get("code") or "node-refused")
    detail = str(said.get("detail") or "The node did not say why")
    more = {
        name: value
        for name, value in said.items()
        if name not in _OF_EVERY_PROBLEM and isinstance(value, str | int)
    }
    return NodeRefused(
        detail, answered=answer.status_code, checks=tuple(checks), **more, code=named
    )


class Nodes:
    """All nodes that this console may ask, in order: holders first, then the evaluator."""

    def __init__(self, clients: Mapping[str, NodeClient]) -> None:
        self._clients = dict(clients)

    @classmethod
    def of(cls, *addresses: NodeAddress) -> Self:
        """Of the nodes at these addresses."""
        return cls({each.place: NodeClient(each) for each in addresses})

    @property
    def places(self) -> tuple[str, ...]:
        """Their short names."""
        return tuple(self._clients)

    def at(self, place: str) -> NodeClient:
        """One of them. Raises KeyError."""
        return self._clients[place]

    async def close(self) -> None:
        """Let go of all connections."""
        for each in self._clients.values():
            await each.close()
