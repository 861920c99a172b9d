"""Repeating a request creates once; events can be followed from anywhere, to their end."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import timedelta

import pytest
from controllers_house import House, MovedClock
from pydantic import BaseModel
from sqlalchemy import func, select

from controllers.events import EventStream, note_event
from controllers.idempotency import Repeatable
from controllers.sealing import Seal
from controllers.store.database import Database
from controllers.store.models import Event, RepeatableRequest
from core.errors import Conflict, InvalidInput, Unavailable
from core.secret import Secret

KEY, CALLER = "key-of-a-request", "caller"


class Ask(BaseModel):
    number: int = 1


class Made(BaseModel):
    link: str


class Desk:
    """Counts what it creates; each creation gives another link."""

    def __init__(self, database: Database) -> None:
        self.repeatable = Repeatable(database, Seal(Secret("sealing"), "repeatable"))
        self.created = 0
        self.fails = 0
        self.gate: asyncio.Event | None = None

    async def make(self) -> Made:
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            self.fails -= 1
            raise Unavailable("The agent does not answer")
        self.created += 1
        return Made(link=f"planted-link-{self.created}")

    async def ask(self, number: int = 1, *, key: str | None = KEY, caller: str = CALLER) -> str:
        request = Ask(number=number)
        made = await self.repeatable.run(caller, key, request, Made, self.make)
        return made.link


@pytest.fixture
def desk(database: Database, clock: MovedClock) -> Desk:
    return Desk(database)


async def test_the_same_key_gives_the_same_answer_and_creates_once(
    desk: Desk, database: Database
) -> None:
    assert [await desk.ask() for _ in range(3)] == ["planted-link-1"] * 3
    assert desk.created == 1
    async with database.reading() as session:
        (row,) = await session.scalars(select(RepeatableRequest))
    assert b"planted-link" not in (row.sealed_answer or b"")


async def test_without_a_key_each_request_creates(desk: Desk) -> None:
    assert await desk.ask(key=None) != await desk.ask(key=None)


async def test_keys_belong_to_their_callers(desk: Desk) -> None:
    assert await desk.ask() != await desk.ask(caller="another")
    assert await desk.ask() != await desk.ask(key="another-key")


async def test_another_body_under_the_same_key_is_refused(desk: Desk) -> None:
    await desk.ask()
    with pytest.raises(InvalidInput):
        await desk.ask(2)
    assert desk.created == 1


async def test_what_was_sent_cannot_be_guessed_from_the_database(
    desk: Desk, database: Database
) -> None:
    await desk.ask()
    async with database.reading() as session:
        (row,) = await session.scalars(select(RepeatableRequest))
    body = json.dumps(Ask().model_dump(mode="json"), sort_keys=True)
    for guess in (body, f"Ask:{body}"):
        assert row.request_digest != hashlib.sha256(guess.encode()).hexdigest()
        other = Seal(Secret("another installation"), "repeatable")
        assert row.request_digest != other.pseudonym(guess)


async def test_the_same_body_for_another_creation_is_refused(desk: Desk) -> None:
    class Other(Ask):
        pass

    await desk.ask()
    with pytest.raises(InvalidInput):
        await desk.repeatable.run(CALLER, KEY, Other(), Made, desk.make)
    assert desk.created == 1


async def test_two_at_once_create_once(desk: Desk) -> None:
    desk.gate = asyncio.Event()
    asked = [asyncio.create_task(desk.ask()) for _ in range(4)]
    await asyncio.sleep(0.2)
    desk.gate.set()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(each, Conflict) for each in outcomes) == 3
    assert desk.created == 1
    assert await desk.ask() == "planted-link-1"


async def test_what_failed_frees_its_key(desk: Desk) -> None:
    desk.fails = 2
    for _ in range(2):
        with pytest.raises(Unavailable):
            await desk.ask()
    assert await desk.ask(2) == "planted-link-1"


async def test_what_was_cancelled_frees_its_key(desk: Desk) -> None:
    desk.gate = asyncio.Event()
    asked = asyncio.create_task(desk.ask())
    await asyncio.sleep(0.1)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    desk.gate.set()
    assert await desk.ask() == "planted-link-1"


async def test_what_broke_off_is_freed_after_a_while(
    desk: Desk, database: Database, clock: MovedClock
) -> None:
    await desk.ask()
    async with database.transaction() as session:  # as it stands when a process died
        (await session.scalars(select(RepeatableRequest))).one().sealed_answer = None
    with pytest.raises(Conflict):
        await desk.ask()
    clock.offset = timedelta(minutes=14)
    for _ in range(2):  # it may still run: nothing is begun beside it
        with pytest.raises(Conflict):
            await desk.ask()
    clock.offset = timedelta(minutes=16)
    with pytest.raises(Conflict):  # it is freed by this try
        await desk.ask()
    assert await desk.ask() == "planted-link-2"


async def test_answers_are_forgotten_after_a_day(
    desk: Desk, database: Database, clock: MovedClock
) -> None:
    await desk.ask()
    clock.offset = timedelta(hours=23)
    await desk.repeatable.purge()
    assert await desk.ask() == "planted-link-1"
    clock.offset = timedelta(hours=25)
    await desk.repeatable.purge()
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(RepeatableRequest)) == 0


# --- events ---------------------------------------------------------------------------------

ENDS = frozenset({"accepted", "refused"})


async def noted(database: Database, *kinds: str, subject: str = "subject") -> None:
    async with database.transaction() as session:
        for kind in kinds:
            note_event(session, subject, kind)
            await session.flush()


async def followed(database: Database, after: int = 0) -> list[tuple[int, str]]:
    async def read() -> list[tuple[int, str]]:
        found = []
        async for text in EventStream(database).follow("subject", after, ENDS):
            lines = dict(line.split(": ", 1) for line in text.strip().split("\n"))
            found.append((int(lines["id"]), lines["event"]))
        return found

    return await asyncio.wait_for(read(), 10)


async def test_a_stream_replays_and_ends_at_the_verdict(database: Database) -> None:
    await noted(database, "waiting", "judging", "accepted")
    await noted(database, "waiting", subject="another")
    whole = await followed(database)
    assert [kind for _, kind in whole] == ["waiting", "judging", "accepted"]
    for number, (event_id, _) in enumerate(whole[:-1]):
        assert await followed(database, event_id) == whole[number + 1 :]


async def test_after_its_end_a_stream_ends_at_once(database: Database) -> None:
    await noted(database, "waiting", "accepted")
    last = (await followed(database))[-1][0]
    assert await followed(database, last) == []
    assert await followed(database, last + 1000) == []


async def test_a_stream_shows_what_happens_while_it_is_open(database: Database) -> None:
    await noted(database, "waiting")
    reading = asyncio.create_task(followed(database))
    await asyncio.sleep(0.1)
    await noted(database, "refused")
    assert [kind for _, kind in await reading] == ["waiting", "refused"]


async def test_old_events_are_forgotten(database: Database, clock: MovedClock) -> None:
    await noted(database, "waiting")
    clock.offset = timedelta(hours=25)
    await noted(database, "accepted")
    await EventStream(database).purge()
    async with database.reading() as session:
        assert list(await session.scalars(select(Event.kind))) == ["accepted"]


async def test_events_hold_nothing_but_that_something_moved(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    issuance = await small_house.issue(wallet)
    stream = small_house.haven.events.follow(issuance.id, 0, frozenset({"issued"}))
    text = "".join([each async for each in stream])
    assert "KH-12" not in text
    assert (issuance.registry_id or "-") not in text
