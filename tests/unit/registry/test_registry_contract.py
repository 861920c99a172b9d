"""One contract for the registry in memory and the real host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import URL

import controllers.store.models.registry  # noqa: F401  # registers the tables
from agent.webvh.attested import ResourceType
from agent.webvh.fetch import Fetcher, HttpFetcher
from agent.webvh.reader import WebvhReader
from agent.webvh.writer import RegistryWriter
from controllers.registry.router import public_router, write_router
from controllers.registry.service import RegistryService
from controllers.store.base import Base
from controllers.store.database import Database
from core.canonical import Json
from core.errors import Conflict, HavenError, NotFound, VerificationError
from tests.fakes.registry import DOMAIN, Issuer, MemoryRegistry
from tests.support.postgres import PostgresServer, missing, running_postgres

KEY = "a key of the tests, long enough"


class Writer(Protocol):
    async def append_log(
        self, opaque: str, entries: list[str], *, expected_version: str | None
    ) -> None: ...

    async def put_resource(self, document: Json) -> None: ...

    async def publish(self, status_list: Json, registry_definition: Json) -> None: ...


@dataclass
class Subject:
    fetcher: Fetcher
    writer: Writer

    @property
    def reader(self) -> WebvhReader:
        """A reader that has seen nothing yet."""
        return WebvhReader(self.fetcher)


def application(service: RegistryService) -> FastAPI:
    app = FastAPI()
    app.include_router(write_router(service, KEY), prefix="/write")
    app.include_router(public_router(service))

    @app.exception_handler(HavenError)
    async def answer(request: Request, error: HavenError) -> JSONResponse:
        return JSONResponse({"type": error.slug, "detail": error.detail}, error.status)

    return app


@pytest.fixture(scope="session")
def registry_postgres() -> Iterator[PostgresServer]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    with running_postgres() as server:
        yield server


@pytest.fixture(
    params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    if request.param == "memory":
        memory = MemoryRegistry()
        yield Subject(memory, memory)
        return
    url: URL | str = f"sqlite+aiosqlite:///{tmp_path}/registry.db"
    if request.param == "postgres":
        url = request.getfixturevalue("registry_postgres").url()
    database = Database(url)  # type: ignore[arg-type]  # a URL object keeps its password
    engine = database.engine
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    service = RegistryService(database, domain=DOMAIN)
    transport = httpx.ASGITransport(application(service))
    fetcher = HttpFetcher({DOMAIN: "http://registry"}, transport=transport)
    writer = RegistryWriter("http://registry/write", KEY, transport=transport)
    yield Subject(fetcher, writer)
    await fetcher.aclose()
    await writer.aclose()
    await database.close()


async def publish_did(subject: Subject, issuer: Issuer) -> None:
    await subject.writer.append_log(issuer.opaque, issuer.log[:1], expected_version=None)


async def test_a_published_did_is_read_back_and_grows(subject: Subject) -> None:
    issuer = Issuer()
    await publish_did(subject, issuer)
    first = await subject.reader.did(issuer.did)
    entry = issuer.rotate()
    for _ in range(2):  # sending it again changes nothing
        await subject.writer.append_log(
            issuer.opaque, [entry], expected_version=first.version_id
        )
    second = await subject.reader.did(issuer.did)
    assert second.version_ids == (first.version_id, second.version_id)
    assert second.document == first.document


async def test_a_log_that_moved_on_or_does_not_verify_is_refused(subject: Subject) -> None:
    issuer = Issuer()
    await publish_did(subject, issuer)
    version = (await subject.reader.did(issuer.did)).version_id
    second, third = issuer.rotate(), issuer.rotate()
    with pytest.raises(Conflict):
        await subject.writer.append_log(issuer.opaque, [second], expected_version="1-other")
    with pytest.raises(VerificationError):
        await subject.writer.append_log(issuer.opaque, [third], expected_version=version)
    with pytest.raises(VerificationError):
        await subject.writer.append_log("elsewhere1", Issuer(2).log, expected_version=None)
    assert (await subject.reader.did(issuer.did)).version_id == version


async def test_a_resource_is_stored_once_and_read_back(subject: Subject) -> None:
    issuer = Issuer()
    await publish_did(subject, issuer)
    document = issuer.schema()
    for _ in range(2):
        await subject.writer.put_resource(document)
    found = await subject.reader.resource(document["id"], ResourceType.SCHEMA)
    assert found.document == document


async def test_a_resource_that_does_not_verify_is_not_stored(subject: Subject) -> None:
    issuer = Issuer()
    await publish_did(subject, issuer)
    changed = {**issuer.schema(), "content": {**issuer.schema()["content"], "name": "other"}}
    for document in (changed, Issuer(2).schema(), {**issuer.schema(), "proof": {}}, {}):
        with pytest.raises(VerificationError):
            await subject.writer.put_resource(document)
    with pytest.raises(NotFound):
        await subject.reader.resource(issuer.schema()["id"], ResourceType.SCHEMA)


async def test_lists_are_published_one_after_another_and_read_by_time(subject: Subject) -> None:
    issuer = Issuer()
    await publish_did(subject, issuer)
    await subject.writer.put_resource(issuer.registry())
    first, definition, link = issuer.publication([], 100)
    for _ in range(2):
        await subject.writer.publish(first, definition)
    await subject.writer.publish(*issuer.publication([link], 200, [3])[:2])
    registry_id = definition["id"]
    reader = subject.reader
    times = [(await reader.status_list(registry_id, at=at)).timestamp for at in (100, 199, 200)]
    assert times == [100, 100, 200]
    newest = await reader.status_list(registry_id)
    assert (newest.timestamp, newest.revoked_count) == (200, 1)
    with pytest.raises(NotFound):
        await reader.status_list(registry_id, at=99)


async def test_a_publication_that_does_not_fit_changes_nothing(subject: Subject) -> None:
    issuer = Issuer()
    await publish_did(subject, issuer)
    first, definition, link = issuer.publication([], 100)
    with pytest.raises(VerificationError):  # the definition was never published
        await subject.writer.publish(first, definition)
    await subject.writer.put_resource(issuer.registry())
    await subject.writer.publish(first, definition)

    later, _, later_link = issuer.publication([link], 200)
    earlier, earlier_definition, _ = issuer.publication([link], 100, [2])
    skipping = issuer.registry([link, later_link, issuer.publication([], 300)[2]])
    refused = (
        (earlier, earlier_definition),  # not later than the last
        (first, issuer.registry([link, later_link])),  # the link leads to another list
        (later, issuer.registry()),  # the links vanish
    )
    for status_list, registry in refused:
        with pytest.raises(VerificationError):
            await subject.writer.publish(status_list, registry)
    for status_list, registry in (
        (issuer.publication([], 300)[0], skipping),  # two links at once
        issuer.publication([], 200)[:2],  # the first link is replaced
    ):
        with pytest.raises(Conflict):
            await subject.writer.publish(status_list, registry)
    found = await subject.reader.registry(definition["id"])
    assert found.links == (link,)


async def test_of_two_publications_at_once_one_wins(subject: Subject) -> None:
    issuer = Issuer()
    await publish_did(subject, issuer)
    await subject.writer.put_resource(issuer.registry())
    rivals = [issuer.publication([], 100 + n, [n])[:2] for n in range(4)]
    done = await asyncio.gather(
        *(subject.writer.publish(*rival) for rival in rivals), return_exceptions=True
    )
    assert sum(result is None for result in done) == 1
    assert sum(isinstance(result, Conflict) for result in done) == 3
    winner = await subject.reader.status_list(issuer.registry()["id"])
    assert done[winner.timestamp - 100] is None


async def test_the_same_publication_at_once_is_one(subject: Subject) -> None:
    issuer = Issuer()
    await publish_did(subject, issuer)
    await asyncio.gather(*(subject.writer.put_resource(issuer.registry()) for _ in range(4)))
    publication = issuer.publication([], 100)[:2]
    await asyncio.gather(*(subject.writer.publish(*publication) for _ in range(4)))
    assert len((await subject.reader.registry(issuer.registry()["id"])).links) == 1


async def test_links_cannot_come_in_through_the_side_door(subject: Subject) -> None:
    issuer = Issuer()
    await publish_did(subject, issuer)
    with pytest.raises(Conflict):
        await subject.writer.put_resource(issuer.publication([], 100)[1])


async def test_nothing_published_is_not_found(subject: Subject) -> None:
    with pytest.raises(NotFound):
        await subject.reader.did(Issuer().did)
