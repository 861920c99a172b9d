"""Webhooks: of the changes that Haven waits for, and of those only the ids.

ACA-Py sends every change of every record, whole, with the values of credentials in it. The
controllers go on with four of them and read the truth from the agent, so nothing else leaves.
Whatever is not announced, or lost, the controllers' sweep finds (docs/adr/0013).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acapy_agent.admin.server import AdminServer
from acapy_agent.core.profile import Profile

# topic -> (the states in which there is something to do, the ids that say of what)
_ANNOUNCED: Mapping[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "connections": (
        frozenset({"completed", "active"}),
        ("connection_id", "invitation_msg_id"),
    ),
    "issue_credential_v2_0": (
        frozenset({"request-received", "done", "abandoned"}),
        ("cred_ex_id",),
    ),
    "present_proof_v2_0": (
        frozenset({"presentation-received", "abandoned"}),
        ("pres_ex_id",),
    ),
}


def install() -> None:
    """Put ours in place of ACA-Py's; doing it twice changes nothing."""
    if AdminServer.send_webhook is not _send_webhook:
        AdminServer._haven_own_send_webhook = AdminServer.send_webhook
        AdminServer.send_webhook = _send_webhook


async def _send_webhook(
    self: AdminServer, profile: Profile, topic: str, payload: dict[str, Any] | None = None
) -> None:
    announced = announcement(topic, payload or {})
    if announced is not None:
        await self._haven_own_send_webhook(profile, topic, announced)


def announcement(topic: str, payload: Mapping[str, Any]) -> dict[str, str] | None:
    """What is told of a change, or None where nobody waits for it."""
    if topic not in _ANNOUNCED:
        return None
    states, told = _ANNOUNCED[topic]
    if payload.get("state") not in states:
        return None
    return {name: str(payload[name]) for name in told if payload.get(name)}
