"""A passkey that no device answers, for tests that begin behind the door of the desks."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from controllers.moment import now
from controllers.staff.passkeys import Proven
from controllers.store.database import Database
from controllers.store.models import Passkey


async def proven(database: Database, person_id: str) -> Proven:
    """The passkey that somebody has; she gets one, if there is none."""
    query = select(Passkey).where(Passkey.member_id == person_id, Passkey.ended_at.is_(None))
    async with database.transaction() as session:
        key = await session.scalar(query)
        if key is None:
            key = Passkey(
                credential_digest=uuid.uuid4().hex,
                member_id=person_id,
                public_key=b"",
                sign_count=0,
                created_at=now(),
            )
            session.add(key)
        return Proven(person_id, key.credential_digest)
