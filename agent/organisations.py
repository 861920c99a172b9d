"""The organisations' agent: tenants, issuing, checking, revoking (see core/ports.py)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from agent.admin import AdminApi
from agent.keys import raw_wallet_key, tenant_token, token_issued_at
from agent.proof_format import from_proof_request, read_presentation, to_proof_request
from core.errors import Conflict, InvalidInput, NotFound, Unavailable, VerificationError
from core.ports import (
    Answer,
    AnswerState,
    Document,
    Identity,
    Invitation,
    OfferState,
    OfferStatus,
    RevocationStatus,
    TenantRef,
    VerifiedAnswer,
)
from core.presentation import PresentationAsk
from core.secret import Secret

_OFFER_STATES = {
    "offer-sent": OfferState.OFFERED,
    "request-received": OfferState.REQUESTED,
    "credential-issued": OfferState.ISSUED,
    "done": OfferState.DONE,
    "credential-revoked": OfferState.DONE,
    "abandoned": OfferState.FAILED,
    "deleted": OfferState.UNKNOWN,
}

_UNANSWERED = (OfferState.OFFERED, OfferState.REQUESTED)

_ANSWER_STATES = {
    "request-sent": AnswerState.WAITING,
    "presentation-received": AnswerState.RECEIVED,
    "done": AnswerState.VERIFIED,
    "abandoned": AnswerState.ABANDONED,
    "deleted": AnswerState.UNKNOWN,
}

_REGISTRY_SECONDS = 120.0
_VERIFY_TRIES = 3
_VERIFIED = "done"

# Peer DIDs carry the key and the endpoint in themselves: nothing is published to connect.
_HANDSHAKE = ["https://didcomm.org/didexchange/1.1"]


class OrganisationsAgent:
    """Implements Tenants, Statements, IssuerAgent, RevocationAgent and VerifierAgent."""

    def __init__(self, api: AdminApi, jwt_secret: Secret) -> None:
        self._api = api
        self._jwt_secret = jwt_secret

    def token(self, tenant: TenantRef) -> Secret:
        """The tenant's admin token, minted when it is needed."""
        return tenant_token(self._jwt_secret, tenant.wallet_id, tenant.issued_at)

    async def ready(self) -> bool:
        return await self._api.ready()

    # --- tenants --------------------------------------------------------------------------

    async def create_tenant(self, label: str) -> TenantRef:
        made = await self._api.post(
            "/multitenancy/wallet",
            body={
                "label": label,
                "wallet_name": f"t-{secrets.token_hex(12)}",
                "wallet_key": raw_wallet_key().reveal(),
                "wallet_key_derivation": "RAW",
                "wallet_type": "askar-anoncreds",
                "wallet_dispatch_type": "base",
                "key_management_mode": "managed",
            },
        )
        return TenantRef(made["wallet_id"], token_issued_at(made["token"]))

    async def create_identity(self, tenant: TenantRef, path: str) -> Identity:
        made = await self._api.post("/haven/identity", self.token(tenant), {"path": path})
        return Identity(made["did"], made["verification_method"])

    async def announce(self, tenant: TenantRef, services: Sequence[Document]) -> None:
        body: Document = {"services": list(services)}
        await self._api.post("/haven/identity/services", self.token(tenant), body)

    async def publish_schema(
        self, tenant: TenantRef, did: str, name: str, version: str, attributes: Sequence[str]
    ) -> str:
        schema = {
            "issuerId": did,
            "name": name,
            "version": version,
            "attrNames": list(attributes),
        }
        made = await self._api.post("/anoncreds/schema", self.token(tenant), {"schema": schema})
        return str(made["schema_state"]["schema_id"])

    async def create_definition(
        self, tenant: TenantRef, did: str, schema_id: str, tag: str, registry_size: int
    ) -> str:
        body: Document = {
            "credential_definition": {"issuerId": did, "schemaId": schema_id, "tag": tag},
            "options": {"support_revocation": True, "revocation_registry_size": registry_size},
            "wait_for_revocation_setup": True,
        }
        made = await self._api.post(
            "/anoncreds/credential-definition", self.token(tenant), body
        )
        definition_id = str(made["credential_definition_state"]["credential_definition_id"])
        await self._registry_active(tenant, definition_id)
        return definition_id

    async def _registry_active(self, tenant: TenantRef, definition_id: str) -> None:
        """ACA-Py answers before the first revocation registry can be issued from."""
        path = f"/anoncreds/revocation/active-registry/{quote(definition_id, safe='')}"
        deadline = time.monotonic() + _REGISTRY_SECONDS
        while time.monotonic() < deadline:
            try:
                await self._api.get(path, self.token(tenant))
            except (NotFound, Unavailable, Conflict):
                await asyncio.sleep(0.2)
            else:
                return
        raise Unavailable("The revocation registry was not ready in time; please try again")

    # --- statements -----------------------------------------------------------------------

    async def sign(self, tenant: TenantRef, statement: Document) -> Document:
        body = {"statement": statement}
        return await self._api.post("/haven/statements/sign", self.token(tenant), body)

    async def sign_framework(self, tenant: TenantRef, document: Document) -> Document:
        body = {"framework": document}
        made = await self._api.post("/haven/frameworks/sign", self.token(tenant), body)
        return dict(made["proof"])

    async def sign_trust_list(self, tenant: TenantRef, payload: Document) -> str:
        body = {"payload": payload}
        made = await self._api.post("/haven/trust-lists/sign", self.token(tenant), body)
        return str(made["jwt"])

    async def verify_statement(self, token: Secret, statement: Document) -> str:
        return await verify_statement(self._api, token, statement)

    # --- issuing --------------------------------------------------------------------------

    async def invite(self, tenant: TenantRef, label: str) -> Invitation:
        made = await self._api.post(
            "/out-of-band/create-invitation",
            self.token(tenant),
            {"handshake_protocols": _HANDSHAKE, "my_label": label},
            auto_accept="true",
        )
        return _invitation(made)

    async def connection_for(self, tenant: TenantRef, invitation_id: str) -> str | None:
        path = f"/haven/connections/{invitation_id}"
        found = await self._api.get(path, self.token(tenant), completed="true")
        return found["connection_id"] and str(found["connection_id"])

    async def offer(
        self,
        tenant: TenantRef,
        connection_id: str,
        definition_id: str,
        values: Mapping[str, str],
        reference: str,
    ) -> str:
        body: Document = {
            "connection_id": connection_id,
            "definition_id": definition_id,
            "values": dict(values),
            "reference": reference,
        }
        made = await self._api.post("/haven/offers", self.token(tenant), body)
        return str(made["exchange_id"])

    async def offer_status(self, tenant: TenantRef, exchange_id: str) -> OfferStatus:
        path = f"/haven/offers/{exchange_id}"
        try:
            found = await self._api.get(path, self.token(tenant))
        except NotFound:
            return OfferStatus(exchange_id, OfferState.UNKNOWN)
        return _status(exchange_id, found["state"], found["registry_id"], found["index"])

    async def offers_on(
        self, tenant: TenantRef, connection_id: str, reference: str
    ) -> list[OfferStatus]:
        found = await self._api.get(
            "/issue-credential-2.0/records", self.token(tenant), connection_id=connection_id
        )
        return [_offer_status(each) for each in found["results"] if _names(each, reference)]

    async def issue(self, tenant: TenantRef, exchange_id: str) -> OfferStatus:
        path = f"/haven/offers/{exchange_id}/issue"
        found = await self._api.post(path, self.token(tenant))
        return _status(exchange_id, found["state"], found["registry_id"], found["index"])

    async def forget_offer(
        self, tenant: TenantRef, exchange_id: str, seen: OfferStatus | None = None
    ) -> None:
        token = self.token(tenant)
        status = seen or await self.offer_status(tenant, exchange_id)
        if status.state in _UNANSWERED and status.registry_id is None:
            path = f"/issue-credential-2.0/records/{exchange_id}/problem-report"
            with contextlib.suppress(NotFound, Conflict):  # a courtesy; it is removed anyway
                await self._api.post(path, token, {"description": "taken back"})
        await self._api.delete(f"/haven/offers/{exchange_id}", token)

    # --- revoking -------------------------------------------------------------------------

    async def revoke(self, tenant: TenantRef, registry_id: str, indices: Sequence[int]) -> int:
        body: Document = {"rev_reg_id": registry_id, "cred_rev_ids": list(indices)}
        done = await self._api.post("/haven/revocations", self.token(tenant), body)
        return int(done["timestamp"])

    async def latest_list(
        self, tenant: TenantRef, registry_id: str, at: datetime
    ) -> RevocationStatus:
        found = await self._api.get(
            "/haven/revocation-lists/latest",
            self.token(tenant),
            rev_reg_id=registry_id,
            at=int(at.timestamp()),
        )
        return RevocationStatus(
            registry_id,
            str(found["definition_id"]),
            int(found["timestamp"]),
            int(found["revoked_count"]),
        )

    # --- checking -------------------------------------------------------------------------

    async def request(
        self, tenant: TenantRef, ask: PresentationAsk, purpose: str, valid_until: datetime
    ) -> str:
        proof_request = to_proof_request(ask, purpose, int(valid_until.timestamp()))
        body = {
            "presentation_request": {"anoncreds": proof_request},
            "auto_verify": False,
            "auto_remove": False,
            "auto_remove_on_failure": False,
        }
        made = await self._api.post(
            "/present-proof-2.0/create-request", self.token(tenant), body
        )
        return str(made["pres_ex_id"])

    async def invite_to(self, tenant: TenantRef, exchange_id: str, label: str) -> Invitation:
        made = await self._api.post(
            "/out-of-band/create-invitation",
            self.token(tenant),
            {"attachments": [{"id": exchange_id, "type": "present-proof"}], "my_label": label},
            auto_accept="true",
        )
        return _invitation(made)

    async def answer(self, tenant: TenantRef, exchange_id: str) -> Answer:
        try:
            path = f"/haven/presentations/{exchange_id}"
            record = await self._api.get(path, self.token(tenant))
        except NotFound:
            return Answer(AnswerState.UNKNOWN)
        return _answer(record)

    async def verify(self, tenant: TenantRef, exchange_id: str) -> VerifiedAnswer:
        """ACA-Py takes in a second presentation for the same request at any time: it replaces
        the first, sets the state back and keeps the old `verified`. So a result counts only in
        a record whose state is `done`, and for the presentation in that same record.
        """
        path = f"/haven/presentations/{exchange_id}"
        for _ in range(_VERIFY_TRIES):
            record = await self._verify_now(path, tenant)
            if record.get("state") == _VERIFIED:
                return VerifiedAnswer(record.get("verified") == "true", _answer(record))
        raise Unavailable("The answer could not be verified; it keeps changing")

    async def _verify_now(self, path: str, tenant: TenantRef) -> Document:
        try:
            return await self._api.post(f"{path}/verify", self.token(tenant))
        except Unavailable:
            # it verifies and stores the result, and then fails where the holder gave no
            # address for the acknowledgement: the record tells
            return await self._api.get(path, self.token(tenant))

    async def forget_request(self, tenant: TenantRef, exchange_id: str) -> None:
        await self._api.delete(f"/haven/presentations/{exchange_id}", self.token(tenant))


async def verify_statement(api: AdminApi, token: Secret, statement: Document) -> str:
    """The DID that signed a statement. Raises VerificationError."""
    try:
        verified = await api.post("/haven/statements/verify", token, {"statement": statement})
    except (Conflict, InvalidInput, NotFound) as err:
        raise VerificationError(
            "It could not be verified who says this", step="statement"
        ) from err
    return str(verified["issuer"])


def attached_request(invitation: Mapping[str, Any]) -> Document:
    """The AnonCreds proof request attached to an out-of-band invitation (RFC 0434, 0454).

    Raises InvalidInput when there is none that we could show.
    """
    try:
        (attached,) = invitation["requests~attach"]
        (inner,) = attached["data"]["json"]["request_presentations~attach"]
        return dict(_attachment_json(inner["data"]))
    except (KeyError, TypeError, ValueError) as err:
        raise InvalidInput("The link holds no request that can be shown") from err


def _attachment_json(data: Mapping[str, Any]) -> Document:
    if "json" in data:
        return dict(data["json"])
    padded = data["base64"] + "=" * (-len(data["base64"]) % 4)
    return dict(json.loads(base64.urlsafe_b64decode(padded)))


async def _remove(api: AdminApi, path: str, token: Secret) -> None:
    try:
        await api.delete(path, token)
    except NotFound:
        return  # somebody else, or an earlier try, removed it: that is what was wanted


def _invitation(made: Document) -> Invitation:
    return Invitation(made["invitation"], made["invi_msg_id"], made["oob_id"])


def _names(record: Document, reference: str) -> bool:
    offer = (record.get("cred_ex_record") or record).get("cred_offer") or {}
    return bool(offer.get("comment") == reference)


def _offer_status(record: Document) -> OfferStatus:
    detail = record.get("anoncreds") or {}
    body = record.get("cred_ex_record") or record
    return _status(
        body["cred_ex_id"],
        body["state"],
        detail.get("rev_reg_id"),
        detail.get("cred_rev_id"),
    )


def _status(
    exchange_id: str, state: str, registry_id: str | None, index: str | None
) -> OfferStatus:
    return OfferStatus(
        exchange_id=exchange_id,
        state=_OFFER_STATES.get(state, OfferState.OFFERED),
        registry_id=registry_id,
        index=int(index) if index is not None else None,
    )


def _answer(record: Document) -> Answer:
    request, presentation = record["request"], record["presentation"]
    shown = presentation is not None  # an empty one is one without form
    state = _ANSWER_STATES.get(record["state"], AnswerState.WAITING)
    return Answer(
        state=state,
        asked=from_proof_request(request) if request else None,
        shown=read_presentation(request, presentation) if request and shown else None,
        answered_at=datetime.fromisoformat(record["updated_at"]) if shown else None,
    )
