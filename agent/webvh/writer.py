"""The client of the registry's write API, which the agent publishes through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import httpx

from core.canonical import Json
from core.errors import ConfigurationError, Conflict, Unavailable, VerificationError

_SECONDS = 15.0


class Publisher(Protocol):
    """Where an agent publishes: this installation's registry, or memory in tests.

    Every method may be repeated with the same arguments. They raise `Unavailable` if the
    registry does not answer, `Conflict` if what is published has moved on, and
    `VerificationError` (step `publish`) if the registry refuses what was sent.
    """

    async def append_log(
        self, opaque: str, entries: Sequence[str], *, expected_version: str | None
    ) -> None:
        """Append entries to a DID log that ends with `expected_version` now."""
        ...

    async def put_resource(self, document: Json) -> None:
        """Publish an attested resource."""
        ...

    async def publish(self, status_list: Json, registry_definition: Json) -> None:
        """Publish a revocation list together with the link to it: both or neither."""
        ...


class RegistryWriter:
    """The publisher over HTTP, with the registry's bearer secret."""

    def __init__(
        self, url: str, key: str, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=_SECONDS,
            trust_env=False,
            transport=transport,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def append_log(
        self, opaque: str, entries: Sequence[str], *, expected_version: str | None
    ) -> None:
        body = {"entries": list(entries), "expected_version": expected_version}
        await self._send("POST", f"/dids/{opaque}/log", body)

    async def put_resource(self, document: Json) -> None:
        await self._send("PUT", "/resources", document)

    async def publish(self, status_list: Json, registry_definition: Json) -> None:
        body = {"status_list": status_list, "registry_definition": registry_definition}
        await self._send("POST", "/publications", body)

    async def _send(self, method: str, path: str, body: Any) -> None:
        try:
            response = await self._client.request(method, path, json=body)
        except httpx.HTTPError:
            raise Unavailable("the registry does not answer") from None
        status = response.status_code
        if status in {401, 403}:
            raise ConfigurationError("the registry refuses this agent's write key")
        if status == 409:
            raise Conflict("what is published has changed meanwhile")
        if status in {400, 404, 422}:
            raise VerificationError("the registry refuses to publish this", step="publish")
        if not response.is_success:
            raise Unavailable("the registry answers with an error")
