"""The PostgreSQL fixture itself: it starts, gives fresh databases, leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from core.errors import ConfigurationError
from tests.support import postgres
from tests.support.postgres import PostgresServer, running_postgres

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    reason = postgres.missing()
    if reason:
        pytest.skip(reason)
    with running_postgres() as running:
        yield running


async def answer(url: URL, sql: str) -> str:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return str((await connection.execute(text(sql))).scalar_one())
    finally:
        await engine.dispose()


async def test_a_named_database_is_made_once(server: PostgresServer) -> None:
    first, again = server.url("shelter one"), server.url("shelter one")
    assert first == again
    assert await answer(first, "select current_database()") == "shelter one"


async def test_nameless_databases_are_fresh(server: PostgresServer) -> None:
    first, second = server.url(), server.url()
    assert first != second
    for url in (first, second):
        assert await answer(url, "select count(*) from pg_class where relname = 'x'") == "0"


async def test_text_is_utf8_and_durability_is_off(server: PostgresServer) -> None:
    url = server.url("settings")
    assert await answer(url, "show server_encoding") == "UTF8"
    assert await answer(url, "show fsync") == "off"
    assert await answer(url, "show listen_addresses") == "127.0.0.1"


def test_nothing_is_left_behind() -> None:
    reason = postgres.missing()
    if reason:
        pytest.skip(reason)
    with running_postgres() as running:
        data = Path(asyncio.run(answer(running.url(), "show data_directory")))
        assert stat.S_IMODE(data.parent.stat().st_mode) == 0o700
    assert not data.parent.exists()
    assert not Path(f"/proc/{running.pid}").exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((running.host, running.port), timeout=1)


def test_what_is_missing_is_a_reason_by_hand_and_an_error_in_ci(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres, "programs", lambda: None)
    monkeypatch.delenv("CI", raising=False)
    assert "not on this machine" in (postgres.missing() or "")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(ConfigurationError):
        postgres.missing()
