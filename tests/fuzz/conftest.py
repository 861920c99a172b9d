"""The installation that all fuzzing is done on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from inhabited import Inhabited, inhabited


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inhabited]:
    """One installation on agents in memory, peopled."""
    with inhabited(tmp_path_factory.mktemp("fuzz")) as running:
        yield running


@pytest.fixture(scope="session")
def http() -> Iterator[requests.Session]:
    """A client that keeps its connections."""
    with requests.Session() as session:
        session.trust_env = False
        yield session
