"""What is remembered is what would be answered, and ends when it must."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from acapy_agent.askar.didcomm import v1
from acapy_agent.askar.profile_anon import AskarAnonCredsProfile, AskarAnonProfileManager
from acapy_agent.cache.in_memory import InMemoryCache
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.config.settings import Settings
from acapy_agent.connections.base_manager import BaseConnectionManager
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.protocols.coordinate_mediation.v1_0.manager import MediationManager
from acapy_agent.protocols.routing.v1_0.manager import RouteNotFoundError, RoutingManager
from acapy_agent.storage.error import StorageNotFoundError
from acapy_agent.utils import jwe
from acapy_agent.wallet.askar import AskarWallet
from acapy_agent.wallet.error import WalletError
from aries_askar import Key, KeyAlg, Store
from aries_askar.store import OpenSession
from hypothesis import given
from hypothesis import strategies as st

from agent.plugins.lean import (
    caches,
    contexts,
    envelopes,
    peers,
    routing,
    shortcuts,
    standing,
    tenants,
)
from agent.plugins.lean.kept import Kept, kept_with

SECRET = "a secret of thirty-two characters"


@pytest.fixture
async def profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AskarAnonCredsProfile]:
    monkeypatch.setenv("ACAPY_HOME", str(tmp_path))
    for owner, name in (
        (OpenSession, "_open"),
        (Store, "close"),
        (AskarWallet, "pack_message"),
        (AskarWallet, "unpack_message"),
        (BaseConnectionManager, "resolve_didcomm_services"),
        (ConnRecord, "metadata_get"),
        (MediationManager, "get_default_mediator"),
        (MediationManager, "get_default_mediator_id"),
        (jwe, "JweSchema"),
        (jwe, "JweRecipientSchema"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    for each in (standing, envelopes, peers, shortcuts):
        each.install()
        each.install()
    config = {"name": "kept", "key": Store.generate_raw_key(), "key_derivation_method": "RAW"}
    context = InjectionContext(settings={"ledger.disabled": True})
    opened = await AskarAnonProfileManager().provision(context, config)
    yield opened
    await opened.close()


# --- kept -------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 9)), st.integers(1, 5))
def test_the_newest_few_are_kept(names: list[int], most: int) -> None:
    kept: Kept[int, int] = Kept(most)
    for name in names:
        if name not in kept:
            kept.keep(name, name * 2)
    assert len(kept) <= most
    assert all(kept[name] == name * 2 for name in kept)
    assert not names or names[-1] in kept


async def test_what_is_kept_with_a_store_ends_with_it(profile: AskarAnonCredsProfile) -> None:
    handle = profile.store.handle
    kept_with(handle, "keys").keep("a", 1)
    assert kept_with(handle, "keys")["a"] == 1
    await profile.store.close()
    assert not kept_with(handle, "keys")


# --- envelopes --------------------------------------------------------------------------------


async def own_key(profile: AskarAnonCredsProfile) -> str:
    """A new key in the store, by its public half."""
    async with profile.session() as session:
        key = Key.generate(KeyAlg.ED25519)
        verkey = str(v1.bytes_to_b58(key.get_public_bytes()))
        await session.handle.insert_key(verkey, key)
    return verkey


@pytest.mark.parametrize("again", range(2))
async def test_envelopes_are_read_by_acapy_and_acapys_are_read(
    profile: AskarAnonCredsProfile, again: int
) -> None:
    ours, theirs = await own_key(profile), await own_key(profile)
    for _ in range(2):  # the second time with the keys that were kept
        async with profile.session() as session:
            wallet = AskarWallet(session)
            packed = await wallet.pack_message("{}", [theirs], ours)
            read = await v1.unpack_message(session.handle, packed)
            assert read == (b"{}", theirs, ours)
            kept = await session.handle.fetch_key(ours)
            foreign = v1.pack_message([theirs], kept.key, b'{"a":1}')
            assert await wallet.unpack_message(foreign) == ('{"a":1}', ours, theirs)
            sealed = await wallet.pack_message("{}", [theirs])
            assert await wallet.unpack_message(sealed) == ("{}", None, theirs)


async def test_a_message_that_is_not_for_us_or_was_changed_is_not_read(
    profile: AskarAnonCredsProfile,
) -> None:
    ours, theirs = await own_key(profile), await own_key(profile)
    stranger = v1.bytes_to_b58(Key.generate(KeyAlg.ED25519).get_public_bytes())
    async with profile.session() as session:
        wallet = AskarWallet(session)
        packed = await wallet.pack_message("{}", [theirs], ours)
        changed = json.dumps(json.loads(packed) | {"tag": "A" * 22}).encode()
        for wrong in (await wallet.pack_message("{}", [stranger], ours), changed, b"{}", b""):
            with pytest.raises(WalletError):
                await wallet.unpack_message(wrong)
        with pytest.raises(WalletError):
            await wallet.pack_message("{}", [theirs], stranger)


# --- tokens, routes, tenants ------------------------------------------------------------------


class _Manager:
    """All that is used of a manager of tenants."""

    def __init__(self) -> None:
        settings = {"multitenant.jwt_secret": SECRET}
        self._profile = type("P", (), {"context": InjectionContext(settings=settings)})()


def test_a_token_is_verified_once_and_a_false_one_never_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manager, decoded = _Manager(), []
    own = jwt.decode

    def decode(*told: Any, **more: Any) -> Any:
        decoded.append(told)
        return own(*told, **more)

    monkeypatch.setattr(jwt, "decode", decode)
    token = jwt.encode({"wallet_id": "w"}, SECRET, algorithm="HS256")
    for _ in range(3):
        assert tenants.claims_of(manager, token) == {"wallet_id": "w"}
    assert len(decoded) == 1
    false = jwt.encode({"wallet_id": "w"}, SECRET[::-1], algorithm="HS256")
    for _ in range(2):
        with pytest.raises(jwt.InvalidTokenError):
            tenants.claims_of(manager, false)


def test_a_token_that_runs_out_is_looked_at_each_time() -> None:
    manager = _Manager()
    over = jwt.encode({"wallet_id": "w", "exp": 1}, SECRET, algorithm="HS256")
    later = jwt.encode({"wallet_id": "w", "exp": 2**40}, SECRET, algorithm="HS256")
    assert tenants.claims_of(manager, later)["wallet_id"] == "w"
    assert not tenants._verified[manager]
    with pytest.raises(jwt.ExpiredSignatureError):
        tenants.claims_of(manager, over)


@pytest.fixture
def routes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Routes and tenants that there are; and how often a route was asked for."""
    there: dict[str, Any] = {"key": "wallet", "tenants": {"wallet"}, "asked": 0}

    async def get_recipient(self: RoutingManager, key: str) -> Any:
        there["asked"] += 1
        if key not in there:
            raise RouteNotFoundError("none")
        return type("R", (), {"wallet_id": there[key]})()

    async def record_of(manager: Any, wallet_id: str) -> str:
        if wallet_id not in there["tenants"]:
            raise StorageNotFoundError("none")
        return f"record of {wallet_id}"

    monkeypatch.setattr(RoutingManager, "__init__", lambda self, profile: None)
    monkeypatch.setattr(RoutingManager, "get_recipient", get_recipient)
    monkeypatch.setattr(routing, "record_of", record_of)
    return there


async def test_a_route_is_asked_for_once(routes: dict[str, Any]) -> None:
    manager = _Manager()
    for _ in range(3):
        assert await routing._get_wallet_by_key(manager, "key") == "record of wallet"
    assert routes["asked"] == 1


async def test_a_route_that_is_not_there_yet_is_asked_for_again(routes: dict[str, Any]) -> None:
    manager = _Manager()
    assert await routing._get_wallet_by_key(manager, "later") is None
    routes["later"] = "wallet"
    assert await routing._get_wallet_by_key(manager, "later") == "record of wallet"


async def test_a_tenant_that_was_removed_gets_nothing_more(routes: dict[str, Any]) -> None:
    manager = _Manager()
    assert await routing._get_wallet_by_key(manager, "key")
    routes["tenants"].clear()
    assert await routing._get_wallet_by_key(manager, "key") is None
    assert "key" not in routing._routes[manager]


# --- what does not change, and what expires ---------------------------------------------------


async def test_a_peers_document_is_resolved_once_and_others_each_time(
    profile: AskarAnonCredsProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def resolve(self: Any, did: str, accept: Any = None) -> tuple[str, list[str]]:
        asked.append(did)
        return did, ["service"]

    monkeypatch.setattr(peers, "_plain", resolve)
    manager = SimpleNamespace(_profile=profile)
    for _ in range(2):
        for did in ("did:peer:4zabc", "did:web:a"):
            document, services = await peers._resolve(manager, did)
            assert document == did
            services.clear()  # nobody's list is another one's
    assert asked == ["did:peer:4zabc", "did:web:a", "did:web:a"]


async def test_other_notes_on_a_connection_are_read_as_ever(
    profile: AskarAnonCredsProfile,
) -> None:
    connection = ConnRecord(connection_id="c")
    async with profile.session() as session:
        await connection.metadata_set(session, "own", {"a": 1})
        assert await connection.metadata_get(session, "own") == {"a": 1}
        assert await connection.metadata_get(session, "mediation", {}) == {}
        assert await connection.metadata_get(session, "none", 3) == 3
    assert await MediationManager(profile).get_default_mediator() is None


async def test_a_cache_answers_nothing_that_has_expired(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("get", "_remove_expired_cache_items"):
        monkeypatch.setattr(InMemoryCache, name, getattr(InMemoryCache, name))
    caches.install()
    at = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: at[0])
    cache = InMemoryCache()
    await cache.set("short", 1, ttl=10)
    await cache.set("long", 2, ttl=1000)
    await cache.set("always", 3)
    assert [await cache.get(key) for key in ("short", "long", "always", "none")] == [
        *(1, 2, 3),
        None,
    ]
    at[0] += 11
    assert await cache.get("short") is None
    at[0] += 60
    assert await cache.get("long") == 2
    assert set(cache._cache) == {"long", "always"}  # and it does not stay for ever


def test_a_copied_context_is_one_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "__init__", Settings.__init__)
    monkeypatch.setattr(InjectionContext, "copy", InjectionContext.copy)
    contexts.install()
    first = InjectionContext(settings={"a": 1})
    first.injector.bind_instance(str, "first")
    second = first.start_scope({"b": 2})
    second.injector.bind_instance(str, "second")
    second.settings["a"] = 5
    assert (first.settings.to_dict(), second.settings.to_dict()) == (
        {"a": 1},
        {"a": 5, "b": 2},
    )
    assert (first.inject(str), second.inject(str)) == ("first", "second")
    assert Settings(first.settings).to_dict() == Settings({"a": 1}).to_dict()
