"""Many at once, on real agents: nothing is lost, nothing is doubled. Correctness, not time;
`haven bench core` does the same with more and on the clock (docs/performance.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest

from controllers.bench.cast import ELIGIBILITY
from controllers.bench.crowds import FROM_ONE_WALLET, crowd, one_wallet
from controllers.bench.exchanges import Batch, check, run
from controllers.bench.figures import Report
from controllers.bench.people import Desk, Line, Phone
from controllers.bench.rollover import Held, entries, give, revoke_at_once
from controllers.story.cast import Cast
from tests.support.installation import REGISTRY_SIZE, Installation

pytestmark = pytest.mark.agents

ISSUANCES, REVOCATIONS, CROWD, AT_ONCE = 40, 10, 30, 8


@pytest.fixture(scope="module")
async def line(installation: Installation) -> AsyncIterator[Line]:
    async with Line([f"http://127.0.0.1:{installation.settings.public_port}"]) as line:
        yield line


async def desk(cast: Cast, line: Line, slug: str, role: str) -> Desk:
    """A further desk of an organisation of the story."""
    path = f"/api/governance/organisations/{slug}/keys"
    return Desk(line, (await cast.operator.post(path, {"role": role}))["key"])


@pytest.fixture(scope="module")
async def issues(cast: Cast, line: Line) -> Desk:
    return await desk(cast, line, "shelter-a", "issue")


@pytest.fixture(scope="module")
async def checks(cast: Cast, line: Line) -> Desk:
    return await desk(cast, line, "shelter-b", "check")


@pytest.fixture(scope="module")
async def issued(line: Line, issues: Desk) -> Batch[Held]:
    """More issuances than a registry has entries, to as many wallets, some at once."""
    assert ISSUANCES > REGISTRY_SIZE
    phones = await run([partial(Phone.new, line)] * ISSUANCES, AT_ONCE)
    assert len(phones.done) == ISSUANCES, phones.why
    return await run([partial(give, issues, phone) for phone in phones.done], AT_ONCE)


async def test_no_issuance_fails_while_registries_fill(issued: Batch[Held]) -> None:
    assert issued.lost == []
    assert len(issued.done) == ISSUANCES


async def test_no_entry_of_a_registry_is_used_twice(
    issued: Batch[Held], installation: Installation
) -> None:
    registries, duplicates = await entries(installation.settings)
    assert registries >= 2
    assert duplicates == 0


async def test_each_credential_is_in_its_wallet(issued: Batch[Held]) -> None:
    found = await run([each.phone.credentials for each in issued.done], AT_ONCE)
    assert [[card["credential"] for card in cards] for cards in found.done] == [
        [ELIGIBILITY]
    ] * ISSUANCES


async def test_many_wallets_answer_at_the_same_moment(
    issued: Batch[Held], checks: Desk
) -> None:
    phones = [each.phone for each in issued.done[:CROWD]]
    answered = await crowd(Report({}), checks, phones)
    assert answered.lost == []
    assert len(answered.done) == CROWD


async def test_one_wallet_answers_many_checks_at_once(
    issued: Batch[Held], checks: Desk
) -> None:
    answered = await one_wallet(Report({}), checks, issued.done[0].phone)
    assert answered.lost == []
    assert len(answered.done) == FROM_ONE_WALLET


async def test_of_many_revoked_at_once_each_is_refused_and_no_other(
    issued: Batch[Held], issues: Desk, checks: Desk
) -> None:
    revoked, good = issued.done[-REVOCATIONS:], issued.done[:-REVOCATIONS]
    withdrawn = await revoke_at_once(issues, revoked)
    assert withdrawn.lost == []
    for held, expected in ((revoked, "refused"), (good, "accepted")):
        works = [partial(check, checks, each.phone, expected=expected) for each in held]
        answered = await run(works, AT_ONCE)
        assert answered.lost == []
        assert len(answered.done) == len(held)
