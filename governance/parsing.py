"""Bytes of a framework document to a Framework.

Three degrees of trouble, from the outside in:

1. A document that is unusable as a whole (no JSON, a top-level field missing or of the wrong
   type, two grants for one definition, more than three predicates) raises InvalidInput.
2. A malformed role, participant, grant, check or variant is left out and named in `faults`.
3. A malformed item within one (an attribute that is no text, a predicate of two parts) grants
   nothing by itself. A variant with such an item still bounds what may be asked by its good
   items, and cannot be used to make a check.

Because of 3, leaving a thing out never allows more than keeping it did: whether an item is
good depends on that item alone, never on its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, cast, get_args

from core.errors import InvalidInput
from governance.check_parsing import parse_check, require_few_predicates
from governance.entry import Entry, Faults, load_object, string
from governance.formats import in_this_format
from governance.model import (
    Check,
    Computation,
    ControlledDocument,
    EndedBecause,
    Endorsement,
    Framework,
    Grant,
    Participant,
    Role,
    SignerMember,
    Signers,
)
from governance.versions import SEMANTIC_VERSION


def parse_framework(data: bytes) -> Framework:
    """The framework in `data`. Raises InvalidInput if the document is unusable as a whole."""
    return read_framework(load_object(data))


def read_framework(top: Entry) -> Framework:
    """The framework in a document that was read already. Raises as `parse_framework`."""
    top = in_this_format(top)
    top.integer("validity_days", least=1)
    _require_unique_grants(top.items("grants"))
    require_few_predicates(top.mapping("checks"))
    faults = Faults()
    checks = faults.named(top, "checks", parse_check)
    participants = faults.listed(top, "participants", _participant)
    grants = faults.listed(top, "grants", _grant)
    endorsements = faults.listed(top, "endorsements", endorsement)
    return Framework(
        id=top.did_url("id"),
        version_id=top.did_url("version_id"),
        version=_version(top),
        sequence=top.integer("sequence", least=1),
        issued_at=top.time("issued_at"),
        expires_at=top.time("expires_at"),
        previous_digest=_previous(top),
        authority=top.did("authority"),
        signers=_signers(top),
        jurisdictions=faults.listed(top, "jurisdictions", string),
        languages=faults.listed(top, "languages", _language),
        documents=faults.listed(top, "documents", _document),
        credentials=frozenset(faults.listed(top, "credentials", string)),
        computations=faults.named(top, "computations", _computation),
        roles=faults.named(top, "roles", _role),
        revocation_max_age_seconds=_revocation(top),
        checks=checks,
        schemas=faults.named(top, "schemas", string),
        participants=_by_did(participants),
        grants=MappingProxyType({grant.definition_id: grant for grant in grants}),
        endorsements=_by_authority(endorsements),
        faults=(*faults.found, *_faults_within(checks)),
        document=MappingProxyType(top.values),
    )


def _version(top: Entry) -> str:
    text = top.text("version")
    if not SEMANTIC_VERSION.fullmatch(text):
        raise InvalidInput("version must be a semantic version")
    return text


def _previous(top: Entry) -> str | None:
    raw = top.raw("previous")
    return None if raw is None else Entry.of(raw).text("digest")


def _signers(top: Entry) -> Signers:
    """All of it or nothing: with a member lost, the threshold would mean something else."""
    entry = Entry(top.mapping("signers"))
    members = tuple(_signer(raw) for raw in entry.items("members"))
    return Signers(
        threshold=entry.integer("threshold", least=1, most=max(1, len(members))),
        members=members,
    )


def _signer(raw: object) -> SignerMember:
    entry = Entry.of(raw)
    return SignerMember(entry.did("did"), entry.time("from"), entry.time_or_null("until"))


def _document(_: str, raw: Any) -> ControlledDocument:
    entry = Entry.of(raw)
    return ControlledDocument(
        name=entry.text("name"),
        kind=entry.text("kind"),
        language=entry.text("language"),
        digest=entry.text("digest"),
    )


def _computation(name: str, raw: Any) -> Computation:
    entry = Entry.of(raw)
    return Computation(name, entry.mapping("title"), entry.mapping("description"))


def _require_unique_grants(grants: list[Any]) -> None:
    # Judged before anything is left out: a malformed withdrawal must not clear the way for a
    # second grant of the same definition.
    for name in ("id", "definition_id"):
        values = [grant.get(name) for grant in grants if isinstance(grant, dict)]
        texts = [value for value in values if isinstance(value, str)]
        if len(set(texts)) != len(texts):
            raise InvalidInput(f"two grants have the same {name}")


def _revocation(top: Entry) -> int:
    return Entry(top.mapping("revocation")).integer("max_age_seconds", least=0)


def _language(_: str, raw: Any) -> str:
    return Entry.of(raw).text("tag")


def _role(_: str, raw: Any) -> Role:
    # A name that is no text equals no credential and no purpose: it allows nothing.
    entry = Entry.of(raw)
    return Role(
        issue=_texts(entry.items("issue")),
        ask=_texts(entry.items("ask")),
        compute=_texts(entry.items("compute")),
    )


def _texts(items: list[Any]) -> frozenset[str]:
    return frozenset(item for item in items if isinstance(item, str))


def _participant(index: str, raw: Any) -> Participant:
    entry = Entry.of(raw)
    name = entry.raw("name")
    if not isinstance(name, str | dict):
        raise InvalidInput("name must be a text, or an object of texts by language")
    return Participant(
        rule_id=f"participants/{index}",
        did=entry.did("did"),
        role=entry.text("role"),
        name=name,
        jurisdictions=tuple(sorted(_texts(entry.items("jurisdictions")))),
        starts=entry.time("from"),
        until=entry.time_or_null("until"),
        ended_because=_ended_because(entry),
    )


def _ended_because(entry: Entry) -> EndedBecause | None:
    because = entry.raw("ended_because")
    if because is not None and because not in get_args(EndedBecause.__value__):
        raise InvalidInput("ended_because must be left, suspended or null")
    return cast(EndedBecause | None, because)


def _by_did(participants: Iterable[Participant]) -> Mapping[str, tuple[Participant, ...]]:
    grouped: dict[str, tuple[Participant, ...]] = {}
    for participant in participants:
        grouped[participant.did] = (*grouped.get(participant.did, ()), participant)
    return MappingProxyType(grouped)


def endorsement(_: str, raw: Any) -> Endorsement:
    """Another ecosystem; its end is never open."""
    entry = Entry.of(raw)
    name = entry.raw("name")
    if not isinstance(name, str | dict):
        raise InvalidInput("name must be a text, or an object of texts by language")
    scope = {
        action: _texts(items)
        for action, items in entry.mapping("scope").items()
        if isinstance(items, list)
    }
    return Endorsement(
        id=entry.text("id"),
        authority=entry.did("authority"),
        name=name,
        endpoint=entry.text("endpoint"),
        scope=MappingProxyType(scope),
        starts=entry.time("from"),
        until=entry.time("until"),
    )


def _by_authority(found: Iterable[Endorsement]) -> Mapping[str, tuple[Endorsement, ...]]:
    grouped: dict[str, tuple[Endorsement, ...]] = {}
    for each in found:
        grouped[each.authority] = (*grouped.get(each.authority, ()), each)
    return MappingProxyType(grouped)


def _grant(_: str, raw: Any) -> Grant:
    entry = Entry.of(raw)
    return Grant(
        id=entry.text("id"),
        participant=entry.did("participant"),
        credential=entry.text("credential"),
        definition_id=entry.text("definition_id"),
        starts=entry.time("from"),
        until=entry.time_or_null("until"),
        withdrawn_from=entry.time_or_null("withdrawn_from"),
    )


def _faults_within(checks: Mapping[str, Check]) -> list[str]:
    found = []
    for check in checks.values():
        found += [f"checks/{check.name}/{fault}" for fault in check.faults]
        for name, variant in check.variants.items():
            found += [f"checks/{check.name}/variants/{name}/{each}" for each in variant.faults]
    return found
