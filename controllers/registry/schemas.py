"""What the agent sends to the registry's write API."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LogAppend(_Body):
    """New entries of a DID log; `expected_version` is null for a new log."""

    entries: tuple[str, ...] = Field(min_length=1, max_length=16)
    expected_version: str | None = None


class LogState(_Body):
    """A DID log after it grew."""

    did: str
    version_id: str


class Publication(_Body):
    """A revocation list and its registry's definition with the new link."""

    status_list: dict[str, Any]
    registry_definition: dict[str, Any]


class Published(_Body):
    """What was published, or had been before."""

    id: str
    timestamp: int | None = None
