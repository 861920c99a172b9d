"""Whether one hand may issue something, or the organisation wants two people for it.

A new credential that replaces another one withdraws that one. So where two people withdraw,
two people replace; but not where the holder asked for the move herself: then it was her wallet
that asked for the withdrawal, and one person at the desk is the second hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controllers.haven import Haven
from controllers.staff.options import Option
from controllers.store.models import Organisation
from credential_defs import CredentialDefinition


async def two_are_needed(
    house: Haven,
    organisation: Organisation,
    definition: CredentialDefinition,
    values: Mapping[str, Any],
    replaces: str | None,
) -> bool:
    """Raises InvalidInput, and NotFound if what is replaced is not this organisation's."""
    on = await house.desks.options.on(organisation.id)
    if Option.TWO_FOR_IDENTITY in on and definition.wants_two(
        definition.validate_values(values)
    ):
        return True
    if Option.TWO_FOR_WITHDRAWING not in on or not replaces:
        return False
    return (await house.issuer.get(organisation, replaces)).move_asked_at is None
