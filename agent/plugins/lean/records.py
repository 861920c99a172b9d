"""Saving a record: written once, and announced with its ids alone.

A state that the very next step of the same handler replaces is not written at all: who is
killed in between loses as much either way, since ACA-Py takes up no handler again.
"""

from __future__ import annotations

from typing import Any

from acapy_agent.core.profile import ProfileSession
from acapy_agent.messaging.models.base_record import BaseRecord
from acapy_agent.messaging.util import time_now
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.storage.base import BaseStorage
from uuid_utils import uuid4

# what parts of ACA-Py themselves look for in an event, and what a webhook tells
_TOLD = (
    "connection_id",
    "invitation_msg_id",
    "oob_id",
    "rfc23_state",
    "state",
    "their_did",
    "thread_id",
)


# a credential that came in is stored at once (--auto-store-credential)
_PASSING = {(V20CredExRecord, V20CredExRecord.STATE_CREDENTIAL_RECEIVED)}


def install() -> None:
    """Put the quicker ways in place of ACA-Py's; doing it twice changes nothing."""
    BaseRecord.save = _save
    BaseRecord.post_save = _post_save
    BaseRecord.log_state = classmethod(_log_nothing)
    for record in (BaseRecord, V20CredExRecord, V20PresExRecord):
        record.emit_event = _emit_event


def _log_nothing(cls: type[BaseRecord], *args: Any, **kwargs: Any) -> None:
    """ACA-Py's aid for debugging prints whole records."""


async def _save(
    self: BaseRecord,
    session: ProfileSession,
    *,
    event: bool | None = None,
    **for_the_log: Any,
) -> str:
    """Store the record and announce a change of its state. Answers its id."""
    if (type(self), self.state) in _PASSING:
        return str(self._id)
    is_new = not self._id or self._new_with_id
    self._id = self._id or str(uuid4())
    self.updated_at = time_now()
    if is_new:
        self.created_at, self._new_with_id = self.updated_at, False
    storage, stored = session.inject(BaseStorage), self.storage_record
    if is_new:
        await storage.add_record(stored)
    else:
        await storage.update_record(stored, stored.value, stored.tags)
    await self.post_save(session, is_new, self._last_state, event)
    self._last_state = self.state
    return str(self._id)


async def _post_save(
    self: BaseRecord,
    session: ProfileSession,
    new_record: bool,
    last_state: str | None,
    event: bool | None = None,
) -> None:
    """Announce a new record and a new state, unless told otherwise."""
    if event or (event is None and (new_record or last_state != self.state)):
        await self.emit_event(session)


async def _emit_event(
    self: BaseRecord, session: ProfileSession, payload: dict[str, Any] | None = None
) -> None:
    """Announce what became of a record. What is in it stays in the store."""
    if not self.RECORD_TOPIC:
        return
    parts = (self.EVENT_NAMESPACE, self.RECORD_TOPIC, self.state)
    told = {name: getattr(self, name, None) for name in (self.RECORD_ID_NAME, *_TOLD)}
    await session.emit_event(
        "::".join(part for part in parts if part),
        {name: value for name, value in told.items() if value is not None},
    )
