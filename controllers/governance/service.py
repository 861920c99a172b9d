"""The framework of this installation: its versions, and the engine asked with the newest one.

The rules are in `governance/`; here they are kept, given to whoever has to ask, and changed by
the authority, one version at a time. Two changes at once: one of them has to be repeated.

A version is signed before it is published, and verified again by each process that reads it
(`governance.loading`): whoever can write to the database cannot write rules. Where more than
one has to sign, a change becomes a draft (`drafts.py`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import IntegrityError

from controllers.governance.signatory import Signatory
from controllers.moment import now
from controllers.store.brief import table_of
from controllers.store.database import Database
from controllers.store.models import FrameworkVersion
from core.decision import Decision, Deny, Permit
from core.errors import Conflict, GovernanceDenied, NotFound, Unavailable, VerificationError
from governance import documents
from governance.engine import Framework, Query, decide
from governance.loading import Accepted, Trust, load_framework, load_past
from governance.signing import proofs_of, signer_of, who_signed, with_proof

_MOST_TRIES = 10
_KEPT = 8  # parsed versions: checks in flight rest on older ones
_ROW = table_of(FrameworkVersion)
_NEWEST = select(func.max(_ROW.c.version))
_NUMBERS = (
    select(_ROW.c.version)
    .where(_ROW.c.created_at <= bindparam("at"))
    .order_by(_ROW.c.version.desc())
)
_SIGNED_WITHIN = timedelta(minutes=5)  # a version is kept soon after the time that it bears
_FAR = datetime(9999, 1, 1, tzinfo=UTC)
_MOST_SIGNERS = 32
_LOOKED_UP_EVERY = 1.0  # seconds; a suspension reaches every process within sixty

type Document = dict[str, Any]
type Change = Callable[[Document, datetime], Document]


def require(decision: Decision, code: str = GovernanceDenied.slug) -> Permit:
    """The permit, or GovernanceDenied with the rule, the reason, and the problem's code."""
    if isinstance(decision, Deny):
        raise GovernanceDenied(
            decision.explanation,
            rule_id=decision.rule_id,
            reason=decision.reason,
            code=code,
        )
    return decision


class GovernanceService:
    """Keeps the framework's versions and asks the engine."""

    def __init__(self, database: Database, signatory: Signatory) -> None:
        self._database = database
        self._signatory = signatory
        self._accepted: dict[int, Accepted] = {}
        self._trust_list: tuple[int, str] = (0, "")
        self._recent: tuple[Framework | None, float] = (None, 0.0)

    async def current(self) -> Framework:
        """The newest version.

        Raises NotFound before the authority has been founded, Unavailable once its time is
        over: rules that nobody stands for any more allow nothing.
        """
        framework = (await self.newest()).framework
        if framework.expires_at <= now():
            raise Unavailable(
                "The governance framework has expired; its authority has to sign it anew",
                code="framework-expired",
            )
        return framework

    async def recent(self) -> Framework:
        """The newest version, looked up at most once a second: for registries that are asked
        often. Whoever lets others act by the answer asks `current`. Raises as `current`."""
        known, looked_at = self._recent
        if known is None or time.monotonic() - looked_at > _LOOKED_UP_EVERY:
            known = await self.current()
            self._recent = known, time.monotonic()
        if known.expires_at <= now():
            return await self.current()
        return known

    async def version(self, number: int) -> Framework:
        """One version by its sequence, verified once. Raises NotFound, VerificationError."""
        return (await self.accepted(number)).framework

    async def accepted(self, number: int) -> Accepted:
        """The same with the digest of its content."""
        if number in self._accepted:
            return self._accepted[number]
        data = (await self.document(number)).encode()
        before = max((each for each in self._accepted if each < number), default=None)
        last = None if before is None else self._accepted[before]
        accepted = await self._verified(data, last, past=True)
        self._accepted[number] = accepted
        for old in sorted(self._accepted)[:-_KEPT]:  # perhaps this one: it is still given
            del self._accepted[old]
        return accepted

    async def newest(self) -> Accepted:
        """The newest version, also after its time: for those who only read. Raises NotFound."""
        number: int | None = await self._database.value(_NEWEST)
        if number is None:
            raise NotFound("This installation has no governance framework yet")
        return await self.accepted(number)

    async def signed_by(self, number: int) -> frozenset[str]:
        """Those whose signature on a version holds, and counts by its own list."""
        framework = await self.version(number)
        document: Document = json.loads(await self.document(number))
        signers = {signer_of(each) for each in proofs_of(document)[:_MOST_SIGNERS]}
        known = await self._signatory.did_documents(signers)
        return who_signed(document, framework.signers.current(framework.issued_at), known)

    async def document(self, number: int) -> str:
        """The text of one version. Raises NotFound."""
        async with self._database.reading() as session:
            row = await session.get(FrameworkVersion, number)
        if row is None:
            raise NotFound("There is no such version of the framework")
        return row.document

    async def history(self, most: int | None = None) -> list[Framework]:
        """Every version that was in force, newest first; or only the last so many."""
        numbers = [row.version for row in await self._database.rows(_NUMBERS, at=_FAR)]
        return [await self.version(number) for number in numbers[:most]]

    async def by_version(self, version: str) -> Framework:
        """The one with this semantic version. Raises NotFound."""
        for row in await self._database.rows(_NUMBERS, at=_FAR):
            found = await self.version(row.version)
            if found.version == version:
                return found
        raise NotFound("There is no such version of the framework")

    async def in_force(self, moment: datetime) -> Framework:
        """The version that was in force then; before the first, the first, in which nobody
        had begun. Raises NotFound if there is none at all."""
        found: Framework | None = None
        for row in await self._database.rows(_NUMBERS, at=moment + _SIGNED_WITHIN):
            found = await self.version(row.version)
            if found.issued_at <= moment:
                return found
        return found or await self._first()

    async def _first(self) -> Framework:
        rows = await self._database.rows(_NUMBERS, at=_FAR)
        if not rows:
            raise NotFound("This installation has no governance framework yet")
        return await self.version(rows[-1].version)

    async def decide(self, query: Query, *, as_of: datetime | None = None) -> Decision:
        """The newest version's decision, as of now unless said otherwise."""
        return decide(await self.current(), query, as_of=as_of or now())

    async def found(self, authority_did: str) -> Framework:
        """Version 1, with the rules that come with Haven. Raises Conflict if there is one."""
        document = documents.new_framework(documents.packaged_rules(), authority_did, now())
        return await self._publish(await self.sign(document, authority_did), None)

    async def change(self, change: Change) -> Framework:
        """Publish the next version; made again on the newest one if somebody else was quicker.

        Raises what `change` raises, Conflict if others keep being quicker, and Conflict
        (`signatures-needed`) where the authority alone does not decide.
        """
        for attempt in range(_MOST_TRIES):
            document, last = await self._newest()
            changed = change(document, now())
            authority = str(document["authority"])
            if documents.signatures_needed(document, changed) > 1:
                raise Conflict(
                    "More than one has to sign this: make it a draft",
                    code="signatures-needed",
                )
            try:
                return await self._publish(await self.sign(changed, authority), last)
            except Conflict:
                if attempt == _MOST_TRIES - 1:
                    raise
        raise Conflict("The framework is being changed by others; please try again")

    async def sign(self, document: Document, did: str) -> Document:
        """The document with one signature more. Raises NotFound for a DID that is not ours."""
        return with_proof(document, await self._signatory.sign(did, document))

    async def publish(self, document: Mapping[str, Any]) -> Framework:
        """Put a signed version in force, if every check passes that a reader makes.

        Raises VerificationError with its step, Conflict if somebody else was quicker.
        """
        last = await self.newest()
        if document.get("sequence") != last.framework.sequence + 1:
            raise Conflict("The framework was changed since; this has to be made anew")
        return await self._publish(document, last)

    async def refresh(self) -> None:
        """Sign the same rules anew when a third of their time is left, or if they were never
        signed; where others have to sign too, that waits for them."""
        try:
            newest = (await self.newest()).framework
        except NotFound:
            return
        if documents.is_fresh(newest.document, now()) or newest.signers.threshold > 1:
            return
        await self.change(documents.refreshed)

    async def trust_list(self, sequence: int, payload: Document) -> str:
        """A trust list of the authority as a signed token, kept for this version."""
        token = await self._signatory.sign_trust_list(str(payload["author"]), payload)
        self._trust_list = sequence, token
        return token

    def kept_trust_list(self, sequence: int) -> str | None:
        """The token of this version, if this process has it."""
        kept, token = self._trust_list
        return token if kept == sequence else None

    async def newest_document(self) -> Document:
        """The newest version as JSON. Raises NotFound."""
        return (await self._newest())[0]

    async def _newest(self) -> tuple[Document, Accepted]:
        accepted = await self.newest()
        text = await self.document(accepted.framework.sequence)
        document: Document = json.loads(text)
        return document, accepted

    async def _publish(self, document: Mapping[str, Any], last: Accepted | None) -> Framework:
        data = documents.serialise(document)
        accepted = await self._verified(data, last, past=False)
        framework = accepted.framework
        if last is not None and framework.sequence <= last.framework.sequence:
            raise VerificationError("the version of the framework must go up", step="version")
        row = FrameworkVersion(
            version=framework.sequence, document=data.decode(), created_at=now()
        )
        try:
            async with self._database.transaction() as session:
                session.add(row)
        except IntegrityError as err:
            raise Conflict("The framework was just changed by somebody else") from err
        self._accepted[framework.sequence] = accepted
        self._recent = framework, time.monotonic()
        return framework

    async def _verified(self, data: bytes, last: Accepted | None, *, past: bool) -> Accepted:
        """What a reader makes of it; of a document that stands first, whose authority it is."""
        document: Document = json.loads(data)
        authority = last.framework.authority if last else str(document.get("authority"))
        signers = {signer_of(each) for each in proofs_of(document)[:_MOST_SIGNERS]}
        known = await self._signatory.did_documents(signers)
        load = load_past if past else load_framework
        return load(data, Trust(authority, last), known, now=now())


def participant_name(framework: Framework, did: str, language: str) -> str | None:
    """What the framework calls an organisation; None for one that it does not know."""
    entries = framework.participants.get(did, ())
    if not entries:
        return None
    name = entries[-1].name
    if isinstance(name, str):
        return name
    return name.get(language) or next(iter(name.values()), None)
