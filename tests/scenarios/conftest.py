"""What the scenarios share: the story's organisations on the one installation of the run.

The cast is gathered again for each module, because the story ends a grant and withdraws it;
gathering finds what stands and makes only what is missing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from agent.wallets import WalletsAgent
from controllers.story.cast import Cast
from controllers.story.outside import Outside
from core.secret import Secret
from tests.support.gathering import gathered
from tests.support.installation import Installation


@pytest.fixture(scope="module")
async def cast(installation: Installation) -> AsyncIterator[Cast]:
    """Seven organisations, each grant in force."""
    key = installation.secrets.operator_key
    async with gathered(installation.settings, key) as found:
        yield found


@pytest.fixture(scope="module")
async def browser(cast: Cast) -> AsyncIterator[httpx.AsyncClient]:
    """Anybody who has the link, and nothing else."""
    async with httpx.AsyncClient(base_url=cast.base_url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
async def other_wallet(installation: Installation) -> tuple[WalletsAgent, Secret]:
    """A plain tenant of an ACA-Py that knows nothing of our wallets."""
    tenant = await installation.org.create_tenant("Wallet of another maker")
    jwt_secret = installation.secrets.agents["org"].jwt_secret
    wallet = WalletsAgent(installation.haven.org_api, jwt_secret)
    return wallet, installation.org.token(tenant)


@pytest.fixture(scope="module")
async def outside(installation: Installation) -> AsyncIterator[Outside]:
    """Holders and organisations with software of their own."""
    async with Outside.stepping(installation.settings) as stepping:
        yield stepping
