"""The story's honest chapters on agents in memory: the controllers notice no difference."""

from __future__ import annotations

from controllers.story.cast import gather_cast
from controllers.story.checking import tell_checking
from controllers.story.ending import tell_ending
from controllers.story.issuing import tell_issuing
from controllers.story.telling import Teller
from tests.support.installation import Swift


async def test_the_story_goes_the_same_on_agents_in_memory(swift: Swift) -> None:
    teller = Teller()
    cast = await gather_cast(teller, swift.settings, swift.secrets.operator_key)
    try:
        holders = await tell_issuing(teller, cast)
        await tell_checking(teller, cast, holders)
        await tell_ending(teller, cast, holders)
    finally:
        await cast.close()
    different = [
        (told.number, told.expected, told.happened)
        for told in teller.told
        if not told.as_expected
    ]
    assert different == []
    assert teller.well
