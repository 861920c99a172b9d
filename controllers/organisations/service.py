"""Organisations come into being: a tenant on the agent, a did:webvh, keys to our API."""

from __future__ import annotations

import secrets
import uuid

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from controllers.access import Role, create_key
from controllers.moment import now
from controllers.store.brief import Beside, nothing_beside
from controllers.store.database import Database
from controllers.store.models import Organisation
from core.errors import Conflict, NotFound, Unavailable
from core.ports import TenantRef, Tenants
from core.secret import Secret

# opaque: a DID must not say what kind of house it belongs to
_PATH_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PATH_LENGTH = 20


def tenant_of(organisation: Organisation) -> TenantRef:
    """The organisation's tenant on the agent."""
    return TenantRef(organisation.wallet_id, organisation.token_issued_at)


def did_of(organisation: Organisation) -> str:
    """The organisation's DID. Raises Unavailable while it is being made."""
    if organisation.did is None:
        raise Unavailable("This organisation's identity is not ready yet; please try again")
    return organisation.did


class OrganisationService:
    """Creates and finds organisations."""

    def __init__(self, database: Database, tenants: Tenants) -> None:
        self._database = database
        self._tenants = tenants
        self._complete: dict[str, Organisation] = {}

    async def create(self, slug: str, label: str) -> Organisation:
        """A new organisation with its identity; repeating a call that broke off finishes it.

        `label` is what invitations show; for those who must not give themselves away it says
        nothing about what they do. Raises Conflict if the slug has another label.
        """
        organisation = await self._find(slug) or await self._insert(slug, label)
        if organisation.label != label:
            raise Conflict("An organisation of this short name exists already")
        if organisation.did is None:
            organisation = await self._give_identity(organisation)
        return organisation

    async def by_slug(self, slug: str) -> Organisation:
        """Raises NotFound."""
        organisation = await self._find(slug)
        if organisation is None:
            raise NotFound("There is no organisation of this short name")
        return organisation

    async def by_did(self, did: str) -> Organisation:
        """Raises NotFound."""
        async with self._database.reading() as session:
            found = await session.scalar(select(Organisation).where(Organisation.did == did))
        if found is None:
            raise NotFound("There is no organisation with this identity here")
        return found

    async def get(self, organisation_id: str) -> Organisation:
        """Raises NotFound. One with its identity never changes, so it is read once."""
        if organisation_id in self._complete:
            return self._complete[organisation_id]
        async with self._database.reading() as session:
            organisation = await session.get(Organisation, organisation_id)
        if organisation is None:
            raise NotFound("There is no such organisation")
        if organisation.did is not None:
            self._complete[organisation_id] = organisation
        return organisation

    async def all(self) -> list[Organisation]:
        """Every organisation of this installation, oldest first."""
        async with self._database.reading() as session:
            found = await session.scalars(
                select(Organisation).order_by(Organisation.created_at)
            )
            return list(found)

    async def new_key(
        self, organisation: Organisation, role: Role, beside: Beside = nothing_beside
    ) -> Secret:
        """A key for one role; it is shown once."""
        return await create_key(self._database, organisation.id, role, beside)

    async def _find(self, slug: str) -> Organisation | None:
        async with self._database.reading() as session:
            found: Organisation | None = await session.scalar(
                select(Organisation).where(Organisation.slug == slug)
            )
            return found

    async def _insert(self, slug: str, label: str) -> Organisation:
        tenant = await self._tenants.create_tenant(label)
        organisation = Organisation(
            id=str(uuid.uuid4()),
            slug=slug,
            label=label,
            wallet_id=tenant.wallet_id,
            token_issued_at=tenant.issued_at,
            created_at=now(),
        )
        try:
            async with self._database.transaction() as session:
                session.add(organisation)
        except IntegrityError as err:
            raise Conflict("An organisation of this short name exists already") from err
        return organisation

    async def _give_identity(self, organisation: Organisation) -> Organisation:
        path = "".join(secrets.choice(_PATH_ALPHABET) for _ in range(_PATH_LENGTH))
        identity = await self._tenants.create_identity(tenant_of(organisation), path)
        async with self._database.transaction() as session:
            stored = await session.get_one(Organisation, organisation.id)
            stored.did = identity.did
        return stored
