"""The proxies' templates: nginx takes them, and they keep to themselves what they see."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from controllers.settings import Settings
from tests.support.installation import free_port_base
from tests.support.proxy import (
    KINDS,
    TEMPLATES,
    fill_in,
    make_certificate,
    missing,
    running_proxies,
)
from tests.support.topology import proxy_values
from tests.support.waiting import until


@dataclass(frozen=True)
class Proxied:
    """Where the public proxy listens, and whom it looks for."""

    port: int
    settings: Settings

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}"


EACH = pytest.mark.parametrize("kind", KINDS)


def template(kind: str) -> str:
    return (TEMPLATES / kind / "haven.conf.template").read_text()


@EACH
def test_nothing_that_names_a_request_is_written(kind: str) -> None:
    assert "access_log off;" in template(kind)
    assert "error_log stderr emerg;" in template(kind)


async def _asked_behind(listening: int, ask: Callable[[], Awaitable[object]]) -> str:
    """What arrives where one of the controllers would listen, when `ask` asks the proxy."""
    heard: list[str] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", listening)
    async with server:
        await ask()
    return heard[0]


@EACH
def test_a_missing_value_is_not_left_out_silently(kind: str) -> None:
    with pytest.raises(KeyError):
        fill_in(template(kind), {})


def test_nginxs_own_variables_stay_as_they_are() -> None:
    assert fill_in("$host ${PROXY_A} $1", {"PROXY_A": "b"}) == "$host b $1"


@pytest.fixture
def proxied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxied]:
    """Both proxies, in front of nobody."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    first, files = free_port_base(), make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    settings = Settings(port_base=first + 3)
    with running_proxies(tmp_path, proxy_values(settings, first, files)):
        yield Proxied(first, settings)
    # nginx writes nothing about whom it answered, and how
    assert [(tmp_path / f"{kind}.log").read_text() for kind in KINDS] == ["", ""]


async def listening(outside: httpx.AsyncClient) -> None:
    """Return once the proxy answers."""

    async def answered() -> bool:
        try:
            await outside.get("/metrics")
        except httpx.ConnectError:
            return False
        return True

    await until(answered)


async def test_nginx_takes_them_and_answers_under_its_own_name_only(proxied: Proxied) -> None:
    async with httpx.AsyncClient(base_url=proxied.address) as outside:
        await listening(outside)
        for path in ("/", "/api/wallet/wallets", "/didcomm/org", "/didcomm/wallets/9"):
            assert (await outside.get(path)).status_code == 502, "nobody is behind it"
        for path in ("/metrics", "/health/ready"):
            assert (await outside.get(path)).status_code == 404
    async with httpx.AsyncClient(base_url=f"https://127.0.0.1:{proxied.port}") as stranger:
        with pytest.raises(httpx.ConnectError):
            await stranger.get("/")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{proxied.port + 1}") as agent:
        assert (await agent.post("/api/wallet/wallets")).status_code == 403


@pytest.mark.parametrize("path", ["/", "/api/wallet/session", "/didcomm/org"])
async def test_where_a_caller_is_the_proxy_alone_says_and_to_the_controllers_alone(
    proxied: Proxied, path: str
) -> None:
    settings = proxied.settings
    other = settings.model_copy(update={"replica": 1})
    agents = path.startswith("/didcomm/")
    # the second of two: the first refuses connections and is passed over
    port = settings.org_ports_of(1)[1] if agents else other.public_port
    lie = {"X-Forwarded-For": "198.51.100.7", "Authorization": "Bearer invented"}
    async with httpx.AsyncClient(base_url=proxied.address, headers=lie) as outside:
        await listening(outside)
        heard = (await _asked_behind(port, lambda: outside.post(path))).lower()
    assert "198.51.100.7" not in heard
    assert ("x-forwarded-for: 127.0.0.1" in heard) is not agents
