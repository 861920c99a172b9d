"""What the browser tests share: browsers for the whole run, phones for each test, and sites."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from controllers.settings import Settings
from controllers.story.cast import Cast
from controllers.story.outside import Outside
from tests.e2e.figures import FIGURES
from tests.e2e.phones import Browsers, Phones, Site, chromium_path
from tests.support.gathering import gathered
from tests.support.installation import Installation, Swift, running_on_fakes


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """What was measured in the browser, in a run's last lines."""
    for figure in config.stash.get(FIGURES, []):
        terminalreporter.write_line(figure)


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> list[str]:
    """Lines that the run prints at its end (tests/e2e/figures.py)."""
    return request.config.stash[FIGURES]


@pytest.fixture(scope="session")
async def browsers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browsers]:
    """The run's browsers; mark tests that use them with `browser`."""
    executable = chromium_path()
    if executable is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is missing; in CI the browser tests must run.")
        pytest.skip("Chromium is not here")
    async with Browsers.running(executable, tmp_path_factory.mktemp("cameras")) as running:
        yield running


@pytest.fixture
async def phones(browsers: Browsers) -> AsyncIterator[Phones]:
    """Makes phones: `phone = await phones(site)`. Fails the test for what pages complain of."""
    async with AsyncExitStack() as stack:
        made = Phones(browsers, stack)
        yield made
        troubles = made.troubles
    assert not troubles, "\n".join(troubles)


@pytest.fixture(scope="module")
async def swift_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Swift]:
    """An installation of the module's own, on agents in memory."""
    async with running_on_fakes(tmp_path_factory.mktemp("swift")) as running:
        yield running


@pytest.fixture(scope="module")
async def swift_cast(swift_house: Swift) -> AsyncIterator[Cast]:
    """The story's organisations there, each grant in force."""
    async with gathered(swift_house.settings, swift_house.secrets.operator_key) as cast:
        yield cast


@pytest.fixture(scope="module")
def swift_site(swift_house: Swift) -> Site:
    """Its address, for phones."""
    return _site(swift_house.settings)


@pytest.fixture(scope="module")
async def cast(installation: Installation) -> AsyncIterator[Cast]:
    """The story's organisations on the run's one real installation (mark with `agents`)."""
    async with gathered(installation.settings, installation.secrets.operator_key) as cast:
        yield cast


@pytest.fixture(scope="module")
def site(installation: Installation) -> Site:
    """The real installation's address, for phones."""
    return _site(installation.settings)


@pytest.fixture(scope="module")
async def outside(installation: Installation) -> AsyncIterator[Outside]:
    """Organisations with software of their own, on the real installation."""
    async with Outside.stepping(installation.settings) as stepping:
        yield stepping


def _site(settings: Settings) -> Site:
    return Site(f"http://127.0.0.1:{settings.public_port}", settings.leave_to)
