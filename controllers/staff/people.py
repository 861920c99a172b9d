"""People of an organisation and their duties.

1. A name is sealed; nobody of another organisation learns even that somebody is there.
2. What ends, ends at once: whoever recognises a session reads the duties anew each time.
3. An organisation keeps somebody who can administer it. So that two administrators do not end
   each other at one moment, whoever changes people holds the organisation's row meanwhile.
4. An invitation is a link that is good for a day and once; it is kept as a digest. To invite
   somebody again ends her passkeys and sessions: the one who lost a device is told so.
5. What somebody asked her colleagues for lapses with her, and with the duty that she asked by.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from controllers.moment import now
from controllers.sealing import Seal
from controllers.staff.deeds import note
from controllers.staff.kinds import Duty
from controllers.staff.leaving import lapse_with_duty, shut_out
from controllers.store.brief import Steps, table_of
from controllers.store.database import Database
from controllers.store.models import (
    DeskPlace,
    Organisation,
    Passkey,
    StaffDuty,
    StaffEnrolment,
    StaffMember,
)
from core.errors import Conflict, Forbidden, InvalidInput, NotFound

__all__ = [
    "LONGEST_NAME",
    "Duty",
    "FreshInvitation",
    "People",
    "Person",
    "digest",
    "invitation_link",
    "plain_text",
]

LONGEST_NAME = 80
_INVITED_FOR = timedelta(days=1)

_MEMBER, _DUTY, _KEY = table_of(StaffMember), table_of(StaffDuty), table_of(Passkey)
_PLACE, _ORGANISATION = table_of(DeskPlace), table_of(Organisation)

# so that rows which only name an organisation can still be written meanwhile: `key_share`
_HOLD = (
    select(_ORGANISATION.c.id)
    .where(_ORGANISATION.c.id == bindparam("organisation"))
    .with_for_update(key_share=True)
)
_ALL = (
    select(_MEMBER)
    .where(_MEMBER.c.organisation_id == bindparam("organisation"))
    .order_by(_MEMBER.c.created_at, _MEMBER.c.id)
)
_ONE = select(_MEMBER).where(
    _MEMBER.c.id == bindparam("its_id"), _MEMBER.c.organisation_id == bindparam("organisation")
)
_OF_ORGANISATION = select(_MEMBER.c.id).where(
    _MEMBER.c.organisation_id == bindparam("organisation")
)
_DUTIES = select(_DUTY.c.member_id, _DUTY.c.duty).where(
    _DUTY.c.member_id.in_(_OF_ORGANISATION), _DUTY.c.ended_at.is_(None)
)
_KEYS = (
    select(_KEY.c.member_id)
    .where(_KEY.c.member_id.in_(_OF_ORGANISATION), _KEY.c.ended_at.is_(None))
    .distinct()
)
_SET = update(_MEMBER).where(_MEMBER.c.id == bindparam("its_id"))
_LIVING = select(_PLACE.c.id).where(
    _PLACE.c.id == bindparam("its_id"),
    _PLACE.c.organisation_id == bindparam("organisation"),
    _PLACE.c.ended_at.is_(None),
)
_END_DUTY = update(_DUTY).where(
    _DUTY.c.member_id == bindparam("its_id"),
    _DUTY.c.duty == bindparam("its_duty"),
    _DUTY.c.ended_at.is_(None),
)
_END_DUTIES = update(_DUTY).where(
    _DUTY.c.member_id == bindparam("its_id"), _DUTY.c.ended_at.is_(None)
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works, or worked, for an organisation."""

    id: str
    organisation_id: str
    name: str
    place_id: str | None
    duties: frozenset[Duty]
    can_sign_in: bool
    dismissed_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FreshInvitation:
    """The secret of a one-time link, seen this once; it belongs behind the # of an address."""

    token: str
    expires_at: datetime


def invitation_link(base_url: str, token: str) -> str:
    """The address of a one-time link; what is behind the # is sent to nobody."""
    return f"{base_url}/desk/enrol#{token}"


def digest(secret: str) -> str:
    """How the secrets of links and sessions are kept (256 random bits need no slow hash)."""
    return hashlib.sha256(secret.encode()).hexdigest()


class People:
    """Enrols, gives and ends duties, dismisses."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    # --- reading ----------------------------------------------------------------------------

    async def all(self, organisation_id: str) -> list[Person]:
        """Everybody of an organisation, in the order in which they came."""
        return await self._database.read(lambda steps: self._everybody(steps, organisation_id))

    async def one(self, organisation_id: str, person_id: str) -> Person:
        """One of them. Raises NotFound, for another organisation's as well."""
        return await self._database.read(
            lambda steps: self._person(steps, organisation_id, person_id)
        )

    def name_of(self, member_id: str, sealed_name: bytes) -> str:
        """The name behind its seal."""
        name: str = self._seal.open(sealed_name, member_id)
        return name

    # --- changing ---------------------------------------------------------------------------

    async def enrol(
        self,
        organisation_id: str,
        name: str,
        duties: Collection[Duty],
        *,
        by: str | None,
        place_id: str | None = None,
    ) -> tuple[Person, FreshInvitation]:
        """Somebody new, and the link that she makes her passkey with; `by` None: the operator.

        Raises InvalidInput, NotFound (no such place).
        """
        plain, member_id, at = _plain_name(name), str(uuid.uuid4()), now()
        token = secrets.token_urlsafe(32)
        member = StaffMember(
            id=member_id,
            organisation_id=organisation_id,
            sealed_name=self._seal.seal(plain, member_id),
            place_id=place_id,
            created_at=at,
        )

        def enrol(steps: Steps) -> Person:
            _require_place(steps, organisation_id, place_id)
            steps.add(member)
            note(steps, organisation_id, by, "enrolled", member_id)
            for duty in sorted(duties):
                steps.add(StaffDuty(member_id=member_id, duty=duty.value, given_at=at))
                note(steps, organisation_id, by, f"duty-given-{duty}", member_id)
            _invite(steps, member_id, token, at)
            return self._person(steps, organisation_id, member_id)

        made = await self._database.write(enrol)
        return made, FreshInvitation(token, at + _INVITED_FOR)

    async def invite_again(
        self, organisation_id: str, person_id: str, *, by: str | None
    ) -> FreshInvitation:
        """A new link for who lost a device: her passkeys, sessions and earlier links end.

        Raises NotFound, Conflict (dismissed); Forbidden, if `by` may not any more: of two
        who do it to each other at one moment, one does.
        """
        token, at = secrets.token_urlsafe(32), now()

        def invite(steps: Steps) -> None:
            steps.row(_HOLD, organisation=organisation_id)
            if by is not None:
                self._require_administrator(steps, organisation_id, by)
            self._present(steps, organisation_id, person_id)
            shut_out(steps, person_id, at)
            _invite(steps, person_id, token, at)
            note(steps, organisation_id, by, "invited-again", person_id)

        await self._database.write(invite)
        return FreshInvitation(token, at + _INVITED_FOR)

    async def give(
        self, organisation_id: str, person_id: str, duty: Duty, *, by: str | None
    ) -> Person:
        """Give a duty; giving it again changes nothing. Raises NotFound, Conflict."""

        def give(steps: Steps) -> Person:
            person = self._present(steps, organisation_id, person_id)
            if duty in person.duties:
                return person
            steps.add(StaffDuty(member_id=person_id, duty=duty.value, given_at=now()))
            note(steps, organisation_id, by, f"duty-given-{duty}", person_id)
            return self._person(steps, organisation_id, person_id)

        return await self._database.write(give)

    async def end(
        self, organisation_id: str, person_id: str, duty: Duty, *, by: str | None
    ) -> Person:
        """End a duty at once; ending it again changes nothing. Raises NotFound, Conflict."""

        def end(steps: Steps) -> Person:
            steps.row(_HOLD, organisation=organisation_id)
            person = self._person(steps, organisation_id, person_id)
            if duty not in person.duties:
                return person
            if duty is Duty.ADMINISTER:
                self._require_another(steps, organisation_id, person_id)
            steps.change(_END_DUTY, its_id=person_id, its_duty=duty.value, ended_at=now())
            lapse_with_duty(steps, person_id, duty)
            note(steps, organisation_id, by, f"duty-ended-{duty}", person_id)
            return self._person(steps, organisation_id, person_id)

        return await self._database.write(end)

    async def dismiss(self, organisation_id: str, person_id: str, *, by: str | None) -> Person:
        """End everything of somebody at once. Raises NotFound, Conflict."""
        at = now()

        def dismiss(steps: Steps) -> Person:
            steps.row(_HOLD, organisation=organisation_id)
            person = self._person(steps, organisation_id, person_id)
            if person.dismissed_at is not None:
                return person
            if Duty.ADMINISTER in person.duties:
                self._require_another(steps, organisation_id, person_id)
            shut_out(steps, person_id, at)
            steps.change(_END_DUTIES, its_id=person_id, ended_at=at)
            steps.change(_SET, its_id=person_id, dismissed_at=at)
            note(steps, organisation_id, by, "dismissed", person_id)
            return self._person(steps, organisation_id, person_id)

        return await self._database.write(dismiss)

    async def change(
        self,
        organisation_id: str,
        person_id: str,
        *,
        name: str,
        place_id: str | None,
        by: str | None,
    ) -> Person:
        """Another name or place. Raises NotFound, InvalidInput, Conflict (dismissed)."""
        sealed = self._seal.seal(_plain_name(name), person_id)

        def change(steps: Steps) -> Person:
            person = self._present(steps, organisation_id, person_id)
            if place_id != person.place_id:
                _require_place(steps, organisation_id, place_id)
            steps.change(_SET, its_id=person_id, sealed_name=sealed, place_id=place_id)
            note(steps, organisation_id, by, "person-changed", person_id)
            return self._person(steps, organisation_id, person_id)

        return await self._database.write(change)

    # --- within a unit of work --------------------------------------------------------------

    def _everybody(self, steps: Steps, organisation_id: str) -> list[Person]:
        members = steps.rows(_ALL, organisation=organisation_id)
        return self._persons(steps, organisation_id, members)

    def _person(self, steps: Steps, organisation_id: str, person_id: str) -> Person:
        row = steps.row(_ONE, its_id=person_id, organisation=organisation_id)
        if row is None:
            raise NotFound("There is no such person here", code="no-such-person")
        return self._persons(steps, organisation_id, [row])[0]

    def _present(self, steps: Steps, organisation_id: str, person_id: str) -> Person:
        person = self._person(steps, organisation_id, person_id)
        if person.dismissed_at is not None:
            raise Conflict("This person does not work here any more", code="dismissed")
        return person

    def _persons(
        self, steps: Steps, organisation_id: str, members: Sequence[Row[Any]]
    ) -> list[Person]:
        duties: dict[str, set[Duty]] = {}
        for row in steps.rows(_DUTIES, organisation=organisation_id):
            duties.setdefault(row.member_id, set()).add(Duty(row.duty))
        keyed = {row.member_id for row in steps.rows(_KEYS, organisation=organisation_id)}
        return [
            Person(
                id=row.id,
                organisation_id=row.organisation_id,
                name=self.name_of(row.id, row.sealed_name),
                place_id=row.place_id,
                duties=frozenset(duties.get(row.id, ())),
                can_sign_in=row.id in keyed,
                dismissed_at=row.dismissed_at,
                created_at=row.created_at,
            )
            for row in members
        ]

    def _require_administrator(self, steps: Steps, organisation_id: str, by: str) -> None:
        person = self._person(steps, organisation_id, by)
        if Duty.ADMINISTER not in person.duties or not person.can_sign_in:
            raise Forbidden("This is not one of your tasks here any more", code="duty-needed")

    def _require_another(self, steps: Steps, organisation_id: str, person_id: str) -> None:
        """Somebody else who can sign in and administer."""
        others = (
            each
            for each in self._everybody(steps, organisation_id)
            if each.id != person_id and Duty.ADMINISTER in each.duties and each.can_sign_in
        )
        if next(others, None) is None:
            raise Conflict(
                "Somebody else who can sign in has to be an administrator first",
                code="last-administrator",
            )


def plain_text(text: str, longest: int) -> str:
    """A short text as it is kept: NFC, without surrounding space. Raises InvalidInput."""
    plain = unicodedata.normalize("NFC", text).strip()
    if not plain or len(plain) > longest or not all(map(_is_written, plain)):
        raise InvalidInput(
            f"Please write a short text of at most {longest} letters", code="not-a-name"
        )
    return plain


_JOINERS = "\u200b\u200c\u200d"  # Khmer and other scripts are written with them


def _is_written(letter: str) -> bool:
    """No line break, no control character, nothing that turns the direction of a line."""
    return letter in (" ", *_JOINERS) or unicodedata.category(letter)[0] not in "CZ"


def _plain_name(name: str) -> str:
    return plain_text(name, LONGEST_NAME)


def _require_place(steps: Steps, organisation_id: str, place_id: str | None) -> None:
    if place_id is None:
        return
    if steps.row(_LIVING, its_id=place_id, organisation=organisation_id) is None:
        raise NotFound("There is no such place here", code="no-such-place")


def _invite(steps: Steps, member_id: str, token: str, at: datetime) -> None:
    steps.add(
        StaffEnrolment(
            token_digest=digest(token), member_id=member_id, expires_at=at + _INVITED_FOR
        )
    )
