"""Records are found by what is theirs alone, in stores that begin with SQLite's statistics."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.admin import server
from acapy_agent.askar.profile_anon import AskarAnonCredsProfile, AskarAnonProfileManager
from acapy_agent.askar.store import AskarStoreConfig
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.storage.error import StorageNotFoundError
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from aries_askar import Session, Store

from agent.plugins.lean import finding
from agent.plugins.lean.finding import _file

ROLE = ConnRecord.Role


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("ACAPY_HOME", str(tmp_path))
    for owner, name in (
        (AskarStoreConfig, "_attempt_store_open"),
        (ConnRecord, "retrieve_by_request_id"),
        (server, "anoncreds_wallets"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    finding.install()
    finding.install()
    return {"name": "many", "key": Store.generate_raw_key(), "key_derivation_method": "RAW"}


@pytest.fixture
async def profile(config: dict[str, str]) -> AsyncIterator[AskarAnonCredsProfile]:
    context = InjectionContext(settings={"ledger.disabled": True})
    context.injector.bind_instance(EventBus, EventBus())
    opened = await AskarAnonProfileManager().provision(context, config)
    yield opened
    await opened.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any] | None]:
    """What is asked of stores, beside single records by their names."""
    seen: list[Mapping[str, Any] | None] = []
    own = Session.fetch_all

    async def fetch_all(self: Session, category: str, tags: Any = None, **more: Any) -> Any:
        seen.append(more.pop("tag_filter", tags))
        return await own(self, category, seen[-1], **more)

    monkeypatch.setattr(
        Session,
        "fetch_all",
        lambda self, category=None, *a, **k: fetch_all(self, category, *a, **k),
    )
    return seen


async def test_a_new_store_has_statistics_and_opens_again(
    profile: AskarAnonCredsProfile, config: dict[str, str], tmp_path: Path
) -> None:
    await profile.close()
    with closing(sqlite3.connect(tmp_path / "wallet" / "many" / "sqlite.db")) as database:
        assert database.execute("SELECT count(*) FROM sqlite_stat1").fetchone() == (4,)
    again = await AskarAnonProfileManager().open(InjectionContext(), config)
    await again.close()


async def test_a_connection_is_found_by_its_request_and_role(
    profile: AskarAnonCredsProfile, asked: list[Mapping[str, Any] | None]
) -> None:
    async with profile.session() as session:
        for request, role in (("r-1", ROLE.REQUESTER), ("r-2", ROLE.RESPONDER)):
            await ConnRecord(request_id=request, their_role=role.rfc160).save(session)
        found = await ConnRecord.retrieve_by_request_id(session, "r-1", ROLE.REQUESTER.rfc160)
        assert found.request_id == "r-1"
        assert (await ConnRecord.retrieve_by_request_id(session, "r-2")).request_id == "r-2"
        with pytest.raises(StorageNotFoundError):
            await ConnRecord.retrieve_by_request_id(session, "r-2", ROLE.REQUESTER.rfc160)
    assert [list(tags or {}) for tags in asked] == [["request_id"]] * 3


async def test_no_call_asks_whether_the_store_is_being_changed(
    profile: AskarAnonCredsProfile, asked: list[Mapping[str, Any] | None]
) -> None:
    class Context:
        def __init__(self, profile: Profile) -> None:
            self.profile = profile

    async def answer(_: web.BaseRequest) -> str:
        return "answered"

    request = make_mocked_request("GET", "/connections")
    request["context"] = Context(profile)
    assert await server.upgrade_middleware(request, answer) == "answered"
    assert asked == []


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("sqlite:///a/b%20c/sqlite.db?max_connections=64", Path("/a/b c/sqlite.db")),
        ("sqlite://:memory:", None),
        ("postgres://user:secret@localhost:5432/name", None),
    ],
)
def test_only_files_are_begun(uri: str, file: Path | None) -> None:
    assert _file(uri) == file
