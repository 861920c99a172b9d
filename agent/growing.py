"""Filling an agent's stores with more of what is in them, for benches of how Haven grows.

What an exchange leaves behind is not written down here, it is learnt: the rows that were not
in a store before some real exchanges are copied as often as is asked for, each copy with new
identifiers and new keys in the place of theirs. So the filling stays true when an agent
learns to leave less. Only for an agent that is stopped.
"""

from __future__ import annotations

import asyncio
import random
import re
import shutil
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field

from aries_askar import Key, KeyAlg, Session, Store

from agent.options import AgentOptions
from agent.stores import base_name, opened, tenant_stores
from core.errors import NotFound
from core.secret import Secret

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_HEX = "0123456789abcdef"
# UUIDs, hexadecimal names, and everything in base58: keys, digests, did:peer
_TOKEN = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b[0-9a-f]{32}\b|w-[0-9a-f]{32}"
    rf"|[{_BASE58}]{{32,}}"
)
_LONGEST = 64  # of a longer token only the beginning is made new
_COMMIT_EVERY, _AT_ONCE = 2_000, 64
_REGISTRY, _WALLET = "revocation_reg_def", "wallet_record"


@dataclass(frozen=True, slots=True)
class Row:
    """An entry of a store, as text."""

    category: str
    name: str
    value: str
    tags: Mapping[str, str]

    @property
    def text(self) -> str:
        return " ".join((self.name, self.value, *self.tags.values()))


@dataclass(frozen=True, slots=True)
class Contents:
    """All that is in a store: entries, and how many keys."""

    rows: tuple[Row, ...]
    keys: int

    def since(self, earlier: Contents) -> Leftovers:
        """What came since then, and which identifiers were there already."""
        known = {(row.category, row.name) for row in earlier.rows}
        new = tuple(row for row in self.rows if (row.category, row.name) not in known)
        kept = frozenset(token for row in earlier.rows for token in _TOKEN.findall(row.text))
        return Leftovers(new, max(0, self.keys - earlier.keys), kept)


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Rows and keys that some exchanges left behind; identifiers in `kept` are not theirs."""

    rows: tuple[Row, ...]
    keys: int
    kept: frozenset[str] = field(repr=False)


async def contents_of(options: AgentOptions, name: str, key: Secret) -> Contents:
    """Everything in a store. Raises Unavailable if it does not open."""
    async with opened(options, name, key) as store:
        rows = [
            Row(entry.category, entry.name, entry.value.decode(), dict(entry.tags))
            async for entry in store.scan(category=None)
        ]
        async with store.session() as session:
            keys = len(list(await session.fetch_all_keys()))
    return Contents(tuple(rows), keys)


async def store_of(options: AgentOptions, wallet_id: str) -> tuple[str, Secret]:
    """Name and key of a tenant's store; of the base store without an id. Raises NotFound."""
    if not wallet_id:
        return base_name(options), options.secrets.wallet_key
    for tenant in await tenant_stores(options):
        if tenant.wallet_id == wallet_id:
            return tenant.name, tenant.key
    raise NotFound("There is no such tenant")


async def multiply(
    options: AgentOptions, name: str, key: Secret, left: Leftovers, times: int
) -> list[dict[str, str]]:
    """Write so many copies into a store; for each, which identifier took whose place."""
    renamed = []
    async with opened(options, name, key) as store:
        writing = _Writing(store)
        for _ in range(times):
            names = renaming(left)
            renamed.append(names)
            for row in left.rows:
                await writing.insert(_copy(row, names))
            for _ in range(left.keys):
                await writing.insert_key()
        await writing.end()
    return renamed


async def multiply_registries(
    options: AgentOptions, name: str, key: Secret, definition_id: str, count: int
) -> list[str]:
    """So many further registries of a definition, all used up; their ids."""
    there = await contents_of(options, name, key)
    first = next(
        (r for r in there.rows if r.category == _REGISTRY and definition_id in r.text), None
    )
    if first is None:
        raise NotFound("This definition has no registry")
    digest = first.name.rpartition("/")[2]
    rows = tuple(row for row in there.rows if digest in row.text and _is_of_registry(row))
    every = frozenset(token for row in rows for token in _TOKEN.findall(row.text))
    left = Leftovers(tuple(map(_used_up, rows)), 0, every - {digest})
    renamed = await multiply(options, name, key, left, count)
    return [renew(first.name, names) for names in renamed]


def copy_wallets(options: AgentOptions, renamed: Iterable[Mapping[str, str]]) -> int:
    """The file of each copied wallet: the file of the wallet it is a copy of."""
    count = 0
    for names in renamed:
        for old, new in names.items():
            source = options.home / "wallet" / old
            if old.startswith("w-") and source.exists():
                target = options.home / "wallet" / new
                target.mkdir(mode=source.stat().st_mode & 0o777)
                for file in source.iterdir():
                    shutil.copyfile(file, target / file.name)
                count += 1
    return count


def renaming(left: Leftovers) -> dict[str, str]:
    """A new identifier for each one that is these rows' own."""
    found = {token for row in left.rows for token in _TOKEN.findall(row.text)}
    return {token: _like(token) for token in found - left.kept}


def renew(text: str, names: Mapping[str, str]) -> str:
    """The text with new identifiers."""
    return _TOKEN.sub(lambda match: names.get(match[0], match[0]), text)


def _copy(row: Row, names: Mapping[str, str]) -> Row:
    tags = {tag: renew(value, names) for tag, value in row.tags.items()}
    name = renew(row.name, names)
    if name == row.name:  # no identifier that we know the form of
        name = f"{name}-{_random(_HEX, 12)}"
    return Row(row.category, name, renew(row.value, names), tags)


def _is_of_registry(row: Row) -> bool:
    return row.category.startswith(("revocation_", "rev_"))


def _used_up(row: Row) -> Row:
    if row.category != _REGISTRY:
        return row
    tags = {**row.tags, "active": "false", "state": "full"}
    return Row(row.category, row.name, row.value, tags)


def _like(token: str) -> str:
    """A random token of the same form."""
    if "-" in token or re.fullmatch(r"[0-9a-f]{32}", token):
        prefix = "w-" if token.startswith("w-") else ""
        parts = token.removeprefix(prefix).split("-")
        return prefix + "-".join(_random(_HEX, len(part)) for part in parts)
    head, tail = token[:2], token[_LONGEST:]
    return head + _random(_BASE58, min(len(token), _LONGEST) - len(head)) + tail


def _random(letters: str, length: int) -> str:
    return "".join(random.choices(letters, k=length))  # noqa: S311 (it names nothing)


class _Writing:
    """Inserts in transactions of a good size."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._transaction: Session | None = None
        self._written = 0
        self._waiting: list[Awaitable[None]] = []

    async def insert(self, row: Row) -> None:
        session = await self._session()
        self._waiting.append(
            session.insert(row.category, row.name, value=row.value, tags=dict(row.tags))
        )
        if len(self._waiting) >= _AT_ONCE:
            await self._insert_waiting()

    async def insert_key(self) -> None:
        key = Key.generate(KeyAlg.ED25519)
        name = _random(_BASE58, 44)
        session = await self._session()
        await session.insert_key(name, key, metadata="{}", tags={"multikey": f"z6Mk{name}"})

    async def end(self) -> None:
        await self._insert_waiting()
        if self._transaction is not None:
            await self._transaction.commit()
            self._transaction = None

    async def _insert_waiting(self) -> None:
        """The session takes one after the other, but none waits for us in between."""
        waiting, self._waiting = self._waiting, []
        await asyncio.gather(*waiting)

    async def _session(self) -> Session:
        if self._written % _COMMIT_EVERY == 0:
            await self.end()
        if self._transaction is None:
            self._transaction = await self._store.transaction()
        self._written += 1
        return self._transaction
