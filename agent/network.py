"""Reaching the network at other people's word, but never into our own.

A link or an identifier is chosen by somebody else. Before a connection is made, its host is
resolved once, every address must be a public one, and the connection goes to the very address
that was looked at: a name that answers differently a moment later changes nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable

import httpx


class PublicHostsOnly(httpx.AsyncBaseTransport):
    """An HTTP transport that connects to public addresses and to the exempt origins only.

    Args:
        exempt: Origins such as `http://127.0.0.1:8020`: our own listeners.
        inner: Makes the connections; tests put another in its place.

    Raises (from requests): httpx.ConnectError for a host that is not public or not known.
    """

    def __init__(
        self, exempt: Iterable[str], inner: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._exempt = {_origin(httpx.URL(address)) for address in exempt}
        self._inner = inner or httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Check the host, pin its address, and go on."""
        if _origin(request.url) not in self._exempt:
            name = request.url.host
            # the certificate is still checked for the name, and Host already says it
            request.extensions = {**request.extensions, "sni_hostname": name}
            request.url = request.url.copy_with(host=await _public_address(name))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


async def _public_address(host: str) -> str:
    try:
        entries = await asyncio.get_running_loop().getaddrinfo(host, 443)
    except (OSError, UnicodeError):
        raise httpx.ConnectError("the host is not known") from None
    found = [str(entry[4][0]) for entry in entries]
    if not found or not all(ipaddress.ip_address(address).is_global for address in found):
        raise httpx.ConnectError("the host is not a public one")
    return found[0]
