"""An agreement's terms as an ODRL 2.2 policy, for readers that know ODRL and not Haven.

Source: W3C "ODRL Information Model 2.2", sections 2.1 (Agreement), 2.5 (Constraint) and 2.7.1
(one policy for several parties stands for one rule each), "ODRL Vocabulary & Expression 2.2".
What ODRL has no word for (least cell, privacy budget) are left operands of a profile, as its
section 4 asks. The signed form is the terms themselves; this is a rendering and is not signed.
"""

from __future__ import annotations

from typing import Any, Final

from core.canonical import Json
from dataspace.agreeing.agreement import Terms

CONTEXT: Final = "http://www.w3.org/ns/odrl.jsonld"
PROFILE: Final = "urn:haven:odrl:dataspace:1"
_PREFIX: Final = "haven"

# a limit, its left operand in the profile, and how what a plan says is compared with it
_LIMITS: Final = (
    ("least_cell", "leastCell", "gteq"),
    ("least_contributors", "leastContributors", "gteq"),
    ("least_list", "leastList", "gteq"),
    ("most_plans", "plans", "lteq"),
    ("epsilon_milli", "epsilonThousandths", "lteq"),
    ("longest_days", "approvalDays", "lteq"),
)


def as_odrl(terms: Terms) -> Json:
    """The terms as JSON-LD: one permission to compute, and what is never allowed."""
    dids = [each.did for each in terms.participants]
    return {
        "@context": [CONTEXT, {_PREFIX: f"{PROFILE}#"}],
        "@type": "Agreement",
        "uid": terms.id,
        "profile": PROFILE,
        f"{_PREFIX}:version": terms.version,
        f"{_PREFIX}:environment": terms.environment.value,
        f"{_PREFIX}:terms": terms.digest,
        "inheritFrom": terms.framework,
        "assigner": terms.assigner,
        "assignee": [did for did in dids if did != terms.assigner],
        "target": _target(terms),
        "permission": [_permission(terms)],
        "prohibition": [{"action": action} for action in _NEVER],
    }


# a row never leaves its organisation, and nothing is done with a released cell to find people
_NEVER: Final = ("distribute", f"{_PREFIX}:reidentify")


def _target(terms: Terms) -> Json:
    target: Json = {"@type": "AssetCollection", "uid": f"{terms.id}#cases"}
    columns = {} if terms.columns is None else {"columns": sorted(terms.columns)}
    extra = {"vocabulary": terms.vocabulary, **columns}
    return target | {f"{_PREFIX}:{name}": value for name, value in extra.items()}


def _permission(terms: Terms) -> Json:
    return {
        "action": [f"{_PREFIX}:{name}" for name in sorted(terms.operations)],
        "constraint": [
            _constraint(
                "purpose", "isAnyOf", [f"{_PREFIX}:{p}" for p in sorted(terms.purposes)]
            ),
            _constraint("dateTime", "gteq", _moment(terms.starts.isoformat())),
            _constraint("dateTime", "lt", _moment(terms.ends.isoformat())),
            _constraint("count", "lteq", terms.limits.most_runs),
            *(
                _constraint(f"{_PREFIX}:{operand}", operator, getattr(terms.limits, field))
                for field, operand, operator in _LIMITS
            ),
        ],
        "duty": [{"action": f"{_PREFIX}:approveByEveryHolder"}],
    }


def _moment(text: str) -> Json:
    return {"@value": text, "@type": "xsd:dateTime"}


def _constraint(left: str, operator: str, right: Any) -> Json:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}
