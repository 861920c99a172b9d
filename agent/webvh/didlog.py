"""DID logs of did:webvh v1.0: making them, appending to them, verifying them whole.

Verifying a log checks, for every entry in order:

1. it is an entry with the members of the specification, numbered without a gap  `entry`
2. the SCID is the hash of the first entry, the entry hash chains to the last     `hash`
3. the update keys were committed to before (pre-rotation), time only grows       `entry`
4. every proof is by an update key in force, for the purpose assertionMethod      `signature`
5. the document is the same DID throughout, the one asked for                     `did`
6. it is not deactivated and asks for no witnesses                                `did`

Witnesses are refused rather than skipped: Haven's organisations have none, and not looking
for one that a log demands would accept what its owner did not approve. The hashing and the
signatures are the `did_webvh` library's; the library is asked without its network resolver,
so that this module needs no sockets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aries_askar.error import AskarError
from did_webvh.const import SCID_PLACEHOLDER
from did_webvh.core.hash_utils import DEFAULT_HASH, HashInfo
from did_webvh.core.state import DocumentState, InvalidDocumentState, verify_state_proofs
from did_webvh.provision import provision_did
from did_webvh.verify import WebvhVerifier

from agent.webvh.identifiers import OPAQUE_PREFIX, is_opaque, parse_did
from core.canonical import Json, read_object
from core.errors import InvalidInput, VerificationError
from core.proof import PURPOSE, Signer, add_proof

MAX_ENTRIES = 1_000
ASSERTION_KEY = "key-assertion-1"
DID_CONTEXT = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1")


@dataclass(frozen=True, slots=True)
class VerifiedDid:
    """A DID whose whole log was verified, and its current document."""

    did: str
    document: Json
    version_id: str
    version_number: int
    version_ids: tuple[str, ...]
    update_keys: tuple[str, ...]
    next_key_hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewDid:
    """A DID that exists once its first `entry` is published."""

    did: str
    verification_method: str
    entry: str


def create_log(
    *,
    domain: str,
    opaque: str,
    update_key: Signer,
    next_update_key: str,
    assertion_key: str,
    now: datetime,
    services: Sequence[Json] = (),
) -> NewDid:
    """The first entry of a new DID with one assertion key and pre-rotation.

    Args:
        domain: The host that will serve the log, without a port.
        opaque: A random name of small letters and digits; nothing spoken.
        next_update_key, assertion_key: Public Multikeys.
        services: Service entries with ids relative to the DID (`#didcomm`).

    Raises:
        InvalidInput: the name is not opaque or the domain is none.
    """
    if not is_opaque(opaque):
        raise InvalidInput("the name in a DID must be 8 to 64 random small letters and digits")
    placeholder = f"did:webvh:{SCID_PLACEHOLDER}:{domain}:{OPAQUE_PREFIX}:{opaque}"
    parameters = {
        "updateKeys": [update_key.multikey],
        "nextKeyHashes": [key_hash(next_update_key)],
        "portable": False,
    }
    document = _genesis_document(placeholder, assertion_key, services)
    state = provision_did(document, params=parameters, timestamp=now)
    did = parse_did(str(state.document_id)).did
    return NewDid(did, f"{did}#{ASSERTION_KEY}", _sign_entry(state, update_key, now))


def _genesis_document(did: str, assertion_key: str, services: Sequence[Json]) -> Json:
    method = f"{did}#{ASSERTION_KEY}"
    document: Json = {
        "@context": list(DID_CONTEXT),
        "id": did,
        "controller": did,
        "verificationMethod": [
            {
                "id": method,
                "type": "Multikey",
                "controller": did,
                "publicKeyMultibase": assertion_key,
            }
        ],
        "authentication": [method],
        "assertionMethod": [method],
    }
    return with_services(document, services)


def append_rotation(
    entries: Sequence[str],
    *,
    update_key: Signer,
    next_update_key: str,
    now: datetime,
    services: Sequence[Json] = (),
) -> str:
    """An entry that puts the committed update key in force and commits to the next one.

    `update_key` must be the key that the last entry committed to. `services`, with ids
    relative to the DID, are added to the document or replace those of the same id.

    Raises:
        VerificationError: the log so far, or the log with the new entry, does not verify.
    """
    states = _load_states(entries)
    state = states[-1].create_next(
        with_services(states[-1].document_copy(), services),
        params_update={
            "updateKeys": [update_key.multikey],
            "nextKeyHashes": [key_hash(next_update_key)],
        },
        # times are whole seconds and must grow; twice in one second runs ahead a little
        timestamp=max(now.replace(microsecond=0), states[-1].timestamp + timedelta(seconds=1)),
    )
    entry = _sign_entry(state, update_key, state.timestamp)
    verify_log([*entries, entry])
    return entry


def with_services(document: Json, services: Sequence[Json]) -> Json:
    """A DID document with these services; their ids are relative to the DID."""
    if not services:
        return document
    did = str(document["id"])
    added = [{**each, "id": did + each["id"]} for each in services]
    ids = {each["id"] for each in added}
    kept = [each for each in document.get("service", []) if each.get("id") not in ids]
    return {**document, "service": [*kept, *added]}


def key_hash(multikey: str) -> str:
    """The commitment to a future update key (`nextKeyHashes`)."""
    return str(HashInfo.from_name(DEFAULT_HASH).formatted_hash(multikey.encode("utf-8")))


def _sign_entry(state: DocumentState, signer: Signer, now: datetime) -> str:
    line = state.history_line()
    method = f"did:key:{signer.multikey}#{signer.multikey}"
    signed = add_proof(line, signer, method=method, created=now)
    return json.dumps({**line, "proof": [signed["proof"]]}, separators=(",", ":"))


def verify_log(
    entries: Sequence[str], *, expected_did: str | None = None, now: datetime | None = None
) -> VerifiedDid:
    """Verify a whole log, first entry to last.

    Args:
        entries: The lines of `did.jsonl`.
        expected_did: The DID asked for; without it the log's own DID is taken.
        now: If given, entries more than five minutes in the future are refused.

    Raises:
        VerificationError: `step` names the check that failed.
    """
    states = _load_states(entries)
    for previous, state in zip((None, *states), states, strict=False):
        _check_entry(state, previous)
        _check_signatures(state, previous)
    last = states[-1]
    _check_did(last, expected_did, now)
    return VerifiedDid(
        did=str(last.document_id),
        document=last.document_copy(),
        version_id=str(last.version_id),
        version_number=int(last.version_number),
        version_ids=tuple(str(state.version_id) for state in states),
        update_keys=tuple(last.update_keys),
        next_key_hashes=tuple(last.next_key_hashes or ()),
    )


def split_log(text: str | bytes) -> list[str]:
    """The entries of a `did.jsonl` file.

    Raises:
        VerificationError: step `entry`; it is not UTF-8.
    """
    try:
        plain = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        raise VerificationError("the DID log is not UTF-8", step="entry") from None
    return [line for line in plain.split("\n") if line.strip()]


def _load_states(entries: Sequence[str]) -> list[DocumentState]:
    if not 0 < len(entries) <= MAX_ENTRIES:
        raise VerificationError("the DID log is empty or too long", step="entry")
    states: list[DocumentState] = []
    for entry in entries:
        states.append(_load_state(read_object(entry, step="entry"), states))
    return states


def _load_state(entry: Json, before: list[DocumentState]) -> DocumentState:
    try:
        state = DocumentState.load_history_line(entry, before[-1] if before else None)
        state.check_version_id()
    except InvalidDocumentState as error:
        raise VerificationError(_words(error), step=_step(error)) from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        # the library reads members before it checks them; whatever it trips over is invalid
        raise VerificationError(
            "an entry of the DID log cannot be read", step="entry"
        ) from None
    return state


def _check_entry(state: DocumentState, previous: DocumentState | None) -> None:
    try:
        WebvhVerifier(verify_proofs=False).verify_state(state, previous, True)
        witness = state.witness
    except InvalidDocumentState as error:
        raise VerificationError(_words(error), step="did") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise VerificationError(
            "an entry of the DID log cannot be read", step="entry"
        ) from None
    if witness:
        raise VerificationError("the DID log asks for witnesses", step="did")


def _check_signatures(state: DocumentState, previous: DocumentState | None) -> None:
    if any(proof.get("proofPurpose") != PURPOSE for proof in state.proofs):
        raise VerificationError("an entry was signed for another purpose", step="signature")
    try:
        verify_state_proofs(state, previous)
    except (ValueError, KeyError, TypeError, AttributeError, AskarError):
        raise VerificationError(
            "the signature of an entry does not hold", step="signature"
        ) from None


def _check_did(state: DocumentState, expected_did: str | None, now: datetime | None) -> None:
    did = parse_did(str(state.document_id)).did
    if expected_did is not None and did != expected_did:
        raise VerificationError("the log is another DID's", step="did")
    if state.deactivated:
        raise VerificationError("the DID was deactivated", step="did")
    if now is not None and (state.timestamp - now).total_seconds() > 300:
        raise VerificationError("the log's last entry lies in the future", step="entry")


def _step(error: Any) -> str:
    kind = str(getattr(error.problem_details, "type", ""))
    return "hash" if "hash" in kind or "scid" in kind else "entry"


def _words(error: Any) -> str:
    title = getattr(error.problem_details, "title", None)
    return str(title or "an entry of the DID log is invalid")
