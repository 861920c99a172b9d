"""Two people, where the organisation wants two: what would be a way around it is none."""

from __future__ import annotations

from typing import Any

import pytest
from controllers_house import House
from desk_hands import Hands, Page, hands_of
from test_desk_issuing import DAY, SERVICES, in_a_wallet, issued

from controllers.access import Role
from controllers.moment import now
from controllers.staff.options import Option
from controllers.staff.people import Duty
from controllers.store.models import Issuance
from core.errors import Unavailable

ADDRESS = "/desk/issue/service-eligibility"
VALUES = {"status": "assessed", "shelter_until": int(DAY.replace("-", "")), "household_size": 2}


async def two_withdraw(house: House) -> None:
    await house.haven.desks.options.turn(
        house.of("harbour").id, Option.TWO_FOR_WITHDRAWING, on=True, by=None
    )


async def replacing(hands: Hands, before: str, **fields: str) -> Page:
    form = await hands.open(f"{ADDRESS}?replaces={before}")
    review = await hands.send(form, ADDRESS, step="review", **{**SERVICES, **fields})
    return await hands.send(review, ADDRESS, step="issue")


async def holder_asks(house: House, issuance_id: str) -> None:
    async with house.database.transaction() as session:
        (await session.get_one(Issuance, issuance_id)).move_asked_at = now()


async def deeds_of(house: House) -> list[tuple[str, str | None, str | None]]:
    found = await house.haven.desks.deeds.latest(house.of("harbour").id)
    return [(each.what, each.member_id, each.subject_id) for each in found]


async def test_two_people_replace_where_two_withdraw(small_house: House) -> None:
    one, two = [await hands_of(small_house, Duty.ISSUE, name=name) for name in ("One", "Two")]
    before = await in_a_wallet(small_house, await issued(one))
    await two_withdraw(small_house)
    task = await replacing(one, before)
    assert task.path.startswith("/desk/tasks/")
    assert (await one.post(f"{task.path}/agree", {})).status == 403
    page = await two.send(await two.open(task.path), f"{task.path}/agree")
    await in_a_wallet(small_house, page)
    issuer = small_house.haven.issuer
    assert (await issuer.get(small_house.of("harbour"), before)).revoked_at is not None
    assert ("replaced", two.person.id, before) in await deeds_of(small_house)


async def test_a_colleague_sees_what_would_be_replaced(small_house: House) -> None:
    one, two = [await hands_of(small_house, Duty.ISSUE, name=name) for name in ("One", "Two")]
    made = await issued(one, "service-eligibility", {**SERVICES, "reference": "Planted 1"})
    before = await in_a_wallet(small_house, made)
    await two_withdraw(small_house)
    task = await replacing(one, before, reference="Planted 2")
    shown = await two.open(task.path)
    assert two.says("issuing.replaces") in shown.shown
    assert f"/desk/issued/{before}" in shown.reader.links
    assert "Planted 1" in shown.shown
    assert "Planted 2" in shown.shown


async def test_nobody_agrees_to_what_somebody_asked_who_is_gone(small_house: House) -> None:
    one, two = [await hands_of(small_house, Duty.ISSUE, name=name) for name in ("One", "Two")]
    before = await in_a_wallet(small_house, await issued(one))
    await two_withdraw(small_house)
    task = await replacing(one, before)
    shown = await two.open(task.path)
    people = small_house.haven.desks.people
    await people.dismiss(one.person.organisation_id, one.person.id, by=None)
    assert (await two.send(shown, f"{task.path}/agree")).status == 409
    assert two.says("tasks.state.lapsed") in (await two.open(task.path)).shown


async def withdrawing(house: House) -> tuple[str, Page, Hands, Hands]:
    """A card, the task to withdraw it, who asked for it and her colleague."""
    one = await hands_of(house, Duty.ISSUE, Duty.REVOKE, name="One")
    two = await hands_of(house, Duty.REVOKE, name="Two")
    issuance_id = await in_a_wallet(house, await issued(one))
    await two_withdraw(house)
    path = f"/desk/issued/{issuance_id}/withdraw"
    return issuance_id, await one.send(await one.open(path), path, because="lost"), one, two


async def test_what_is_being_withdrawn_is_declined_by_nobody(
    small_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuance_id, task, one, two = await withdrawing(small_house)
    revoke, declined = small_house.haven.issuer.revoke, []

    async def meanwhile(*args: Any, **options: Any) -> Any:
        declined.append((await one.post(f"{task.path}/decline", {})).status)
        return await revoke(*args, **options)

    monkeypatch.setattr(small_house.haven.issuer, "revoke", meanwhile)
    done = await two.send(await two.open(task.path), f"{task.path}/agree")
    assert (declined, done.status) == ([409], 200)
    assert one.says("tasks.state.agreed") in (await one.open(task.path)).shown
    stored = await small_house.haven.issuer.get(small_house.of("harbour"), issuance_id)
    assert (stored.revoked_at is None, stored.withdrawn_because) == (False, "lost")


async def test_a_withdrawal_that_broke_off_is_gone_on_with_and_does_not_lapse(
    small_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuance_id, task, one, two = await withdrawing(small_house)
    desks = small_house.haven.desks

    async def fails(*_: object, **__: object) -> None:
        raise Unavailable("killed")

    with monkeypatch.context() as broken:
        broken.setattr(small_house.haven.issuer, "revoke", fails)
        assert (await two.send(await two.open(task.path), f"{task.path}/agree")).status == 503
    small_house.pass_time(days=4)
    await desks.purge()
    await desks.people.dismiss(one.person.organisation_id, one.person.id, by=None)
    third = await hands_of(small_house, Duty.REVOKE, name="Three")
    shown = await third.open(task.path)
    assert task.path in (await third.open("/desk/tasks")).reader.links
    assert third.says("tasks.state.agreeing") in shown.shown
    assert f"{task.path}/decline" not in [each.action for each in shown.reader.forms]
    assert (await third.send(shown, f"{task.path}/agree")).status == 200
    stored = await small_house.haven.issuer.get(small_house.of("harbour"), issuance_id)
    assert stored.revoked_at is not None
    assert (await third.post(f"{task.path}/agree", {})).status == 409


async def test_an_option_goes_off_with_the_agreement_or_not_at_all(
    small_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = [await hands_of(small_house, Duty.ADMINISTER) for _ in range(2)]
    await two_withdraw(small_house)
    path = "/desk/organisation/options/two-for-withdrawing"
    task = await one.send(await one.open("/desk/organisation"), path)
    shown, desks = await two.open(task.path), small_house.haven.desks
    organisation = one.person.organisation_id

    def fails(*_: object, **__: object) -> None:
        raise Unavailable("killed")

    with monkeypatch.context() as broken:
        broken.setattr("controllers.desks.tasks.agree_within", fails)
        assert (await two.send(shown, f"{task.path}/agree")).status == 503
        assert await desks.options.on(organisation) == {Option.TWO_FOR_WITHDRAWING}
    await one.post(f"{task.path}/decline", {})
    assert (await two.send(shown, f"{task.path}/agree")).status == 409
    assert await desks.options.on(organisation) == {Option.TWO_FOR_WITHDRAWING}


async def test_one_person_replaces_what_the_holder_asked_to_move(small_house: House) -> None:
    one = await hands_of(small_house, Duty.ISSUE)
    before = await in_a_wallet(small_house, await issued(one))
    await two_withdraw(small_house)
    await holder_asks(small_house, before)
    page = await replacing(one, before)
    assert page.path.startswith("/desk/issued/")
    await in_a_wallet(small_house, page)
    assert ("replaced", one.person.id, before) in await deeds_of(small_house)


@pytest.mark.parametrize(("asked", "status"), [(False, 403), (True, 201)])
async def test_a_key_replaces_nothing_where_two_withdraw(
    small_house: House, asked: bool, status: int
) -> None:
    before = await small_house.issue(await small_house.new_wallet())
    await two_withdraw(small_house)
    if asked:
        await holder_asks(small_house, before.id)
    body = {"credential": "service-eligibility", "values": VALUES, "replaces": before.id}
    async with small_house.client(await small_house.key("harbour", Role.ISSUE)) as client:
        answer = await client.post("/api/issuer/issuances", json=body)
    assert answer.status_code == status
    if not asked:
        assert answer.json()["code"] == "two-people-needed"
        return
    new = await small_house.haven.issuer.get(small_house.of("harbour"), answer.json()["id"])
    await small_house.taken(new, await small_house.new_wallet())
    assert ("replaced", None, before.id) in await deeds_of(small_house)
