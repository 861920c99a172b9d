"""What nobody can do to a node from beside its desk: guess its file, flood it, change it."""

from __future__ import annotations

import hashlib
import tempfile
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from controllers.dataspace.officer_api import MOST_BODY, officer_app
from controllers.dataspace.officers import OfficerDuty, create_officer
from controllers.dataspace.settings import read_node_settings
from controllers.dataspace.sources import SqlSource, read_rows
from core.errors import ConfigurationError
from dataspace.vocabulary.mapping import Mapping, Source
from tests.support.space import Space, made_up, running_space


def client_at(space: Space, at: int) -> httpx.AsyncClient:
    """Whoever reaches the officers' port of a node; without a key."""
    transport = httpx.ASGITransport(officer_app(space.nodes[at]))
    return httpx.AsyncClient(transport=transport, base_url="http://node.test")


async def key_at(space: Space, at: int) -> dict[str, str]:
    """The header of an officer who may do everything."""
    database, now = space.nodes[at].books.database, space.outside.clock.now()
    key = await create_officer(database, frozenset(OfficerDuty), now)
    return {"Authorization": f"Bearer {key.reveal()}"}


async def test_the_log_that_others_read_confirms_no_guess_of_a_file(tmp_path: Path) -> None:
    """A file of few cases can be guessed whole: its plain hash would say which guess is it."""
    few = made_up(1)
    async with running_space(tmp_path) as space:
        async with client_at(space, 0) as client:
            key = await key_at(space, 0)
            for _ in range(2):
                answer = await client.post("/api/cases", content=few, headers=key)
                assert answer.is_success
        logs = [await each.books.journal.entries() for each in space.nodes]
        imports = [each["body"]["file"] for each in logs[0] if each["kind"] == "import"]
        assert hashlib.sha256(few).hexdigest() not in str(logs[0])
        assert imports[-1] == imports[-2] != imports[-3]  # the node itself can tell
        assert imports[0] != logs[1][0]["body"]["file"]  # each node by a key of its own


@pytest.mark.parametrize("path", ["/plans", "/plans/zx/approve", "/cases", "/agreement/end"])
async def test_whoever_has_no_key_cannot_fill_the_memory(tmp_path: Path, path: str) -> None:
    """Any page in an officer's browser can send to loopback, without reading the answer."""
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < 64 * MOST_BODY:
            taken += 64 * 1024
            yield b" " * 64 * 1024

    async with running_space(tmp_path, holders=3) as space, client_at(space, 0) as client:
        sent = {"Content-Type": "text/plain"}  # no question to the node comes before it
        answer = await client.post(f"/api{path}", content=endless(), headers=sent)
    assert answer.status_code in (401, 413)
    assert taken <= 2 * MOST_BODY


async def test_an_uploaded_file_rests_nowhere_but_in_the_nodes_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_space(tmp_path, holders=3) as space, client_at(space, 0) as client:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not-there"))
        key = await key_at(space, 0)
        answer = await client.post("/api/cases", content=made_up(20), headers=key)
        assert answer.json() == {"imported": 20, "replaced": 40}  # 20 stayed


SECRET_END = "cret:PLANTED"  # of a password that nobody wrote as a URL wants it
UNREAD_URLS = [f"postgresql://reader:s3@{SECRET_END}@localhost/cases", SECRET_END]


@pytest.mark.parametrize("url", UNREAD_URLS)
async def test_an_address_that_cannot_be_read_is_not_repeated(url: str) -> None:
    mapping = Mapping(
        name="m", vocabulary="cases", version="1", columns={"a": Source(column="gender")}
    )
    with pytest.raises(ConfigurationError) as refused:
        await read_rows(SqlSource(url=url, table="cases", mapping=mapping))
    with pytest.raises(ConfigurationError) as setting:
        read_node_settings(database_url=url)
    for each in (refused.value, setting.value):
        assert "PLANTED" not in "".join(traceback.format_exception(each))
