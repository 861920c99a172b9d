"""The few fields of exchanges that Haven uses, read straight from a wallet's store."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from acapy_agent.anoncreds.holder import CATEGORY_CREDENTIAL
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.issue_credential.v2_0.models.detail.anoncreds import (
    V20CredExRecordAnonCreds,
)
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from aries_askar import AskarError, AskarErrorCode, Entry, Session

type Json = dict[str, Any]

_CONNECTED = ("active", "completed")
_STORED = "done"
_REMOVED = "acapy::record::issue_credential_v2_0::deleted"


async def offer_made(profile: Profile, exchange_id: str) -> Json | None:
    """An issuer's exchange: its state, and the entry in the registry that a credential has."""
    async with profile.opened.store.session(profile.profile_id) as store:
        record = await store.fetch(V20CredExRecord.RECORD_TYPE, exchange_id)
        if record is None:
            return None
        detail = await _detail(store, exchange_id)
    return {
        "state": _value(record)["state"],
        "registry_id": detail.get("rev_reg_id"),
        "index": detail.get("cred_rev_id"),
    }


async def offers_received(
    profile: Profile, connection_id: str, reference: str | None
) -> list[Json]:
    """A holder's exchanges on a connection, with the values she is offered; with a reference
    only those whose offer carries it."""
    async with profile.opened.store.session(profile.profile_id) as store:
        # a wallet has few: each is removed when its credential is stored
        records = await store.fetch_all(V20CredExRecord.RECORD_TYPE)
        fitting = [
            (record.name, value)
            for record in records
            if (value := _value(record)).get("connection_id") == connection_id
            and reference in (None, _reference(value))
        ]
        stored = [name for name, value in fitting if value["state"] == _STORED]
        details = {name: await _detail(store, name) for name in stored}
    return [_received(name, value, details.get(name, {})) for name, value in fitting]


async def remove_exchange(store: Session, exchange_id: str) -> None:
    """Remove an issuance: first what hangs on it, so that nothing is ever left behind."""
    await store.remove_all(
        V20CredExRecordAnonCreds.RECORD_TYPE,
        V20CredExRecordAnonCreds.prefix_tag_filter({"cred_ex_id": exchange_id}),
    )
    await _remove(store, V20CredExRecord.RECORD_TYPE, exchange_id)


async def tell_removed(profile: Profile, exchange_id: str) -> None:
    """Wake who waits for an exchange to end."""
    await profile.notify(_REMOVED, {"cred_ex_id": exchange_id, "state": "deleted"})


async def remove_presentation(profile: Profile, exchange_id: str) -> None:
    """Remove a request and what was shown for it."""
    async with profile.opened.store.session(profile.profile_id) as store:
        await _remove(store, V20PresExRecord.RECORD_TYPE, exchange_id)


async def held(profile: Profile) -> list[Json]:
    """The credentials in a wallet, with their values."""
    async with profile.opened.store.session(profile.profile_id) as store:
        entries = await store.fetch_all(CATEGORY_CREDENTIAL)
    return [_held(entry.name, _value(entry)) for entry in entries]


async def connection_of(profile: Profile, invitation_id: str, *, completed: bool) -> str | None:
    """The connection that came of an invitation."""
    wanted = ConnRecord.prefix_tag_filter({"invitation_msg_id": invitation_id})
    async with profile.opened.store.session(profile.profile_id) as store:
        for record in await store.fetch_all(ConnRecord.RECORD_TYPE, wanted):
            if not completed or _value(record)["state"] in _CONNECTED:
                return str(record.name)
    return None


async def request_on(profile: Profile, thread_id: str) -> str | None:
    """The exchange of a request for a presentation that was taken in."""
    wanted = V20PresExRecord.prefix_tag_filter({"thread_id": thread_id})
    async with profile.opened.store.session(profile.profile_id) as store:
        found = await store.fetch_all(V20PresExRecord.RECORD_TYPE, wanted, limit=1)
        return next((str(record.name) for record in found), None)


async def presentation_of(profile: Profile, exchange_id: str) -> Json | None:
    """A verifier's exchange: where it stands, what was really asked, and what was shown."""
    async with profile.opened.store.session(profile.profile_id) as store:
        record = await store.fetch(V20PresExRecord.RECORD_TYPE, exchange_id)
    return presentation(_value(record)) if record is not None else None


def presentation(value: Mapping[str, Any]) -> Json:
    """The few fields of a verifier's exchange, from its stored value."""
    request, shown = value.get("pres_request"), value.get("pres")
    return {
        "state": value["state"],
        "verified": value.get("verified"),
        "updated_at": value["updated_at"],
        "request": _by_anoncreds(request, "request_presentations~attach"),
        "presentation": _by_anoncreds(shown, "presentations~attach"),
    }


async def _remove(store: Session, category: str, name: str) -> None:
    try:
        await store.remove(category, name)
    except AskarError as err:  # somebody else removed it: that is what was wanted
        if err.code != AskarErrorCode.NOT_FOUND:
            raise


def _held(name: str, credential: Json) -> Json:
    """Of an AnonCreds credential as its library writes it, what Haven knows of."""
    revocable = credential["signature"].get("r_credential")
    return {
        "credential_id": name,
        "schema_id": credential["schema_id"],
        "definition_id": credential["cred_def_id"],
        "registry_id": credential.get("rev_reg_id"),
        "index": revocable["i"] if revocable else None,
        "values": {key: value["raw"] for key, value in credential["values"].items()},
    }


async def _detail(store: Session, exchange_id: str) -> Json:
    wanted = V20CredExRecordAnonCreds.prefix_tag_filter({"cred_ex_id": exchange_id})
    for record in await store.fetch_all(V20CredExRecordAnonCreds.RECORD_TYPE, wanted):
        return _value(record)
    return {}


def _received(exchange_id: str, value: Json, detail: Json) -> Json:
    offer = value.get("cred_offer") or {}
    core = _attached(offer)
    preview = (offer.get("credential_preview") or {}).get("attributes") or []
    return {
        "exchange_id": exchange_id,
        "state": value["state"],
        "definition_id": core.get("cred_def_id", ""),
        "schema_id": core.get("schema_id", ""),
        "values": {each["name"]: each["value"] for each in preview},
        "credential_id": detail.get("cred_id_stored"),
        "reference": _reference(value),
    }


def _reference(value: Mapping[str, Any]) -> str | None:
    """The issuer's own name for what it offers: our issuers put it into the comment."""
    comment = (value.get("cred_offer") or {}).get("comment")
    return comment if isinstance(comment, str) else None


def _attached(offer: Mapping[str, Any]) -> Json:
    """What AnonCreds itself says in an offer (RFC 0453, attachments)."""
    for attachment in offer.get("offers~attach") or []:
        return _decoded(attachment["data"])
    return {}


def _by_anoncreds(message: Mapping[str, Any] | None, attached: str) -> Json | None:
    """The attachment in AnonCreds' format; empty if it has no form that can be read."""
    if message is None:
        return None
    names = {each["attach_id"] for each in message["formats"] if _is_ours(each["format"])}
    for attachment in message[attached]:
        if attachment.get("@id") in names:
            return _decoded(attachment["data"])
    return None


def _is_ours(name: str) -> bool:
    return name.startswith("anoncreds/")


def _decoded(data: Mapping[str, Any]) -> Json:
    try:
        found = data["json"] if "json" in data else _from_base64(str(data["base64"]))
    except (KeyError, ValueError):
        return {}
    return dict(found) if isinstance(found, dict) else {}


def _from_base64(encoded: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))


def _value(record: Entry) -> Json:
    return dict(json.loads(record.value))
