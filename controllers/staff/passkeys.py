"""Passkeys (W3C WebAuthn Level 3): made once with an invitation, then the only way in.

1. The device verifies who holds it (a finger, a face, its code), and keeps a key that is found
   without a name: nobody types who she is, and the answer to a wrong key tells nothing.
2. Every ceremony has a challenge of its own, in the database, so that any replica can take the
   answer. It is good for five minutes and for one answer.
3. An invitation is used up in the unit of work that keeps the passkey.
4. What a device's list of passkeys shows names neither the person nor her organisation.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, select, update
from webauthn.helpers import base64url_to_bytes

from controllers.moment import now
from controllers.staff.deeds import hold, note
from controllers.staff.people import People, digest
from controllers.staff.relying import CHALLENGE, RelyingParty, not_known
from controllers.store.brief import Steps, table_of
from controllers.store.database import Database
from controllers.store.models import Passkey, StaffCeremony, StaffEnrolment, StaffMember
from core.errors import Conflict, Gone

_LASTS = timedelta(minutes=5)
_SHOWN_AS = "Desk"
_ENROL, _SIGN_IN = "enrol", "sign-in"

_CEREMONY, _KEY = table_of(StaffCeremony), table_of(Passkey)
_INVITATION, _MEMBER = table_of(StaffEnrolment), table_of(StaffMember)
_INVITED = (
    select(
        _INVITATION.c.token_digest,
        _INVITATION.c.member_id,
        _MEMBER.c.organisation_id,
        _MEMBER.c.sealed_name,
    )
    .join_from(_INVITATION, _MEMBER, _INVITATION.c.member_id == _MEMBER.c.id)
    .where(
        _INVITATION.c.token_digest == bindparam("its_digest"),
        _INVITATION.c.used_at.is_(None),
        _INVITATION.c.expires_at > bindparam("at"),
        _MEMBER.c.dismissed_at.is_(None),
    )
)
_USE = update(_INVITATION).where(
    _INVITATION.c.token_digest == bindparam("its_digest"), _INVITATION.c.used_at.is_(None)
)
_ASKED = select(_CEREMONY).where(
    _CEREMONY.c.id == bindparam("its_id"),
    _CEREMONY.c.kind == bindparam("its_kind"),
    _CEREMONY.c.expires_at > bindparam("at"),
)
_ANSWERED = delete(_CEREMONY).where(_CEREMONY.c.id == bindparam("its_id"))
_PAST = delete(_CEREMONY).where(_CEREMONY.c.expires_at < bindparam("until"))
_PAST_INVITATIONS = delete(_INVITATION).where(_INVITATION.c.expires_at < bindparam("until"))
_KNOWN = (
    select(_KEY)
    .join_from(_KEY, _MEMBER, _KEY.c.member_id == _MEMBER.c.id)
    .where(
        _KEY.c.credential_digest == bindparam("its_digest"),
        _KEY.c.ended_at.is_(None),
        _MEMBER.c.dismissed_at.is_(None),
    )
)
_COUNT = update(_KEY).where(
    _KEY.c.credential_digest == bindparam("its_digest"),
    _KEY.c.sign_count == bindparam("seen"),
    _KEY.c.ended_at.is_(None),
)


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A question to a device; `options` are WebAuthn's, as JSON for the browser."""

    id: str
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Proven:
    """Who has just proved to be somebody, and the passkey that she did it with."""

    person_id: str
    passkey_digest: str


class Passkeys:
    """Makes and recognises passkeys of one installation."""

    def __init__(self, database: Database, people: People, base_url: str) -> None:
        self._database = database
        self._people = people
        self._party = RelyingParty.at(base_url, _SHOWN_AS)

    # --- making one -------------------------------------------------------------------------

    async def begin_enrolment(self, token: str) -> tuple[Ceremony, str]:
        """What to make a passkey for, and the name of who was invited; uses nothing up.

        Raises Gone, the same for a link that is unknown, past or used.
        """
        challenge, wanted = secrets.token_bytes(CHALLENGE), digest(token)

        def begin(steps: Steps) -> tuple[Row[Any], str]:
            invited = _invited(steps, wanted)
            return invited, _ask(steps, _ENROL, challenge, enrolment=wanted)

        invited, ceremony_id = await self._database.write(begin)
        member = str(invited.member_id)
        options = self._party.to_make(
            uuid.UUID(member).bytes, f"{_SHOWN_AS} {member[:4]}", challenge
        )
        name = self._people.name_of(member, invited.sealed_name)
        return Ceremony(ceremony_id, options), name

    async def finish_enrolment(
        self, token: str, ceremony_id: str, credential: dict[str, Any]
    ) -> Proven:
        """Keep the passkey and use the link up, at once: whose it is.

        Raises Gone (the link, or the question, has ended) and InvalidInput.
        """
        wanted = digest(token)
        asked = await self._answered(ceremony_id, _ENROL)
        if asked is None or asked.enrolment_digest != wanted:
            raise _ended()
        made = self._party.made(credential, asked.challenge)
        named = _named(made.credential_id)

        def keep(steps: Steps) -> Proven:
            invited = _invited(steps, wanted)
            member = str(invited.member_id)
            hold(steps, member)
            if not steps.change(_USE, its_digest=wanted, used_at=now()):
                raise _ended()
            key = Passkey(
                credential_digest=named,
                member_id=member,
                public_key=made.credential_public_key,
                sign_count=made.sign_count,
                created_at=now(),
            )
            if not steps.add_unless_there(key):
                raise Conflict("This passkey is in use already", code="passkey-in-use")
            note(steps, invited.organisation_id, member, "passkey-made")
            return Proven(member, named)

        return await self._database.write(keep)

    # --- signing in -------------------------------------------------------------------------

    async def begin_sign_in(self) -> Ceremony:
        """A question for whichever passkey of ours a device has."""
        challenge = secrets.token_bytes(CHALLENGE)
        ceremony_id = await self._database.write(
            lambda steps: _ask(steps, _SIGN_IN, challenge, enrolment=None)
        )
        return Ceremony(ceremony_id, self._party.to_answer(challenge))

    async def finish_sign_in(self, ceremony_id: str, credential: dict[str, Any]) -> Proven:
        """Who answered. Raises NotAuthenticated, the same for every reason."""
        asked = await self._answered(ceremony_id, _SIGN_IN)
        wanted = _digest_of_answer(credential)
        key = await self._database.row(_KNOWN, its_digest=wanted) if wanted else None
        if asked is None or key is None:
            raise not_known()
        answer = self._party.answered(
            credential, asked.challenge, key.public_key, key.sign_count
        )
        if answer.new_sign_count:
            # a device that counts never counts the same twice: of two copies one is found out
            counted = await self._database.change(
                _COUNT,
                its_digest=wanted,
                seen=key.sign_count,
                sign_count=answer.new_sign_count,
            )
            if not counted:
                raise not_known()
        return Proven(str(key.member_id), str(key.credential_digest))

    async def purge(self) -> None:
        """Forget questions and invitations whose time is over."""
        await self._database.change(_PAST, until=now())
        await self._database.change(_PAST_INVITATIONS, until=now())

    async def _answered(self, ceremony_id: str, kind: str) -> Row[Any] | None:
        """The question that is answered now; whatever comes of it, it is not asked again."""

        def take(steps: Steps) -> Row[Any] | None:
            asked = steps.row(_ASKED, its_id=ceremony_id, its_kind=kind, at=now())
            if asked is None or not steps.change(_ANSWERED, its_id=ceremony_id):
                return None
            return asked

        return await self._database.write(take)


def _ask(steps: Steps, kind: str, challenge: bytes, *, enrolment: str | None) -> str:
    ceremony_id = str(uuid.uuid4())
    steps.add(
        StaffCeremony(
            id=ceremony_id,
            kind=kind,
            challenge=challenge,
            enrolment_digest=enrolment,
            expires_at=now() + _LASTS,
        )
    )
    return ceremony_id


def _invited(steps: Steps, wanted: str) -> Row[Any]:
    row = steps.row(_INVITED, its_digest=wanted, at=now())
    if row is None:
        raise _ended()
    return row


def _named(credential_id: bytes) -> str:
    return digest(credential_id.hex())


def _digest_of_answer(credential: dict[str, Any]) -> str | None:
    """Which passkey an answer says that it is of."""
    named = credential.get("rawId")
    if not isinstance(named, str):
        return None
    try:
        return _named(base64url_to_bytes(named))
    except ValueError:
        return None


def _ended() -> Gone:
    return Gone("This link has ended. Please ask for a new one.", code="invitation-ended")
