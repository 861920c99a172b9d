"""ACA-Py's resolver of did:webvh DIDs, over the same verified reading as everything else.

Core's own resolver knows no host map, no size limit and caches for an hour; it is replaced,
because ACA-Py asks the first resolver that matches.
"""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.profile import Profile
from acapy_agent.resolver.base import BaseDIDResolver, DIDNotFound, ResolverError, ResolverType
from acapy_agent.resolver.default.webvh import WebvhDIDResolver
from acapy_agent.resolver.did_resolver import DIDResolver

from agent.webvh.reader import WebvhReader
from core.errors import ConfigurationError, HavenError, NotFound


class VerifyingWebvhResolver(BaseDIDResolver):
    """Resolves a DID by verifying its whole log."""

    DEFAULT_TTL = 1  # ACA-Py's cache in front of the reader's own, in seconds

    def __init__(self, reader: WebvhReader) -> None:
        super().__init__(ResolverType.NATIVE)
        self._reader = reader

    async def setup(self, context: InjectionContext) -> None:
        """Nothing to set up."""

    @property
    def supported_did_regex(self) -> re.Pattern[str]:
        return re.compile(r"^did:webvh:[a-zA-Z0-9%._:-]+$")

    async def _resolve(
        self, profile: Profile, did: str, service_accept: Any = None
    ) -> dict[str, Any]:
        try:
            return deepcopy((await self._reader.did(did)).document)
        except NotFound as error:
            raise DIDNotFound(error.detail) from error
        except HavenError as error:
            raise ResolverError(error.detail) from error


def replace_resolver(resolvers: DIDResolver, resolver: VerifyingWebvhResolver) -> None:
    """Put `resolver` in the place of core's.

    Raises:
        ConfigurationError: core's is not there, so that ours might not be the first.
    """
    kept = [known for known in resolvers.resolvers if not isinstance(known, WebvhDIDResolver)]
    if len(kept) == len(resolvers.resolvers):
        raise ConfigurationError("ACA-Py's own did:webvh resolver was not found")
    resolvers.resolvers[:] = [resolver, *kept]
