"""The wallet agent: holders' vaults and what a wallet does in an open session."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from agent.admin import AdminApi
from agent.keys import session_token
from agent.organisations import _remove, verify_statement
from agent.proof_format import choose
from agent.webvh.locks import NamedLocks
from core.errors import InvalidInput, NotFound, Unavailable
from core.ports import Awaited, Document, HeldCredential, OfferState, ReceivedOffer
from core.presentation import PresentationAsk
from core.secret import Secret

_STATES = {
    "offer-received": OfferState.OFFERED,
    "request-sent": OfferState.REQUESTED,
    "credential-received": OfferState.ISSUED,
    "done": OfferState.DONE,
    "abandoned": OfferState.FAILED,
}

# What an inviter sees as the name of a wallet: the same for everyone.
_WALLET_LABEL = "Wallet"


class WalletsAgent:
    """Implements Vaults, HolderAgent, PresentingAgent, WalletNotes (core/ports.py)."""

    def __init__(self, api: AdminApi, jwt_secret: Secret) -> None:
        self._api = api
        self._jwt_secret = jwt_secret
        self._taking_in = NamedLocks()

    async def ready(self) -> bool:
        return await self._api.ready()

    # --- vaults ---------------------------------------------------------------------------

    async def create(self, key: Secret) -> str:
        body = {"wallet_key": key.reveal(), "label": _WALLET_LABEL}
        return str((await self._api.post("/vault/wallets", body=body))["wallet_id"])

    def token(self, wallet_id: str, session_id: str) -> Secret:
        return session_token(self._jwt_secret, wallet_id, session_id)

    async def open(self, wallet_id: str, key: Secret, session_id: str) -> None:
        body = {"wallet_key": key.reveal(), "session_id": session_id}
        await self._api.post(f"/vault/wallets/{wallet_id}/sessions", body=body)

    async def close(self, wallet_id: str, session_id: str) -> None:
        body = {"session_id": session_id}
        await self._api.post(f"/vault/wallets/{wallet_id}/close", body=body)

    async def destroy(self, wallet_id: str, key: Secret) -> None:
        body = {"wallet_key": key.reveal()}
        await self._api.post(f"/vault/wallets/{wallet_id}/destroy", body=body)

    async def close_idle(self, seconds: float) -> int:
        """Close the wallets that nobody used for so long."""
        answer = await self._api.post("/vault/close-idle", body={"seconds": seconds})
        return int(answer["closed"])

    # --- statements -----------------------------------------------------------------------

    async def verify_statement(self, token: Secret, statement: Document) -> str:
        return await verify_statement(self._api, token, statement)

    # --- being offered --------------------------------------------------------------------

    async def connect(self, token: Secret, invitation: Document) -> str:
        invitation_id = invitation.get("@id")
        if not isinstance(invitation_id, str) or not invitation_id:
            raise InvalidInput("This is no invitation")
        # an invitation is good for one connection: taking it up again makes a dead one
        async with self._taking_in.lock(invitation_id):
            found = await self._api.post(
                "/haven/connections", token, {"invitation": invitation}
            )
        return str(found["connection_id"])

    async def offers(
        self,
        token: Secret,
        connection_id: str,
        reference: str | None = None,
        *,
        awaited: Awaited = Awaited.NOTHING,
        seconds: float = 0.0,
    ) -> list[ReceivedOffer]:
        asked = {"reference": reference} if reference else {}
        if seconds:
            asked |= {"for": awaited.value, "wait": str(seconds)}
        found = await self._api.get(f"/haven/received/{connection_id}", token, **asked)
        return [_received(each) for each in found["offers"]]

    async def accept_offer(self, token: Secret, exchange_id: str) -> None:
        await self._api.post(f"/haven/received/{exchange_id}/accept", token)

    async def close_offer(self, token: Secret, exchange_id: str) -> None:
        try:
            found = await self._api.get(f"/haven/offers/{exchange_id}", token)
        except NotFound:
            return
        if _state(found) is OfferState.OFFERED:
            path = f"/issue-credential-2.0/records/{exchange_id}/problem-report"
            await self._api.post(path, token, {"description": "declined"})
        await self._api.delete(f"/haven/offers/{exchange_id}", token)

    async def credentials(self, token: Secret) -> list[HeldCredential]:
        found = await self._api.get("/haven/credentials", token)
        return [HeldCredential(**entry) for entry in found["credentials"]]

    async def delete_credential(self, token: Secret, credential_id: str) -> None:
        await _remove(self._api, f"/credential/{credential_id}", token)

    # --- being asked ----------------------------------------------------------------------

    async def receive(self, token: Secret, invitation: Document) -> str:
        thread = _thread_of(invitation)
        # ACA-Py cannot answer a request at all once it has taken it in twice
        async with self._taking_in.lock(thread):
            body = {"invitation": invitation, "thread_id": thread}
            found = await self._api.post("/haven/requests", token, body)
        if found["exchange_id"] is None:
            words = "The request did not arrive in the wallet; please try again"
            raise Unavailable(words)
        return str(found["exchange_id"])

    async def present(
        self, token: Secret, exchange_id: str, ask: PresentationAsk, chosen: Mapping[str, str]
    ) -> None:
        await self._api.post(
            f"/present-proof-2.0/records/{exchange_id}/send-presentation",
            token,
            {"anoncreds": choose(ask, chosen), "auto_remove": False},
        )

    async def refuse(self, token: Secret, exchange_id: str) -> None:
        await self._api.post(
            f"/present-proof-2.0/records/{exchange_id}/problem-report",
            token,
            {"description": "declined"},  # the same words whatever the reason
        )

    async def is_revoked(self, token: Secret, credential_id: str) -> bool:
        # a time that has not come yet asks for the newest list, not for one just remembered
        until = str(int(time.time()) + 60)
        answer = await self._api.get(f"/credential/revoked/{credential_id}", token, to=until)
        return bool(answer["revoked"])

    async def forget(self, token: Secret, exchange_id: str) -> None:
        await self._api.delete(f"/haven/presentations/{exchange_id}", token)

    # --- notes ----------------------------------------------------------------------------

    async def put_note(self, token: Secret, kind: str, key: str, note: Document) -> None:
        await self._api.put(f"/vault/notes/{kind}/{key}", token, {"note": note})

    async def notes(self, token: Secret, kind: str) -> dict[str, Document]:
        return dict((await self._api.get(f"/vault/notes/{kind}", token))["notes"])

    async def delete_note(self, token: Secret, kind: str, key: str) -> None:
        await _remove(self._api, f"/vault/notes/{kind}/{key}", token)

    async def change_notes(
        self,
        token: Secret,
        *,
        put: Mapping[tuple[str, str], Document],
        delete: Sequence[tuple[str, str]],
        close: Sequence[str] = (),
    ) -> None:
        body: Document = {
            "put": [{"kind": k, "key": key, "note": note} for (k, key), note in put.items()],
            "delete": [{"kind": k, "key": key} for k, key in delete],
            "close": list(close),
        }
        await self._api.post("/vault/notes", token, body)


def _thread_of(invitation: Document) -> str:
    """The thread of the message attached to an invitation. Raises InvalidInput."""
    try:
        return str(invitation["requests~attach"][0]["data"]["json"]["@id"])
    except (KeyError, IndexError, TypeError) as err:
        raise InvalidInput("The link holds no request that can be shown") from err


def _received(found: Document) -> ReceivedOffer:
    return ReceivedOffer(
        exchange_id=found["exchange_id"],
        state=_state(found),
        definition_id=found["definition_id"],
        schema_id=found["schema_id"],
        values=dict(found["values"]),
        credential_id=found["credential_id"],
        reference=found["reference"],
    )


def _state(found: Document) -> OfferState:
    return _STATES.get(found["state"], OfferState.OFFERED)
