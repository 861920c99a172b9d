"""The inbox: nothing that was taken in is lost, nothing that is not an id is kept."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
from controllers_house import House, MovedClock
from sqlalchemy import func, select

from agent.announcements import Announcement, RecordKind
from controllers.store.database import Database
from controllers.store.models import InboxItem
from controllers.webhooks.inbox import Inbox

OFFER = Announcement(RecordKind.ISSUANCE, "record-1")
CONNECTED = Announcement(RecordKind.CONNECTION, "record-1", "invitation-1")


@pytest.fixture
def inbox(database: Database, clock: MovedClock) -> Inbox:
    return Inbox(database)


async def stored(database: Database) -> list[InboxItem]:
    async with database.reading() as session:
        return list(await session.scalars(select(InboxItem).order_by(InboxItem.id)))


async def test_hearing_twice_is_one_item(inbox: Inbox, database: Database) -> None:
    for _ in range(3):
        await inbox.put(OFFER)
    (item,) = await stored(database)
    assert (item.kind, item.record_id, item.heard, item.handled) == (
        "issuance",
        "record-1",
        3,
        0,
    )


async def test_hearing_at_once_is_one_item(inbox: Inbox, database: Database) -> None:
    await asyncio.gather(*(inbox.put(OFFER) for _ in range(8)))
    (item,) = await stored(database)
    assert item.heard == 8


async def test_kinds_are_kept_apart(inbox: Inbox, database: Database) -> None:
    await inbox.put(OFFER)
    await inbox.put(CONNECTED)
    assert [(item.kind, item.invitation_id) for item in await stored(database)] == [
        ("issuance", None),
        ("connection", "invitation-1"),
    ]


async def test_a_claimed_item_is_nobody_elses(inbox: Inbox) -> None:
    await inbox.put(OFFER)
    claims = await asyncio.gather(*(inbox.due() for _ in range(4)))
    assert sum(len(each) for each in claims) == 1
    assert await inbox.due() == []


async def test_a_claim_that_was_never_answered_for_ends(
    inbox: Inbox, clock: MovedClock
) -> None:
    await inbox.put(OFFER)
    assert len(await inbox.due()) == 1  # and its worker dies
    clock.offset = timedelta(seconds=31)
    assert len(await inbox.due()) == 1


async def test_what_is_heard_while_it_is_handled_is_handled_again(inbox: Inbox) -> None:
    await inbox.put(OFFER)
    (item,) = await inbox.due()
    await inbox.put(OFFER)
    await inbox.handled(item)
    (again,) = await inbox.due()
    await inbox.handled(again)
    assert await inbox.due() == []


async def test_failing_is_tried_again_later_each_time(
    inbox: Inbox, database: Database, clock: MovedClock
) -> None:
    await inbox.put(OFFER)
    waits = []
    for _ in range(9):
        (item,) = await inbox.due()
        before = clock.now()
        await inbox.failed(item)
        (item,) = await stored(database)
        waits.append(round((item.due_at - before).total_seconds()))
        clock.offset += item.due_at - clock.now() - timedelta(seconds=0.5)
        assert await inbox.due() == []
        clock.offset += timedelta(seconds=1)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_an_agent_may_be_away_for_days(
    inbox: Inbox, database: Database, clock: MovedClock
) -> None:
    await inbox.put(OFFER)
    async with database.transaction() as session:
        (await session.scalars(select(InboxItem))).one().tries = 5000
    (item,) = await inbox.due()
    await inbox.failed(item)
    (item,) = await stored(database)
    assert item.due_at - clock.now() <= timedelta(minutes=1)


async def test_only_what_was_handled_is_forgotten(
    inbox: Inbox, database: Database, clock: MovedClock
) -> None:
    await inbox.put(OFFER)
    (item,) = await inbox.due()
    await inbox.handled(item)
    await inbox.put(CONNECTED)
    await inbox.purge()
    assert len(await stored(database)) == 2
    clock.offset = timedelta(hours=1, minutes=1)
    await inbox.purge()
    assert [item.kind for item in await stored(database)] == ["connection"]


# --- the route that the agents post to ------------------------------------------------------


def post_as_agent(house: House, key: str | None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(house.haven.internal_app),
        base_url="http://127.0.0.1:1",
        headers={"x-api-key": key} if key is not None else {},
    )


async def count(house: House) -> int:
    async with house.database.reading() as session:
        found = await session.scalar(select(func.count()).select_from(InboxItem))
        return found or 0


BODY = {
    "cred_ex_id": "exchange-1",
    "state": "offer-sent",
    "by_format": {"cred_offer": {"secret": "planted-value-in-a-webhook"}},
}


@pytest.mark.parametrize(
    ("agent", "topic", "body", "kept"),
    [
        ("org", "issue_credential_v2_0", BODY, 1),
        ("org", "basicmessages", {**BODY, "connection_id": "c"}, 0),
        ("org", "problem_report", BODY, 0),
        ("org", "issue_credential_v2_0", {"cred_ex_id": ["exchange-1"]}, 0),
        ("org", "issue_credential_v2_0", {"cred_ex_id": "x" * 65}, 0),
        ("org", "issue_credential_v2_0", {}, 0),
        ("org", "issue_credential_v2_0", [BODY], 0),
        ("wallets", "issue_credential_v2_0", BODY, 0),
    ],
)
async def test_of_a_webhook_only_ids_are_kept(
    small_house: House, agent: str, topic: str, body: object, kept: int
) -> None:
    key = small_house.haven.secrets.agents[agent].webhook_key.reveal()
    async with post_as_agent(small_house, key) as client:
        answer = await client.post(f"/webhooks/{agent}/topic/{topic}/", json=body)
    assert answer.status_code == 204
    assert await count(small_house) == kept
    assert "planted-value-in-a-webhook" not in await small_house.raw_rows()


async def test_only_the_agent_is_believed(small_house: House) -> None:
    agents = small_house.haven.secrets.agents
    for key in (None, "", "forged", agents["wallets"].webhook_key.reveal()):
        async with post_as_agent(small_house, key) as client:
            answer = await client.post("/webhooks/org/topic/issue_credential_v2_0/", json=BODY)
        assert answer.status_code == 401
    assert await count(small_house) == 0


async def test_unknown_agents_and_what_is_not_json_are_refused(small_house: House) -> None:
    key = small_house.haven.secrets.agents["org"].webhook_key.reveal()
    async with post_as_agent(small_house, key) as client:
        unknown = await client.post("/webhooks/other/topic/connections/", json={})
        broken = await client.post("/webhooks/org/topic/connections/", content=b"{")
    assert (unknown.status_code, broken.status_code) == (404, 422)
