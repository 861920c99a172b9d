"""Fetching within limits; the network is an httpx transport of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from agent.webvh.fetch import HttpFetcher
from core.errors import ConfigurationError, NotFound, Unavailable, VerificationError

URL = "https://haven.localhost/o/x/did.jsonl"


class Body(httpx.AsyncByteStream):
    """Chunks that come slowly, and how many were taken."""

    def __init__(self, chunks: int, size: int, pause: float = 0) -> None:
        self.taken, self._chunks, self._size, self._pause = 0, chunks, size, pause

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._chunks):
            await asyncio.sleep(self._pause)
            self.taken += 1
            yield b"x" * self._size


class Network(httpx.AsyncBaseTransport):
    def __init__(self, status: int = 200, body: Body | None = None, location: str = "") -> None:
        self.requests: list[httpx.Request] = []
        self._answer = (status, body or Body(1, 4), location)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status, body, location = self._answer
        headers = {"location": location} if location else {}
        return httpx.Response(status, headers=headers, stream=body)


async def test_a_mapped_host_is_asked_at_its_address_under_its_own_name() -> None:
    network = Network()
    fetcher = HttpFetcher({"haven.localhost": "http://127.0.0.1:8100"}, transport=network)
    assert await fetcher.get(URL, max_bytes=10) == b"xxxx"
    (request,) = network.requests
    assert str(request.url) == "http://127.0.0.1:8100/o/x/did.jsonl"
    assert request.headers["host"] == "haven.localhost"


async def test_other_hosts_are_asked_over_https() -> None:
    network = Network()
    await HttpFetcher(transport=network).get(URL, max_bytes=10)
    assert str(network.requests[0].url) == URL


@pytest.mark.parametrize(
    "url",
    [
        "http://haven.localhost/x",
        "http://elsewhere.example/x",
        "https://haven.localhost:8443/x",
        "https://user@haven.localhost/x",
        "https:///x",
        "file:///etc/passwd",
    ],
)
async def test_only_plain_https_addresses_are_fetched(url: str) -> None:
    network = Network()
    fetcher = HttpFetcher({"haven.localhost": "http://127.0.0.1:8100"}, transport=network)
    with pytest.raises(VerificationError) as refused:
        await fetcher.get(url, max_bytes=10)
    assert (refused.value.step, network.requests) == ("fetch", [])


async def test_an_oversized_answer_is_stopped() -> None:
    body = Body(1_000, 100)
    with pytest.raises(VerificationError) as refused:
        await HttpFetcher(transport=Network(body=body)).get(URL, max_bytes=1_000)
    assert refused.value.step == "fetch"
    assert body.taken <= 11


async def test_a_trickling_answer_is_given_up() -> None:
    body = Body(1_000, 1, pause=0.02)
    with pytest.raises(Unavailable):
        await HttpFetcher(transport=Network(body=body), seconds=0.2).get(URL, max_bytes=9_999)
    assert body.taken < 20


async def test_redirects_are_not_followed() -> None:
    network = Network(302, location="http://169.254.169.254/")
    with pytest.raises(VerificationError):
        await HttpFetcher(transport=network).get(URL, max_bytes=10)
    assert len(network.requests) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotFound), (410, NotFound), (500, Unavailable), (206, Unavailable)],
)
async def test_other_answers_fail(status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        await HttpFetcher(transport=Network(status)).get(URL, max_bytes=10)


@pytest.mark.parametrize("address", ["127.0.0.1:80", "ftp://x", "http://x/path", "http://x?q"])
def test_a_host_map_holds_origins_only(address: str) -> None:
    with pytest.raises(ConfigurationError):
        HttpFetcher({"haven.localhost": address})
