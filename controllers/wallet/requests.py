"""Being asked: who verifiably asks what, which answers are possible, and answering.

Before anything is sent, in this order:
1. the statement that came with the link is about this very invitation, and in time; the
   request attached to the invitation is read completely, or not answered at all;
2. the framework is asked whether this DID may ask exactly this for the stated purpose, and
   the statement says the framework's own check, variant and retention;
3. the statement's proof is verified with the DID: it really is its statement;
4. the holder sees it and says yes.
Whoever fails 1 to 3 gets the answer that somebody without a credential gives: none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from agent.organisations import attached_request
from agent.proof_format import from_proof_request
from agent.webvh.locks import NamedLocks
from controllers.governance.service import GovernanceService, require
from controllers.moment import now
from controllers.statements import RequestStatement, read_statement
from controllers.wallet.choosing import Choice, choose_credentials
from controllers.wallet.codes import told_as, verifying
from controllers.wallet.dependents import DependentNumbers, Numbers, held_for
from controllers.wallet.fetching import LinkFetcher
from controllers.wallet.labelling import definition_of
from controllers.wallet.notes import ANSWERED, HISTORY, PENDING, Notes
from controllers.wallet.sessions import OpenWallet
from controllers.wallet.validity import expires_on
from core.errors import Conflict, InvalidInput, NotFound, VerificationError
from core.ports import Document, HeldCredential, HolderAgent, PresentingAgent
from core.presentation import PresentationAsk
from governance.checks import check_for_purpose
from governance.engine import Ask, Framework, decide
from governance.model import Variant

_PLAIN = "plain"
_SENT_BEFORE = (
    "This was answered before. If the desk has nothing, please ask it for a new request."
)


@dataclass(frozen=True, slots=True)
class VerifiedRequest:
    """A request whose author and right are established; nothing has been sent."""

    id: str
    link: str  # that it came by, to look at it in another way; empty if it came without one
    statement: RequestStatement
    signed: Document
    invitation: Document
    ask: PresentationAsk
    choice: Choice
    framework: Framework
    numbers: Numbers  # of the dependents for whom something is held

    @property
    def parts(self) -> dict[str, str]:
        """Which credential each part is about, by the framework's names."""
        names = {schema: name for name, schema in self.framework.schemas.items()}
        return {one.label: names[one.schema_id] for one in self.ask.asks}

    def held_for(self, combination: Mapping[str, str]) -> int | None:
        """The number of the dependent for whom this answer would be."""
        return held_for(combination, self.numbers)


class RequestService:
    """Takes in requests and answers them."""

    def __init__(
        self,
        *,
        holder: HolderAgent,
        presenting: PresentingAgent,
        verify_statement: Any,
        governance: GovernanceService,
        fetcher: LinkFetcher,
        notes: Notes,
    ) -> None:
        self._holder = holder
        self._presenting = presenting
        self._verify_statement = verify_statement
        self._governance = governance
        self._fetcher = fetcher
        self._notes = notes
        self._dependents = DependentNumbers(notes)
        self._turns = NamedLocks()

    async def take_up(
        self, wallet: OpenWallet, link: str, invitation: Document, variant: str | None
    ) -> VerifiedRequest:
        """Verify a request and look for answers; if the plain one has none, try the others.

        Raises VerificationError, GovernanceDenied, InvalidInput, NotFound, Gone.
        """
        request = await self._verified(wallet, link, invitation, variant or _PLAIN)
        others = [each for each in request.statement.variants if each != _PLAIN]
        if variant is None and not request.choice.combinations:
            for other in others:
                document = await self._fetcher.get(link, variant=other)
                found = await self._verified(wallet, link, document, other)
                if found.choice.combinations or request.choice.obstacles[0].kind == "none":
                    request = found
                    break
        await self._notes.put(wallet.token, PENDING, request.id, _pending(request))
        return request

    async def take_in(
        self, wallet: OpenWallet, invitation: Document, statement: Document
    ) -> VerifiedRequest:
        """The same for an invitation that came without a link."""
        request = await self._judge(wallet, "", statement, invitation)
        await self._notes.put(wallet.token, PENDING, request.id, _pending(request))
        return request

    async def noted(self, wallet: OpenWallet, note: Document) -> VerifiedRequest:
        """A request taken up earlier in this wallet, from its note. Raises as `take_up`."""
        return await self._judge(wallet, note["link"], note["statement"], note["invitation"])

    async def evidence(self, wallet: OpenWallet, request_id: str) -> tuple[Document, Document]:
        """The signed statement and the invitation that a phone judges a request by for
        itself, as they came. Raises NotFound."""
        note = _waiting(await self._notes.all(wallet.token, PENDING), request_id)
        return note["statement"], note["invitation"]

    async def answer(
        self, wallet: OpenWallet, request_id: str, chosen: Mapping[str, str] | None
    ) -> VerifiedRequest:
        """Show what was asked for, once. Raises Conflict if no credential fits."""
        async with self._turns.lock(f"{wallet.wallet_id}/{request_id}"):
            notes = await self._notes.all(wallet.token, PENDING)
            note = _waiting(notes, request_id)
            request = await self.noted(wallet, note)
            combination = _combination(request.choice, chosen)
            await self._still_open(request)
            exchange_id = await self._presenting.receive(wallet.token, request.invitation)
            await self._disclose(wallet, request, combination, exchange_id)
            ended = [request_id, *_other_variants(notes, request_id)]
            await self._notes.note_answered(wallet.token, ended, exchange_id)
        return request

    async def _disclose(
        self,
        wallet: OpenWallet,
        request: VerifiedRequest,
        combination: Mapping[str, str],
        exchange_id: str,
    ) -> None:
        """The receipt comes first: what may have been shown is in her history in any case."""
        known = request.id in await self._notes.all(wallet.token, HISTORY)
        await self._notes.note_disclosure(wallet.token, request, combination)
        try:
            with told_as("not-sent", Conflict, InvalidInput):
                await self._presenting.present(
                    wallet.token, exchange_id, request.ask, combination
                )
        except (Conflict, InvalidInput):
            if known:
                raise Conflict(_SENT_BEFORE, code="answered-before") from None
            await self._notes.forget(wallet.token, request.id)  # certainly nothing was sent
            raise

    async def decline(self, wallet: OpenWallet, request_id: str) -> None:
        """Say no, in the same words whatever the reason."""
        async with self._turns.lock(f"{wallet.wallet_id}/{request_id}"):
            notes = await self._notes.all(wallet.token, PENDING)
            request = await self.noted(wallet, _waiting(notes, request_id))
            exchange_id = await self._presenting.receive(wallet.token, request.invitation)
            await self._presenting.refuse(wallet.token, exchange_id)
            ended = [request_id, *_other_variants(notes, request_id)]
            await self._notes.note_declined(wallet.token, request, ended, exchange_id)

    async def _still_open(self, request: VerifiedRequest) -> None:
        """Nothing is disclosed for a check that was answered or ended meanwhile."""
        if request.link:
            await self._fetcher.get(request.link, variant=request.statement.variant)

    async def tidy(self, wallet: OpenWallet) -> None:
        """Remove the exchanges that were answered; what was shown is not kept twice."""
        for exchange_id in await self._notes.all(wallet.token, ANSWERED):
            await self._presenting.forget(wallet.token, exchange_id)
            await self._notes.delete(wallet.token, ANSWERED, exchange_id)

    async def _verified(
        self, wallet: OpenWallet, link: str, invitation: Document, variant: str
    ) -> VerifiedRequest:
        statement = await self._fetcher.get(link, "/statement", variant=variant)
        return await self._judge(wallet, link, statement, invitation)

    async def _judge(
        self, wallet: OpenWallet, link: str, statement: Document, invitation: Document
    ) -> VerifiedRequest:
        read = read_statement(RequestStatement, statement, invitation)
        with told_as("cannot-show", InvalidInput):
            proof_request = attached_request(invitation)
            ask = from_proof_request(proof_request)
        if proof_request.get("name") != read.purpose:
            raise VerificationError(
                "The request is for another purpose", step="purpose", code="cannot-verify"
            )
        framework = await self._governance.current()
        # before anything of the asker's is fetched: a stranger learns nothing from that either
        require(
            decide(framework, Ask(read.issuer, read.purpose, ask), as_of=now()), "may-not-ask"
        )
        rule = _rule(framework, read)
        with verifying():
            signer = await self._verify_statement(wallet.token, statement)
        if signer != read.issuer:
            raise VerificationError(
                "Somebody else signed this", step="issuer", code="cannot-verify"
            )
        held = await self._holder.credentials(wallet.token)
        numbers = await self._dependents.numbers(wallet, held, framework)
        choice = choose_credentials(ask, held, rule.equal)
        return VerifiedRequest(
            id=read.invitation_digest[:32],
            link=link,
            statement=read,
            signed=statement,
            invitation=invitation,
            ask=ask,
            choice=_best_first(choice, held, numbers, framework),
            framework=framework,
            numbers=numbers,
        )


def _rule(framework: Framework, statement: RequestStatement) -> Variant:
    """The framework's own rule for this purpose, which the statement must not misstate: the
    holder is shown the words and the retention of the framework, not of the asker."""
    check = framework.checks[check_for_purpose(framework, statement.purpose)]
    said = (statement.check, statement.retention_seconds)
    if said != (check.name, check.retention_seconds) or statement.variant not in check.variants:
        raise VerificationError(
            "The statement misstates what is asked", step="check", code="cannot-verify"
        )
    return check.variants[statement.variant]


def _best_first(
    choice: Choice, held: Sequence[HeldCredential], numbers: Numbers, framework: Framework
) -> Choice:
    """Her own before a dependent's, in the order of their numbers; of those for one person
    first what is good for longest."""
    ends = {
        each.credential_id: expires_on(definition_of(framework, each.schema_id), each.values)
        for each in held
    }

    def rank(combination: Mapping[str, str]) -> tuple[int, int]:
        first_end = min(ends[each] or date.max for each in combination.values())
        return held_for(combination, numbers) or 0, -first_end.toordinal()

    return replace(choice, combinations=tuple(sorted(choice.combinations, key=rank)))


def _waiting(notes: Mapping[str, Document], request_id: str) -> Document:
    note = notes.get(request_id)
    if note is None or note.get("kind") != "request":
        raise NotFound("This request is not waiting in your wallet.", code="not-waiting")
    return note


def _other_variants(notes: Mapping[str, Document], request_id: str) -> list[str]:
    """The same check, looked at in another way: one answer ends them all."""
    link = notes[request_id].get("link")
    same = (key for key, note in notes.items() if link and note.get("link") == link)
    return [key for key in same if key != request_id]


def _combination(choice: Choice, chosen: Mapping[str, str] | None) -> Mapping[str, str]:
    if not choice.combinations:
        raise Conflict("Nothing in your wallet answers this request.", code="nothing-fits")
    if chosen is None:
        return choice.combinations[0]
    if dict(chosen) not in [dict(each) for each in choice.combinations]:
        raise InvalidInput(
            "These credentials do not answer this request.", code="choice-does-not-fit"
        )
    return chosen


def _pending(request: VerifiedRequest) -> Document:
    return {
        "kind": "request",
        "link": request.link,
        "invitation": request.invitation,
        "statement": request.signed,  # as it was signed: the proof is verified again
        "at": request.statement.expires.isoformat(),
    }
