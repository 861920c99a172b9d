"""Moving a credential to another wallet goes over the issuer's desk: docs/adr/0028."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from controllers_house import ELIGIBILITY, ENTITLEMENT, IDENTITY, House
from sqlalchemy import select

from controllers.access import Role
from controllers.issuer.service import State
from controllers.store.models import Event, Issuance
from controllers.wallet.notes import ORIGINS
from controllers.wallet.schemas import OfferPreview, TakeUp
from controllers.wallet.sessions import OpenWallet
from core.errors import (
    Conflict,
    GovernanceDenied,
    HavenError,
    InvalidInput,
    NotFound,
    Unavailable,
)
from core.ports import Document


@dataclass
class Held:
    """A credential that a wallet took over a link, and its issuance."""

    house: House
    wallet: OpenWallet
    issuance: Issuance
    credential_id: str
    asked: list[tuple[str, str]] = field(default_factory=list)  # (site, claim)

    async def stands(self) -> tuple[str, str | None]:
        """What the wallet tells its holder of this credential."""
        (found,) = [
            each
            for each in (await self.house.wallet.moves.all(self.wallet)).items
            if each.credential_id == self.credential_id
        ]
        return found.state, found.reason

    async def ask(self) -> None:
        await self.house.wallet.moves.ask(self.wallet, self.credential_id)

    async def origin(self) -> Document:
        return (await self.house.fakes[1].notes(self.wallet.token, ORIGINS))[self.credential_id]

    async def stored(self) -> Issuance:
        return await self.house.issuance(self.issuance.id)

    async def offered_anew(self, **changes: Any) -> Issuance:
        """The desk offers a new one that replaces this one."""
        values = {**ELIGIBILITY, **changes}
        issuer, organisation = self.house.haven.issuer, self.house.of("harbour")
        made, _ = await issuer.create(
            organisation, "service-eligibility", values, self.issuance.id
        )
        return made

    async def moved(self) -> Issuance:
        """Into another wallet."""
        return await self.house.taken(await self.offered_anew(), await self.house.new_wallet())


async def take(house: House, wallet: OpenWallet) -> Held:
    issuance, link, code = await house.offered()
    seen = await house.wallet.take_up(wallet, TakeUp(link=link, code=code), "en")
    assert isinstance(seen, OfferPreview)
    before = {each.credential_id for each in await house.fakes[1].credentials(wallet.token)}
    await house.wallet.accept_offer(wallet, seen.id, "en")
    after = {each.credential_id for each in await house.fakes[1].credentials(wallet.token)}
    (credential_id,) = after - before
    return Held(house, wallet, await house.issuance(issuance.id), credential_id)


def listened(house: House, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Which sites wallets ask for a move, with which claims."""
    asked: list[tuple[str, str]] = []
    ask_move = house.wallet.fetcher.ask_move

    async def listen(site: str, claim: str) -> Document:
        asked.append((site, claim))
        return await ask_move(site, claim)

    monkeypatch.setattr(house.wallet.fetcher, "ask_move", listen)
    return asked


@pytest.fixture
async def held(small_house: House, monkeypatch: pytest.MonkeyPatch) -> Held:
    small_house.network.listener = small_house.go_on_at_once
    found = await take(small_house, await small_house.new_wallet())
    found.asked = listened(small_house, monkeypatch)
    return found


async def kinds(house: House, issuance: Issuance) -> list[str]:
    async with house.database.reading() as session:
        found = await session.scalars(
            select(Event.kind).where(Event.subject_id == issuance.id).order_by(Event.id)
        )
        return list(found)


async def listing(house: House, slug: str = "harbour", **params: str) -> list[dict[str, Any]]:
    async with house.client(await house.key(slug, Role.ISSUE)) as desk:
        answer = await desk.get("/api/issuer/issuances", params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


# --- the whole way --------------------------------------------------------------------------


async def test_from_the_question_to_the_card_in_the_other_wallet(held: Held) -> None:
    house = held.house
    assert await held.stands() == ("possible", None)
    await held.ask()
    assert await held.stands() == ("asked", None)
    (waiting,) = await listing(house, asked="move")
    assert (waiting["id"], waiting["replaced_by"]) == (held.issuance.id, None)
    assert waiting["move_asked_at"]
    new = await held.offered_anew()
    assert await held.stands() == ("offered", None)
    (waiting,) = await listing(house, asked="move")
    assert waiting["replaced_by"] == new.id
    assert (await held.stored()).revoked_at is None
    other = await house.new_wallet()
    assert (await house.taken(new, other)).state == State.ISSUED
    assert (await held.stored()).revoked_at is not None
    assert await held.stands() == ("moved", None)
    assert await listing(house, asked="move") == []
    by_id = {each["id"]: each for each in await listing(house)}
    assert by_id[new.id]["replaces"] == held.issuance.id
    assert by_id[held.issuance.id]["replaced_by"] == new.id
    assert await house.fakes[1].is_revoked(held.wallet.token, held.credential_id)
    assert len(await house.fakes[1].credentials(other.token)) == 1


async def test_asking_moves_nothing(held: Held) -> None:
    before = await kinds(held.house, held.issuance)
    calls = held.house.network.calls.copy()
    for _ in range(3):
        await held.ask()
    assert await kinds(held.house, held.issuance) == [*before, "move-asked"]
    touched = set(held.house.network.calls - calls)
    assert touched <= {"notes", "put_note", "change_notes", "credentials"}
    assert len(await listing(held.house)) == 1
    assert (await held.stored()).revoked_at is None


async def test_the_moment_of_the_first_question_is_kept(held: Held) -> None:
    await held.ask()
    first = (await held.stored()).move_asked_at
    held.house.pass_time(minutes=5)
    await held.ask()
    assert (await held.stored()).move_asked_at == first


async def test_a_desk_can_replace_what_nobody_asked_for(held: Held) -> None:
    """The phone is lost: she comes to the desk without it."""
    await held.moved()
    assert (await held.stored()).revoked_at is not None
    await held.ask()  # if it is found, it is told
    assert await held.stands() == ("moved", None)
    assert (await held.stored()).move_asked_at is None


async def test_over_http(held: Held) -> None:
    house = held.house
    session = house.haven.sessions
    key = "A" * 43
    wallet_id = await session.create_wallet(key)
    bearer, _ = await session.open(wallet_id, key)
    wallet = await session.recognise(bearer)
    mine = await take(house, wallet)
    async with house.client(bearer) as phone:
        path = f"/api/wallet/credentials/{mine.credential_id}/move"
        assert (await phone.post(path)).json() == {"done": True}
        found = (await phone.get("/api/wallet/moves")).json()
        theirs = await phone.post(f"/api/wallet/credentials/{held.credential_id}/move")
    assert found == {
        "items": [{"credential_id": mine.credential_id, "state": "asked", "reason": None}]
    }
    assert theirs.status_code == 404
    body = {"credential": "service-eligibility", "values": dict(ELIGIBILITY)}
    async with house.client(await house.key("harbour", Role.ISSUE)) as desk:
        made = await desk.post(
            "/api/issuer/issuances", json={**body, "replaces": mine.issuance.id}
        )
        again = await desk.post(
            "/api/issuer/issuances", json={**body, "replaces": mine.issuance.id}
        )
        shown = await desk.get(f"/api/issuer/issuances/{mine.issuance.id}")
    assert (made.status_code, again.status_code) == (201, 409)
    assert made.json()["replaces"] == mine.issuance.id
    assert shown.json()["replaced_by"] == made.json()["id"]


# --- who is told what -----------------------------------------------------------------------


async def test_looking_asks_nobody(held: Held) -> None:
    await take(held.house, held.wallet)
    await held.stands()
    assert held.asked == []


async def test_only_the_site_of_the_credential_that_is_asked_for_hears_of_it(
    held: Held,
) -> None:
    other = await take(held.house, held.wallet)
    notes = held.house.fakes[1]
    elsewhere = {**await other.origin(), "site": "https://elsewhere.example"}
    await notes.put_note(held.wallet.token, ORIGINS, other.credential_id, elsewhere)
    await held.ask()
    await held.house.wallet.moves.all(held.wallet)
    origin = await held.origin()
    assert held.asked == [(origin["site"], origin["claim"])] * 2
    assert origin["site"] == held.house.haven.settings.base_url


async def test_what_has_moved_is_not_asked_for_again(held: Held) -> None:
    await held.ask()
    await held.moved()
    assert await held.stands() == ("moved", None)
    held.asked.clear()
    assert await held.stands() == ("moved", None)
    assert held.asked == []


async def test_each_claim_is_good_for_its_own_credential(held: Held) -> None:
    other = await take(held.house, held.wallet)
    await other.ask()
    assert (await held.stored()).move_asked_at is None
    assert await held.stands() == ("possible", None)
    (waiting,) = await listing(held.house, asked="move")
    assert waiting["id"] == other.issuance.id


async def ask_site(house: House, **body: Any) -> httpx.Response:
    async with house.client() as stranger:
        return await stranger.post("/moves", json=body)


async def test_a_stranger_is_told_nothing(held: Held) -> None:
    """Of what was never, of what was only offered, and of what the page gave, the same."""
    house = held.house
    waiting, *_ = await house.offered()
    claim = "a claim that nobody has issued to"
    await house.haven.issuer.meetings.by_invitation(waiting.id, claim)
    answers = [
        await ask_site(house, claim=each) for each in (claim, "x" * 40, held.issuance.id)
    ]
    assert {each.status_code for each in answers} == {404}
    assert len({str(each.json() | {"request_id": ""}) for each in answers}) == 1
    assert await listing(house, asked="move") == []
    for body in ({}, {"claim": "short"}, {"claim": "x" * 101}, {"claim": "x" * 40, "more": 1}):
        assert (await ask_site(house, **body)).status_code == 422


async def test_the_answer_says_no_more_than_how_it_stands(held: Held) -> None:
    claim = (await held.origin())["claim"]
    answer = await ask_site(held.house, claim=claim)
    assert answer.json() == {"state": "asked"}
    assert answer.headers["cache-control"] == "no-store"


async def test_another_organisation_sees_nothing_of_it(held: Held) -> None:
    await held.ask()
    assert await listing(held.house, "fund", asked="move") == []


async def test_no_claim_is_stored_or_logged(
    held: Held, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "controllers")
    claim = (await held.origin())["claim"]
    await held.ask()
    await ask_site(held.house, claim=f"{claim}x")
    await held.moved()
    assert claim not in await held.house.raw_rows()
    assert claim not in caplog.text


# --- what cannot be moved -------------------------------------------------------------------


async def test_without_the_receipt_there_is_nothing_to_ask_by(held: Held) -> None:
    other = await take(held.house, held.wallet)
    receipts = (await held.house.wallet.history(held.wallet, "en")).items
    await held.house.wallet.notes.forget(held.wallet.token, receipts[-1].id)
    assert await held.stands() == ("not-possible", "no-receipt")
    with pytest.raises(Conflict):
        await held.ask()
    assert held.asked == []
    assert await other.stands() == ("possible", None)


async def test_with_the_credential_goes_what_it_could_be_moved_by(held: Held) -> None:
    await held.house.wallet.delete_credential(held.wallet, held.credential_id)
    assert await held.house.fakes[1].notes(held.wallet.token, ORIGINS) == {}
    assert (await held.house.wallet.moves.all(held.wallet)).items == []
    with pytest.raises(NotFound):
        await held.ask()


async def test_a_receipt_that_is_deleted_meanwhile_stays_deleted(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_move = held.house.wallet.fetcher.ask_move

    async def slow(site: str, claim: str) -> Document:
        said = await ask_move(site, claim)
        (receipt,) = (await held.house.wallet.history(held.wallet, "en")).items
        await held.house.wallet.notes.forget(held.wallet.token, receipt.id)
        return said

    monkeypatch.setattr(held.house.wallet.fetcher, "ask_move", slow)
    await held.ask()
    assert await held.house.fakes[1].notes(held.wallet.token, ORIGINS) == {}


async def test_an_issuer_without_authority_is_not_asked(held: Held) -> None:
    grant_id = held.house.grants["harbour", "service-eligibility"]
    await held.house.haven.accreditation.end_grant(grant_id)
    held.house.pass_time(seconds=2)
    assert await held.stands() == ("not-possible", "issuer-unknown")
    with pytest.raises(GovernanceDenied):
        await held.ask()
    assert held.asked == []


async def test_what_its_issuer_does_not_know(held: Held) -> None:
    await held.ask()
    changed = {**await held.origin(), "claim": "what a restore has forgotten"}
    await held.house.fakes[1].put_note(held.wallet.token, ORIGINS, held.credential_id, changed)
    assert await held.stands() == ("not-possible", "not-ours")
    with pytest.raises(NotFound):
        await held.ask()


async def test_what_was_withdrawn(held: Held) -> None:
    await held.house.haven.issuer.revoke(held.house.of("harbour"), [held.issuance.id])
    with pytest.raises(Conflict):
        await held.ask()
    assert (await held.stored()).move_asked_at is None


async def test_what_is_withdrawn_after_the_question(held: Held) -> None:
    await held.ask()
    await held.house.haven.issuer.revoke(held.house.of("harbour"), [held.issuance.id])
    assert await held.stands() == ("not-possible", None)
    assert await listing(held.house, asked="move") == []


@pytest.mark.parametrize("said", [{}, {"state": "else"}, {"state": ["asked"]}])
async def test_a_site_that_does_not_understand(
    held: Held, monkeypatch: pytest.MonkeyPatch, said: Document
) -> None:
    async def answer(*_: str) -> Document:
        return said

    monkeypatch.setattr(held.house.wallet.fetcher, "ask_move", answer)
    with pytest.raises(NotFound):
        await held.ask()
    assert "move" not in await held.origin()


@pytest.mark.parametrize("error", [Unavailable, InvalidInput])
async def test_a_site_that_does_not_answer(
    held: Held, monkeypatch: pytest.MonkeyPatch, error: type[HavenError]
) -> None:
    async def fail(*_: str) -> Document:
        raise error("away")

    ask_move = held.house.wallet.fetcher.ask_move
    monkeypatch.setattr(held.house.wallet.fetcher, "ask_move", fail)
    with pytest.raises(error):
        await held.ask()
    assert await held.stands() == ("possible", None)
    monkeypatch.setattr(held.house.wallet.fetcher, "ask_move", ask_move)
    await held.ask()
    monkeypatch.setattr(held.house.wallet.fetcher, "ask_move", fail)
    assert await held.stands() == ("asked", None)  # as it was last heard


# --- which may replace which ----------------------------------------------------------------


async def replace(
    house: House, slug: str, credential: str, values: Any, replaced: str
) -> Issuance:
    made, _ = await house.haven.issuer.create(house.of(slug), credential, values, replaced)
    return made


async def test_only_ones_own_of_the_same_kind_issued_and_standing(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    issued = await small_house.issue(wallet)
    waiting, *_ = await small_house.offered()
    withdrawn = await small_house.issue(wallet)
    await small_house.haven.issuer.revoke(small_house.of("harbour"), [withdrawn.id])
    mine = ("harbour", "service-eligibility", ELIGIBILITY)
    for error, asked in (
        (NotFound, ("fund", "support-entitlement", ENTITLEMENT, issued.id)),
        (NotFound, (*mine, "no-such-issuance")),
        (Conflict, ("harbour", "identity", IDENTITY, issued.id)),
        (Conflict, (*mine, waiting.id)),
        (Conflict, (*mine, withdrawn.id)),
        (InvalidInput, ("harbour", "service-eligibility", {}, issued.id)),
    ):
        with pytest.raises(error):
            await replace(small_house, *asked)
    assert len(await listing(small_house)) == 3
    await replace(small_house, *mine, issued.id)


async def test_of_two_desks_at_once_one_replaces_it(house: House) -> None:
    issued = await house.issue(await house.new_wallet())
    mine = ("harbour", "service-eligibility", ELIGIBILITY, issued.id)
    made = await asyncio.gather(
        *(replace(house, *mine) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in made) == ["Conflict"] * 3 + ["Issuance"]


async def test_what_was_replaced_is_not_replaced_again_but_the_new_one_is(held: Held) -> None:
    first = await held.moved()
    with pytest.raises(Conflict):
        await held.offered_anew()
    mine = ("harbour", "service-eligibility", ELIGIBILITY, first.id)
    second = await replace(held.house, *mine)
    await held.house.taken(second, await held.house.new_wallet())
    assert (await held.house.issuance(first.id)).revoked_at is not None


@pytest.mark.parametrize("end", ["time", "desk", "declined"])
async def test_what_is_not_taken_replaces_nothing(held: Held, end: str) -> None:
    house, new = held.house, await held.offered_anew()
    await held.ask()
    if end == "declined":
        other = await house.new_wallet()
        await house.connect(new, other)
        (offered,) = [each for each in house.network.issuances if each.reference == new.id]
        await house.fakes[1].close_offer(other.token, offered.holder_side or "")
    elif end == "desk":
        await house.haven.issuer.cancel(house.of("harbour"), new.id)
    else:
        house.pass_time(minutes=31)
    await house.haven.worker.sweep()
    await house.haven.issuer.advance(new.id)
    assert (await house.issuance(new.id)).state in (State.EXPIRED, State.DECLINED)
    assert (await held.stored()).revoked_at is None
    assert house.network.calls["revoke"] == 0
    assert await held.stands() == ("asked", None)
    assert (await listing(house, asked="move"))[0]["replaced_by"] is None
    await held.moved()  # and then another may
    assert (await held.stored()).revoked_at is not None


async def test_a_new_one_that_its_wallet_never_acknowledged_replaces_all_the_same(
    held: Held,
) -> None:
    """It may have left, so it counts as issued: two that count must not stay."""
    house, new, other = held.house, await held.offered_anew(), await held.house.new_wallet()
    await house.connect(new, other)
    (offered,) = [each for each in house.network.issuances if each.reference == new.id]
    house.network.listener = None
    await house.fakes[1].accept_offer(other.token, offered.holder_side or "")
    house.network.wallets[other.wallet_id].sessions.clear()
    await house.haven.issuer.advance(new.id)
    assert (await house.issuance(new.id)).state == State.SENT
    assert (await held.stored()).revoked_at is None
    house.pass_time(seconds=61)
    await house.haven.worker.sweep()
    assert (await house.issuance(new.id)).reason == "unacknowledged"
    assert (await held.stored()).revoked_at is not None


# --- killed in between ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "after"),
    [("revoke", False), ("revoke", True), ("forget_offer", False), ("forget_offer", True)],
    ids=["before-withdrawing", "withdrawn-not-noted", "before-clearing", "cleared"],
)
async def test_killed_between_issued_and_withdrawn(held: Held, call: str, after: bool) -> None:
    house = held.house
    house.network.listener = None  # nothing is announced any more
    house.network.fail_once(call, after=after)
    new = await held.offered_anew()
    with pytest.raises(Unavailable):  # here the process dies
        await house.taken(new, await house.new_wallet())
    assert (await house.issuance(new.id)).state == State.ISSUED
    assert (await held.stored()).revoked_at is None
    await house.haven.worker.sweep()  # too early: somebody may be at it
    house.pass_time(seconds=4)
    for _ in range(3):
        await house.haven.worker.sweep()
    assert (await held.stored()).revoked_at is not None
    assert (await kinds(house, held.issuance)).count("revoked") == 1
    registry = house.network.registries[held.issuance.registry_id or ""]
    assert len(registry.lists) == 2
    assert await house.haven.issuer.unfinished(timedelta()) == []


async def test_an_agent_that_stays_away_is_asked_until_it_is_done(held: Held) -> None:
    house = held.house
    for _ in range(3):
        house.network.fail_once("revoke")
    with suppress(Unavailable):
        await held.moved()
    house.network.listener = None
    for _ in range(4):
        house.pass_time(seconds=4)
        await house.haven.worker.sweep()
    assert (await held.stored()).revoked_at is not None
    calls = house.network.calls["revoke"]
    await house.haven.worker.sweep()
    assert house.network.calls["revoke"] == calls


async def test_many_workers_withdraw_once(house: House) -> None:
    issued = await house.issue(await house.new_wallet())
    new = await replace(house, "harbour", "service-eligibility", ELIGIBILITY, issued.id)
    house.network.fail_once("revoke")
    with pytest.raises(Unavailable):
        await house.taken(new, await house.new_wallet())
    await asyncio.gather(*(house.haven.issuer.advance(new.id) for _ in range(6)))
    assert (await house.issuance(issued.id)).revoked_at is not None
    assert (await kinds(house, issued)).count("revoked") == 1


async def test_what_the_desk_has_withdrawn_itself_is_left_alone(held: Held) -> None:
    new = await held.offered_anew()
    await held.house.haven.issuer.revoke(held.house.of("harbour"), [held.issuance.id])
    calls = held.house.network.calls["revoke"]
    await held.house.taken(new, await held.house.new_wallet())
    assert held.house.network.calls["revoke"] == calls
