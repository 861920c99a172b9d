"""What the scenarios share: the story's organisations on the one installation of the run.

The cast is gathered again for each module, because the story ends a grant and withdraws it;
gathering finds what stands and makes only what is missing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from controllers.story.cast import Cast, gather_cast
from controllers.story.outside import Outside
from controllers.story.telling import Teller
from tests.support.installation import Installation


@pytest.fixture(scope="module")
async def cast(installation: Installation) -> AsyncIterator[Cast]:
    """Seven organisations, each grant in force."""
    teller = Teller()
    gathered = await gather_cast(
        teller, installation.settings, installation.secrets.operator_key
    )
    assert teller.well, [(told.number, told.happened) for told in teller.told]
    yield gathered
    await gathered.close()


@pytest.fixture(scope="module")
async def outside(installation: Installation) -> AsyncIterator[Outside]:
    """Holders and organisations with software of their own."""
    async with Outside.stepping(installation.settings) as stepping:
        yield stepping
