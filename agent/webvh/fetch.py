"""Getting published bytes over HTTPS, within limits.

The rules, in the order applied (check 2 of `agent.webvh.attested`):

1. only `https`, without port, user or fragment;
2. a host in the installation's own host map is asked at its mapped address instead, over
   plain HTTP on this machine or network, with the original name in the Host header;
   any other host must have public addresses only (agent/network.py);
3. one time limit over the whole answer, however slowly it trickles;
4. no redirects; 404 and 410 mean that there is nothing, all else but 200 that it failed;
5. the body is counted while it streams, and dropped at the size limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from agent.network import PublicHostsOnly
from core.errors import ConfigurationError, NotFound, Unavailable, VerificationError

MAX_LOG_BYTES = 2_000_000
MAX_RESOURCE_BYTES = 2_000_000
MAX_TAILS_BYTES = 8_000_000
DEFAULT_SECONDS = 10.0


class Fetcher(Protocol):
    """Whatever brings published bytes: the network, or memory in tests."""

    async def get(self, url: str, *, max_bytes: int) -> bytes:
        """The whole body.

        Raises:
            NotFound: there is nothing at this address.
            VerificationError: step `fetch`; a rule of this module forbids it.
            Unavailable: the host does not answer, not in time, or not with success.
        """
        ...


def read_host_map(mapping: Mapping[str, str]) -> Mapping[str, str]:
    """Check a host map such as `{"haven.localhost": "http://127.0.0.1:8100"}`.

    Raises:
        ConfigurationError: an address is not an origin.
    """
    for address in mapping.values():
        parts = urlsplit(address)
        is_origin = parts.scheme in {"http", "https"} and parts.hostname and not parts.query
        if not is_origin or parts.path not in {"", "/"}:
            raise ConfigurationError("an address in the host map is not an origin")
    return MappingProxyType({host: url.rstrip("/") for host, url in mapping.items()})


class HttpFetcher:
    """The real fetcher, over one shared connection pool."""

    def __init__(
        self,
        host_map: Mapping[str, str] | None = None,
        *,
        seconds: float = DEFAULT_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._host_map = read_host_map(host_map or {})
        self._seconds = seconds
        self._client = httpx.AsyncClient(
            transport=transport or PublicHostsOnly(self._host_map.values()),
            follow_redirects=False,
            trust_env=False,
            timeout=seconds,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(self, url: str, *, max_bytes: int) -> bytes:
        address, headers = self._address(url)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._stream(address, headers, max_bytes)
        except (TimeoutError, httpx.HTTPError):
            raise Unavailable("the host of an identifier does not answer") from None

    def _address(self, url: str) -> tuple[str, dict[str, str]]:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" or parts.netloc != host or not host or parts.fragment:
            raise VerificationError("only plain https addresses are fetched", step="fetch")
        origin = self._host_map.get(host)
        if origin is None:
            return url, {}
        return origin + parts.path + (f"?{parts.query}" if parts.query else ""), {"Host": host}

    async def _stream(self, address: str, headers: dict[str, str], max_bytes: int) -> bytes:
        async with self._client.stream("GET", address, headers=headers) as response:
            _check_status(response.status_code)
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > max_bytes:
                    raise VerificationError("the answer is too long", step="fetch")
            return bytes(body)


def _check_status(status: int) -> None:
    if status in {404, 410}:
        raise NotFound("nothing is published under this identifier")
    if 300 <= status < 400:
        raise VerificationError("redirects are not followed", step="fetch")
    if status != 200:
        raise Unavailable("the host of an identifier answers with an error")
