"""The phone's own verification, run by Node.js if it is here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.phone import NODE, Phone, phone


@pytest.fixture(scope="session")
def on_phone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    """One process for all tests."""
    if NODE is None:
        pytest.skip("Node.js is not here; the phone's verification runs in it")
    with phone(tmp_path_factory.mktemp("phone")) as started:
        yield started
