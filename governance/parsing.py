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
from typing import Any

from core.errors import InvalidInput
from governance.check_parsing import parse_check, require_few_predicates
from governance.entry import Entry, Faults, load_object, string
from governance.model import Check, Framework, Grant, Participant, Role


def parse_framework(data: bytes) -> Framework:
    """The framework in `data`. Raises InvalidInput if the document is unusable as a whole."""
    top = load_object(data)
    _require_format(top)
    _require_unique_grants(top.items("grants"))
    require_few_predicates(top.mapping("checks"))
    faults = Faults()
    checks = faults.named(top, "checks", parse_check)
    participants = faults.listed(top, "participants", _participant)
    grants = faults.listed(top, "grants", _grant)
    return Framework(
        id=top.did_url("id"),
        version=top.integer("version", least=1),
        issued_at=top.time("issued_at"),
        authority=top.did("authority"),
        languages=faults.listed(top, "languages", _language),
        credentials=frozenset(faults.listed(top, "credentials", string)),
        roles=faults.named(top, "roles", _role),
        revocation_max_age_seconds=_revocation(top),
        checks=checks,
        schemas=faults.named(top, "schemas", string),
        participants=_by_did(participants),
        grants=MappingProxyType({grant.definition_id: grant for grant in grants}),
        faults=(*faults.found, *_faults_within(checks)),
        document=MappingProxyType(top.values),
    )


def _require_format(top: Entry) -> None:
    if top.text("format").split(".")[0] != "1":
        raise InvalidInput("this version of the framework format is not known")


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
    return Role(issue=_texts(entry.items("issue")), ask=_texts(entry.items("ask")))


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
        starts=entry.time("from"),
        until=entry.time_or_null("until"),
    )


def _by_did(participants: Iterable[Participant]) -> Mapping[str, tuple[Participant, ...]]:
    grouped: dict[str, tuple[Participant, ...]] = {}
    for participant in participants:
        grouped[participant.did] = (*grouped.get(participant.did, ()), participant)
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
