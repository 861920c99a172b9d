"""The story's organisations for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from controllers.settings import Settings
from controllers.story.cast import Cast, gather_cast
from controllers.story.telling import Teller
from core.secret import Secret


@asynccontextmanager
async def gathered(settings: Settings, operator_key: Secret) -> AsyncIterator[Cast]:
    """Seven organisations, each grant in force: what stands is found, the rest is made."""
    teller = Teller()
    cast = await gather_cast(teller, settings, operator_key)
    assert teller.well, [(told.number, told.happened) for told in teller.told]
    yield cast
    await cast.close()
