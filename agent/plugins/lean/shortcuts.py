"""What ACA-Py asks its store again and again, and cannot be otherwise here.

Which mediator is the default one, and which one a connection has: Haven's agents have addresses
of their own and use none.
"""

from __future__ import annotations

from typing import Any

from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.profile import ProfileSession
from acapy_agent.protocols.coordinate_mediation.v1_0.manager import MediationManager

_plain_metadata = ConnRecord.metadata_get


def install() -> None:
    """Put the answer in place of the questions; doing it twice changes nothing."""
    ConnRecord.metadata_get = _metadata_get
    MediationManager.get_default_mediator = _none
    MediationManager.get_default_mediator_id = _none


async def _none(self: MediationManager) -> None:
    return None


async def _metadata_get(
    self: ConnRecord, session: ProfileSession, key: str, default: Any = None
) -> Any:
    if key == MediationManager.METADATA_KEY:
        return default
    return await _plain_metadata(self, session, key, default)
