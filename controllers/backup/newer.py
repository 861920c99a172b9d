"""What a restore must not forget, if a newer database of the installation survived.

A backup is older than what was lost. Most of that has to be done again, but some of it would
be dangerous to forget: what was withdrawn would count again. So from a database that survived
(its server was another machine; its disk can still be read) these are taken over:

- newer versions of the framework (grants that were ended or withdrawn);
- keys that were ended; payments that were reserved, with the checks they belong to;
- devices that were forgotten, codes that were replaced, wrong PINs that were tried (locks.py);
- newer revocation lists of registries that the backup has: they are signed, and each is
  verified with the DID log of the restored registry. So published lists never go backwards.

Nothing else: no credential, no value, no key.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from agent.webvh.attested import ResourceType, VerifiedResource, verify_resource
from agent.webvh.didlog import VerifiedDid, verify_log
from agent.webvh.identifiers import parse_resource_id
from agent.webvh.reader import check_status_list
from controllers.issuer.rows import NOTHING_KEPT, OPEN, State
from controllers.moment import now
from controllers.staff.proposals import State as ProposalState
from controllers.store.database import Database
from controllers.store.models import (
    ApiKey,
    Check,
    DidLogEntry,
    FrameworkVersion,
    Issuance,
    Link,
    Organisation,
    Passkey,
    Proposal,
    PublishedResource,
    Reservation,
    StaffCeremony,
    StaffDuty,
    StaffEnrolment,
    StaffSession,
    WalletSession,
)
from core.errors import Unavailable, VerificationError

REASON = "restored"
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Newer:
    """How much was taken over: `registries` had newer lists."""

    frameworks: int = 0
    ended_keys: int = 0
    reservations: int = 0
    registries: int = 0


async def end_what_was_under_way(database: Database) -> None:
    """Offers, links, checks and sessions of the backup's moment lead nowhere any more.

    An offer whose credential was signed, and noted with its entry, goes on: it is revocable.
    """
    at = now()
    unsigned = (
        Issuance.state.in_([state.value for state in OPEN]),
        Issuance.registry_id.is_(None),
    )
    ended = {"state": State.FAILED.value, "reason": REASON, "updated_at": at, **NOTHING_KEPT}
    async with database.transaction() as session:
        await session.execute(update(Issuance).where(*unsigned).values(**ended))
        await session.execute(update(Link).where(Link.expires_at > at).values(expires_at=at))
        await session.execute(update(Check).where(Check.expires_at > at).values(expires_at=at))
        await session.execute(delete(WalletSession))
        await _end_desks(session, at)


async def _end_desks(session: AsyncSession, at: datetime) -> None:
    """Who was dismissed, or lost a duty or a device, after the backup would come back with it:
    so nobody may do anything at a desk until an administrator, whom the operator invites,
    says so again. Names and what was done stay."""
    for past in (StaffSession, StaffCeremony):
        await session.execute(delete(past))
    used = update(StaffEnrolment).where(StaffEnrolment.used_at.is_(None)).values(used_at=at)
    duties = update(StaffDuty).where(StaffDuty.ended_at.is_(None)).values(ended_at=at)
    keys = update(Passkey).where(Passkey.ended_at.is_(None)).values(ended_at=at)
    lapsed = {"state": ProposalState.LAPSED.value, "sealed_content": None}
    proposals = update(Proposal).where(Proposal.state == ProposalState.OPEN.value)
    for statement in (used, duties, keys, proposals.values(**lapsed)):
        await session.execute(statement)


async def take_over(database: Database, survived: str) -> Newer:
    """Take over what must not be forgotten. Raises Unavailable, VerificationError."""
    engine = create_async_engine(survived)
    try:
        async with engine.connect() as old, database.engine.begin() as connection:
            frameworks = await _newer_rows(old, FrameworkVersion.__table__, connection)
            ended = await _ended_keys(old, connection)
            reserved = await _reservations(old, connection)
            registries = await _registries(old, connection)
    except SQLAlchemyError as err:
        raise Unavailable("The database that survived cannot be read as Haven's") from err
    finally:
        await engine.dispose()
    return Newer(frameworks, ended, reserved, registries)


async def _newer_rows(old: Any, table: Any, connection: Any) -> int:
    """Rows of a table with primary keys that are not here yet."""
    keys = [column.name for column in table.primary_key]
    here = {
        tuple(row._mapping[key] for key in keys)
        for row in await connection.execute(select(*table.primary_key))
    }
    rows = [dict(row._mapping) for row in await old.execute(select(table))]
    missing = [row for row in rows if tuple(row[key] for key in keys) not in here]
    if missing:
        await connection.execute(insert(table), missing)
    return len(missing)


async def _ended_keys(old: Any, connection: Any) -> int:
    ended = select(ApiKey.id, ApiKey.ended_at).where(ApiKey.ended_at.is_not(None))
    count = 0
    for key_id, ended_at in (await old.execute(ended)).all():
        here = (ApiKey.id == key_id, ApiKey.ended_at.is_(None))
        done = await connection.execute(update(ApiKey).where(*here).values(ended_at=ended_at))
        count += done.rowcount
    return count


async def _reservations(old: Any, connection: Any) -> int:
    """Payments that were accepted since; what was disclosed in their checks is left out."""
    reserved = select(Check.__table__).where(Check.id.in_(select(Reservation.check_id)))
    here = {row.id for row in await connection.execute(select(Check.id))}
    organisations = {row.id for row in await connection.execute(select(Organisation.id))}
    checks = [dict(row._mapping) for row in await old.execute(reserved)]
    missing = [
        {**check, "sealed_disclosed": None}
        for check in checks
        if check["id"] not in here and check["organisation_id"] in organisations
    ]
    if missing:
        await connection.execute(insert(Check), missing)
    return await _newer_rows(old, Reservation.__table__, connection)


# --- revocation lists ---------------------------------------------------------------------


async def _registries(old: Any, connection: Any) -> int:
    """Let every registry that is here have its newest lists; answers how many got any."""
    taken = 0
    definitions = select(PublishedResource).where(
        PublishedResource.resource_type == ResourceType.REGISTRY_DEFINITION.value
    )
    for here in (await connection.execute(definitions)).all():
        same = (
            PublishedResource.opaque == here.opaque,
            PublishedResource.digest == here.digest,
        )
        there = (await old.execute(select(PublishedResource).where(*same))).one_or_none()
        if there is None or there.links_count <= here.links_count:
            continue
        await _take_lists(old, connection, here, there)
        taken += 1
    return taken


async def _take_lists(old: Any, connection: Any, here: Row[Any], there: Row[Any]) -> None:
    """The newer lists of one registry, each verified, and the definition that links to them."""
    log = await connection.execute(
        select(DidLogEntry.entry)
        .where(DidLogEntry.opaque == here.opaque)
        .order_by(DidLogEntry.version_number)
    )
    issuer = verify_log(list(log.scalars()))
    document = json.loads(there.document)
    known = _verified(json.loads(here.document), ResourceType.REGISTRY_DEFINITION, issuer)
    registry = _verified(document, ResourceType.REGISTRY_DEFINITION, issuer)
    if registry.id != known.id or registry.links[: len(known.links)] != known.links:
        raise VerificationError("the surviving lists have another history", step="links")
    for link in registry.links[len(known.links) :]:
        digest = parse_resource_id(link.id).digest
        where = (PublishedResource.opaque == here.opaque, PublishedResource.digest == digest)
        row = (await old.execute(select(PublishedResource).where(*where))).one()
        listed = _verified(json.loads(row.document), ResourceType.STATUS_LIST, issuer)
        if listed.id != link.id:
            raise VerificationError("a surviving list is another one", step="links")
        check_status_list(listed.content, registry, link)
        await connection.execute(insert(PublishedResource), dict(row._mapping))
    await connection.execute(
        update(PublishedResource)
        .where(PublishedResource.opaque == here.opaque, PublishedResource.digest == here.digest)
        .values(document=there.document, links_count=there.links_count)
    )
    await _note_revoked(connection, registry.id, listed.content["revocationList"])


def _verified(document: Any, kind: ResourceType, issuer: VerifiedDid) -> VerifiedResource:
    identifier = str(document.get("id"))
    return verify_resource(
        document,
        expected_id=identifier,
        expected_type=kind,
        did_document=issuer.document,
    )


async def _note_revoked(connection: Any, registry_id: str, entries: Sequence[int]) -> None:
    revoked = [index for index, entry in enumerate(entries) if entry]
    for start in range(0, len(revoked), _BATCH):
        await connection.execute(
            update(Issuance)
            .where(
                Issuance.registry_id == registry_id,
                Issuance.registry_index.in_(revoked[start : start + _BATCH]),
                Issuance.revoked_at.is_(None),
            )
            .values(revoked_at=now())
        )
