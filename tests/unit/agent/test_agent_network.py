"""Nobody's link or identifier leads us into our own network."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest

from agent.network import PublicHostsOnly

OWN = "http://127.0.0.1:8020"


def client(seen: list[httpx.Request]) -> httpx.AsyncClient:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    return httpx.AsyncClient(transport=PublicHostsOnly([OWN], httpx.MockTransport(answer)))


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def getaddrinfo(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fd00::1", "0.0.0.0"],
)
async def test_private_addresses_are_refused(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    seen: list[httpx.Request] = []
    resolve_to(monkeypatch, address)
    with pytest.raises(httpx.ConnectError):
        await client(seen).get("https://shelter.example/o/x/did.jsonl")
    assert seen == []


async def test_one_private_address_among_public_ones_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[httpx.Request] = []
    resolve_to(monkeypatch, "93.184.216.34", "127.0.0.1")
    with pytest.raises(httpx.ConnectError):
        await client(seen).get("https://shelter.example/")
    assert seen == []


async def test_the_address_looked_at_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[httpx.Request] = []
    resolve_to(monkeypatch, "93.184.216.34")
    await client(seen).get("https://shelter.example/o/x/did.jsonl")
    (request,) = seen
    assert str(request.url) == "https://93.184.216.34/o/x/did.jsonl"
    assert request.headers["host"] == "shelter.example"
    assert request.extensions["sni_hostname"] == "shelter.example"


async def test_our_own_listener_is_exempt_and_no_other_port_of_it() -> None:
    seen: list[httpx.Request] = []
    await client(seen).get(f"{OWN}/hash/x")
    with pytest.raises(httpx.ConnectError):
        await client(seen).get("http://127.0.0.1:8031/status")
    assert len(seen) == 1
