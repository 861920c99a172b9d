"""`haven invite`: the operator's link for an administrator, from the Haven that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from controllers.desks.inviting import invite_administrator
from controllers.secrets import load_or_create
from controllers.settings import Settings
from controllers.staff.people import Duty
from core.errors import ConfigurationError, NotFound, Unavailable
from tests.support.installation import Swift, free_port_base


async def test_the_operator_makes_a_link_for_somebody_new(swift: Swift) -> None:
    organisation = await swift.haven.organisations.create("house", "House")
    link = await invite_administrator(swift.settings, "house", "Planted-Name")
    assert link.startswith(f"{swift.settings.base_url}/desk/enrol#")
    (person,) = await swift.haven.desks.people.all(organisation.id)
    assert (person.name, person.duties) == ("Planted-Name", {Duty.ADMINISTER})
    with pytest.raises(NotFound):
        await invite_administrator(swift.settings, "nobody", "Planted-Name")


async def test_it_says_when_haven_does_not_run(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port_base=free_port_base())
    with pytest.raises(ConfigurationError):
        await invite_administrator(settings, "house", "Planted-Name")
    load_or_create(tmp_path)
    with pytest.raises(Unavailable, match="does not run"):
        await invite_administrator(settings, "house", "Planted-Name")
