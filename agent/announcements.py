"""What ACA-Py's webhooks announce, in Haven's words: which kind of record moved, and its ids.

Everything else in a webhook's body is dropped here; it may hold values of credentials.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class RecordKind(StrEnum):
    """The kinds of record that a worker goes on with."""

    CONNECTION = "connection"
    ISSUANCE = "issuance"
    PRESENTATION = "presentation"


_TOPICS = {
    "connections": (RecordKind.CONNECTION, "connection_id"),
    "issue_credential_v2_0": (RecordKind.ISSUANCE, "cred_ex_id"),
    "present_proof_v2_0": (RecordKind.PRESENTATION, "pres_ex_id"),
}
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")  # nothing that a database cannot keep


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is kept of a webhook. `invitation_id` leads from a connection to what it is for."""

    kind: RecordKind
    record_id: str
    invitation_id: str | None = None


def read_announcement(topic: str, body: Mapping[str, Any]) -> Announcement | None:
    """The announcement in a webhook, or None for one that is of no concern."""
    if topic not in _TOPICS:
        return None
    kind, field = _TOPICS[topic]
    record_id, invitation_id = _id(body.get(field)), _id(body.get("invitation_msg_id"))
    return Announcement(kind, record_id, invitation_id) if record_id else None


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None
