"""Steps that tests of changing the framework begin with."""

from __future__ import annotations

import json
from typing import Any

from controllers_house import House

from controllers.governance.drafts import Draft, Voice
from controllers.governance.naming import named
from controllers.governance.operations import KINDS, operation_of
from controllers.organisations.service import did_of

__all__ = ["KINDS", "as_two", "drafted", "in_force", "published", "voice"]


def voice(house: House, slug: str = "authority") -> Voice:
    """An organisation of the house."""
    return Voice(house.of(slug), did_of(house.of(slug)))


async def drafted(house: House, kind: str, *, by: str = "authority", **given: Any) -> Draft:
    """A draft, organisations named by their short names."""
    operation = operation_of(json.dumps({"kind": kind, **given}))
    operation = await named(house.haven.organisations, operation)
    return await house.haven.drafts.make(operation, voice(house, by))


async def published(house: House, kind: str, **given: Any) -> Draft:
    """The same, signed by the authority."""
    made = await drafted(house, kind, **given)
    return await house.haven.drafts.sign(made.id, voice(house))


async def as_two(house: House, *others: str, threshold: int = 2) -> None:
    """From now on the authority and these sign, so many of them each time."""
    made = await drafted(house, "signers", signers=["authority", *others], threshold=threshold)
    for slug in ("authority", *others[: threshold - 1]):
        await house.haven.drafts.sign(made.id, voice(house, slug))


async def in_force(house: House) -> int:
    """The number of the version in force."""
    return (await house.haven.governance.current()).sequence
