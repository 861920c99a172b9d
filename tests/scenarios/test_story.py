"""The story of `haven demo`, told once on the installation of the run, judged step by step."""

from __future__ import annotations

import pytest

from controllers.story.demo import tell
from controllers.story.telling import Teller, Told
from tests.support.installation import Installation

pytestmark = pytest.mark.agents

CHAPTERS = {1: 3, 2: 4, 3: 3, 4: 3, 5: 2, 6: 13, 7: 3}
STEPS = [f"{chapter}.{step + 1}" for chapter, last in CHAPTERS.items() for step in range(last)]


@pytest.fixture(scope="module")
async def story(installation: Installation) -> dict[str, Told]:
    """Every step that was told, by its number."""
    teller = Teller()
    await tell(teller, installation.settings)
    return {told.number: told for told in teller.told}


def test_every_step_is_told(story: dict[str, Told]) -> None:
    assert list(story) == STEPS


@pytest.mark.parametrize("number", STEPS)
def test_step(story: dict[str, Told], number: str) -> None:
    told = story[number]
    assert told.as_expected, (
        f"{told.title}\n  expected: {told.expected}\n  happened: {told.happened}"
    )
