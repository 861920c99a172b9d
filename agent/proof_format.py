"""AnonCreds proof requests and presentations, to and from Haven's own types.

The only module that knows how an ask is written as an AnonCreds proof request:
1. everything revealed of one credential goes into one `names` group, referent = the label,
   so that the values cannot come from different credentials (a lone `name` could be
   returned unrevealed);
2. each predicate is a referent `label/n` of its own with the same restrictions;
3. non-revocation is asked for the whole request, `from 0 to <end of validity>`: the verifier
   then accepts only the latest list (docs/adr/0010).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, get_args

from core.errors import InvalidInput
from core.presentation import (
    CredentialAsk,
    Operator,
    Predicate,
    PresentationAsk,
    ShownCredential,
    ShownPresentation,
)

Json = dict[str, Any]

_GROUPS = ("revealed_attr_groups", "revealed_attrs", "predicates")


def to_proof_request(ask: PresentationAsk, purpose: str, valid_until: int) -> Json:
    """An AnonCreds proof request. `valid_until` is in Unix seconds."""
    attributes: Json = {}
    predicates: Json = {}
    for one in ask.asks:
        restrictions = [{"schema_id": one.schema_id}]
        if one.reveal:
            attributes[one.label] = {"names": list(one.reveal), "restrictions": restrictions}
        for number, predicate in enumerate(one.predicates):
            predicates[f"{one.label}/{number}"] = {
                "name": predicate.attribute,
                "p_type": predicate.operator,
                "p_value": predicate.value,
                "restrictions": restrictions,
            }
    return {
        "name": purpose,
        "version": "1.0",
        "nonce": str(secrets.randbits(80)),  # AnonCreds: a decimal string of 80 bits
        "requested_attributes": attributes,
        "requested_predicates": predicates,
        "non_revoked": {"from": 0, "to": valid_until},
    }


_MEMBERS = (
    "name",
    "version",
    "nonce",
    "requested_attributes",
    "requested_predicates",
    "non_revoked",
)


def from_proof_request(request: Mapping[str, Any]) -> PresentationAsk:
    """Read an AnonCreds proof request, ours or a stranger's.

    Raises InvalidInput when it is not in the form that `to_proof_request` writes: what we
    cannot show to a holder completely is not answered at all.
    """
    try:
        _only(request, *_MEMBERS)
        _only(request["non_revoked"], "from", "to")
        if request["non_revoked"]["from"] != 0 or type(request["non_revoked"]["to"]) is not int:
            raise InvalidInput("The request asks for the status at a time of its choice")
        attributes = dict(request["requested_attributes"])
        predicates = dict(request["requested_predicates"])
        by_label: dict[str, dict[str, Any]] = {label: {} for label in attributes}
        for referent, wanted in predicates.items():
            by_label.setdefault(referent.partition("/")[0], {})[referent] = wanted
        asks = [
            _ask(label, [attributes[label]] if label in attributes else [], proven)
            for label, proven in by_label.items()
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise InvalidInput("The request is not in a form that can be shown") from err
    return PresentationAsk(asks=tuple(asks))


def _ask(label: str, groups: list[Any], proven: Mapping[str, Any]) -> CredentialAsk:
    """One credential's part of a request: its `names` group, if any, and its predicates."""
    if "/" in label or list(proven) != [f"{label}/{number}" for number in range(len(proven))]:
        raise InvalidInput("The request names its parts in another way")
    schemas = {_one_schema(each) for each in (*groups, *proven.values())}
    if len(schemas) != 1:
        raise InvalidInput("The request mixes kinds of credential under one name")
    return CredentialAsk(
        label=label,
        schema_id=schemas.pop(),
        reveal=tuple(name for group in groups for name in _names(group)),
        predicates=tuple(_predicate(each) for each in proven.values()),
    )


def _names(group: Mapping[str, Any]) -> tuple[str, ...]:
    _only(group, "names", "restrictions")
    names = group["names"]
    if not isinstance(names, list) or not names or not all(type(n) is str for n in names):
        raise InvalidInput("The request does not list what it wants to see")
    return tuple(names)


def _only(wanted: Mapping[str, Any], *members: str) -> None:
    """What we do not know, we cannot show to the holder."""
    if set(wanted) != set(members):
        raise InvalidInput("The request asks for something that cannot be shown")


def choose(ask: PresentationAsk, chosen: Mapping[str, str]) -> Json:
    """ACA-Py's answer specification: which credential answers which referent.

    Raises InvalidInput when a label has no credential.
    """
    if not chosen.keys() >= {one.label for one in ask.asks}:
        raise InvalidInput("A credential was not chosen for everything that is asked")
    attributes: Json = {}
    predicates: Json = {}
    for one in ask.asks:
        credential_id = chosen[one.label]
        if one.reveal:
            attributes[one.label] = {"cred_id": credential_id, "revealed": True}
        for number in range(len(one.predicates)):
            predicates[f"{one.label}/{number}"] = {"cred_id": credential_id}
    return {
        "requested_attributes": attributes,
        "requested_predicates": predicates,
        "self_attested_attributes": {},
    }


def read_presentation(
    request: Mapping[str, Any], presentation: Mapping[str, Any]
) -> ShownPresentation:
    """What a presentation shows, credential by credential, without judging it.

    Raises InvalidInput for a presentation that is not even well formed.
    """
    try:
        return _read(request, presentation)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as err:
        raise InvalidInput("The presentation is not well formed") from err


def _read(request: Mapping[str, Any], presentation: Mapping[str, Any]) -> ShownPresentation:
    proof, identifiers = presentation["requested_proof"], presentation["identifiers"]
    answers = [each for group in _GROUPS for each in (proof.get(group) or {}).items()]
    indices = {
        referent: _index(answer["sub_proof_index"], len(identifiers))
        for referent, answer in answers
    }
    if len(indices) != len(answers):
        raise InvalidInput("The presentation answers something twice")
    wanted = [*request["requested_attributes"], *request["requested_predicates"]]
    labels = dict.fromkeys(referent.partition("/")[0] for referent in wanted)
    proven = _proving_status(presentation, len(identifiers))
    shown = [
        _credential(label, request, proof, _proven(identifiers, proven), indices)
        for label in labels
        if any(referent.partition("/")[0] == label for referent in indices)
    ]
    extra = [f"unasked:{referent}" for referent in indices if referent not in wanted]
    missing = [referent for referent in wanted if referent not in indices]
    missing += [label for label in labels if not _whole_group(label, request, proof)]
    return ShownPresentation(credentials=tuple(shown), missing=tuple(missing + extra))


def _proving_status(presentation: Mapping[str, Any], count: int) -> list[bool]:
    """Which sub-proofs hold a proof of non-revocation at all.

    The library verifies such a proof where there is one and says nothing where there is none:
    a holder could leave it out and write registry and time beside it all the same.
    """
    proofs = presentation["proof"]["proofs"]
    if len(proofs) != count:
        raise InvalidInput("The presentation is not well formed")
    return [
        isinstance(each.get("non_revoc_proof"), dict) and bool(each["non_revoc_proof"])
        for each in proofs
    ]


def _proven(
    identifiers: list[Mapping[str, Any]], proven: list[bool]
) -> list[Mapping[str, Any]]:
    """The identifiers, without the time of a list that nothing is proven against."""
    return [
        identifier if holds else {**identifier, "timestamp": None}
        for identifier, holds in zip(identifiers, proven, strict=True)
    ]


def _whole_group(label: str, request: Mapping[str, Any], proof: Mapping[str, Any]) -> bool:
    """Whether a group that was answered shows exactly the names that were asked for."""
    asked = request["requested_attributes"].get(label)
    group = (proof.get("revealed_attr_groups") or {}).get(label)
    return asked is None or group is None or set(group["values"]) == set(asked["names"])


def _credential(
    label: str,
    request: Mapping[str, Any],
    proof: Mapping[str, Any],
    identifiers: list[Mapping[str, Any]],
    indices: Mapping[str, int],
) -> ShownCredential:
    mine = {ref: index for ref, index in indices.items() if ref.partition("/")[0] == label}
    identifier = identifiers[next(iter(mine.values()))]
    group = (proof.get("revealed_attr_groups") or {}).get(label, {"values": {}})
    asked = request["requested_predicates"]
    return ShownCredential(
        label=label,
        schema_id=identifier["schema_id"],
        definition_id=identifier["cred_def_id"],
        issuer_id=issuer_of(identifier["cred_def_id"]),
        registry_id=identifier.get("rev_reg_id"),
        status_time=identifier.get("timestamp"),
        sub_proofs=tuple(mine.values()),
        revealed={name: str(value["raw"]) for name, value in group["values"].items()},
        predicates=tuple(_predicate(asked[ref]) for ref in mine if ref in asked),
    )


def _index(value: Any, count: int) -> int:
    """The index of a sub-proof. A negative one would silently count from the end."""
    if type(value) is not int or not 0 <= value < count:
        raise InvalidInput("The presentation is not well formed")
    return value


def issuer_of(definition_id: str) -> str:
    """The DID that a did:webvh definition belongs to (`<did>/resources/<digest>`)."""
    return definition_id.partition("/")[0]


def _one_schema(wanted: Mapping[str, Any]) -> str:
    (restriction,) = wanted["restrictions"]
    if set(restriction) != {"schema_id"} or type(restriction["schema_id"]) is not str:
        raise InvalidInput("The request restricts by something other than the schema")
    return str(restriction["schema_id"])


def _predicate(wanted: Mapping[str, Any]) -> Predicate:
    _only(wanted, "name", "p_type", "p_value", "restrictions")
    if wanted["p_type"] not in get_args(Operator) or type(wanted["p_value"]) is not int:
        raise InvalidInput("The request compares in an unknown way")
    return Predicate(
        attribute=wanted["name"], operator=wanted["p_type"], value=wanted["p_value"]
    )
