"""What an issuer signs with, read from its store once.

A credential definition and its private half are made together and never change. A definition
that was not there is looked for again.
"""

from __future__ import annotations

from typing import Any

from acapy_agent.anoncreds.issuer import AnonCredsIssuer
from acapy_agent.anoncreds.revocation import AnonCredsRevocation

from agent.plugins.lean.kept import kept_with

_plain_objects = AnonCredsRevocation._get_cred_def_objects
_plain_match = AnonCredsIssuer.match_created_credential_definitions


def install() -> None:
    """Put ours in place of ACA-Py's; doing it twice changes nothing."""
    AnonCredsRevocation._get_cred_def_objects = _objects
    AnonCredsIssuer.match_created_credential_definitions = _match


async def _objects(self: AnonCredsRevocation, definition_id: str) -> tuple[Any, Any]:
    kept = kept_with(self.profile.opened.store.handle, "definitions")
    if definition_id not in kept:
        kept.keep(definition_id, await _plain_objects(self, definition_id))
    definition, private = kept[definition_id]
    return definition, private


async def _match(
    self: AnonCredsIssuer, cred_def_id: str | None = None, **others: str
) -> str | None:
    """The definition that is asked for, if it is ours."""
    kept = kept_with(self.profile.opened.store.handle, "definitions")
    if cred_def_id and cred_def_id in kept:  # it was signed with
        return cred_def_id
    found: str | None = await _plain_match(self, cred_def_id, **others)
    return found
