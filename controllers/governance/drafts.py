"""Drafts: whole next versions of the framework that wait until enough have signed them.

1. A draft is made on the newest version and never changes. When another version comes first,
   it is outdated, and is made anew: nobody's signature is carried over to another content.
2. Signatures that count are those of the list in force and of the draft's own list, each by
   its threshold. Each is verified before it is kept.
3. What stands in the history decides whether a draft was published, not what its row says:
   whoever is killed between signing and publishing, or after it, loses nothing. Asking again
   finishes it, and so does the sweep.
4. A draft stands for two weeks. What nobody thought of any more does not come into force.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from controllers.governance.consequences import Consequences, consequences
from controllers.governance.operations import Operation, apply, operation_of
from controllers.governance.service import GovernanceService
from controllers.governance.signatory import Signatory
from controllers.moment import now
from controllers.staff.deeds import note
from controllers.store.brief import Steps, table_of
from controllers.store.database import Database
from controllers.store.models import FrameworkDraft, Organisation
from core.errors import Conflict, Forbidden, HavenError, NotFound, VerificationError
from governance import documents
from governance.engine import Framework, parse_framework
from governance.signing import digest_of, proofs_of, signer_of, who_signed

LOGGER = logging.getLogger(__name__)

_STANDS = timedelta(days=14)
_ROW = table_of(FrameworkDraft)


class State(StrEnum):
    """Where a draft stands."""

    OPEN = "open"
    PUBLISHED = "published"
    DROPPED = "dropped"
    OUTDATED = "outdated"


_ONE = select(_ROW).where(_ROW.c.id == bindparam("its_id"))
_HELD = _ONE.with_for_update()
_OPEN = (
    select(_ROW)
    .where(_ROW.c.state == State.OPEN.value)
    .order_by(_ROW.c.created_at.desc(), _ROW.c.id)
)
_KEEP = update(_ROW).where(_ROW.c.id == bindparam("its_id"))
_DECIDE = _KEEP.where(_ROW.c.state == State.OPEN.value)


@dataclass(frozen=True, slots=True)
class Voice:
    """An organisation that makes, signs or drops drafts, through a person of it, or through
    the operator or a machine (`member_id` None)."""

    organisation: Organisation
    did: str
    member_id: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A next version; `document` carries no proofs."""

    id: str
    operation: Operation
    document: dict[str, Any]
    digest: str
    base_sequence: int
    base_digest: str
    proofs: tuple[dict[str, Any], ...]
    state: State
    organisation_id: str
    member_id: str | None
    created_at: datetime

    @property
    def signed_by(self) -> frozenset[str]:
        """Whose signatures were verified and kept."""
        return frozenset(signer_of(each) for each in self.proofs)

    @property
    def framework(self) -> Framework:
        """The draft as the engine would read it."""
        return parse_framework(documents.serialise(self.document))


@dataclass(frozen=True, slots=True)
class Signatures:
    """Whose count, by the list in force and by the draft's own, and how many are needed."""

    by_the_list_before: frozenset[str]
    by_its_own_list: frozenset[str]
    needed_before: int
    needed_own: int
    given: frozenset[str]

    @property
    def who(self) -> frozenset[str]:
        """Everybody whose signature counts by one of them."""
        return self.by_the_list_before | self.by_its_own_list

    @property
    def missing(self) -> int:
        """How many more have to sign, at least."""
        return max(
            0,
            self.needed_before - len(self.given & self.by_the_list_before),
            self.needed_own - len(self.given & self.by_its_own_list),
        )


class Drafts:
    """Makes drafts, collects signatures, publishes."""

    def __init__(
        self, database: Database, governance: GovernanceService, signatory: Signatory
    ) -> None:
        self._database = database
        self._governance = governance
        self._signatory = signatory

    # --- reading ----------------------------------------------------------------------------

    async def newest(self) -> Framework:
        """The newest version, even if its time is over: a draft renews it. Raises NotFound."""
        return (await self._governance.newest()).framework

    async def one(self, draft_id: str) -> Draft:
        """One of them, as it stands now. Raises NotFound."""
        row = await self._database.row(_ONE, its_id=draft_id)
        return await self._as_it_stands(_draft(row))

    async def open(self) -> list[Draft]:
        """Those that wait for signatures, newest first."""
        found = [await self._as_it_stands(each) for each in await self._kept_open()]
        return [each for each in found if each.state is State.OPEN]

    async def differences(self, draft: Draft) -> Consequences:
        """What it means, against the version that it was made on."""
        return consequences(await self._before(draft), draft.framework)

    async def signatures(self, draft: Draft) -> Signatures:
        """Who has signed, and who may."""
        before, after = await self._before(draft), draft.framework
        return Signatures(
            by_the_list_before=before.signers.current(after.issued_at),
            by_its_own_list=after.signers.current(after.issued_at),
            needed_before=before.signers.threshold,
            needed_own=after.signers.threshold,
            given=draft.signed_by,
        )

    async def has_voice(self, did: str) -> bool:
        """Whether an organisation signs: by the newest version, or by a draft that waits.

        Raises NotFound before the founding.
        """
        newest = await self.newest()
        if did == newest.authority or did in newest.signers.current(now()):
            return True
        waiting = [await self.signatures(each) for each in await self.open()]
        return any(did in each.who for each in waiting)

    # --- changing ---------------------------------------------------------------------------

    async def make(self, operation: Operation, by: Voice) -> Draft:
        """A draft of what the operation makes of the newest version.

        Raises NotFound, Conflict, InvalidInput, VerificationError.
        """
        base = await self._governance.newest_document()
        at = now()
        document = apply(operation, base, at)
        draft = FrameworkDraft(
            id=str(uuid.uuid4()),
            operation=operation.model_dump_json(),
            document=documents.serialise(document).decode(),
            digest=digest_of(document),
            base_sequence=int(base["sequence"]),
            base_digest=digest_of(base),
            proofs="[]",
            state=State.OPEN.value,
            organisation_id=by.organisation.id,
            member_id=by.member_id,
            created_at=at,
        )

        def keep(steps: Steps) -> None:
            steps.add(draft)
            note(steps, by.organisation.id, by.member_id, "framework-drafted", draft.id)

        await self._database.write(keep)
        return await self.one(draft.id)

    async def sign(self, draft_id: str, by: Voice, shown: str | None = None) -> Draft:
        """Sign with the organisation's key, and publish if that was the last one needed.

        `shown` is the digest of what its signer saw. Signing twice changes nothing; asking
        again finishes what broke off. Raises NotFound, Conflict (outdated, decided, not what
        was shown), Forbidden (this signature counts for nothing).
        """
        draft = await self.one(draft_id)
        if digest_of(draft.document) != (shown or draft.digest):
            raise Conflict("This is not the draft that was shown", code="draft-differs")
        if await self._is_awaited(draft, by.did):
            signed = await self._governance.sign(draft.document, by.did)
            (proof,) = [each for each in proofs_of(signed) if signer_of(each) == by.did]
            await self._keep(draft, proof, by)
        return await self._go_on(draft_id, by)

    async def add_proof(self, draft_id: str, proof: Mapping[str, Any], by: Voice) -> Draft:
        """Keep a signature that was made elsewhere, once it is verified; as `sign`.

        Raises also VerificationError (step `signatures`).
        """
        draft, signer = await self.one(draft_id), signer_of(proof)
        if await self._is_awaited(draft, signer):
            known = await self._signatory.did_documents({signer})
            signed = {**draft.document, "proof": [dict(proof)]}
            if not who_signed(signed, frozenset({signer}), known):
                raise VerificationError(
                    "This is not a signature of theirs over this draft",
                    step="signatures",
                    code="proof-does-not-hold",
                )
            await self._keep(draft, proof, by)
        return await self._go_on(draft_id, by)

    async def drop(self, draft_id: str, by: Voice) -> Draft:
        """Nobody signs it any more; twice changes nothing. Raises NotFound, Conflict
        (published), Forbidden (it is another one's, and not the authority's to drop)."""
        draft = await self.one(draft_id)
        if draft.state is State.PUBLISHED:
            raise Conflict("This draft is in force", code="draft-decided")
        authority = (await self.newest()).authority
        if by.did != authority and by.organisation.id != draft.organisation_id:
            raise Forbidden("This draft is somebody else's", code="not-its-maker")
        await self._write_down(draft, State.DROPPED, by)
        return await self.one(draft_id)

    async def finish(self) -> None:
        """Publish what enough have signed and was left at that; write down what is past."""
        for draft in await self._kept_open():
            try:
                await self._go_on(draft.id, None)
            except HavenError as err:  # the next sweep tries it again
                LOGGER.warning("a draft was not published: %s", type(err).__name__)

    # --- within -----------------------------------------------------------------------------

    async def _go_on(self, draft_id: str, by: Voice | None) -> Draft:
        draft = await self.one(draft_id)
        if draft.state is State.OPEN and (await self.signatures(draft)).missing == 0:
            try:
                await self._governance.publish({**draft.document, "proof": list(draft.proofs)})
            except Conflict:  # somebody was quicker, with this draft or with another one
                LOGGER.info("a draft was overtaken")
            draft = await self.one(draft_id)
        if draft.state in (State.PUBLISHED, State.OUTDATED):
            await self._write_down(draft, draft.state, by)
        return draft

    async def _is_awaited(self, draft: Draft, did: str) -> bool:
        """Whether this signature is still to come. Raises Conflict, Forbidden."""
        if draft.state is State.PUBLISHED and did in draft.signed_by:
            return False
        if draft.state is State.OUTDATED:
            raise Conflict(
                "The framework was changed since, or this waited too long: make it anew",
                code="draft-outdated",
            )
        if draft.state is not State.OPEN:
            raise Conflict("This draft was decided", code="draft-decided")
        if did not in (await self.signatures(draft)).who:
            raise Forbidden("This signature does not count here", code="not-a-signer")
        return did not in draft.signed_by

    async def _keep(self, draft: Draft, proof: Mapping[str, Any], by: Voice) -> None:
        """Two who sign at one moment wait for each other: both signatures are kept."""

        def keep(steps: Steps) -> None:
            stored = _draft(steps.row(_HELD, its_id=draft.id))
            if stored.state is not State.OPEN:
                raise Conflict("This draft was decided", code="draft-decided")
            if signer_of(proof) in stored.signed_by:
                return
            proofs = json.dumps([*stored.proofs, dict(proof)])
            steps.change(_KEEP, its_id=draft.id, proofs=proofs)
            note(steps, by.organisation.id, by.member_id, "framework-signed", draft.id)

        await self._database.write(keep)

    async def _write_down(self, draft: Draft, state: State, by: Voice | None) -> None:
        organisation = draft.organisation_id if by is None else by.organisation.id
        member = None if by is None else by.member_id

        def write(steps: Steps) -> None:
            changed = steps.change(
                _DECIDE, its_id=draft.id, state=state.value, decided_at=now()
            )
            if changed and state is not State.OUTDATED:
                note(steps, organisation, member, f"framework-{state}", draft.id)

        await self._database.write(write)

    async def _as_it_stands(self, draft: Draft) -> Draft:
        """By the history: it may be in force, or overtaken, and nobody wrote that down yet."""
        if draft.state not in (State.OPEN, State.DROPPED):
            return draft
        newest = await self.newest()
        if newest.sequence > draft.base_sequence:
            came = await self._governance.accepted(draft.base_sequence + 1)
            if came.digest == draft.digest:
                return replace(draft, state=State.PUBLISHED)
        if draft.state is State.DROPPED:
            return draft
        known = (await self._governance.accepted(newest.sequence)).digest
        on_newest = (draft.base_sequence, draft.base_digest) == (newest.sequence, known)
        stands = on_newest and draft.created_at + _STANDS > now()
        return draft if stands else replace(draft, state=State.OUTDATED)

    async def _before(self, draft: Draft) -> Framework:
        return await self._governance.version(draft.base_sequence)

    async def _kept_open(self) -> list[Draft]:
        return [_draft(row) for row in await self._database.rows(_OPEN)]


def _draft(row: Row[Any] | None) -> Draft:
    if row is None:
        raise NotFound("There is no such draft", code="no-such-draft")
    return Draft(
        id=row.id,
        operation=operation_of(row.operation),
        document=json.loads(row.document),
        digest=row.digest,
        base_sequence=row.base_sequence,
        base_digest=row.base_digest,
        proofs=tuple(json.loads(row.proofs)),
        state=State(row.state),
        organisation_id=row.organisation_id,
        member_id=row.member_id,
        created_at=row.created_at,
    )
