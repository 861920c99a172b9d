"""The frame of the desks' pages: the door, headers, forms' tokens, errors, languages."""

from __future__ import annotations

import pytest
from controllers_house import House
from desk_hands import BROWSER, hands_of, looked_at

from controllers.desks.entry import COOKIE, DeskRoute
from controllers.desks.routers import routers
from controllers.staff.people import Duty
from tests.fakes.authenticator import Authenticator

OPEN = {"/desk/sign-in", "/desk/enrol", "/desk/hidden", "/desk/away"}
BEFORE = {
    "/desk/sign-in/begin",
    "/desk/sign-in/finish",
    "/desk/enrol/begin",
    "/desk/enrol/finish",
}
ROUTES = [
    (method, route.path.replace("{", "").replace("}", ""))
    for router in routers()
    for route in router.routes
    if isinstance(route, DeskRoute)
    for method in sorted(route.methods)
]
GUARDED = [each for each in ROUTES if each[1] not in OPEN | BEFORE]


async def test_somebody_comes_in_with_a_link_and_later_with_the_passkey(
    small_house: House,
) -> None:
    organisation = small_house.of("harbour").id
    people = small_house.haven.desks.people
    _, invitation = await people.enrol(organisation, "Worker", [Duty.ISSUE], by=None)
    device = Authenticator(small_house.haven.settings.base_url, "localhost")
    async with small_house.client() as client:
        client.headers["User-Agent"] = BROWSER
        begun = await client.post("/desk/enrol/begin", json={"token": invitation.token})
        assert begun.json()["name"] == "Worker"
        finished = await client.post(
            "/desk/enrol/finish",
            json={
                "token": invitation.token,
                "ceremony": begun.json()["ceremony"],
                "credential": device.make(begun.json()["options"]),
            },
        )
        assert finished.status_code == 200, finished.text
        cookie = finished.headers["set-cookie"]
        assert all(each in cookie for each in ("HttpOnly", "SameSite=strict", "Path=/desk"))
        assert (await client.get("/desk")).status_code == 200
        client.cookies.clear()
        begun = await client.post("/desk/sign-in/begin", json={})
        answered = await client.post(
            "/desk/sign-in/finish",
            json={
                "ceremony": begun.json()["ceremony"],
                "credential": device.answer(begun.json()["options"]),
            },
        )
        assert answered.status_code == 200
        assert (await client.get("/desk")).status_code == 200


async def test_a_link_that_was_used_says_so(small_house: House) -> None:
    async with small_house.client() as client:
        answer = await client.post(
            "/desk/enrol/begin",
            json={"token": "a-token-of-no-link-at-all"},
            headers={"Accept": "application/json"},
        )
    assert (answer.status_code, answer.json()["code"]) == (410, "invitation-ended")


@pytest.mark.parametrize("path", sorted(BEFORE))
async def test_the_doors_steps_are_taken_from_our_own_page_alone(
    small_house: House, path: str
) -> None:
    async with small_house.client() as client:
        as_form = await client.post(path, data={"token": "x" * 30})
        foreign = await client.post(path, json={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert as_form.status_code == foreign.status_code == 403


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_nobody_gets_in_without_a_session(
    small_house: House, method: str, path: str
) -> None:
    async with small_house.client(follow_redirects=False) as client:
        answer = await client.request(method, path)
    if "/live" in path:
        assert answer.status_code in (204, 303)
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/desk/sign-in?")


@pytest.mark.parametrize(
    ("method", "path"), [each for each in GUARDED if each[0] == "POST"], ids=lambda each: each
)
async def test_a_form_without_its_token_or_from_elsewhere_changes_nothing(
    small_house: House, method: str, path: str
) -> None:
    hands = await hands_of(small_house, *Duty)
    for fields, headers in (
        ({}, {}),
        ({"csrf": "0" * 64}, {}),
        ({"csrf": await hands.csrf()}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf": await hands.csrf()}, {"Sec-Fetch-Site": "same-site"}),
    ):
        answer = await hands.client.request(method, path, data=fields, headers=headers)
        assert answer.status_code == 403, (fields, headers)


async def test_a_counter_can_do_nothing_else(small_house: House) -> None:
    hands = await hands_of(small_house, *Duty)
    sessions = small_house.haven.desks.sessions
    left = await sessions.to_kiosk(
        hands.client.cookies[COOKIE], "shelter", browser=BROWSER, network=""
    )
    hands.client.cookies.set(COOKIE, left, domain="localhost.local", path="/desk")
    for method, path in GUARDED:
        if not path.startswith("/desk/kiosk") and path != "/desk/sign-out":
            answer = await hands.client.request(method, path)
            assert answer.status_code == 403, path


async def test_a_page_is_sent_with_strict_headers_and_goes_away_by_itself(
    small_house: House,
) -> None:
    page = await (await hands_of(small_house, Duty.ISSUE)).open("/desk")
    policy = page.answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert 'http-equiv="refresh" content="900;url=/desk/away"' in page.text


async def test_who_may_nothing_is_told_so(small_house: House) -> None:
    hands = await hands_of(small_house)
    page = await hands.open("/desk")
    assert hands.says("home.nothing") in page.text


@pytest.mark.parametrize("language", ["es", "km"])
async def test_a_language_is_chosen_and_kept(small_house: House, language: str) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    chosen = await hands.open(f"/desk?lang={language}")
    hands.language = language
    assert f'<html lang="{language}">' in chosen.text
    assert hands.says("home.title") in (await hands.open("/desk")).text


@pytest.mark.parametrize(
    "then", ["https://evil.example", "//evil.example", "/desk\\evil", "/x"]
)
async def test_the_door_leads_nowhere_else(small_house: House, then: str) -> None:
    async with small_house.client() as client:
        page = looked_at(await client.get("/desk/sign-in", params={"then": then}))
    assert 'data-then="/desk"' in page.text


async def test_signing_out_ends_the_session_everywhere(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    cookie = hands.client.cookies[COOKIE]
    page = await hands.send(await hands.open("/desk"), "/desk/sign-out")
    assert hands.says("signing.out") in page.text
    hands.client.cookies.set(COOKIE, cookie, domain="localhost.local", path="/desk")
    assert (await hands.client.get("/desk")).status_code == 303


async def test_a_cookie_in_another_browser_asks_for_the_passkey(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    page = await hands.open("/desk", headers={"User-Agent": "another"})
    assert hands.says("signing.again") in page.text
    assert (await hands.client.get("/desk")).status_code == 303  # and it has ended


async def test_an_unknown_page_of_a_desk_names_nothing(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    assert (await hands.open("/desk/paper")).status == 200
    refused = await (await hands_of(small_house, Duty.ADMINISTER)).open("/desk/paper")
    assert refused.status == 403
    assert hands.says("error.duty-needed") in refused.text


async def test_the_wallets_page_opens_when_its_worker_is_signed_out(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE)
    page = await hands.open("/desk/paper")
    assert "/wallet/kiosk" not in page.reader.links
    assert "_blank" not in page.text
    assert hands.says("paper.kiosk.signs-out") in page.shown
    cookie = hands.client.cookies.get(COOKIE, path="/desk")
    opened = await hands.client.post(
        "/desk/paper/wallet", data=page.form("/desk/paper/wallet").fields
    )
    assert (opened.status_code, opened.headers["location"]) == (303, "/wallet/kiosk")
    assert f'{COOKIE}=""' in opened.headers["set-cookie"]
    hands.client.cookies.set(COOKIE, cookie or "", domain="localhost.local", path="/desk")
    assert (await hands.open("/desk")).path == "/desk/sign-in"
    deeds = await small_house.haven.desks.deeds.latest(hands.person.organisation_id)
    assert deeds[0].what == "signed-out"
