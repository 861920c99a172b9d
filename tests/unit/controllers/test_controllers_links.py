"""Short links: looking consumes nothing, guessing is counted, the first claim wins."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from controllers_house import House, MovedClock

from controllers.links.service import FreshLink, LinkKind, LinkService, issue_link
from controllers.moment import now
from controllers.store.database import Database
from core.errors import Forbidden, Gone, HavenError, NotFound, TooManyTries

CLAIM, OTHER = "claim-of-one-wallet-000", "claim-of-another-wallet"
WRONG = "222222"


@pytest.fixture
def links(database: Database, clock: MovedClock) -> LinkService:
    return LinkService(database)


async def fresh(database: Database, kind: LinkKind = LinkKind.OFFER) -> FreshLink:
    until = now() + timedelta(minutes=10)
    return await database.write(lambda steps: issue_link(steps, kind, "subject", until))


async def test_looking_consumes_nothing(links: LinkService, database: Database) -> None:
    link = await fresh(database)
    for _ in range(20):
        opened = await links.open(link.token)
        assert (opened.kind, opened.subject_id, opened.needs_code) == (
            LinkKind.OFFER,
            "subject",
            True,
        )
    assert (await links.bind(link.token, CLAIM, link.code)).subject_id == "subject"


async def test_a_link_that_was_never_made_leads_nowhere(links: LinkService) -> None:
    with pytest.raises(NotFound):
        await links.open("x" * 43)
    with pytest.raises(NotFound):
        await links.bind("x" * 43, CLAIM, None)


async def test_the_same_claim_may_ask_again_and_another_may_not(
    links: LinkService, database: Database
) -> None:
    link = await fresh(database)
    for _ in range(3):
        await links.bind(link.token, CLAIM, link.code)
    with pytest.raises(Gone):
        await links.bind(link.token, OTHER, link.code)
    await links.bind(link.token, CLAIM, link.code)


@pytest.mark.parametrize("spoken", [str.lower, lambda code: f" {code} "], ids=["low", "space"])
async def test_a_code_is_taken_as_people_type_it(
    links: LinkService,
    database: Database,
    spoken: object,
) -> None:
    link = await fresh(database)
    assert callable(spoken)
    await links.bind(link.token, CLAIM, spoken(link.code))


async def test_wrong_codes_are_counted_although_the_call_fails(
    links: LinkService, database: Database
) -> None:
    link = await fresh(database)
    for _ in range(5):
        with pytest.raises(Forbidden):
            await links.bind(link.token, CLAIM, WRONG)
    for code in (WRONG, link.code):
        with pytest.raises(TooManyTries):
            await links.bind(link.token, CLAIM, code)


async def test_no_code_is_no_try(links: LinkService, database: Database) -> None:
    link = await fresh(database)
    for _ in range(6):
        with pytest.raises(Forbidden):
            await links.bind(link.token, CLAIM, None)
    await links.bind(link.token, CLAIM, link.code)


async def test_wrong_codes_at_once_are_all_counted(
    links: LinkService, database: Database
) -> None:
    link = await fresh(database)
    guesses = [links.bind(link.token, CLAIM, WRONG) for _ in range(12)]
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(type(each) is Forbidden for each in outcomes) == 5
    assert sum(isinstance(each, TooManyTries) for each in outcomes) == 7


async def test_of_two_claims_at_once_exactly_one_wins(
    links: LinkService, database: Database
) -> None:
    for _ in range(5):
        link = await fresh(database)
        outcomes = await asyncio.gather(
            links.bind(link.token, CLAIM, link.code),
            links.bind(link.token, OTHER, link.code),
            return_exceptions=True,
        )
        assert sorted(isinstance(each, Gone) for each in outcomes) == [False, True]


async def test_a_check_needs_no_code(links: LinkService, database: Database) -> None:
    link = await fresh(database, LinkKind.CHECK)
    assert link.code is None
    assert not (await links.open(link.token)).needs_code


async def test_after_its_time_a_link_is_gone_and_then_forgotten(
    links: LinkService, database: Database, clock: MovedClock
) -> None:
    link = await fresh(database)
    clock.offset = timedelta(minutes=11)

    async def ends_with(error: type[HavenError]) -> None:
        with pytest.raises(error):
            await links.open(link.token)
        with pytest.raises(error):
            await links.bind(link.token, CLAIM, link.code)

    await ends_with(Gone)
    await links.purge()
    await ends_with(NotFound)


async def test_a_purge_leaves_living_links_alone(
    links: LinkService, database: Database
) -> None:
    link = await fresh(database)
    await links.purge()
    assert await links.open(link.token)


# --- the page -------------------------------------------------------------------------------


async def test_on_the_page_the_code_can_be_entered_again(small_house: House) -> None:
    _, address, code = await small_house.offered()
    async with small_house.client() as client:
        small_house.network.fail_once("invite")
        failed = await client.post(address, data={"code": code})
        shown = await client.post(address, data={"code": code})
        again = await client.post(address, data={"code": f" {code.lower()} "})
        other = await client.post(f"{address}/accept", json={"claim": OTHER, "code": code})
    assert (failed.status_code, shown.status_code, again.status_code) == (503, 200, 200)
    assert "didcomm://" in shown.text
    assert again.text == shown.text
    assert other.status_code == 410  # the page was first


async def test_a_wallet_that_was_first_keeps_the_page_out(small_house: House) -> None:
    _, address, code = await small_house.offered()
    async with small_house.client() as client:
        accepted = await client.post(f"{address}/accept", json={"claim": CLAIM, "code": code})
        page = await client.post(address, data={"code": code})
    assert (accepted.status_code, page.status_code) == (200, 410)


def test_tokens_and_codes_do_not_repeat() -> None:
    class Nowhere:
        def change(self, _statement: object, **_values: object) -> int:
            return 1

    made = [issue_link(Nowhere(), LinkKind.OFFER, "s", now()) for _ in range(200)]  # type: ignore[arg-type] # only `change` is used
    assert len({each.token for each in made}) == 200
    assert all(len(each.token) >= 43 and len(each.code or "") == 6 for each in made)
