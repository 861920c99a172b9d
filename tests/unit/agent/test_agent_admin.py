"""The transport to an agent: statuses become Haven's errors, and nothing said there leaks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agent.admin import AdminApi
from agent.operations import operation
from core.errors import (
    Conflict,
    Forbidden,
    HavenError,
    InvalidInput,
    NotFound,
    SessionClosed,
    Unavailable,
    VerificationError,
)
from core.secret import Secret

PLANTED = "planted: Sok, born 2019"
KEY, TOKEN = Secret("planted-admin-key"), Secret("planted-token")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Agents:
    """Starts servers that stand for agents, and clients of them."""

    def __init__(self) -> None:
        self._opened: list[TestServer | AdminApi] = []

    async def serving(self, handler: Handler) -> str:
        """The address of an agent that answers as `handler` does."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        self._opened.append(server)
        return str(server.make_url("")).rstrip("/")

    def client(self, *urls: str, timeout: float = 5) -> AdminApi:
        made = AdminApi(urls, KEY, timeout=timeout)
        self._opened.append(made)
        return made

    async def api(self, handler: Handler) -> AdminApi:
        return self.client(await self.serving(handler))

    async def answering(
        self, status: int, body: bytes = b"", kind: str = "application/json"
    ) -> AdminApi:
        async def handler(request: web.Request) -> web.Response:
            return web.Response(status=status, body=body, content_type=kind)

        return await self.api(handler)

    async def close(self) -> None:
        for each in reversed(self._opened):
            await each.close()


@pytest.fixture
async def agents() -> AsyncIterator[Agents]:
    made = Agents()
    yield made
    await made.close()


async def failure(agent: AdminApi) -> HavenError:
    with pytest.raises(HavenError) as caught:
        await agent.post("/somewhere", TOKEN, {"name": PLANTED})
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Conflict),
        (401, SessionClosed),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (410, NotFound),
        (413, InvalidInput),
        (418, Unavailable),
        (422, InvalidInput),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        PLANTED.encode(),
        b'{"message": "planted: Sok, born 2019"}',
        b'["planted: Sok, born 2019"]',
        b'{"slug": "invalid-input"}',
        b"",
    ],
    ids=["text", "json", "list", "half-ours", "empty"],
)
async def test_a_status_becomes_an_error_without_the_agents_words(
    status: int,
    kind: type[HavenError],
    body: bytes,
    agents: Agents,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    error = await failure(await agents.answering(status, body))
    assert type(error) is kind
    everything = f"{error} {error.detail} {error.extra} {error.args} {caplog.text}"
    assert "planted" not in everything


async def test_an_error_of_our_own_plugin_keeps_its_words(agents: Agents) -> None:
    body = b'{"slug": "not-found", "title": "t", "detail": "this wallet has no such registry"}'
    error = await failure(await agents.answering(404, body))
    assert (type(error), error.detail) == (NotFound, "this wallet has no such registry")


async def test_a_failed_verification_keeps_its_step(agents: Agents) -> None:
    body = b'{"slug": "verification-failed", "detail": "it does not hold", "step": "p"}'
    error = await failure(await agents.answering(422, body))
    assert isinstance(error, VerificationError)
    assert error.step == "p"


async def _hangs_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response(text=PLANTED)


async def _says_nothing(request: web.Request) -> web.Response:
    await asyncio.sleep(30)
    return web.Response(text=PLANTED)


@pytest.mark.parametrize("handler", [_hangs_up, _says_nothing])
async def test_no_answer_is_unavailable(handler: Handler, agents: Agents) -> None:
    agent = agents.client(await agents.serving(handler), timeout=0.2)
    error = await failure(agent)
    assert isinstance(error, Unavailable)
    assert "planted" not in str(error)


async def test_nobody_there_is_unavailable_and_not_ready(agents: Agents) -> None:
    agent = agents.client("http://127.0.0.1:1")
    assert isinstance(await failure(agent), Unavailable)
    assert not await agent.ready()


async def test_an_unreadable_answer_is_unavailable(agents: Agents) -> None:
    error = await failure(await agents.answering(200, PLANTED.encode(), "text/plain"))
    assert isinstance(error, Unavailable)
    assert "planted" not in str(error)


@pytest.mark.parametrize(
    ("status", "body", "decoded"),
    [(200, b'{"a": 1}', {"a": 1}), (200, b"[1, 2]", {"items": [1, 2]}), (204, b"", {})],
)
async def test_an_answer_is_decoded(
    status: int, body: bytes, decoded: object, agents: Agents
) -> None:
    assert await (await agents.answering(status, body)).get("/somewhere") == decoded


@pytest.mark.parametrize(
    ("status", "body", "ready"),
    [
        (200, b'{"ready": true}', True),
        (200, b'{"ready": false}', False),
        (200, b"{}", False),
        (200, b"hello", False),
        (200, b"[]", False),
        (503, b'{"ready": true}', False),
    ],
)
async def test_ready_is_what_the_agent_says(
    status: int, body: bytes, ready: bool, agents: Agents
) -> None:
    assert await (await agents.answering(status, body)).ready() is ready


async def test_keys_travel_in_headers_alone(agents: Agents) -> None:
    seen: list[tuple[str, str, str, str | None, bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        key, token = request.headers["x-api-key"], request.headers.get("authorization")
        seen.append((request.method, request.path_qs, key, token, await request.read()))
        return web.json_response({})

    agent = await agents.api(handler)
    await agent.get("/path", TOKEN, state="done")
    await agent.put("/path", TOKEN, {"a": 1})
    await agent.delete("/path")
    key, bearer = KEY.reveal(), f"Bearer {TOKEN.reveal()}"
    assert seen == [
        ("GET", "/path?state=done", key, bearer, b""),
        ("PUT", "/path", key, bearer, b'{"a": 1}'),
        ("DELETE", "/path", key, None, b""),
    ]


async def test_an_id_in_a_path_arrives_as_it_is(agents: Agents) -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.match_info["path"])
        return web.json_response({})

    did = "did%3Awebvh%3AQm%3Ahaven.localhost%2Fresources%2Fz1"
    await (await agents.api(handler)).get(f"/active-registry/{did}")
    assert seen == ["active-registry/did:webvh:Qm:haven.localhost/resources/z1"]


async def test_no_proxy_of_the_environment_is_used(
    agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert await (await agents.answering(200, b"{}")).get("/somewhere") == {}


async def test_processes_of_one_agent_are_asked_in_turn(agents: Agents) -> None:
    asked: list[int] = []

    def numbered(number: int) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            asked.append(number)
            return web.json_response({})

        return handler

    urls = [await agents.serving(numbered(number)) for number in (1, 2)]
    agent = agents.client(*urls)
    for _ in range(4):
        await agent.get("/somewhere")
    assert asked == [1, 2, 1, 2]


async def test_a_process_that_is_down_is_passed_over(agents: Agents) -> None:
    up = await agents.serving(_empty)
    agent = agents.client("http://127.0.0.1:1", up)
    for _ in range(4):
        assert await agent.post("/somewhere") == {}


async def test_what_may_have_been_taken_in_is_not_sent_to_another(agents: Agents) -> None:
    sent = 0

    async def counting(request: web.Request) -> web.Response:
        nonlocal sent
        sent += 1
        return await _hangs_up(request)

    agent = agents.client(await agents.serving(counting), await agents.serving(counting))
    assert isinstance(await failure(agent), Unavailable)
    assert sent == 1


async def _empty(request: web.Request) -> web.Response:
    return web.json_response({})


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (
            "/issue-credential-2.0/records/9f1c2d3e-1111-4222-8333-444455556666/issue",
            "/issue-credential-2.0/records/{}/issue",
        ),
        (
            "/vault/wallets/2.9f1c2d3e-1111-4222-8333-444455556666/close",
            "/vault/wallets/{}/close",
        ),
        ("/vault/notes/pending/00ff00ff00ff00ff00ff00ff00ff00ff", "/vault/notes/pending/{}"),
        (
            "/anoncreds/revocation/active-registry/did%3Awebvh%3AQm",
            "/anoncreds/revocation/active-registry/{}",
        ),
        ("/haven/revocation-lists/latest", "/haven/revocation-lists/latest"),
        # an id that somebody chose may look like a word
        ("/vault/wallets/sreypov/sessions", "/vault/wallets/{}/sessions"),
    ],
)
def test_an_operation_names_no_one(path: str, named: str) -> None:
    assert operation("GET", path) == f"GET {named}"


async def test_calls_are_observed_without_ids() -> None:
    seen: list[tuple[str, str]] = []
    agent = AdminApi(
        ["http://127.0.0.1:1"],
        KEY,
        observer=lambda name, seconds, outcome: seen.append((name, outcome)),
    )
    assert isinstance(await failure(agent), Unavailable)
    await agent.close()
    assert seen == [("POST /{}", "unreachable")]
