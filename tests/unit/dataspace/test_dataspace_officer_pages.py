"""A real node's pages: its own officers come in by their keys, and decide in a browser."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from officer_hands import EVERYTHING, browser_at, come_in, key_of, signed_in_at

from controllers.dataspace.console.texts import say_in
from controllers.dataspace.node import Node
from controllers.dataspace.officers import OfficerDuty, end_officer
from controllers.texts import LANGUAGES
from dataspace.agreeing.agreement import Environment
from dataspace.planning.statements import Duty
from tests.support.space import Space, running_space

SAY = say_in("en")


@pytest.fixture
async def space(tmp_path: Path) -> AsyncIterator[Space]:
    async with running_space(tmp_path) as made:
        yield made


async def test_an_officer_asks_decides_and_reads_the_answer_in_a_browser(space: Space) -> None:
    node = space.nodes[0]
    async with signed_in_at(space, node, *EVERYTHING) as browser:
        assert SAY("start.about.node") in browser.shown
        form = "/at/own/ask/counts"
        await browser.open(form)
        group = [("group", "gender"), ("group", "gender")]
        await browser.send(form, *group, ("purpose", "prevalence"), ("step", "look"))
        await browser.send(form, ("step", "send"))
        plan = str(browser.answer.url.path)
        digest = plan.rpartition("/")[2]
        await browser.send(f"{plan}/approve")
        assert SAY("plan.withdraw") in browser.shown
        for other in space.holders[1:]:
            await other.plans.approve(digest, Duty.DATA, 3)
        await browser.open(plan)
        await browser.send(f"{plan}/run")
        tag = str(browser.answer.url.path).rpartition("/")[2]
        await node.coordinating.finished(tag)
        answer = await browser.open(f"/at/own/results/{tag}")
        assert answer.status_code == 200
        assert (await browser.open(f"/at/own/results/{tag}/csv")).text.startswith("gender")


async def test_without_a_key_there_is_nothing_but_the_door(space: Space) -> None:
    async with browser_at(space.nodes[0]) as browser:
        for path in ("/", "/at/own", "/at/own/log", "/at/own/ask/counts"):
            answer = await browser.open(path)
            assert answer.url.path == "/key"
        for path in ("/tour", "/enter", "/sign-in", "/enrol", "/at/own/invite"):
            assert (await browser.open(path)).status_code == 404 or (
                browser.answer.url.path == "/key"
            )
        assert (await browser.client.get("/api/node")).status_code == 401


@pytest.mark.parametrize(
    "wrong", ["", "x", "hvo_00_\n", "hvo_ឯ_ឯ", "Bearer", f"hvo_{'0' * 16}_{'a' * 43}"]
)
async def test_what_is_no_key_opens_nothing_and_is_not_repeated(
    space: Space, wrong: str
) -> None:
    async with browser_at(space.nodes[0]) as browser:
        await browser.open("/key")
        answer = await browser.send("/key", ("key", wrong))
        assert answer.status_code == 401
        assert SAY("error.key-ended") in browser.shown
        assert len(wrong) < 2 or wrong not in browser.text
        assert not browser.client.cookies


async def test_a_key_of_another_organisation_opens_nothing(space: Space) -> None:
    key = await key_of(space, space.nodes[1], *EVERYTHING)
    async with browser_at(space.nodes[0]) as browser:
        await come_in(browser, key)
        assert browser.answer.status_code == 401


async def test_a_key_that_has_ended_ends_what_it_opened(space: Space) -> None:
    node = space.nodes[0]
    key = await key_of(space, node, *EVERYTHING)
    async with browser_at(node) as browser:
        await come_in(browser, key)
        at = space.outside.clock.now()
        await end_officer(node.books.database, key.reveal().split("_")[1], at)
        assert (await browser.open("/at/own")).url.path == "/key"


async def test_a_page_gives_no_duty_that_the_key_has_not(space: Space) -> None:
    node = space.nodes[0]
    digest = (await node.plans.propose(space.draft())).digest
    async with signed_in_at(space, node, OfficerDuty.ANALYST) as browser:
        plan = f"/at/own/plans/{digest}"
        await browser.open(plan)
        answer = await browser.send(f"{plan}/approve")
        assert answer.status_code == 403
        assert SAY("refused.duty") in browser.shown
        assert not await node.plans.decisions(digest)


async def test_a_session_ends_when_it_is_left(space: Space) -> None:
    node = space.nodes[0]
    async with signed_in_at(space, node, *EVERYTHING) as browser:
        await browser.send("/leave")
        assert browser.answer.url.path == "/key"
        assert (await browser.open("/")).url.path == "/key"


async def test_the_key_is_in_no_page_address_or_log(
    space: Space, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    node = space.nodes[0]
    key = await key_of(space, node, *EVERYTHING)
    secret = key.reveal().rpartition("_")[2]
    async with browser_at(node) as browser:
        await come_in(browser, key)
        seen = [browser.text, str(browser.answer.url)]
        for path in ("/at/own", "/at/own/log", "/at/own/ask/counts", "/at/own/nowhere"):
            await browser.open(path)
            seen += [browser.text, str(browser.answer.url)]
        seen += [value for _, value in browser.client.cookies.items()]
    assert not [text for text in [*seen, caplog.text] if secret in text]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_real_cases_are_never_called_made_up(space: Space, language: str) -> None:
    sandbox, say = space.nodes[0], say_in(language)
    identity = replace(sandbox.books.identity, environment=Environment.PRODUCTION)
    production = Node(replace(sandbox.books, identity=identity), sandbox.outside)
    for node, made_up in ((sandbox, True), (production, False)):
        async with browser_at(node) as browser:
            await browser.open(f"/key?lang={language}")
            assert say("key.what") in browser.shown
            assert (say("frame.made-up") in browser.shown) == made_up
