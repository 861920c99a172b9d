"""A payment reference is good for one payment in a period, however quick its holder is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from sqlalchemy import update

from controllers.store.models import Reservation
from controllers.story.cast import Cast
from controllers.story.checking import check, why_refused
from controllers.story.issuing import entitlement, issue
from controllers.story.people import Desk, Phone
from tests.scenarios.holders import new_phone
from tests.scenarios.searching import database_files, database_text
from tests.support.installation import Installation

pytestmark = pytest.mark.agents

AMOUNT: dict[str, str | int] = {"amount_minor": 4_500, "currency": "USD"}
USED = "refused: once: used-already"


@dataclass
class Till:
    """A payment provider, and wallets with an entitlement."""

    cast: Cast
    payer: Desk

    async def holder(self) -> Phone:
        phone = await new_phone(self.cast)
        await issue(self.cast, phone, "fund", "support-entitlement", **entitlement())
        return phone

    async def pay(self, phone: Phone) -> str:
        _, verdict = await check(self.payer, phone, "payment", AMOUNT)
        return why_refused(verdict)


@pytest.fixture(scope="module")
def till(cast: Cast) -> Till:
    return Till(cast, cast.checking("payer"))


@pytest.fixture(scope="module")
async def paid(till: Till) -> Phone:
    """A holder who has paid in this period."""
    phone = await till.holder()
    assert await till.pay(phone) == "accepted"
    return phone


async def test_once_in_a_period_and_again_in_the_next(
    installation: Installation, till: Till
) -> None:
    phone = await till.holder()
    asked, verdict = await check(till.payer, phone, "payment", AMOUNT)
    assert (why_refused(verdict), await till.pay(phone)) == ("accepted", USED)
    async with installation.haven.database.transaction() as session:
        earlier = update(Reservation).where(Reservation.check_id == asked["id"])
        await session.execute(earlier.values(period="an earlier one"))
    assert await till.pay(phone) == "accepted"


async def test_at_two_tills_at_the_same_moment(till: Till) -> None:
    phone = await till.holder()
    asked = [await till.payer.ask("payment", **AMOUNT) for _ in range(3)]
    seen = [await phone.look(each["link"]) for each in asked]
    await asyncio.gather(*(phone.say_yes(each) for each in seen))
    verdicts = [why_refused(await till.payer.verdict(each)) for each in asked]
    assert sorted(verdicts) == ["accepted", USED, USED]


async def test_where_it_was_used_already_nothing_is_learnt(till: Till, paid: Phone) -> None:
    asked, verdict = await check(till.payer, paid, "payment", AMOUNT)
    assert why_refused(verdict) == USED
    with pytest.raises(Exception, match="ended"):
        await till.payer.learnt(asked)


async def test_another_wallet_is_not_affected(till: Till, paid: Phone) -> None:
    assert await till.pay(await till.holder()) == "accepted"


async def test_the_reference_is_nowhere_in_the_database(
    installation: Installation, till: Till
) -> None:
    phone = await till.holder()
    asked, _ = await check(till.payer, phone, "payment", AMOUNT)
    reference = (await till.payer.learnt(asked))["entitlement"]["payment_ref"]
    assert reference not in await database_text(installation.haven.database)
    assert reference.encode() not in database_files(installation.settings)
