"""AnonCreds objects under did:webvh: ACA-Py's resolver and registrar.

Source: did:webvh AnonCreds Method v0.1. Reading verifies everything (`agent.webvh.attested`);
registering finishes at once, because the registry answers when it has stored.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from functools import wraps
from typing import Any

from acapy_agent.anoncreds.base import (
    AnonCredsObjectNotFound,
    AnonCredsRegistrationError,
    AnonCredsResolutionError,
    BaseAnonCredsRegistrar,
    BaseAnonCredsResolver,
)
from acapy_agent.anoncreds.models.credential_definition import (
    CredDef,
    CredDefResult,
    CredDefState,
    GetCredDefResult,
)
from acapy_agent.anoncreds.models.revocation import (
    GetRevListResult,
    GetRevRegDefResult,
    RevList,
    RevListResult,
    RevListState,
    RevRegDef,
    RevRegDefResult,
    RevRegDefState,
)
from acapy_agent.anoncreds.models.schema import (
    AnonCredsSchema,
    GetSchemaResult,
    SchemaResult,
    SchemaState,
)
from acapy_agent.anoncreds.models.schema_info import AnonCredsSchemaInfo
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.profile import Profile

from agent.plugins.webvh.publisher import publish_list, publish_resource
from agent.plugins.webvh.runtime import WebvhRuntime
from agent.webvh.attested import ResourceType, VerifiedResource
from agent.webvh.identifiers import is_tails_hash
from core.canonical import Json
from core.errors import HavenError, NotFound, VerificationError

_FINISHED = "finished"


def _resolving[**P, T](method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Speak ACA-Py's language of errors to ACA-Py, keeping the step that failed."""

    @wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except NotFound as error:
            raise AnonCredsObjectNotFound(error.detail) from error
        except HavenError as error:
            raise AnonCredsResolutionError(_words(error)) from error

    return call


def _registering[**P, T](method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    @wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except HavenError as error:
            raise AnonCredsRegistrationError(_words(error)) from error

    return call


def _words(error: HavenError) -> str:
    return (
        f"{error.detail} (step {error.step})"
        if isinstance(error, VerificationError)
        else error.detail
    )


class WebvhAnonCredsRegistry(BaseAnonCredsResolver, BaseAnonCredsRegistrar):
    """The one handler of `did:webvh:` identifiers."""

    def __init__(self, runtime: WebvhRuntime) -> None:
        self._runtime = runtime
        self._pattern = re.compile(r"^did:webvh:.+$")

    @property
    def supported_identifiers_regex(self) -> re.Pattern[str]:
        return self._pattern

    async def setup(self, context: InjectionContext) -> None:
        """Nothing to set up: the plugin's `setup` made the runtime."""

    # -- reading

    @_resolving
    async def get_schema(self, profile: Profile, schema_id: str) -> GetSchemaResult:
        content = await self._content(schema_id, ResourceType.SCHEMA)
        return GetSchemaResult(AnonCredsSchema.deserialize(content), schema_id, {}, {})

    @_resolving
    async def get_schema_info_by_id(
        self, profile: Profile, schema_id: str
    ) -> AnonCredsSchemaInfo:
        content = await self._content(schema_id, ResourceType.SCHEMA)
        return AnonCredsSchemaInfo(content["issuerId"], content["name"], content["version"])

    @_resolving
    async def get_credential_definition(
        self, profile: Profile, credential_definition_id: str
    ) -> GetCredDefResult:
        content = await self._content(
            credential_definition_id, ResourceType.CREDENTIAL_DEFINITION
        )
        return GetCredDefResult(credential_definition_id, CredDef.deserialize(content), {}, {})

    @_resolving
    async def get_revocation_registry_definition(
        self, profile: Profile, revocation_registry_id: str
    ) -> GetRevRegDefResult:
        content = await self._content(revocation_registry_id, ResourceType.REGISTRY_DEFINITION)
        _check_tails(content)
        return GetRevRegDefResult(
            RevRegDef.deserialize(content), revocation_registry_id, {}, {}
        )

    @_resolving
    async def get_revocation_list(
        self,
        profile: Profile,
        revocation_registry_id: str,
        timestamp_from: int | None = 0,
        timestamp_to: int | None = None,
    ) -> GetRevListResult:
        """The last list with a time at or before `timestamp_to`; its time is the entry's."""
        found = await self._runtime.reader.status_list(revocation_registry_id, at=timestamp_to)
        return GetRevListResult(RevList.deserialize(deepcopy(found.content)), {}, {})

    async def _content(self, identifier: str, resource_type: ResourceType) -> Json:
        """Verified content; a copy, because ACA-Py's models change what they are given."""
        found = await self._runtime.reader.resource(identifier, resource_type)
        return deepcopy(found.content)

    # -- registering

    @_registering
    async def register_schema(
        self, profile: Profile, schema: AnonCredsSchema, options: Any = None
    ) -> SchemaResult:
        identifier = await publish_resource(
            self._runtime, profile, ResourceType.SCHEMA, schema.name, _serialize(schema)
        )
        return SchemaResult(None, SchemaState(_FINISHED, identifier, schema))

    @_registering
    async def register_credential_definition(
        self,
        profile: Profile,
        schema: GetSchemaResult,
        credential_definition: CredDef,
        options: Any = None,
    ) -> CredDefResult:
        identifier = await publish_resource(
            self._runtime,
            profile,
            ResourceType.CREDENTIAL_DEFINITION,
            credential_definition.tag,
            _serialize(credential_definition),
        )
        state = CredDefState(_FINISHED, identifier, credential_definition)
        return CredDefResult(None, state, {}, {})

    @_registering
    async def register_revocation_registry_definition(
        self, profile: Profile, revocation_registry_definition: RevRegDef, options: Any = None
    ) -> RevRegDefResult:
        identifier = await publish_resource(
            self._runtime,
            profile,
            ResourceType.REGISTRY_DEFINITION,
            revocation_registry_definition.tag,
            _serialize(revocation_registry_definition),
        )
        state = RevRegDefState(_FINISHED, identifier, revocation_registry_definition)
        return RevRegDefResult(None, state, {}, {})

    @_registering
    async def register_revocation_list(
        self, profile: Profile, rev_reg_def: RevRegDef, rev_list: RevList, options: Any = None
    ) -> RevListResult:
        return await self._publish_list(profile, rev_list)

    @_registering
    async def update_revocation_list(  # noqa: PLR0917  # ACA-Py's signature
        self,
        profile: Profile,
        rev_reg_def: RevRegDef,
        prev_list: RevList,
        curr_list: RevList,
        revoked: Sequence[int],
        options: Any = None,
    ) -> RevListResult:
        return await self._publish_list(profile, curr_list)

    async def _publish_list(self, profile: Profile, rev_list: RevList) -> RevListResult:
        """Publish a list unless the newest published one says the same.

        The definition that ACA-Py passes has a local path as its tails location; what is
        signed again is the published one.
        """
        content = _serialize(rev_list)
        registry_id = content["revRegDefId"]
        async with self._runtime.registry_locks.lock(registry_id):
            registry = await self._runtime.reader.registry(registry_id, fresh=True)
            published = await newest_list(self._runtime, registry)
            if published is None or not says_the_same(published, content):
                _check_keeps_revoked(published, content)
                published = await publish_list(self._runtime, profile, registry, content)
        state = RevListState(_FINISHED, RevList.deserialize(deepcopy(published)))
        return RevListResult(None, state, {}, {})


async def newest_list(runtime: WebvhRuntime, registry: VerifiedResource) -> Json | None:
    """The content of the newest published list of a registry, if there is any."""
    if not registry.links:
        return None
    found = await runtime.reader.status_list(registry.id, at=registry.links[-1].timestamp)
    return found.content


def says_the_same(published: Json, content: Json) -> bool:
    """Whether two lists differ in their times only."""
    keys = ("revocationList", "currentAccumulator")
    return all(published.get(key) == content.get(key) for key in keys)


def _check_keeps_revoked(published: Json | None, content: Json) -> None:
    """A list that forgets a published revocation would give a credential back."""
    pairs = zip(
        (published or {}).get("revocationList", []), content["revocationList"], strict=False
    )
    if any(before and not now for before, now in pairs):
        raise VerificationError("the list forgets a published revocation", step="publish")


def _check_tails(content: Json) -> None:
    """The hash becomes a file name in ACA-Py: nothing but a hash may stand there."""
    value = content.get("value")
    tails_hash = value.get("tailsHash") if isinstance(value, dict) else None
    if not isinstance(tails_hash, str) or not is_tails_hash(tails_hash):
        raise VerificationError("the registry names no tails file", step="content")


def _serialize(model: Any) -> Json:
    """The object in the AnonCreds specification's own form, without empty members."""
    found: Json = _without_none(model.serialize())
    return found


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(entry) for key, entry in value.items() if entry is not None}
    return value
