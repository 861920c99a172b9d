"""Revoking credentials so that what is claimed is what is published.

What ACA-Py does by itself loses revocations: it changes the wallet's list, then publishes,
and reports a failed publication as if nothing had happened. Here the published list is the
truth, and the order is:

1. one registry at a time in this process (its lock), and whoever gets there publishes for
   all that wait, since lists are at least a second apart; another process is met by the
   registry's compare-and-set;
2. the new list is the newest published one, plus what the wallet's own list has revoked
   already (an attempt of ACA-Py's that was never published), plus what is asked now;
3. it is published, at a time strictly later than the last; nothing is claimed before that;
4. the wallet's list follows the published one, only then the records say "revoked".

A failure or a crash at any step is repaired by asking again: each step finds what is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from acapy_agent.anoncreds.constants import (
    CATEGORY_CRED_DEF,
    CATEGORY_REV_LIST,
    CATEGORY_REV_REG_DEF,
    CATEGORY_REV_REG_DEF_PRIVATE,
)
from acapy_agent.anoncreds.models.revocation import RevRegDef
from acapy_agent.anoncreds.revocation.manager import RevocationManager
from acapy_agent.anoncreds.revocation.revocation import AnonCredsRevocation
from acapy_agent.core.profile import Profile
from anoncreds import (
    AnoncredsError,
    CredentialDefinition,
    RevocationRegistryDefinition,
    RevocationRegistryDefinitionPrivate,
    RevocationStatusList,
)

from agent.plugins.webvh.publisher import publish_list
from agent.plugins.webvh.registrar import newest_list, says_the_same
from agent.plugins.webvh.runtime import WALLET_ERRORS, WebvhRuntime
from core.canonical import Json
from core.errors import Conflict, InvalidInput, NotFound, Unavailable

_ATTEMPTS = 4  # each failed one means that another process succeeded


@dataclass(frozen=True, slots=True)
class Revoked:
    """What is revoked and published now."""

    registry_id: str
    timestamp: int
    revoked: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _WalletRegistry:
    """A registry as the issuer's wallet keeps it."""

    definition: Json
    private: Json
    credential_definition: Json
    list: Json
    next_index: int


async def revoke(
    runtime: WebvhRuntime, profile: Profile, registry_id: str, indexes: Sequence[int]
) -> Revoked:
    """Revoke entries of a registry and publish that; repeatable.

    Raises:
        NotFound: the wallet has no such registry.
        InvalidInput: an index was never issued.
        Unavailable: nothing is claimed; ask again.
    """
    try:
        wallet = await _load(profile, registry_id)
        _check_issued(wallet, indexes)
        with runtime.asked.together(registry_id, set(indexes)) as asked:
            async with runtime.registry_locks.lock(registry_id):
                published = await _revoke(runtime, profile, registry_id, asked())
    except (*WALLET_ERRORS, AnoncredsError) as error:
        raise Unavailable("the wallet did not carry out the revocation; ask again") from error
    return Revoked(registry_id, int(published["timestamp"]), tuple(sorted(set(indexes))))


async def _revoke(
    runtime: WebvhRuntime, profile: Profile, registry_id: str, asked: set[int]
) -> Json:
    """Steps 2 to 4, under the registry's lock; the published list."""
    for attempt in range(_ATTEMPTS):
        try:
            published, added = await _publish(runtime, profile, registry_id, asked)
            break
        except Conflict as error:
            # another process published between our reading and writing: go on top of it
            if attempt == _ATTEMPTS - 1:
                raise Unavailable("others keep changing this registry; ask again") from error
    await _follow(profile, registry_id, published)
    marked = sorted(asked | added)
    await RevocationManager(profile).set_cred_revoked_state(registry_id, marked)
    return published


async def _publish(
    runtime: WebvhRuntime, profile: Profile, registry_id: str, asked: set[int]
) -> tuple[Json, set[int]]:
    """Publish the list that has `asked` revoked, and say which entries that added."""
    registry = await runtime.reader.registry(registry_id, fresh=True)
    published = await newest_list(runtime, registry)
    if published is None:
        raise Unavailable("the registry has no published list yet")
    wallet = await _load(profile, registry_id)
    before = _revoked(published)
    added = (asked | _revoked(wallet.list)) - before
    if not added:
        return published, added
    updated = await _update(profile, wallet, published, added)
    return await publish_list(runtime, profile, registry, updated), added


async def _update(
    profile: Profile, wallet: _WalletRegistry, published: Json, added: set[int]
) -> Json:
    """The published list with more entries revoked; the arithmetic runs in a thread."""
    definition = RevRegDef.deserialize(wallet.definition)
    tails = await AnonCredsRevocation(profile).get_or_fetch_local_tails_path(definition)
    local = {
        **wallet.definition,
        "value": {**wallet.definition["value"], "tailsLocation": tails},
    }

    def compute() -> Json:
        updated = RevocationStatusList.load(published).update(
            cred_def=CredentialDefinition.load(wallet.credential_definition),
            rev_reg_def=RevocationRegistryDefinition.load(local),
            rev_reg_def_private=RevocationRegistryDefinitionPrivate.load(wallet.private),
            issued=None,
            revoked=sorted(added),
            timestamp=published["timestamp"] + 1,
        )
        found: Json = updated.to_dict()
        return found

    return await asyncio.to_thread(compute)


async def _follow(profile: Profile, registry_id: str, published: Json) -> None:
    """Let the wallet's list be the published one; `next_index` stays as it is by then."""
    async with profile.transaction() as session:
        entry = await session.handle.fetch(CATEGORY_REV_LIST, registry_id, for_update=True)
        value = entry.value_json
        if says_the_same(published, value["rev_list"]):
            return
        value["rev_list"] = published
        await session.handle.replace(
            CATEGORY_REV_LIST, registry_id, value_json=value, tags=entry.tags
        )
        await session.commit()


async def _load(profile: Profile, registry_id: str) -> _WalletRegistry:
    async with profile.session() as session:
        definition = await session.handle.fetch(CATEGORY_REV_REG_DEF, registry_id)
        private = await session.handle.fetch(CATEGORY_REV_REG_DEF_PRIVATE, registry_id)
        listed = await session.handle.fetch(CATEGORY_REV_LIST, registry_id)
        if not (definition and private and listed):
            raise NotFound("this wallet has no such revocation registry")
        cred_def = await session.handle.fetch(
            CATEGORY_CRED_DEF, definition.value_json["credDefId"]
        )
    if cred_def is None:
        raise NotFound("this wallet has no such credential definition")
    return _WalletRegistry(
        definition=definition.value_json,
        private=private.value_json,
        credential_definition=cred_def.value_json,
        list=listed.value_json["rev_list"],
        next_index=listed.value_json["next_index"],
    )


def _check_issued(wallet: _WalletRegistry, indexes: Sequence[int]) -> None:
    if not indexes or any(not 1 <= index < wallet.next_index for index in indexes):
        raise InvalidInput("an entry to revoke was never issued from this registry")


def _revoked(content: Json) -> set[int]:
    return {index for index, entry in enumerate(content["revocationList"]) if entry}
