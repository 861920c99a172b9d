"""The hooks of the fake agents: failing calls, lost answers, dishonest presentations, time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.announcements import Announcement, RecordKind
from core.errors import Forbidden, InvalidInput, Unavailable
from core.ports import AnswerState
from tests.adapters.ports.world import (
    REFERENCE,
    VALUES,
    Agents,
    Asked,
    Held,
    World,
    build_world,
)
from tests.fakes.agents import FakeOrganisations, FakeWallets, altered, fake_agents
from tests.fakes.network import FakeNetwork


@pytest.fixture
def fakes() -> tuple[FakeOrganisations, FakeWallets]:
    return fake_agents()


@pytest.fixture
def network(fakes: tuple[FakeOrganisations, FakeWallets]) -> FakeNetwork:
    return fakes[0].network


@pytest.fixture
async def small(fakes: tuple[FakeOrganisations, FakeWallets]) -> World:
    return await build_world(Agents(fakes[0], fakes[1], fakes[0].network))


async def answered(world: World) -> tuple[Held, Asked]:
    held, asked = await world.issue(), await world.request()
    await world.present(asked, held.holder, {"eligibility": held.credential.credential_id})
    return held, asked


async def test_a_call_fails_once_and_does_nothing(small: World, network: FakeNetwork) -> None:
    linked = await small.linked()
    network.fail_once("offer")
    with pytest.raises(Unavailable):
        await small.offer(linked)
    assert await small.org.offers_on(small.issuer, linked.issuer_side, REFERENCE) == []
    await small.offer(linked)
    assert network.calls["offer"] == 2


async def test_an_answer_is_lost_after_the_deed(small: World, network: FakeNetwork) -> None:
    linked = await small.linked()
    network.fail_once("offer", after=True)
    with pytest.raises(Unavailable):
        await small.org.offer(
            small.issuer, linked.issuer_side, small.definition_id, VALUES, REFERENCE
        )
    assert len(await small.org.offers_on(small.issuer, linked.issuer_side, REFERENCE)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"sub_proofs": (0, 1)},
        {"status_time": 1},
        {"status_time": None},
        {"issuer_id": "did:webvh:nobody"},
        {"schema_id": "did:webvh:nobody/resources/zQm"},
    ],
    ids=["mixed", "old", "no-status", "issuer", "schema"],
)
async def test_a_dishonest_answer_is_put_over_an_honest_one(
    small: World, network: FakeNetwork, changes: dict[str, object]
) -> None:
    _, asked = await answered(small)
    honest = (await small.org.answer(small.verifier, asked.exchange_id)).shown
    assert honest
    network.plant_answer(asked.exchange_id, altered(honest, "eligibility", **changes))
    answer = await small.org.answer(small.verifier, asked.exchange_id)
    assert answer.state is AnswerState.RECEIVED
    assert answer.shown
    shown = answer.shown.credentials[0]
    assert {name: getattr(shown, name) for name in changes} == changes
    assert (await small.org.verify(small.verifier, asked.exchange_id)).holds


async def test_a_tampered_answer_does_not_verify(small: World, network: FakeNetwork) -> None:
    _, asked = await answered(small)
    shown = (await small.org.answer(small.verifier, asked.exchange_id)).shown
    assert shown
    network.plant_answer(asked.exchange_id, shown, verified=False)
    assert not (await small.org.verify(small.verifier, asked.exchange_id)).holds


async def test_a_malformed_answer_cannot_be_read(small: World, network: FakeNetwork) -> None:
    asked = await small.request()
    network.plant_malformed(asked.exchange_id)
    for read in (small.org.answer, small.org.verify):
        with pytest.raises(InvalidInput):
            await read(small.verifier, asked.exchange_id)


async def test_time_passes(small: World, network: FakeNetwork) -> None:
    _, asked = await answered(small)
    first = await small.org.answer(small.verifier, asked.exchange_id)
    network.offset += timedelta(days=1)
    _, later = await answered(small)
    second = await small.org.answer(small.verifier, later.exchange_id)
    assert first.answered_at
    assert second.answered_at
    assert second.answered_at - first.answered_at >= timedelta(days=1)


async def test_a_restart_ends_every_session(
    small: World, fakes: tuple[FakeOrganisations, FakeWallets]
) -> None:
    held = await small.issue()
    fakes[1].restart()
    with pytest.raises(Forbidden):
        await small.wallets.credentials(held.holder.token)
    await small.wallets.open(held.holder.wallet_id, held.holder.key, held.holder.session_id)
    assert await small.wallets.credentials(held.holder.token) == [held.credential]


async def test_what_happens_is_announced(small: World, network: FakeNetwork) -> None:
    told: list[Announcement] = []

    async def listen(announcement: Announcement) -> None:
        told.append(announcement)

    network.listener = listen
    held, asked = await answered(small)
    connection = network.connections[0]
    offer = Announcement(RecordKind.ISSUANCE, held.status.exchange_id)
    assert told == [
        Announcement(RecordKind.CONNECTION, connection.inviter_side, connection.invitation_id),
        *(offer, offer, offer),  # offered, requested, signed
        Announcement(RecordKind.PRESENTATION, asked.exchange_id),
    ]


async def test_a_full_registry_is_followed_by_another(
    small: World, network: FakeNetwork
) -> None:
    first = await small.issue()
    network.registries[first.registry_id].issued = network.registries[first.registry_id].size
    second = await small.issue()
    assert second.registry_id != first.registry_id
    assert second.index == 1
