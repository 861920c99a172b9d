"""The framework as a Credential Trust Establishment document (DIF, version 1.0), and a reader.

The document works offline: who has it, with the authority's signature, can answer who may do
what without asking anybody. Where the specification leaves a choice or contradicts itself, our
profile (`trust-list.schema.json`, published beside the document) says: versions are semantic
versions, times RFC 3339 with Z, the envelope a JWT with EdDSA whose `kid` is the author's
verification method. What CTE has no words for stands under `ask`, `compute` and `recognised`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any

from governance.model import Endorsement, Framework, Participant
from governance.timestamps import format_time, parse_time

FORMAT = "1.0"
TTL_SECONDS = 60
_ROLES, _DESCRIPTION = "roles", "description"

type TrustList = dict[str, Any]


def profile_text() -> str:
    """The JSON Schema of our profile."""
    return files("governance").joinpath("faces", "trust-list.schema.json").read_text("utf-8")


def trust_list(
    framework: Framework, base_url: str, previous: Iterable[Framework] = ()
) -> TrustList:
    """The document; `base_url` is where this installation publishes."""
    at = f"{base_url}/governance"
    return {
        "id": f"{framework.authority}#trust-list",
        "name": "Governance framework",
        "description": "Who may issue, ask and compute what, for how long",
        "version": framework.version,
        "format": FORMAT,
        "last_updated": format_time(framework.issued_at),
        "expires": format_time(framework.expires_at),
        "author": framework.authority,
        "docs_uri": at,
        "ttl": TTL_SECONDS,
        "uri": f"{at}/trust-list.jwt",
        "current_version": framework.version,
        "previous_versions": [
            {"version": each.version, "uri": f"{at}/framework/{each.version}.json"}
            for each in previous
        ],
        "trusted_governance": [
            {"publisher": each.authority, "uri": each.endpoint} for each in _all(framework)
        ],
        "recognised": [_recognised(each) for each in _all(framework)],
        "schemas": [
            {"id": _schema(framework, name), "name": name}
            for name in sorted(framework.credentials)
        ],
        "roles": {name: _role(framework, name) for name in sorted(framework.roles)},
        "participants": _participants(framework, at),
    }


def _all(framework: Framework) -> Iterator[Endorsement]:
    for several in framework.endorsements.values():
        yield from several


def _recognised(endorsement: Endorsement) -> dict[str, Any]:
    return {
        "authority": endorsement.authority,
        "scope": {name: sorted(scope) for name, scope in endorsement.scope.items()},
        "start": format_time(endorsement.starts),
        "end": format_time(endorsement.until),
        "rule": endorsement.rule_id,
    }


def _schema(framework: Framework, credential: str) -> str:
    """The credential's schema; before it is published, a name that no credential carries."""
    return framework.schemas.get(credential, f"urn:haven:credential:{credential}")


def _role(framework: Framework, name: str) -> dict[str, Any]:
    role = framework.roles[name]
    asked = {
        rule.credential
        for check in framework.checks.values()
        if check.purpose in role.ask
        for variant in check.variants.values()
        for rule in variant.credentials.values()
    }
    return {
        "issue": [
            _schema(framework, each) for each in sorted(role.issue & framework.credentials)
        ],
        "verify": [_schema(framework, each) for each in sorted(asked & framework.credentials)],
        "granted_by": framework.authority,
        "ask": sorted(role.ask & framework.purposes),
        "compute": sorted(role.compute & framework.computations.keys()),
    }


def _participants(framework: Framework, at: str) -> dict[str, Any]:
    entries: dict[str, dict[str, Any]] = {
        f"{at}/{_ROLES}.schema.json": {},
        f"{at}/{_DESCRIPTION}.schema.json": {},
    }
    roles, described = entries.values()
    for did, held in framework.participants.items():
        roles[did] = [_held(each) for each in held if each.role in framework.roles]
        described[did] = {"name": held[-1].name}
    return {
        "id": f"{framework.authority}#participants",
        "author": framework.authority,
        "created": format_time(framework.issued_at),
        "version": framework.version,
        "entries": entries,
    }


def _held(entry: Participant) -> dict[str, str]:
    ends = {} if entry.until is None else {"end": format_time(entry.until)}
    return {
        "role": entry.role,
        "start": format_time(entry.starts),
        **ends,
        "rule": entry.rule_id,
    }


# --- reading --------------------------------------------------------------------------------


def may(
    document: Mapping[str, Any], entity: str, action: str, resource: str, at: datetime
) -> bool:
    """What somebody concludes who has this document and nothing else."""
    wanted = _wanted(document, action, resource)
    return any(
        wanted in document["roles"].get(held["role"], {}).get(action, ())
        for held in _roles_of(document, entity)
        if _is_in_force(held, at)
    )


def recognises(
    document: Mapping[str, Any], authority: str, action: str, resource: str, at: datetime
) -> bool:
    """Whether another ecosystem is recognised for this, by this document alone."""
    return any(
        resource in each["scope"].get(action, ())
        for each in document["recognised"]
        if each["authority"] == authority and _is_in_force(each, at)
    )


def _wanted(document: Mapping[str, Any], action: str, resource: str) -> str | None:
    if action != "issue":
        return resource
    named = (each["id"] for each in document["schemas"] if each["name"] == resource)
    return next(named, None)


def _roles_of(document: Mapping[str, Any], entity: str) -> list[dict[str, str]]:
    for uri, entries in document["participants"]["entries"].items():
        if uri.endswith(f"/{_ROLES}.schema.json"):
            found: list[dict[str, str]] = entries.get(entity, [])
            return found
    return []


def _is_in_force(held: Mapping[str, str], at: datetime) -> bool:
    end = held.get("end")
    return parse_time(held["start"], "start") <= at and (
        end is None or at < parse_time(end, "end")
    )
