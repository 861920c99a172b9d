"""A server that lies to the phone: about the rules, about who asks, about what is asked.

The page's code is its own (what other code could do is in the threat model); every answer of
the API may be another one than the truth. Whatever is changed, there is no yes to press.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Route

from controllers.organisations.service import did_of
from controllers.story.cast import Cast
from controllers.story.issuing import eligibility
from core.proof import SeedSigner
from governance.documents import end_participant, refreshed, with_participant
from governance.signing import sign
from tests.e2e.app import App
from tests.e2e.phones import Phones, Site
from tests.support.installation import Swift

pytestmark = pytest.mark.browser

type Json = dict[str, Any]
type Lie = Callable[[Json], Json]

RULES, EVIDENCE, LINKS = "**/api/wallet/rules*", "**/evidence", "**/api/wallet/links"


async def lies(app: App, where: str, lie: Lie) -> None:
    """Answers at `where` are changed on their way."""

    async def handle(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, body=json.dumps(lie(await answer.json())))

    await app.page.route(where, handle)


async def with_card(phones: Phones, site: Site, cast: Cast) -> App:
    """A phone with a wallet and a card in it."""
    app = App(await phones(site))
    await app.set_up()
    made = await cast.issuing("shelter-a").offer("service-eligibility", **eligibility())
    await app.paste(made["link"], "deskcode")
    await app.enter_desk_code(made["code"])
    await app.press("offer.accept")
    await app.outcome("received")
    await app.press("outcome.home", "home")
    return app


async def asks(app: App, cast: Cast) -> None:
    asked = await cast.checking("shelter-b").ask("shelter")
    await app.paste(asked["link"], "request")


async def is_refused(app: App, step: str) -> None:
    """It says so, offers no yes, and no is still there."""
    found = app.page.locator("[data-refused]")
    await found.wait_for()
    assert await found.get_attribute("data-refused") == step
    assert app.says("trust.refused") in await app.text()
    assert await app.button("request.accept").count() == 0
    assert await app.button("request.decline").count() == 1


# --- the rules ------------------------------------------------------------------------------


def changed_rules(told: Json) -> Json:
    document = json.loads(told["framework"])
    document["roles"]["court"]["ask"].append("shelter-intake")
    return told | {"framework": json.dumps(document)}


def unsigned(told: Json) -> Json:
    document = json.loads(told["framework"])
    return told | {"framework": json.dumps({**document, "proof": []})}


def too_large(told: Json) -> Json:
    return told | {"framework": " " * (17 * 1024 * 1024)}


def nested(told: Json) -> Json:
    return told | {"framework": "[" * 200_000}


def expired(told: Json) -> Json:
    document = json.loads(told["framework"])
    return told | {"framework": json.dumps({**document, "expires_at": "2020-01-01T00:00:00Z"})}


def without_logs(told: Json) -> Json:
    return told | {"logs": {}}


def other_log(told: Json) -> Json:
    """The log of a DID is replaced: another key under the same name."""
    logs = {
        did: log.replace('"publicKeyMultibase":"z6Mk', '"publicKeyMultibase":"z6Ml')
        for did, log in told["logs"].items()
    }
    return told | {"logs": logs}


@pytest.mark.parametrize(
    ("lie", "step"),
    [
        (changed_rules, "signatures"),
        (unsigned, "signatures"),
        (too_large, "size"),
        (nested, "depth"),
        (expired, "signatures"),
        (without_logs, "signatures"),
        (other_log, "signatures"),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
async def test_other_rules_are_not_believed(
    phones: Phones, swift_site: Site, swift_cast: Cast, lie: Lie, step: str
) -> None:
    app = App(await phones(swift_site))
    await app.set_up()
    await lies(app, RULES, lie)
    await asks(app, swift_cast)
    await is_refused(app, step)


async def test_another_authority_is_refused_on_the_next_day(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    """Rules that are signed as they should be, by somebody else: the phone has seen whose
    they were."""
    app = await with_card(phones, swift_site, swift_cast)
    await app.lock()

    def other(told: Json) -> Json:
        document = json.loads(told["framework"])
        mine = "did:webvh:QmOther:haven.localhost:o:otherauthority"
        document |= {"id": mine, "authority": mine}
        proof = sign(
            document, SeedSigner(b"x" * 32), method=f"{mine}#key-1", created=datetime.now(UTC)
        )
        return told | {"framework": json.dumps({**document, "proof": [proof]})}

    await app.phone.reopen()
    await app.unlock()
    await lies(app, RULES, other)
    await asks(app, swift_cast)
    await is_refused(app, "framework")


async def test_an_older_version_is_refused_once_a_newer_was_seen(
    phones: Phones, swift_house: Swift, swift_site: Site, swift_cast: Cast
) -> None:
    app = await with_card(phones, swift_site, swift_cast)
    before = await swift_house.haven.governance.document(
        (await swift_house.haven.governance.current()).sequence
    )
    await swift_house.haven.governance.change(refreshed)
    await app.phone.reopen()
    await app.unlock()
    await asks(app, swift_cast)
    await app.page.locator("[data-rules]").wait_for()  # the newer one was seen
    await app.phone.reopen()
    await app.unlock()
    await lies(app, RULES, lambda told: told | {"framework": before})
    await asks(app, swift_cast)
    await is_refused(app, "version")


# --- who asks, and what ---------------------------------------------------------------------


def another_asker(told: Json) -> Json:
    statement = json.loads(told["statement"])
    return told | {"statement": json.dumps({**statement, "purpose": "court-proceeding"})}


def another_invitation(told: Json) -> Json:
    invitation = json.loads(told["invitation"])
    return told | {"invitation": json.dumps({**invitation, "label": "A friend"})}


def no_log(told: Json) -> Json:
    return told | {"log": None}


def named_twice(told: Json) -> Json:
    return told | {"statement": '{"issuer": "a", ' + told["statement"][1:]}


@pytest.mark.parametrize(
    ("lie", "step"),
    [
        (another_asker, "proof"),
        (another_invitation, "invitation-digest"),
        (no_log, "entry"),
        (named_twice, "form"),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
async def test_who_asks_has_signed_exactly_this(
    phones: Phones, swift_site: Site, swift_cast: Cast, lie: Lie, step: str
) -> None:
    app = App(await phones(swift_site))
    await app.set_up()
    await lies(app, EVIDENCE, lie)
    await asks(app, swift_cast)
    await is_refused(app, step)


def hides_an_attribute(seen: Json) -> Json:
    seen["asks"][0]["shown"] = seen["asks"][0]["shown"][:-1]
    return seen


def keeps_it_longer(seen: Json) -> Json:
    return seen | {"retention_seconds": 1}


@pytest.mark.parametrize("lie", [hides_an_attribute, keeps_it_longer])
async def test_the_screen_shows_all_that_is_asked(
    phones: Phones, swift_site: Site, swift_cast: Cast, lie: Lie
) -> None:
    app = App(await phones(swift_site))
    await app.set_up()
    await lies(app, LINKS, lie)
    await asks(app, swift_cast)
    await is_refused(app, "shown")


async def test_a_look_alike_name_never_reaches_the_screen(
    phones: Phones, swift_site: Site, swift_cast: Cast
) -> None:
    """The name, the purpose and its words are those of the rules, whatever the API says."""
    app = await with_card(phones, swift_site, swift_cast)
    planted = {"who": "Harbоur Shelter", "title": "A gift", "description": "Just say yes"}
    await lies(app, LINKS, lambda seen: seen | planted)
    await asks(app, swift_cast)
    shown = await app.text()
    assert not any(words in shown for words in planted.values())
    assert await app.button("request.accept").count() == 1


# --- the rules change while she reads -------------------------------------------------------


async def test_a_suspension_while_she_reads_takes_the_yes_away(
    phones: Phones, swift_house: Swift, swift_site: Site, swift_cast: Cast
) -> None:
    app = await with_card(phones, swift_site, swift_cast)
    await app.page.clock.install()
    await asks(app, swift_cast)
    haven = swift_house.haven
    river = did_of(await haven.organisations.by_slug("shelter-b"))
    before = await haven.governance.newest_document()
    await haven.governance.change(
        lambda document, at: end_participant(document, river, at, because="suspended")
    )
    try:
        await app.page.clock.fast_forward(61_000)
        await app.tap(app.button("request.accept"))
        await is_refused(app, "may-not-ask")
        assert app.says("trust.not-allowed") in await app.text()
    finally:
        await _comes_back(swift_house, river, before)


async def _comes_back(swift_house: Swift, did: str, before: Mapping[str, Any]) -> None:
    """The installation is shared: the organisation takes part again."""
    entry = next(each for each in before["participants"] if each["did"] == did)
    await swift_house.haven.governance.change(
        lambda document, at: with_participant(
            document,
            did=did,
            role=entry["role"],
            name=entry["name"],
            at=at,
            starts=at + timedelta(seconds=1),
        )
    )
