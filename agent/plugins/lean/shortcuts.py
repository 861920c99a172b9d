"""What ACA-Py asks its store again and again, and cannot be otherwise here.

Which mediator is the default one: Haven's agents have addresses of their own and use none.
"""

from __future__ import annotations

from acapy_agent.protocols.coordinate_mediation.v1_0.manager import MediationManager


def install() -> None:
    """Put the answer in place of the questions; doing it twice changes nothing."""
    MediationManager.get_default_mediator = _none
    MediationManager.get_default_mediator_id = _none


async def _none(self: MediationManager) -> None:
    return None
