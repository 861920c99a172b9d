"""Who is calling: API keys that carry an organisation and a role.

A key is `hvn_<id>_<secret>`; the database holds the secret's digest only. Handlers say in
their signature who may call them: `caller: IssuerWrite`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Row, bindparam, select, update

from controllers.moment import now
from controllers.store.brief import Beside, Steps, nothing_beside, table_of
from controllers.store.database import Database
from controllers.store.models import ApiKey, Organisation
from core.errors import Forbidden, NotAuthenticated, NotFound
from core.secret import Secret
from governance.engine import Framework

_KEY, _ORGANISATION = table_of(ApiKey), table_of(Organisation)
_WITH_TENANT = (
    select(_KEY.c.role, _KEY.c.secret_digest, _KEY.c.ended_at, _KEY.c.organisation_id)
    .add_columns(*_ORGANISATION.c)
    .outerjoin_from(_KEY, _ORGANISATION, _KEY.c.organisation_id == _ORGANISATION.c.id)
    .where(_KEY.c.id == bindparam("key_id"))
)
_ITS = (
    _KEY.c.id == bindparam("its_id"),
    _KEY.c.organisation_id == bindparam("organisation"),
)
_OWN = select(_KEY.c.id).where(*_ITS)
_END = update(_KEY).where(*_ITS, _KEY.c.ended_at.is_(None))


class Role(StrEnum):
    """What a key may be used for."""

    ISSUE = "issue"
    CHECK = "check"
    GOVERN = "govern"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True)
class Caller:
    """A key that was recognised. The operator's belongs to no organisation."""

    key_id: str
    role: Role
    organisation: Organisation | None

    @property
    def tenant(self) -> Organisation:
        """The caller's organisation. Raises Forbidden for a key without one."""
        if self.organisation is None:
            raise Forbidden("This key does not belong to an organisation")
        return self.organisation


def digest(secret: str) -> str:
    """SHA-256 of an unguessable secret (256 random bits need no slow hash)."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def create_key(
    database: Database,
    organisation_id: str | None,
    role: Role,
    beside: Beside = nothing_beside,
) -> Secret:
    """Make a key; this is the only time that it is seen."""
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    key = ApiKey(
        id=key_id,
        organisation_id=organisation_id,
        role=role.value,
        secret_digest=digest(secret),
        created_at=now(),
    )

    def create(steps: Steps) -> None:
        steps.add(key)
        beside(steps, key_id)

    await database.write(create)
    return Secret(f"hvn_{key_id}_{secret}")


async def list_keys(database: Database, organisation_id: str) -> list[ApiKey]:
    """An organisation's keys, oldest first; their secrets are not known."""
    async with database.reading() as session:
        query = select(ApiKey).where(ApiKey.organisation_id == organisation_id)
        return list(await session.scalars(query.order_by(ApiKey.created_at)))


async def end_key(
    database: Database,
    organisation_id: str,
    key_id: str,
    beside: Beside = nothing_beside,
) -> None:
    """End a key at once; ending it again changes nothing. Raises NotFound."""
    wanted = {"its_id": key_id, "organisation": organisation_id}

    def end(steps: Steps) -> None:
        if steps.row(_OWN, **wanted) is None:
            raise NotFound("There is no such key")
        if steps.change(_END, **wanted, ended_at=now()):
            beside(steps, key_id)

    await database.write(end)


async def authenticate(database: Database, presented: str) -> Caller:
    """The caller behind a key. Raises NotAuthenticated, the same for every reason."""
    prefix, _, rest = presented.partition("_")
    key_id, _, secret = rest.partition("_")
    row = await database.row(_WITH_TENANT, key_id=key_id) if prefix == "hvn" else None
    expected = row.secret_digest if row else digest("")
    fits = hmac.compare_digest(expected, digest(secret))
    if row is None or row.ended_at is not None or not fits:
        raise NotAuthenticated("This key is not known")
    return Caller(key_id, Role(row.role), _tenant(row))


def _tenant(row: Row[Any]) -> Organisation | None:
    if row.organisation_id is None:
        return None
    own = {column.name: row._mapping[column] for column in _ORGANISATION.c}
    return Organisation(**own)


class Governed(Protocol):
    """What is asked here of the governance service."""

    async def current(self) -> Framework:
        """The newest framework. Raises NotFound before it was founded."""


async def is_authority(governance: Governed, organisation: Organisation) -> bool:
    """Whether the organisation is the framework's authority; nobody is before its founding."""
    try:
        framework = await governance.current()
    except NotFound:
        return False
    return organisation.did is not None and organisation.did == framework.authority


_bearer = HTTPBearer(auto_error=False, description="API key: hvn_<id>_<secret>")


def _allowed(*roles: Role) -> Callable[..., Awaitable[Caller]]:
    async def dependency(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Caller:
        if credentials is None:
            raise NotAuthenticated("Please send your API key")
        operator: Secret = request.app.state.haven.secrets.operator_key
        if operator.matches(credentials.credentials):
            caller = Caller("operator", Role.OPERATE, None)
        else:
            caller = await authenticate(
                request.app.state.haven.database, credentials.credentials
            )
        if caller.role not in roles:
            raise Forbidden("This key is for something else")
        return caller

    return dependency


IssuerWrite = Annotated[Caller, Depends(_allowed(Role.ISSUE))]
VerifierWrite = Annotated[Caller, Depends(_allowed(Role.CHECK))]
Known = Annotated[Caller, Depends(_allowed(*Role))]


async def _operator(
    caller: Annotated[Caller, Depends(_allowed(Role.OPERATE))],
) -> Caller:
    if caller.organisation is not None:
        raise Forbidden("Only the operator may do this")
    return caller


async def _governor(
    request: Request,
    caller: Annotated[Caller, Depends(_allowed(Role.GOVERN, Role.OPERATE))],
) -> Caller:
    """The operator, or the authority of the newest framework."""
    if caller.role is Role.OPERATE:
        return await _operator(caller)
    if not await is_authority(request.app.state.haven.governance, caller.tenant):
        raise Forbidden("Only the authority may change the framework")
    return caller


async def _governing(
    caller: Annotated[Caller, Depends(_allowed(Role.GOVERN, Role.OPERATE))],
) -> Caller:
    """A key to govern: whether its organisation signs, the drafts say
    (controllers/governance/changing.py); or the operator."""
    return await _operator(caller) if caller.role is Role.OPERATE else caller


Governing = Annotated[Caller, Depends(_governing)]
Governor = Annotated[Caller, Depends(_governor)]
Operator = Annotated[Caller, Depends(_operator)]
