"""What the controllers say and do when the parts below them fail: the disk, the database, an
agent that fell while a message to it was on its way."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path
from typing import Any

import httpx
import pytest
from controllers_house import House
from fastapi import FastAPI
from sqlalchemy.exc import InterfaceError, OperationalError

from controllers import problems, running
from controllers.issuer.service import State
from controllers.settings import Settings
from controllers.store.models import Issuance
from controllers.wallet.schemas import TakeUp
from core.errors import Unavailable
from core.ports import OfferState
from tests.support.waiting import until

PLANTED = "Planted-Value"


def by_the_driver(
    words: str, kind: type[OperationalError | InterfaceError] = OperationalError
) -> Exception:
    return kind(f"INSERT {PLANTED}", {"given": PLANTED}, Exception(words))


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (by_the_driver("database or disk is full"), 507, "storage-full"),
        (by_the_driver("could not extend file: No space left on device"), 507, "storage-full"),
        (OSError(errno.ENOSPC, PLANTED), 507, "storage-full"),
        (by_the_driver("database is locked"), 503, "unavailable"),
        (by_the_driver("connection is closed", InterfaceError), 503, "unavailable"),
        (OSError(errno.EACCES, PLANTED), 500, "internal"),
    ],
)
async def test_a_store_that_fails_is_said_in_words(
    error: Exception, status: int, slug: str
) -> None:
    app = FastAPI()
    problems.install(app, 1024)

    @app.get("/")
    async def fail() -> None:
        raise error

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        answer = await client.get("/")
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:haven:problem:{slug}"
    assert PLANTED not in answer.text


async def test_a_wallet_whose_handshake_was_lost_connects_anew(
    small_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controllers.wallet.offers._OFFER_SECONDS", 0.05)
    wallet = await small_house.new_wallet()
    issuance, link, code = await small_house.offered()
    taking = TakeUp(link=link, code=code)
    with pytest.raises(Unavailable):
        await small_house.wallet.take_up(wallet, taking, "en")
    (lost,) = small_house.network.connections
    lost.completed = False

    async def offer_at_once(_: Any) -> None:
        await small_house.haven.issuer.advance(issuance.id)

    small_house.network.listener = offer_at_once
    small_house.pass_time(seconds=21)
    seen = await small_house.wallet.take_up(wallet, taking, "en")
    await small_house.wallet.accept_offer(wallet, seen.id, "en")
    assert (await small_house.issuance(issuance.id)).state == State.ISSUED
    assert len(await small_house.fakes[1].credentials(wallet.token)) == 1


@pytest.mark.parametrize("lost", ["offer", "request"])
async def test_an_offer_of_which_nothing_came_is_made_anew(
    small_house: House, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    monkeypatch.setattr("controllers.wallet.offers._OFFER_SECONDS", 0.05)
    wallet = await small_house.new_wallet()
    issuance, link, code = await small_house.offered()
    taking = TakeUp(link=link, code=code)

    async def follow(_: Any) -> None:
        await small_house.haven.issuer.advance(issuance.id)

    small_house.network.listener = follow
    await small_house.wallet.take_up(wallet, taking, "en")
    (first,) = small_house.network.issuances
    if lost == "offer":
        small_house.network.wallets[wallet.wallet_id].received.clear()
        first.holder_side = None
    else:
        first.state = OfferState.REQUESTED  # as the holder's side knows it
    again = small_house.wallet.take_up
    if lost == "offer":  # too early: it may still be on its way
        with pytest.raises(Unavailable):
            await again(wallet, taking, "en")
        assert len(small_house.network.issuances) == 1
    small_house.pass_time(seconds=21)
    first.state = OfferState.OFFERED
    await small_house.haven.issuer.meetings.by_invitation(issuance.id)
    assert [each.state for each in small_house.network.issuances][1:] == [OfferState.OFFERED]
    seen = await again(wallet, taking, "en")
    await small_house.wallet.accept_offer(wallet, seen.id, "en")
    assert (await small_house.issuance(issuance.id)).state == State.ISSUED
    assert len(await small_house.fakes[1].credentials(wallet.token)) == 1
    assert first.forgotten


async def test_nothing_is_signed_for_an_offer_that_was_just_made_anew(
    small_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker saw the request for the earlier offer, and comes to sign when that is gone."""
    wallet = await small_house.new_wallet()
    issuance, *_ = await small_house.offered()
    await small_house.connect(issuance, wallet)
    await small_house.haven.issuer.advance(issuance.id)
    (offered,) = small_house.network.issuances
    await small_house.fakes[1].accept_offer(wallet.token, offered.holder_side or "")
    rows = small_house.haven.issuer._rows
    move = rows.move

    async def just_before(row: Issuance, *args: Any, **changes: Any) -> bool:
        await rows._set(row, exchange_id="the-next-one")
        return await move(row, *args, **changes)

    monkeypatch.setattr(rows, "move", just_before)
    await small_house.haven.issuer.advance(issuance.id)
    assert (await small_house.issuance(issuance.id)).state == State.OFFERED
    assert small_house.network.calls["issue"] == 0


async def test_the_note_of_what_runs_outlives_a_disk_that_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_NOTE_EVERY", 0.01)
    settings = Settings(data_dir=tmp_path / "not there yet")
    noting = asyncio.create_task(running._keep_note(settings, []))
    await asyncio.sleep(0.05)
    settings.data_dir.mkdir()

    async def note() -> object:
        return running.read_note(settings.data_dir)

    assert await until(note)
    noting.cancel()
