"""What the authority does: publish schemas, take organisations in, grant and end authority.

One credential definition for each grant (docs/adr): so the authority under which a credential
was issued can be told from its definition, whatever dates its issuer writes into it.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any

from controllers.governance.discovery import services
from controllers.governance.service import GovernanceService, require
from controllers.moment import now
from controllers.organisations.service import OrganisationService, did_of, tenant_of
from controllers.store.models import Organisation
from core.errors import Conflict, NotFound
from core.ports import Tenants
from credential_defs import CredentialDefinition, load_all
from governance import documents
from governance.controlled import controlled_documents
from governance.engine import Framework, Issue

type Names = str | dict[str, str]

_NOBODY = "did:webvh:nobody:nowhere.invalid:o:nobody"  # stands for who is not there yet


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant of authority to issue one credential."""

    grant_id: str
    definition_id: str


class AccreditationService:
    """Changes the framework together with what has to be published for it."""

    def __init__(
        self,
        governance: GovernanceService,
        organisations: OrganisationService,
        tenants: Tenants,
        registry_size: int | None = None,
        base_url: str = "",
    ) -> None:
        self._governance = governance
        self._base_url = base_url
        self._organisations = organisations
        self._tenants = tenants
        self._registry_size = registry_size

    async def found(self, authority: Organisation) -> Framework:
        """The first version of the framework, every schema published by the authority, and
        the documents in words named by their digests.

        Repeating a founding that broke off finishes it. Raises Conflict if another authority
        has founded this installation's framework.
        """
        try:
            founded = await self._governance.current()
        except NotFound:
            founded = await self._governance.found(did_of(authority))
        if founded.authority != did_of(authority):
            raise Conflict("Another authority has founded this framework already")
        await self.announce(authority)
        await self.publish_schemas(authority)
        return await self.adopt_documents()

    async def announce(self, authority: Organisation) -> None:
        """Have the authority's DID document say where the framework and its registry are."""
        if self._base_url:
            await self._tenants.announce(tenant_of(authority), services(self._base_url))

    async def adopt_documents(self) -> Framework:
        """Have the framework name the documents of this release, each by its digest.

        Repeating it changes nothing. Raises Conflict (`signatures-needed`) where others have to
        sign that too: it is a change like any other then.
        """
        framework = await self._governance.current()
        listed = controlled_documents()
        if [asdict(each) for each in framework.documents] == listed:
            return framework
        return await self._governance.change(
            lambda document, at: documents.with_documents(document, listed, at)
        )

    async def publish_schemas(self, authority: Organisation) -> Framework:
        """Publish the schema of every credential that has none: a folder in credential_defs/
        is all that a new one needs. Repeating it changes nothing."""
        for definition in load_all().values():
            framework = await self._governance.current()
            if definition.name not in framework.credentials:
                await self._governance.change(partial(_introduce, definition=definition))
            if definition.name not in framework.schemas:
                await self._publish_schema(authority, definition)
        return await self._governance.current()

    async def _publish_schema(
        self, authority: Organisation, credential: CredentialDefinition
    ) -> None:
        schema_id = await self._tenants.publish_schema(
            tenant_of(authority),
            did_of(authority),
            credential.name,
            credential.version,
            credential.attribute_names,
        )
        await self._governance.change(
            lambda document, at: documents.with_schema(document, credential.name, schema_id, at)
        )

    async def check_founding(self, slug: str, role: str | None, name: Names) -> None:
        """Raise what founding would be refused with, before anything is made for it."""
        try:
            founded = await self._governance.current()
        except NotFound:
            rules = documents.packaged_rules()
            _check_entry(documents.new_framework(rules, _NOBODY, now()), role, name)
            return
        if (await self._organisations.by_did(founded.authority)).slug != slug:
            raise Conflict("Another authority has founded this framework already")

    async def check_admission(self, role: str | None, name: Names) -> None:
        """Raise what `admit` would, before there is an organisation that would be left over."""
        if role is not None:
            _check_entry(await self._governance.newest_document(), role, name)

    async def admit(self, organisation: Organisation, role: str, name: Names) -> Framework:
        """Take an organisation into the framework, in one role, from now on."""
        return await self._governance.change(
            partial(_admit, did=did_of(organisation), role=role, name=name)
        )

    async def grant(self, organisation: Organisation, credential: str) -> Granted:
        """Make a credential definition and grant the authority to issue under it.

        Raises GovernanceDenied if the organisation's role may not issue this credential.
        """
        made = await self.prepare(organisation, credential)
        await self._governance.change(
            partial(
                _grant,
                grant_id=made.grant_id,
                did=did_of(organisation),
                credential=credential,
                definition_id=made.definition_id,
            )
        )
        return made

    async def prepare(self, organisation: Organisation, credential: str) -> Granted:
        """The definition alone, under which nothing may be issued yet. Raises as `grant`."""
        did, definition = did_of(organisation), _definition(credential)
        framework = await self._governance.current()
        require(await self._governance.decide(Issue(did, credential, None)))
        grant_id = f"g-{secrets.token_hex(8)}"
        definition_id = await self._tenants.create_definition(
            tenant_of(organisation),
            did,
            framework.schemas[credential],
            f"{definition.settings.tag}-{grant_id}",
            self._registry_size or definition.settings.registry_size,
        )
        return Granted(grant_id, definition_id)

    async def end_grant(self, grant_id: str) -> Framework:
        """No new credentials from now; those issued stay good."""
        return await self._governance.change(
            lambda document, at: documents.end_grant(document, grant_id, at)
        )

    async def withdraw_grant(self, grant_id: str) -> Framework:
        """The key was stolen: everything under this grant's definition is refused from now."""
        return await self._governance.change(
            lambda document, at: documents.withdraw_grant(document, grant_id, at)
        )


def _check_entry(document: dict[str, Any], role: str | None, name: Names) -> None:
    if role is not None:
        documents.with_participant(document, did=_NOBODY, role=role, name=name, at=now())


def _definition(credential: str) -> CredentialDefinition:
    found = load_all().get(credential)
    if found is None:
        raise NotFound("There is no such credential")
    return found


def _introduce(
    document: dict[str, Any], at: datetime, definition: CredentialDefinition
) -> dict[str, Any]:
    return documents.with_credential(document, definition.name, definition.issued_by, at)


def _admit(document: dict[str, Any], at: datetime, **entry: Any) -> dict[str, Any]:
    return documents.with_participant(document, at=at, **entry)


def _grant(document: dict[str, Any], at: datetime, **entry: Any) -> dict[str, Any]:
    return documents.with_grant(document, at=at, **entry)
