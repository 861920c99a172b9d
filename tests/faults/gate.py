"""A gate between the organisations' agent and the controllers' inside listener.

Everything that the agent posts there (webhooks, publications) passes through it; a test says
what becomes of a request: forwarded, lost on the way there, lost on the way back, doubled.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import httpx
from aiohttp import web

from tests.support.installation import free_port_base

_HOP_BY_HOP = {"host", "content-length", "connection", "transfer-encoding"}
_MOST = 12 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Passing:
    """One request on its way; `forward` delivers it, as often as it is called."""

    method: str
    path: str
    body: bytes
    forward: Callable[[], Awaitable[web.Response]]


type Rule = Callable[[Passing], Awaitable[web.Response]]


async def let_pass(passing: Passing) -> web.Response:
    """What happens on a good day."""
    return await passing.forward()


@dataclass
class Gate:
    """Listens at `url` and applies the rule of the moment."""

    target: str
    url: str
    rule: Rule = let_pass
    seen: list[Passing] = field(default_factory=list)

    @contextmanager
    def under(self, rule: Rule) -> Iterator[None]:
        """Apply another rule inside this block."""
        self.rule = rule
        try:
            yield
        finally:
            self.rule = let_pass


@asynccontextmanager
async def open_gate(target: str) -> AsyncIterator[Gate]:
    """A gate in front of `target`, for as long as the block lasts."""
    port = free_port_base()
    gate = Gate(target, f"http://127.0.0.1:{port}")
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:

        async def handle(request: web.Request) -> web.Response:
            body = await request.read()
            headers = {
                name: value
                for name, value in request.headers.items()
                if name.lower() not in _HOP_BY_HOP
            }

            async def forward() -> web.Response:
                url = f"{target}{request.path_qs}"
                try:
                    answer = await client.request(
                        request.method, url, content=body, headers=headers
                    )
                except httpx.HTTPError:
                    return unreachable()
                return web.Response(
                    body=answer.content,
                    status=answer.status_code,
                    content_type=answer.headers.get("content-type", "").partition(";")[0]
                    or "application/octet-stream",
                )

            passing = Passing(request.method, request.path, body, forward)
            gate.seen.append(passing)
            return await gate.rule(passing)

        app = web.Application(client_max_size=_MOST)
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
        try:
            yield gate
        finally:
            await runner.cleanup()


def unreachable() -> web.Response:
    """The answer of a proxy whose other side is down."""
    return web.json_response({"detail": "down"}, status=503)


async def turn_away(_: Passing) -> web.Response:
    """The host is down, and says so."""
    return unreachable()


async def lose_the_answer(passing: Passing) -> web.Response:
    """It arrives, and whoever sent it never hears so: the host died in between."""
    await passing.forward()
    return unreachable()


async def twice(passing: Passing) -> web.Response:
    """It arrives, and once more."""
    await passing.forward()
    return await passing.forward()
