"""What ACA-Py does to its own stores when it starts: nothing, within one release line."""

from __future__ import annotations

import pytest
from acapy_agent.commands.upgrade import get_upgrade_version_list
from acapy_agent.version import __version__


@pytest.mark.parametrize("stored", ["v1.7.0", f"v{__version__}"])
def test_a_store_of_this_release_line_is_not_upgraded(stored: str) -> None:
    """A pin that moves to a version with upgrade steps fails here, before it meets a store."""
    assert get_upgrade_version_list(from_version=stored) == []


def test_a_store_of_long_ago_would_be() -> None:
    assert get_upgrade_version_list(from_version="v0.7.5")
