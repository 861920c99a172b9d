"""What arrives twice counts once.

A message that waited is deleted after it was handled. If the agent is killed between the two,
it comes again with the next opening; and whoever recorded a message on its way can always send
it again. ACA-Py would set an exchange back for a second offer, and store a second credential.
"""

from __future__ import annotations

from typing import Any

from acapy_agent.anoncreds.holder import CATEGORY_CREDENTIAL, AnonCredsHolder
from acapy_agent.protocols.issue_credential.v2_0.manager import (
    V20CredManager,
    V20CredManagerError,
)
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_issue import V20CredIssue
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.storage.error import StorageNotFoundError

_plain_offer = V20CredManager.receive_offer
_plain_credential = V20CredManager.receive_credential
_plain_store = V20CredManager.store_credential
_plain_keep = AnonCredsHolder.store_credential


def install() -> None:
    """Put ours in place of ACA-Py's; doing it twice changes nothing."""
    V20CredManager.receive_offer = _receive_offer
    V20CredManager.receive_credential = _receive_credential
    V20CredManager.store_credential = _store_credential
    AnonCredsHolder.store_credential = _keep


async def _receive_offer(
    self: V20CredManager, cred_offer_message: V20CredOffer, connection_id: str | None
) -> V20CredExRecord:
    """As ACA-Py's, once: our wallets never propose, so no exchange comes before its offer."""
    thread_id = cred_offer_message._thread_id
    if await _exchange(self, connection_id, thread_id) is not None:
        raise V20CredManagerError("This offer has been taken in before")
    return await _plain_offer(self, cred_offer_message, connection_id)


async def _receive_credential(
    self: V20CredManager, cred_issue_message: V20CredIssue, connection_id: str | None
) -> V20CredExRecord:
    """As ACA-Py's, once: not for an exchange whose credential is stored."""
    exchange = await _exchange(self, connection_id, cred_issue_message._thread_id)
    if exchange is not None and exchange.state == V20CredExRecord.STATE_DONE:
        raise V20CredManagerError("This credential has been taken in before")
    return await _plain_credential(self, cred_issue_message, connection_id)


async def _exchange(
    manager: V20CredManager, connection_id: str | None, thread_id: str
) -> V20CredExRecord | None:
    try:
        async with manager.profile.session() as session:
            return await V20CredExRecord.retrieve_by_conn_and_thread(
                session, connection_id, thread_id, role=V20CredExRecord.ROLE_HOLDER
            )
    except StorageNotFoundError:
        return None


async def _store_credential(
    self: V20CredManager, cred_ex_record: V20CredExRecord, cred_id: str | None = None
) -> Any:
    """As ACA-Py's, under the exchange's own id: one exchange, one credential."""
    return await _plain_store(self, cred_ex_record, cred_id or cred_ex_record.cred_ex_id)


async def _keep(
    self: AnonCredsHolder, *received: Any, credential_id: str | None = None, **more: Any
) -> str:
    """As ACA-Py's; what was stored, and not noted because the agent was killed, is noted."""
    if credential_id is not None:
        async with self.profile.session() as session:
            if await session.handle.fetch(CATEGORY_CREDENTIAL, credential_id) is not None:
                return credential_id
    return str(await _plain_keep(self, *received, credential_id=credential_id, **more))
