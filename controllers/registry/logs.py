"""DID logs for readers inside: our own host's from the database, others' over the network.

Nobody believes a log because of where it came from: who reads one verifies it whole.
"""

from __future__ import annotations

from agent.webvh.didlog import split_log, verify_log
from agent.webvh.fetch import MAX_LOG_BYTES, HttpFetcher
from agent.webvh.identifiers import OPAQUE_PREFIX, parse_did
from controllers.moment import now
from controllers.registry.service import RegistryService
from core.errors import VerificationError
from core.ports import DidLogs, Document


class Logs:
    """Implements DidLogs."""

    def __init__(self, registry: RegistryService, *, domain: str) -> None:
        self._registry = registry
        self._domain = domain

    async def did_log(self, did: str) -> str:
        """The text of `did.jsonl`. Raises NotFound, VerificationError, Unavailable."""
        parsed = parse_did(did)
        if parsed.domain == self._domain and parsed.path[:1] == (OPAQUE_PREFIX,):
            return await self._registry.did_log(parsed.path[-1])
        try:
            return (await _fetched(parsed.log_url)).decode()
        except UnicodeDecodeError:
            raise VerificationError("the DID log is not UTF-8", step="entry") from None


async def _fetched(url: str) -> bytes:
    """Another host's log: seldom, so no connection is kept."""
    fetcher = HttpFetcher()
    try:
        return await fetcher.get(url, max_bytes=MAX_LOG_BYTES)
    finally:
        await fetcher.aclose()


async def did_document(logs: DidLogs, did: str) -> Document:
    """The verified DID document. Raises NotFound, VerificationError, Unavailable."""
    entries = split_log(await logs.did_log(did))
    return verify_log(entries, expected_did=did, now=now()).document
