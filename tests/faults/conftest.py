"""One installation for all that is broken on purpose: each test leaves it whole again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.faults.site import Site, running_site, small_disk


@pytest.fixture(scope="session")
async def breakable(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The installation; ready for use, whatever the test before did to it."""
    folder = tmp_path_factory.mktemp("faults")
    with small_disk(folder / "disk") as disk:
        async with running_site(folder, disk) as running:
            yield running


@pytest.fixture
async def site(breakable: Site) -> Site:
    """The installation, whole again after whatever the test before did to it."""
    await breakable.whole()
    return breakable
