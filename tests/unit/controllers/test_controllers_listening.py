"""What a listener takes beside bodies: as much as any client needs, and no more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import pytest
import uvicorn
from fastapi import FastAPI, Request

from controllers.listening import BoundedProtocol, listener

MUCH = 10 * 64 * 1024


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server that answers how long a body was."""
    app = FastAPI()

    @app.post("/")
    async def measure(request: Request) -> int:
        return len(await request.body())

    config = uvicorn.Config(app, port=0, http=BoundedProtocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 (it tells nobody)
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


async def answered(port: int, parts: Iterator[bytes]) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(4096), 5)
    except ConnectionError:
        return b""  # let go of in the middle
    finally:
        writer.close()


def begun(*more: bytes) -> Iterator[bytes]:
    yield b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    yield from more


def chunked(size: int, count: int) -> Iterator[bytes]:
    yield b"Transfer-Encoding: chunked\r\n\r\n"
    for _ in range(count):
        yield b"%x\r\n%s\r\n" % (size, b"x" * size)


async def test_a_large_body_is_taken(port: int) -> None:
    body = b"Content-Length: %d\r\n\r\n" % MUCH, b"x" * MUCH
    assert str(MUCH).encode() in await answered(port, begun(*body))
    in_chunks = *chunked(4096, 100), b"0\r\n\r\n"
    assert b"409600" in await answered(port, begun(*in_chunks))


@pytest.mark.parametrize(
    "wrong", [b"hello\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nX: \x7f\r\n\r\n"]
)
async def test_what_is_no_http_is_refused_in_our_form(port: int, wrong: bytes) -> None:
    head, _, body = (await answered(port, iter([wrong]))).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 422 ")
    assert b"application/problem+json" in head
    problem = json.loads(body)
    assert (problem["type"], problem["status"]) == ("urn:haven:problem:invalid-input", 422)


async def test_many_requests_over_one_connection_are_taken(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(100):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n" % (b"x" * 1000))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        await reader.readexactly(1)
    writer.close()


@pytest.mark.parametrize(
    "parts",
    [
        (b"X: ", *[b"x" * 4096] * (MUCH // 4096)),
        (b"X: y\r\n" * 500,) * (MUCH // 3000),
        (*chunked(1, 1), b"0\r\n", *[b"X: " + b"y" * 4096 + b"\r\n"] * (MUCH // 4096)),
    ],
    ids=["one header", "many headers", "trailers"],
)
async def test_whoever_sends_without_an_end_is_let_go(
    port: int, parts: tuple[bytes, ...]
) -> None:
    assert b"200" not in await answered(port, begun(*parts))


def test_who_asks_closes_a_quiet_connection_first() -> None:
    """Or a request meets a connection that the server has just closed; nginx keeps one 60 s."""
    assert listener(FastAPI(), "127.0.0.1", 0).config.timeout_keep_alive > 60
