"""The bare AnonCreds calls of an issuance and of a check: what no agent can do without.

No store, no message, no network, nothing serialised: objects go from call to call. Whatever an
agent needs beyond this is its own. The benches measure against it (docs/performance.md).

Each credential is issued under a definition of its own with a revocation registry of the size
given; a presentation proves non-revocation for every credential, and is verified against the
newest lists, as in production.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anoncreds import (
    Credential,
    CredentialDefinition,
    CredentialDefinitionPrivate,
    CredentialOffer,
    CredentialRequest,
    CredentialRevocationConfig,
    CredentialRevocationState,
    KeyCorrectnessProof,
    Presentation,
    PresentationRequest,
    PresentCredentials,
    RevocationRegistryDefinition,
    RevocationStatusList,
    Schema,
    create_link_secret,
)

from agent.proof_format import to_proof_request
from core.errors import VerificationError
from core.presentation import PresentationAsk

_ISSUER = "did:example:issuer"
_LINK_SECRET_ID = "default"  # noqa: S105 (a name)
_LIFE = 3600


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of credential: its schema's id and attributes, as in production."""

    schema_id: str
    attributes: tuple[str, ...]
    registry_size: int


class Press:
    """An issuer of one kind: definition, registry, newest list. Making one takes seconds."""

    def __init__(self, kind: Kind, keys: Mapping[str, str] | None = None) -> None:
        """`keys`: those that `keys()` of an earlier press of the same kind gave."""
        self.kind = kind
        self.definition_id = f"{kind.schema_id}/definition"
        self.registry_id = f"{kind.schema_id}/registry"
        self.schema = Schema.create(kind.schema_id, "1.0", _ISSUER, list(kind.attributes))
        self.definition, self._private, self._proof = self._load(keys or self._make_keys())
        self._folder = tempfile.TemporaryDirectory(prefix="haven-tails-")
        self.registry, self._registry_private = RevocationRegistryDefinition.create(
            self.definition_id,
            self.definition,
            _ISSUER,
            "0",
            "CL_ACCUM",
            kind.registry_size,
            tails_dir_path=self._folder.name,
        )
        self.listed_at = int(time.time())
        self.newest = RevocationStatusList.create(
            self.definition,
            self.registry_id,
            self.registry,
            self._registry_private,
            _ISSUER,
            timestamp=self.listed_at,
        )
        self._next = 1

    def keys(self) -> dict[str, str]:
        """The definition and its private part, to make the next press of this kind sooner."""
        return {
            "definition": self.definition.to_json(),
            "private": self._private.to_json(),
            "proof": self._proof.to_json(),
        }

    def issue(self, values: Mapping[str, str], link_secret: str) -> Credential:
        """Offer, request, sign, take: the four calls of an issuance, with a registry entry."""
        offer = CredentialOffer.create(self.kind.schema_id, self.definition_id, self._proof)
        request, metadata = CredentialRequest.create(
            "entropy", None, self.definition, link_secret, _LINK_SECRET_ID, offer
        )
        entry = CredentialRevocationConfig(
            self.registry, self._registry_private, self.newest, self._take_index()
        )
        signed = Credential.create(
            self.definition, self._private, offer, request, dict(values), None, entry
        )
        return signed.process(metadata, link_secret, self.definition, self.registry)

    def state_of(self, credential: Credential) -> CredentialRevocationState:
        """The holder's witness that this credential is not on the newest list."""
        return CredentialRevocationState.create(
            self.registry, self.newest, credential.rev_reg_index, self.registry.tails_location
        )

    def _take_index(self) -> int:
        index = self._next
        self._next = index % (self.kind.registry_size - 1) + 1
        return index

    def _make_keys(self) -> dict[str, str]:
        made = CredentialDefinition.create(
            self.kind.schema_id, self.schema, _ISSUER, "tag", "CL", support_revocation=True
        )
        return dict(
            zip(("definition", "private", "proof"), (m.to_json() for m in made), strict=True)
        )

    @staticmethod
    def _load(
        keys: Mapping[str, str],
    ) -> tuple[CredentialDefinition, CredentialDefinitionPrivate, KeyCorrectnessProof]:
        return (
            CredentialDefinition.load(keys["definition"]),
            CredentialDefinitionPrivate.load(keys["private"]),
            KeyCorrectnessProof.load(keys["proof"]),
        )


def new_link_secret() -> str:
    """What binds credentials to one holder."""
    return str(create_link_secret())


def check(
    ask: PresentationAsk, held: Sequence[tuple[Press, Credential]], link_secret: str
) -> None:
    """Prove and verify: witnesses, a presentation, its verification with the newest lists.

    `held` has a credential for each of the ask's parts, in order. Raises VerificationError.
    """
    document = to_proof_request(ask, "bench", int(time.time()) + _LIFE)
    request = PresentationRequest.load(json.dumps(document))
    schemas = {press.kind.schema_id: press.schema for press, _ in held}
    definitions = {press.definition_id: press.definition for press, _ in held}
    presentation = Presentation.create(
        request, _chosen(ask, held), None, link_secret, schemas, definitions
    )
    verified = presentation.verify(
        request,
        schemas,
        definitions,
        {press.registry_id: press.registry for press, _ in held},
        [press.newest for press, _ in held],
    )
    if not verified:
        raise VerificationError("The bare presentation does not verify", step="presentation")


def _chosen(ask: PresentationAsk, held: Sequence[tuple[Press, Any]]) -> PresentCredentials:
    chosen = PresentCredentials()
    for one, (press, credential) in zip(ask.asks, held, strict=True):
        proven = {"timestamp": press.listed_at, "rev_state": press.state_of(credential)}
        if one.reveal:
            chosen.add_attributes(credential, one.label, reveal=True, **proven)
        for number in range(len(one.predicates)):
            chosen.add_predicates(credential, f"{one.label}/{number}", **proven)
    return chosen
