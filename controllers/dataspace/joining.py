"""What organisations hand each other before they have an agreement.

An *entry* is what one node's folder says of itself in the terms. Entries of all become a space
file, with nothing signed yet. For made-up cases a framework can be made on the spot; for real
ones it comes from its authority, and everybody's DID documents with it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from agent.webvh.didlog import split_log, verify_log
from controllers.dataspace.certificates import der_of, fingerprint
from core.canonical import Json
from core.errors import ConfigurationError, InvalidInput, VerificationError
from core.proof import SeedSigner
from dataspace.agreeing.agreement import Participant, Terms, read_terms
from dataspace.questions.catalogue import catalogue
from dataspace.vocabulary.model import Vocabulary
from governance.documents import new_framework, packaged_rules, serialise, with_participant
from governance.signing import sign, with_proof

ENTRY = "entry.json"
FRAMEWORK, SIGNERS, PARTICIPANTS = (
    "framework.json",
    "framework-signers.json",
    "participants.json",
)
TRIAL_AUTHORITY = "did:web:authority.trial.example"

_SEED_BYTES = 32
_ANY_KEY, _ANY_CERTIFICATE = "z" + "1" * 47, "0" * 64
_MEANT = {
    "did": "The DID is written like did:web:example.org",
    "name": "The name has 1 to 200 letters, all of which can be seen",
    "role": "The role is one of the framework's, in small letters, such as labour-inspectorate",
    "host": "--at is host:port, such as node.example.org:8443",
    "port": "--at is host:port, with a port from 1 to 65535",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands of one organisation in a space file."""

    participant: Participant
    certificate: str  # PEM


@dataclass(frozen=True, slots=True)
class Draft:
    """What the organisations settled among themselves."""

    title: str
    framework: str
    purposes: Sequence[str]
    starts: datetime
    ends: datetime


def require_entry(did: str, name: str, role: str, at: str) -> tuple[str, int]:
    """Host and port of an entry that can stand in terms, before any key is made for it.

    Raises InvalidInput, which says how what is wrong is written.
    """
    host, _, port = at.rpartition(":")
    if not host or not port.isdecimal():
        raise InvalidInput(_MEANT["host"])
    try:
        Participant(
            did=did,
            name=name,
            role=role,
            key=_ANY_KEY,
            certificate=_ANY_CERTIFICATE,
            host=host,
            port=int(port),
        )
    except ValidationError as err:
        raise InvalidInput(_MEANT[str(err.errors()[0]["loc"][0])]) from None
    return host, int(port)


def read_entry(file: Path) -> Entry:
    """An entry that `node init` wrote. Raises InvalidInput, naming the file."""
    try:
        written = json.loads(file.read_text(encoding="utf-8"))
        entry = Entry(
            Participant.model_validate(written["participant"]), str(written["certificate"])
        )
        whole = entry.participant.certificate == fingerprint(der_of(entry.certificate))
    except (OSError, ValueError, KeyError, TypeError, VerificationError) as err:
        raise InvalidInput(f"{file.name} is no entry that `node init` made") from err
    if not whole:
        raise InvalidInput(f"{file.name}: the entry and its certificate do not belong together")
    return entry


def space_of(draft: Draft, entries: Sequence[Entry], vocabulary: Vocabulary, kind: str) -> Json:
    """A space file that nobody has signed. Raises InvalidInput: these are no terms."""
    terms = read_terms(
        {
            "id": f"urn:uuid:{uuid4()}",
            "environment": kind,
            "title": draft.title,
            "assigner": entries[0].participant.did,
            "framework": draft.framework,
            "vocabulary": vocabulary.digest(),
            "operations": sorted(catalogue()),
            "purposes": sorted(draft.purposes),
            "participants": [each.participant.model_dump(mode="json") for each in entries],
            "starts": draft.starts.isoformat(),
            "ends": draft.ends.isoformat(),
        }
    )
    certificates = {each.participant.did: each.certificate for each in entries}
    return {"terms": terms.document(), "certificates": certificates, "proofs": []}


def trial_framework(
    authority: str, members: Iterable[tuple[str, str, str]], at: datetime
) -> Mapping[str, str]:
    """The packaged rules with these members (DID, role, name), and the document of who signed
    them, by the names of their files: an authority that ends here, its key is kept nowhere.

    Raises NotFound: the packaged rules have no such role.
    """
    signer = SeedSigner(os.urandom(_SEED_BYTES))
    method = f"{authority}#{signer.multikey}"
    document = new_framework(packaged_rules(), authority, at)
    for did, role, name in members:
        document = with_participant(document, did=did, role=role, name=name, at=at)
    signed = with_proof(document, sign(document, signer, method=method, created=at))
    key = {
        "id": method,
        "type": "Multikey",
        "controller": authority,
        "publicKeyMultibase": signer.multikey,
    }
    listed = [{"id": authority, "assertionMethod": [key]}]
    return {FRAMEWORK: serialise(signed).decode(), SIGNERS: json.dumps(listed)}


def trial_members(terms: Terms) -> list[tuple[str, str, str]]:
    """Who stands in a framework for these terms: everybody but the evaluator."""
    return [(each.did, each.role, each.name) for each in terms.holders]


def did_documents(files: Iterable[Path], now: datetime) -> list[Json]:
    """DID documents from files: of a did:webvh its log, which is verified; of another DID the
    document itself, or a list of such.

    Raises InvalidInput, VerificationError.
    """
    return [document for file in files for document in _documents_of(file, now)]


def _documents_of(file: Path, now: datetime) -> list[Json]:
    try:
        data = file.read_bytes()
    except OSError as err:
        raise ConfigurationError(f"There is no file {file.name} that can be read") from err
    if file.suffix == ".jsonl":
        return [verify_log(split_log(data), now=now).document]
    try:
        found: Any = json.loads(data)
        listed = found if isinstance(found, list) else [found]
        named = [(str(each["id"]), dict(each)) for each in listed]
    except (ValueError, KeyError, TypeError) as err:
        raise InvalidInput(f"{file.name} holds no DID document") from err
    if any(did.startswith("did:webvh:") for did, _ in named):
        raise InvalidInput(
            f"{file.name}: a did:webvh is believed by its log; give the file did.jsonl"
        )
    return [document for _, document in named]
