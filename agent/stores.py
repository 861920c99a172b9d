"""An agent's stores while the agent does not run: which there are, and what a restore and a
change of keys have to do inside them.

Only for an agent that is stopped, except `tenant_stores`, which reads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from aries_askar import Store
from aries_askar.error import AskarError

from agent.options import AgentOptions
from core.errors import Unavailable
from core.secret import Secret

_WALLETS = "wallet_record"  # ACA-Py's WalletRecord.RECORD_TYPE
_REGISTRY, _LIST = "revocation_reg_def", "revocation_list"  # acapy_agent.anoncreds.constants
_FULL = "full"
_RAW = "raw"


@dataclass(frozen=True, slots=True)
class TenantStore:
    """A tenant, and how its store is called and opened."""

    wallet_id: str
    name: str
    key: Secret


@dataclass(frozen=True, slots=True)
class RetiredRegistry:
    """A registry from which nothing can be issued any more; all of it is public.

    `entries` counts from 1: whatever index below it was or was not issued, it may be revoked.
    """

    wallet_id: str
    registry_id: str
    definition_id: str
    size: int
    entries: int


def base_name(options: AgentOptions) -> str:
    """The name of the store that lists the tenants."""
    return f"{options.name}-base"


async def tenant_stores(options: AgentOptions) -> list[TenantStore]:
    """The managed tenants of an agent. Raises Unavailable if the base store does not open."""
    async with opened(options, base_name(options), options.secrets.wallet_key) as store:
        found = []
        async with store.session() as session:
            for entry in await session.fetch_all(_WALLETS):
                settings = entry.value_json["settings"]
                key = settings.get("wallet.key")
                if key:
                    found.append(TenantStore(entry.name, settings["wallet.name"], Secret(key)))
        return found


async def retire_registries(options: AgentOptions) -> list[RetiredRegistry]:
    """Let every revocation registry count as used up, in every tenant's store.

    A store that was put back does not know what was issued since: it would give the same
    entry to a second credential. After this it gives none; new registries have to be made.
    """
    retired: list[RetiredRegistry] = []
    for tenant in await tenant_stores(options):
        async with opened(options, tenant.name, tenant.key) as store:
            retired += await _retire(store, tenant.wallet_id)
    return retired


async def rekey_base(options: AgentOptions, key: Secret) -> None:
    """Let the base store open with `key` and no longer with the one in `options`.

    Doing it again after it broke off changes nothing. Raises Unavailable if neither opens it.
    """
    name = base_name(options)
    if await _opens(options, name, key):
        return
    async with opened(options, name, options.secrets.wallet_key) as store:
        await store.rekey(_RAW, key.reveal())


async def _opens(options: AgentOptions, name: str, key: Secret) -> bool:
    try:
        store = await Store.open(_uri(options, name), _RAW, key.reveal())
    except AskarError:
        return False  # the key of before, or no store: the caller finds out which
    await store.close()
    return True


async def _retire(store: Store, wallet_id: str) -> list[RetiredRegistry]:
    retired = []
    async with store.transaction() as session:
        for entry in await session.fetch_all(_LIST, for_update=True):
            value = entry.value_json
            listed = value["rev_list"]
            entries = len(listed["revocationList"])
            registry = await session.fetch(_REGISTRY, entry.name)
            if registry is None:
                continue  # its making broke off: nothing was ever issued from it
            definition = registry.value_json
            most = int(definition["value"]["maxCredNum"])
            # ACA-Py takes a registry for full when the next index is above its size
            value["next_index"] = max(entries, most + 1)
            await session.replace(_LIST, entry.name, value_json=value, tags=entry.tags)
            # ... and lets one that is "finished" take the place of a full one
            tags = {**registry.tags, "state": _FULL}
            await session.replace(_REGISTRY, entry.name, value=registry.value, tags=tags)
            found = RetiredRegistry(
                wallet_id, entry.name, definition["credDefId"], most, entries
            )
            retired.append(found)
        await session.commit()
    return retired


@asynccontextmanager
async def opened(options: AgentOptions, name: str, key: Secret) -> AsyncIterator[Store]:
    """One of the stores, open. Raises Unavailable."""
    try:
        store = await Store.open(_uri(options, name), _RAW, key.reveal())
    except AskarError as err:
        raise Unavailable("A store of an agent does not open with its key") from err
    try:
        yield store
    except AskarError as err:
        raise Unavailable("A store of an agent cannot be used") from err
    finally:
        await store.close()


def _uri(options: AgentOptions, name: str) -> str:
    """As ACA-Py makes it (acapy_agent/askar/store.py)."""
    if options.database_url is None:
        return f"sqlite://{quote(str(options.home / 'wallet' / name / 'sqlite.db'))}"
    parts = urlsplit(options.database_url.reveal())
    account, password = quote(parts.username or ""), quote(parts.password or "")
    limits = urlencode({"max_connections": 2})
    where = f"{parts.hostname}:{parts.port or 5432}"
    return f"postgres://{account}:{password}@{where}/{quote(name)}?{limits}"


def store_is_there(options: AgentOptions) -> bool:
    """Whether the base store is a file below the agent's home."""
    return (options.home / "wallet" / base_name(options) / "sqlite.db").exists()
