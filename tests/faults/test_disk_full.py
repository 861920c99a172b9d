"""The disk is full: the people in front are told so, nothing is half-written, and as soon as
there is space again everything goes on."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controllers.story.checking import why_refused
from controllers.story.issuing import eligibility
from controllers.story.people import Json, Refused
from tests.faults.patient import Exchange, People
from tests.faults.site import Site
from tests.scenarios.small import CREDENTIAL

pytestmark = pytest.mark.agents

CHUNK = 64 * 1024
MOST_OFFERS = 600


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """No byte is free inside this block."""
    ballast = disk / "ballast"
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        size = CHUNK
        while size:
            try:
                os.write(descriptor, b"\0" * size)
            except OSError as err:
                if err.errno != errno.ENOSPC:
                    raise
                size //= 2
        yield
    finally:
        os.close(descriptor)
        ballast.unlink()


async def until_refused(site: Site) -> tuple[list[str], Refused]:
    """Offers until one is refused: a database has some room in its own file. What was made."""
    made: list[str] = []
    while len(made) < MOST_OFFERS:
        try:
            offer = await site.small.issues.offer(CREDENTIAL, **eligibility())
        except Refused as refused:
            return made, refused
        made.append(offer["id"])
    raise AssertionError("the disk is full, and nobody says so")


async def all_ids(site: Site) -> set[str]:
    found: set[str] = set()
    cursor: dict[str, str] = {}
    while True:
        page: Json = await site.small.issues.get("/api/issuer/issuances", size="200", **cursor)
        found |= {item["id"] for item in page["items"]}
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


async def test_a_full_disk_is_said_in_words_and_survived(site: Site) -> None:
    if site.disk is None:
        pytest.skip("a small disk of its own can only be mounted by root, on Linux")
    small, people = site.small, People(site.small)
    holder, waiting = await small.phone(), await small.phone()
    await small.issue(holder, **eligibility())
    offer = await small.issues.offer(CREDENTIAL, **eligibility())
    before = await all_ids(site)
    told: list[Json] = []
    with filled(site.disk):
        made, refused = await until_refused(site)
        told.append(refused.problem)
        for work in (waiting.take(offer), small.checks.ask("shelter"), site.phones(1)):
            try:
                await work
            except Refused as no:  # what needs no space may still work
                told.append(no.problem)
        assert await all_ids(site) == before | {offer["id"], *made}  # it can still be read
    assert refused.why == "storage-full"
    assert {problem["status"] for problem in told} <= {503, 507}
    assert all(problem["detail"] for problem in told)
    # there is space again
    await people.receive(Exchange(waiting))
    assert why_refused((await small.check(holder))[1]) == "accepted"
    assert why_refused((await small.check(waiting))[1]) == "accepted"
    await small.issue(await small.phone(), **eligibility())
    assert site.query("PRAGMA integrity_check")[0] == ("ok",)
