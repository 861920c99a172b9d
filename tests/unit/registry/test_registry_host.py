"""What only the real host has: keys, uploads, caching, transactions."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import base58
import httpx
import pytest
from sqlalchemy import event

from agent.webvh.fetch import MAX_TAILS_BYTES
from controllers.registry.router import file_in_form
from controllers.registry.service import RegistryService
from controllers.store.base import Base
from controllers.store.database import Database
from core.errors import InvalidInput
from tests.fakes.registry import DOMAIN, Issuer
from tests.unit.registry.test_registry_contract import KEY, application


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite+aiosqlite:///{tmp_path}/registry.db")
    async with opened.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield opened
    await opened.close()


@pytest.fixture
def service(database: Database) -> RegistryService:
    return RegistryService(database, domain=DOMAIN)


@pytest.fixture
async def client(service: RegistryService) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
        yield client


def hash_of(content: bytes) -> str:
    return str(base58.b58encode(sha256(content).digest()), "ascii")


@pytest.mark.parametrize("header", [None, "", "Bearer ", "Bearer wrong", KEY, f"Basic {KEY}"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/write/dids/abcdefgh/log"),
        ("PUT", "/write/resources"),
        ("POST", "/write/publications"),
    ],
)
async def test_writing_needs_the_key(
    client: httpx.AsyncClient, header: str | None, method: str, path: str
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await client.request(method, path, json={}, headers=headers)
    assert answer.status_code == 401


async def test_a_tails_file_goes_in_as_acapy_sends_it_and_comes_back(
    client: httpx.AsyncClient,
) -> None:
    content = bytes(range(256)) * 100 + b"\r\n--\r\n"
    url = f"/hash/{hash_of(content)}"
    for _ in range(2):
        answer = await client.put("/write" + url, files={"tails": ("tails", content)})
        assert (answer.status_code, answer.text) == (200, hash_of(content))
    served = await client.get(url)
    assert served.content == content
    assert "immutable" in served.headers["cache-control"]


async def test_a_tails_file_under_another_name_is_refused(client: httpx.AsyncClient) -> None:
    for name in (hash_of(b"other"), "short", "0" * 44):
        answer = await client.put(f"/write/hash/{name}", files={"tails": b"content"})
        assert answer.status_code == 422
        assert (await client.get(f"/hash/{name}")).status_code == 404


async def test_an_upload_is_dropped_when_it_grows_too_large(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 3 * MAX_TAILS_BYTES:
            sent += 1_000_000
            yield b"x" * 1_000_000

    headers = {"content-type": "multipart/form-data; boundary=b"}
    name = hash_of(b"")
    answer = await client.put(f"/write/hash/{name}", content=endless(), headers=headers)
    assert answer.status_code == 422
    assert sent < 2 * MAX_TAILS_BYTES


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"--b\r\nContent-Disposition: x\r\n\r\nc\r\n--b--"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: x\r\n\r\nc"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n\r\n--b--"),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: x\r\n\r\nc\r\n"
            b"--b\r\nContent-Disposition: y\r\n\r\nd\r\n--b--",
        ),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: x\r\n\r\nc\r\n--b--zz",
        ),
    ],
)
def test_only_a_form_with_one_file_is_read(content_type: str, body: bytes) -> None:
    with pytest.raises(InvalidInput):
        file_in_form(content_type, body)


async def test_a_crash_between_the_two_writes_leaves_the_old_state(
    database: Database, service: RegistryService
) -> None:
    issuer = Issuer()
    await service.append_log(issuer.opaque, issuer.log, expected_version=None)
    await service.put_resource(issuer.registry())
    first, definition, link = issuer.publication([], 100)
    await service.publish(first, definition)
    second, grown, _ = issuer.publication([link], 200, [1])
    opaque, digest = issuer.opaque, second["metadata"]["resourceId"]
    before = await service.resource(opaque, definition["metadata"]["resourceId"])

    def crash(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("UPDATE registry_resource"):
            raise OSError("the machine stops here")

    event.listen(database.engine.sync_engine, "before_cursor_execute", crash)
    with pytest.raises(OSError, match="stops here"):
        await service.publish(second, grown)
    event.remove(database.engine.sync_engine, "before_cursor_execute", crash)

    assert await service.resource(opaque, definition["metadata"]["resourceId"]) == before
    with pytest.raises(Exception, match="no such resource"):
        await service.resource(opaque, digest)
    await service.publish(second, grown)
    assert json.loads((await service.resource(opaque, digest)).document) == second


async def test_what_may_change_is_not_to_be_cached(
    client: httpx.AsyncClient, service: RegistryService
) -> None:
    issuer = Issuer()
    await service.append_log(issuer.opaque, issuer.log, expected_version=None)
    schema, registry = issuer.schema(), issuer.registry()
    for document in (schema, registry):
        await service.put_resource(document)
    expected = {
        f"/o/{issuer.opaque}/did.jsonl": "no-store",
        f"/o/{issuer.opaque}/resources/{registry['metadata']['resourceId']}": "no-store",
        f"/o/{issuer.opaque}/resources/{schema['metadata']['resourceId']}": "immutable",
    }
    for path, caching in expected.items():
        answer = await client.get(path)
        assert answer.status_code == 200
        assert caching in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/o/..%2fetc/did.jsonl",
        "/o/UPPERCASE/did.jsonl",
        "/o/issuer0001/resources/x",
        "/hash/..%2fx",
    ],
)
async def test_odd_paths_are_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_another_domain_is_not_hosted(service: RegistryService) -> None:
    foreign = Issuer(domain="elsewhere.example")
    with pytest.raises(Exception, match="does not belong"):
        await service.append_log(foreign.opaque, foreign.log, expected_version=None)
