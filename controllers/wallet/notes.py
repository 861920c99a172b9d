"""What a wallet remembers for its holder: inside her own encrypted store, nowhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from controllers.moment import now
from core.ports import Document, WalletNotes
from core.secret import Secret

if TYPE_CHECKING:
    from controllers.wallet.requests import VerifiedRequest

PENDING, HISTORY, ANSWERED = "pending", "history", "answered"
CONTACTS, ORIGINS, DEPENDENTS = "contacts", "origins", "dependents"
# which rows of controllers/wallet/locks are this wallet's: no row says it itself
DEVICES, RECOVERIES = "devices", "recoveries"


class Notes:
    """Pending links and the history of every disclosure and every credential received."""

    def __init__(self, store: WalletNotes) -> None:
        self._store = store

    async def put(self, token: Secret, kind: str, key: str, note: Document) -> None:
        await self._store.put_note(token, kind, key, note)

    async def all(self, token: Secret, kind: str) -> dict[str, Document]:
        return await self._store.notes(token, kind)

    async def delete(self, token: Secret, kind: str, key: str) -> None:
        await self._store.delete_note(token, kind, key)

    async def change(
        self,
        token: Secret,
        *,
        put: Mapping[tuple[str, str], Document] = MappingProxyType({}),
        delete: Sequence[tuple[str, str]] = (),
        close: Sequence[str] = (),
    ) -> None:
        """Several changes at once: all of them, or none; with the exchanges to `close`."""
        await self._store.change_notes(token, put=put, delete=delete, close=close)

    async def history(self, token: Secret) -> list[Document]:
        """Newest first; each entry with its `id`, to delete it by."""
        entries = await self._store.notes(token, HISTORY)
        with_ids = [{"id": key, **note} for key, note in entries.items()]
        return sorted(with_ids, key=lambda note: str(note["at"]), reverse=True)

    async def forget(self, token: Secret, entry_id: str) -> None:
        """Delete one entry of the history. With a credential received goes what its issuer
        would know this wallet by, and it: then they meet as strangers again."""
        entry = (await self._store.notes(token, HISTORY)).get(entry_id, {})
        delete = [(HISTORY, entry_id)]
        if entry.get("event") == "received":
            delete.append((CONTACTS, contact_key(str(entry["with_whom"]))))
            origins = await self._store.notes(token, ORIGINS)
            delete += [(ORIGINS, key) for key, it in origins.items() if it["entry"] == entry_id]
        await self.change(token, delete=delete)

    async def note_received(
        self,
        token: Secret,
        offer_id: str,
        credential: str,
        issuer: str,
        *,
        held_for_other: bool,
        contact: Document | None,
        origin: tuple[str, Document] | None = None,
        ended: Sequence[str] = (),
    ) -> None:
        """A credential came into the wallet: a receipt, and nothing pending any more; and
        how to meet its issuer again, if there is a way (offers.py); and by the credential's
        id where it came from, to ask for a move (moves.py). The exchanges that have ended go
        with that, and their values.

        Noted once, also when an answer got lost.
        """
        receipt = _entry(
            event="received",
            credential=credential,
            with_whom=issuer,
            held_for_other=held_for_other,
        )
        put: dict[tuple[str, str], Document] = {(HISTORY, offer_id): receipt}
        if contact is not None:
            put[CONTACTS, contact_key(issuer)] = contact
        if origin is not None:
            credential_id, place = origin
            put[ORIGINS, credential_id] = {**place, "entry": offer_id}
        await self.change(token, put=put, delete=[(PENDING, offer_id)], close=ended)

    async def note_answered(
        self, token: Secret, request_ids: Sequence[str], exchange_id: str
    ) -> None:
        """Answered: these are not pending any more. The verifier's acknowledgement still looks
        for the exchange, so it goes when the wallet is locked.
        """
        ended = [(PENDING, request_id) for request_id in request_ids]
        await self.change(token, put={(ANSWERED, exchange_id): {}}, delete=ended)

    async def note_disclosure(
        self, token: Secret, request: VerifiedRequest, combination: Mapping[str, str]
    ) -> None:
        """A receipt: to whom, for what, what was shown and what only proven; no values."""
        receipt = _entry(
            event="shown",
            **_asked(request),
            retention_seconds=request.statement.retention_seconds,
            credentials=dict(combination),
            parts=request.parts,
            shown={one.label: list(one.reveal) for one in request.ask.asks},
            proven={
                one.label: [p.attribute for p in one.predicates] for one in request.ask.asks
            },
            held_for_other=request.held_for(combination) is not None,
        )
        await self._store.put_note(token, HISTORY, request.id, receipt)

    async def note_declined(
        self,
        token: Secret,
        request: VerifiedRequest,
        ended: Sequence[str],
        exchange_id: str,
    ) -> None:
        """She said no, and to whom; what `ended` with it is not pending any more. A receipt of
        an earlier try, in which something may have been shown, is not overwritten."""
        put: dict[tuple[str, str], Document] = {(ANSWERED, exchange_id): {}}
        if request.id not in await self._store.notes(token, HISTORY):
            put[HISTORY, request.id] = _entry(event="declined", **_asked(request))
        await self.change(token, put=put, delete=[(PENDING, each) for each in ended])


def _asked(request: VerifiedRequest) -> Document:
    """Who asked what: the purpose and the check by the framework's own names."""
    said = request.statement
    return {
        "with_whom": said.issuer,
        "check": said.check,
        "purpose": said.purpose,
        "variant": said.variant,
    }


def contact_key(issuer: str) -> str:
    """The key of the note about an issuer."""
    return hashlib.sha256(issuer.encode()).hexdigest()[:32]


def _entry(**entry: Any) -> Document:
    return {"at": now().isoformat(), **entry}
