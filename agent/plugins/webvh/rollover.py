"""Going over to the next registry, also when the agent fell in the middle of it.

ACA-Py announces that a registry is full with its last two entries, and keeps a second one ready
to take its place. An agent that is killed in between leaves a full registry in use, or no
second one, and nothing announces it again: nobody could be issued to any more. So whoever is
refused an entry, and was some time ago, begins the roll-over anew:

1. If another registry is in use by now, there is nothing to do.
2. If one is ready to take its place, the full one is announced again.
3. Otherwise one is asked for; it takes its place the next time.
"""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from typing import Any

from acapy_agent.anoncreds.revocation import (
    AnonCredsRevocation,
    AnonCredsRevocationError,
)
from acapy_agent.anoncreds.revocation.revocation import AnonCredsRevocationRegistryFullError

# a roll-over that goes well takes a second or two
PATIENCE = 5.0
_MOST = 1_000

_full_since: OrderedDict[str, float] = OrderedDict()
_plain_create = AnonCredsRevocation._create_credential


def install() -> None:
    """Put ours around ACA-Py's; doing it twice changes nothing."""
    AnonCredsRevocation._create_credential = _create_credential


async def _create_credential(
    self: AnonCredsRevocation,
    credential_definition_id: str,
    *told: Any,
    **more: Any,
) -> tuple[str, str | None]:
    try:
        signed, index = await _plain_create(self, credential_definition_id, *told, **more)
    except AnonCredsRevocationRegistryFullError:
        await begin_again(self, credential_definition_id, time.monotonic())
        raise  # ACA-Py tries again in two seconds, some times
    return signed, index


async def begin_again(issuing: AnonCredsRevocation, definition_id: str, at: float) -> None:
    """Begin a roll-over that seems to be lost. `at`: seconds of a clock that only goes on."""
    active = await issuing.get_or_create_active_registry(definition_id)
    full = active.rev_reg_def_id
    since = _full_since.setdefault(full, at)
    if len(_full_since) > _MOST:
        _full_since.popitem(last=False)
    if at - since < PATIENCE:
        return
    _full_since[full] = at
    try:
        await issuing._get_backup_registry_id(definition_id)
    except AnonCredsRevocationError:
        await _ask_for_another(issuing, active.rev_reg_def)
    else:
        await issuing.emit_full_registry_event(full, definition_id)


async def _ask_for_another(issuing: AnonCredsRevocation, like: Any) -> None:
    await issuing.emit_create_revocation_registry_definition_event(
        issuer_id=like.issuer_id,
        cred_def_id=like.cred_def_id,
        registry_type=like.type,
        tag=str(uuid.uuid4()),
        max_cred_num=like.value.max_cred_num,
    )
