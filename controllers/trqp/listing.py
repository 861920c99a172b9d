"""What the Ayra profile asks of a registry beside the two queries: who and what there is.

Nothing here says more than the published framework does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request

from controllers.moment import now
from core.errors import MalformedQuery, NotKnown
from governance.engine import Framework
from governance.faces.trqp import in_utc
from governance.model import Endorsement, Participant

MOST = 100
DID_METHODS = [{"identifier": "webvh", "egf_did": None}]
_ACTIONS = ("issue", "ask", "compute")


def metadata(framework: Framework, base_url: str) -> dict[str, Any]:
    """Whose registry this is."""
    return {
        "id": f"{framework.authority}#trust-registry",
        "name": "Trust registry of the governance framework",
        "description": "Who may issue, ask and compute what under the governance framework",
        "default_egf_did": framework.authority,
        "controllers": [framework.authority],
        "framework_version": framework.version,
        "framework": f"{base_url}/governance/framework.json",
        "trust_list": f"{base_url}/governance/trust-list.jwt",
    }


def entities(framework: Framework, request: Request) -> dict[str, Any]:
    """Participants by their DIDs, a hundred at a time; `after` is the last one seen."""
    after = request.query_params.get("after", "")
    dids = [did for did in sorted(framework.participants) if did > after]
    page = dids[:MOST]
    following = page[-1] if len(dids) > MOST else None
    return {"entities": [_entity(framework, did) for did in page], "next": following}


def entity(framework: Framework, request: Request) -> dict[str, Any]:
    """One participant. Raises NotKnown."""
    return _entity(framework, _known(framework, request))


def authorizations(framework: Framework, request: Request) -> list[dict[str, Any]]:
    """All that one participant may do now. Raises NotKnown, MalformedQuery."""
    did, at = _known(framework, request), _moment(request)
    return [
        {
            "entity_id": did,
            "authority_id": framework.authority,
            "action": action,
            "resource": resource,
            "authorized": True,
            "time_evaluated": in_utc(now()),
            **({} if held.until is None else {"expiry_time": in_utc(held.until)}),
        }
        for held in framework.participants[did]
        if held.is_current(at) and held.role in framework.roles
        for action in _ACTIONS
        for resource in sorted(
            framework.roles[held.role].may(action) & (framework.resources(action) or set())
        )
    ]


def ecosystem(framework: Framework, request: Request, base_url: str) -> dict[str, Any]:
    """Ours, or one that we recognise. Raises NotKnown."""
    authority = request.path_params["ecosystem_id"]
    if authority == framework.authority:
        return metadata(framework, base_url)
    if authority not in framework.endorsements:
        raise NotKnown("the registry has no record of this ecosystem")
    known = framework.endorsements[authority]
    return {"id": authority, "name": known[-1].name, "registry": known[-1].endpoint}


def recognitions(framework: Framework, request: Request) -> list[dict[str, Any]]:
    """The ecosystems that ours recognises now. Raises NotKnown for another one's."""
    if request.path_params["ecosystem_id"] != framework.authority:
        raise NotKnown("the registry speaks for one ecosystem only")
    at = _moment(request)
    return [
        _recognition(framework, each, action, resource)
        for several in framework.endorsements.values()
        for each in several
        if each.is_current(at)
        for action, scope in each.scope.items()
        for resource in sorted(scope)
    ]


def rights(framework: Framework) -> list[dict[str, str]]:
    """Every action with every resource that it can be about."""
    return [
        {"action": action, "resource": resource, "egf_did": framework.authority}
        for action in _ACTIONS
        for resource in sorted(framework.resources(action) or ())
    ]


def _recognition(
    framework: Framework, endorsement: Endorsement, action: str, resource: str
) -> dict[str, Any]:
    return {
        "entity_id": endorsement.authority,
        "authority_id": framework.authority,
        "action": action,
        "resource": resource,
        "recognized": True,
        "time_evaluated": in_utc(now()),
        "expiry_time": in_utc(endorsement.until),
    }


def _entity(framework: Framework, did: str) -> dict[str, Any]:
    held = framework.participants[did]
    return {
        "id": did,
        "name": held[-1].name,
        "roles": [_role(entry) for entry in held],
        "jurisdictions": sorted({code for entry in held for code in entry.jurisdictions}),
    }


def _role(entry: Participant) -> dict[str, Any]:
    return {
        "role": entry.role,
        "from": in_utc(entry.starts),
        "until": None if entry.until is None else in_utc(entry.until),
        "ended_because": entry.ended_because,
    }


def _known(framework: Framework, request: Request) -> str:
    did: str = request.path_params["entity_id"]
    if did not in framework.participants:
        raise NotKnown("the registry has no record of this entity")
    return did


def _moment(request: Request) -> datetime:
    """The time asked about: `time`, RFC 3339 with Z. Raises MalformedQuery."""
    text = request.query_params.get("time")
    if not text:
        return now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise MalformedQuery("time must be an RFC 3339 time in UTC, ending in Z") from None
    if not text.upper().endswith("Z") or moment.tzinfo is None:
        raise MalformedQuery("time must be an RFC 3339 time in UTC, ending in Z")
    return moment
