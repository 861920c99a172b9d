"""Since when and until when a credential is good, as its definition marks its dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from credential_defs import CredentialDefinition

type State = Literal["valid", "expired", "revoked"]


def read_day(value: str) -> date | None:
    """A day as it is signed (YYYYMMDD); None for 0, and for what is no day."""
    if len(value) != 8:
        return None
    try:
        return date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        return None


def issued_on(
    definition: CredentialDefinition | None, values: Mapping[str, str]
) -> date | None:
    """The day on which it was given; None if it does not say."""
    name = definition.issued_date if definition else None
    return read_day(values.get(name, "")) if name else None


def expires_on(
    definition: CredentialDefinition | None, values: Mapping[str, str]
) -> date | None:
    """The last day on which anything that it grants is good; None if it does not say."""
    names = definition.last_days if definition else ()
    days = [read_day(values.get(name, "")) for name in names]
    return max((day for day in days if day), default=None)


def state(expires: date | None, *, today: date, revoked: bool | None) -> State:
    """What its holder is told of it. The last day is a good one."""
    if revoked:
        return "revoked"
    return "expired" if expires and expires < today else "valid"
