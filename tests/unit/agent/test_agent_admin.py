"""The transport to an agent: statuses become Haven's errors, and nothing said there leaks."""

from __future__ import annotations

import logging
from collections.abc import Callable

import httpx
import pytest

from agent.admin import AdminApi
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

Handler = Callable[[httpx.Request], httpx.Response]


def api(handler: Handler) -> AdminApi:
    """An agent that answers as `handler` says."""
    made = AdminApi("http://agent", KEY)
    made._http = httpx.AsyncClient(
        base_url="http://agent", transport=httpx.MockTransport(handler)
    )
    return made


def answering(response: httpx.Response) -> AdminApi:
    return api(lambda request: response)


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
        httpx.ByteStream(PLANTED.encode()),
        httpx.ByteStream(b'{"message": "planted: Sok, born 2019"}'),
        httpx.ByteStream(b'["planted: Sok, born 2019"]'),
        httpx.ByteStream(b'{"slug": "invalid-input"}'),
        httpx.ByteStream(b""),
    ],
    ids=["text", "json", "list", "half-ours", "empty"],
)
async def test_a_status_becomes_an_error_without_the_agents_words(
    status: int,
    kind: type[HavenError],
    body: httpx.ByteStream,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    error = await failure(answering(httpx.Response(status, stream=body)))
    assert type(error) is kind
    everything = f"{error} {error.detail} {error.extra} {error.args} {caplog.text}"
    assert "planted" not in everything


async def test_an_error_of_our_own_plugin_keeps_its_words() -> None:
    body = {"slug": "not-found", "title": "t", "detail": "this wallet has no such registry"}
    error = await failure(answering(httpx.Response(404, json=body)))
    assert (type(error), error.detail) == (NotFound, "this wallet has no such registry")


async def test_a_failed_verification_keeps_its_step() -> None:
    body = {"slug": "verification-failed", "detail": "the signature does not hold", "step": "p"}
    error = await failure(answering(httpx.Response(422, json=body)))
    assert isinstance(error, VerificationError)
    assert error.step == "p"


@pytest.mark.parametrize(
    "trouble",
    [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.PoolTimeout],
)
async def test_no_answer_is_unavailable(trouble: type[httpx.TransportError]) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise trouble(PLANTED)

    error = await failure(api(handler))
    assert isinstance(error, Unavailable)
    assert "planted" not in str(error)
    assert not await api(handler).ready()


async def test_an_unreadable_answer_is_unavailable() -> None:
    error = await failure(answering(httpx.Response(200, text=PLANTED)))
    assert isinstance(error, Unavailable)
    assert "planted" not in str(error)


@pytest.mark.parametrize(
    ("response", "decoded"),
    [
        (httpx.Response(200, json={"a": 1}), {"a": 1}),
        (httpx.Response(200, json=[1, 2]), {"items": [1, 2]}),
        (httpx.Response(204), {}),
    ],
)
async def test_an_answer_is_decoded(response: httpx.Response, decoded: object) -> None:
    assert await answering(response).get("/somewhere") == decoded


@pytest.mark.parametrize(
    ("response", "ready"),
    [
        (httpx.Response(200, json={"ready": True}), True),
        (httpx.Response(200, json={"ready": False}), False),
        (httpx.Response(200, json={}), False),
        (httpx.Response(200, text="hello"), False),
        (httpx.Response(200, json=[]), False),
        (httpx.Response(503, json={"ready": True}), False),
    ],
)
async def test_ready_is_what_the_agent_says(response: httpx.Response, ready: bool) -> None:
    assert await answering(response).ready() is ready


async def test_keys_travel_in_headers_alone() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    agent = api(handler)
    await agent.get("/path", TOKEN, state="done")
    await agent.put("/path", TOKEN, {"a": 1})
    await agent.delete("/path")
    assert [request.method for request in seen] == ["GET", "PUT", "DELETE"]
    assert {request.headers["x-api-key"] for request in seen} == {KEY.reveal()}
    assert [request.headers.get("authorization") for request in seen] == [
        f"Bearer {TOKEN.reveal()}",
        f"Bearer {TOKEN.reveal()}",
        None,
    ]
    assert [str(request.url) for request in seen] == [
        "http://agent/path?state=done",
        "http://agent/path",
        "http://agent/path",
    ]
    assert seen[1].read() == b'{"a":1}'


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    agent = AdminApi("http://agent", KEY)
    assert not agent._http.trust_env
    await agent.close()
