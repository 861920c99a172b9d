"""What no page of ours sends is refused before a database hears of it; on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from controllers_house import House
from test_desk_people import administrator

NUL = "\x00"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/desk/sign-in/finish", {"ceremony": NUL * 36, "credential": {}}),
        ("/desk/sign-in/finish", {"ceremony": "0" * 36 + "\n", "credential": {}}),
        ("/desk/sign-in/finish", {"ceremony": "0" * 36, "credential": {"rawId": NUL}}),
        ("/desk/sign-in/finish", {"ceremony": "0" * 36, "credential": {NUL: NUL}}),
        ("/desk/enrol/begin", {"token": NUL * 43}),
        ("/desk/enrol/finish", {"token": NUL * 43, "ceremony": "0" * 36, "credential": {}}),
        ("/desk/enrol/finish", {"token": "a" * 43, "ceremony": NUL * 36, "credential": {}}),
    ],
)
async def test_coming_in_with_rubbish_is_refused(
    house: House, path: str, body: dict[str, Any]
) -> None:
    async with house.client() as client:
        answer = await client.post(path, json=body, headers={"Accept": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.parametrize("place", [NUL, NUL * 36, "y" * 9000, "0" * 36, "é" * 36])
async def test_a_place_that_is_none_is_not_there(house: House, place: str) -> None:
    hands = await administrator(house)
    page = await hands.post("/desk/people", {"name": "x", "place": place})
    assert page.status == 404
    path = f"/desk/people/{hands.person.id}"
    fields = {"name": "x", "place": place, "duty-administer": "1"}
    assert (await hands.post(path, fields)).status == 404
