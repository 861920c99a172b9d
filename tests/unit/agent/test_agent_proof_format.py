"""Asks as AnonCreds proof requests and back; presentations read without being judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.organisations import attached_request
from agent.proof_format import (
    choose,
    from_proof_request,
    issuer_of,
    read_presentation,
    to_proof_request,
)
from core.errors import InvalidInput
from core.presentation import (
    CredentialAsk,
    Operator,
    Predicate,
    PresentationAsk,
    ShownCredential,
)

Json = dict[str, Any]
Alter = Callable[[Json], object]

VALID_UNTIL = 1_900_000_000
SCHEMA, OTHER = "did:webvh:a:b/resources/zS", "did:webvh:a:b/resources/zT"
DEFINITION = "did:webvh:scid:haven.localhost:o:abcdefgh/resources/zD"
ASK = PresentationAsk(
    asks=(
        CredentialAsk(
            label="guardianship",
            schema_id=SCHEMA,
            reveal=("minor", "role"),
            predicates=(
                Predicate(attribute="until", operator=">=", value=20260101),
                Predicate(attribute="held", operator="<=", value=0),
            ),
        ),
        CredentialAsk(label="eligibility", schema_id=OTHER, reveal=("region",)),
    )
)

_words = st.text("abcdefghijklmnopqrstuvwxyz_-", min_size=1, max_size=12)
_predicates = st.builds(
    Predicate,
    attribute=_words,
    operator=st.sampled_from([">=", ">", "<=", "<"]),
    value=st.integers(-(2**31), 2**31 - 1),
)


@st.composite
def _asks(draw: st.DrawFn) -> PresentationAsk:
    """Asks as our plans make them: every credential shows something, or proves something.

    Those that reveal come first, as they do in a proof request.
    """
    labels = draw(st.lists(_words, min_size=1, max_size=4, unique=True))
    asks = [
        CredentialAsk(
            label=label,
            schema_id=draw(_words),
            reveal=tuple(draw(st.lists(_words, max_size=4, unique=True))),
            predicates=tuple(draw(st.lists(_predicates, max_size=3))),
        )
        for label in labels
    ]
    asked = [each for each in asks if each.reveal or each.predicates]
    return PresentationAsk(asks=tuple(sorted(asked, key=lambda each: not each.reveal)))


def request() -> Json:
    return to_proof_request(ASK, "shelter-intake", VALID_UNTIL)


def presentation() -> Json:
    """What an honest holder of two credentials answers `request` with."""
    return {
        "proof": {
            "proofs": [
                {"primary_proof": {}, "non_revoc_proof": {"x_list": {"rho": "1"}}},
                {"primary_proof": {}, "non_revoc_proof": None},
            ]
        },
        "requested_proof": {
            "revealed_attr_groups": {
                "guardianship": {
                    "sub_proof_index": 0,
                    "values": {
                        "minor": {"raw": "m-1", "encoded": "1"},
                        "role": {"raw": "mother", "encoded": "2"},
                    },
                },
                "eligibility": {
                    "sub_proof_index": 1,
                    "values": {"region": {"raw": "centre", "encoded": "3"}},
                },
            },
            "revealed_attrs": {},
            "self_attested_attrs": {},
            "unrevealed_attrs": {},
            "predicates": {
                "guardianship/0": {"sub_proof_index": 0},
                "guardianship/1": {"sub_proof_index": 0},
            },
        },
        "identifiers": [
            {
                "schema_id": SCHEMA,
                "cred_def_id": DEFINITION,
                "rev_reg_id": "did:webvh:r",
                "timestamp": 1_795_000_000,
            },
            {"schema_id": OTHER, "cred_def_id": DEFINITION},
        ],
    }


# --- requests -----------------------------------------------------------------------------


@given(_asks(), _words)
def test_reading_what_was_written_gives_the_same(ask: PresentationAsk, purpose: str) -> None:
    written = to_proof_request(ask, purpose, VALID_UNTIL)
    assert from_proof_request(json.loads(json.dumps(written))) == ask


def test_a_request_is_written_in_the_form_of_the_specification() -> None:
    written = request()
    restrictions = [{"schema_id": SCHEMA}]
    assert written["requested_attributes"] == {
        "guardianship": {"names": ["minor", "role"], "restrictions": restrictions},
        "eligibility": {"names": ["region"], "restrictions": [{"schema_id": OTHER}]},
    }
    assert written["requested_predicates"]["guardianship/1"] == {
        "name": "held",
        "p_type": "<=",
        "p_value": 0,
        "restrictions": restrictions,
    }
    assert written["non_revoked"] == {"from": 0, "to": VALID_UNTIL}
    assert (written["name"], written["version"]) == ("shelter-intake", "1.0")


def test_each_request_has_a_nonce_of_its_own() -> None:
    nonces = {request()["nonce"] for _ in range(20)}
    assert len(nonces) == 20
    assert all(nonce.isdecimal() and int(nonce) < 2**80 for nonce in nonces)


def _group(written: Json) -> Json:
    group: Json = written["requested_attributes"]["guardianship"]
    return group


def _predicate(written: Json) -> Json:
    predicate: Json = written["requested_predicates"]["guardianship/0"]
    return predicate


def _rename(group: str, old: str, new: str) -> Alter:
    return lambda written: written[group].update({new: written[group].pop(old)})


@pytest.mark.parametrize(
    "alter",
    [
        lambda r: r.pop("requested_attributes"),
        lambda r: r.pop("requested_predicates"),
        lambda r: r.update(requested_attributes=["guardianship"]),
        lambda r: r["requested_attributes"].update(more={"name": "diagnosis"}),
        lambda r: r["requested_attributes"].update(more="diagnosis"),
        lambda r: r["requested_attributes"].update(more=None),
        lambda r: _group(r).update(name="diagnosis"),
        lambda r: _group(r).update(non_revoked={"from": 1, "to": 2}),
        lambda r: _group(r).pop("restrictions"),
        lambda r: _group(r).update(restrictions=[]),
        lambda r: _group(r).update(restrictions=[{"schema_id": SCHEMA}, {"schema_id": OTHER}]),
        lambda r: _group(r).update(restrictions=[{"schema_id": OTHER}]),
        lambda r: _group(r).update(restrictions=[{"schema_id": [SCHEMA]}]),
        lambda r: _group(r).update(restrictions=[{"issuer_id": "did:webvh:x"}]),
        lambda r: _group(r)["restrictions"][0].update({"attr::name::value": "Sok"}),
        lambda r: _group(r).update(names="minor"),
        lambda r: _group(r).update(names=[]),
        lambda r: _group(r).update(names=["minor", 7]),
        lambda r: _predicate(r).update(p_type="=="),
        lambda r: _predicate(r).update(p_value=2**31),
        lambda r: _predicate(r).update(p_value="20260101"),
        lambda r: _predicate(r).update(p_value=20260101.5),
        lambda r: _predicate(r).update(p_value=True),
        lambda r: _predicate(r).update(names=["diagnosis"]),
        lambda r: _predicate(r).update(non_revoked={"from": 1, "to": 2}),
        lambda r: _predicate(r).pop("name"),
        _rename("requested_predicates", "guardianship/1", "guardianship/7"),
        _rename("requested_predicates", "guardianship/1", "guardianship"),
        _rename("requested_predicates", "guardianship/1", "guardianship/1/x"),
        _rename("requested_attributes", "eligibility", "guardianship/2"),
    ],
)
def test_what_cannot_be_shown_completely_is_not_read(alter: Alter) -> None:
    strange = request()
    alter(strange)
    with pytest.raises(InvalidInput):
        from_proof_request(strange)


@pytest.mark.parametrize("strange", [None, [], "request", 7])
def test_what_is_no_request_is_not_read(strange: Any) -> None:
    with pytest.raises(InvalidInput):
        from_proof_request(strange)


@pytest.mark.parametrize(
    "invitation",
    [
        {},
        {"requests~attach": []},
        {"requests~attach": [{}, {}]},
        {"requests~attach": [{"data": {"json": {}}}]},
        {"requests~attach": [{"data": {"base64": "e30="}}]},
        {"requests~attach": [{"data": {"json": {"request_presentations~attach": []}}}]},
    ],
)
def test_an_invitation_without_one_request_is_refused(invitation: Json) -> None:
    with pytest.raises(InvalidInput):
        attached_request(invitation)


@pytest.mark.parametrize(
    "data",
    [
        {"json": {"name": "p"}},
        {"base64": "eyJuYW1lIjogInAifQ=="},
        {"base64": "eyJuYW1lIjogInAifQ"},
    ],
    ids=["json", "padded", "unpadded"],
)
def test_a_request_is_attached_as_json_or_base64(data: Json) -> None:
    message = {"request_presentations~attach": [{"data": data}]}
    invitation = {"requests~attach": [{"data": {"json": message}}]}
    assert attached_request(invitation) == {"name": "p"}


# --- answers ------------------------------------------------------------------------------


def test_choosing_names_a_credential_for_every_referent() -> None:
    chosen = choose(ASK, {"guardianship": "c1", "eligibility": "c2", "unasked": "c3"})
    assert chosen["requested_attributes"] == {
        "guardianship": {"cred_id": "c1", "revealed": True},
        "eligibility": {"cred_id": "c2", "revealed": True},
    }
    assert chosen["requested_predicates"] == {
        "guardianship/0": {"cred_id": "c1"},
        "guardianship/1": {"cred_id": "c1"},
    }
    assert chosen["self_attested_attributes"] == {}
    with pytest.raises(InvalidInput):
        choose(ASK, {"guardianship": "c1"})


def test_an_honest_presentation_is_read() -> None:
    shown = read_presentation(request(), presentation())
    assert shown.missing == ()
    assert shown.credentials == (
        ShownCredential(
            label="guardianship",
            schema_id=SCHEMA,
            definition_id=DEFINITION,
            issuer_id="did:webvh:scid:haven.localhost:o:abcdefgh",
            registry_id="did:webvh:r",
            status_time=1_795_000_000,
            sub_proofs=(0, 0, 0),
            revealed={"minor": "m-1", "role": "mother"},
            predicates=ASK.asks[0].predicates,
        ),
        ShownCredential(
            label="eligibility",
            schema_id=OTHER,
            definition_id=DEFINITION,
            issuer_id="did:webvh:scid:haven.localhost:o:abcdefgh",
            registry_id=None,
            status_time=None,
            sub_proofs=(1,),
            revealed={"region": "centre"},
            predicates=(),
        ),
    )


def _proof(given: Json) -> Json:
    proof: Json = given["requested_proof"]
    return proof


def _values(given: Json, label: str) -> Json:
    values: Json = _proof(given)["revealed_attr_groups"][label]["values"]
    return values


def test_mixed_credentials_are_reported() -> None:
    mixed = presentation()
    _proof(mixed)["predicates"]["guardianship/1"]["sub_proof_index"] = 1
    shown = read_presentation(request(), mixed)
    assert set(shown.credentials[0].sub_proofs) == {0, 1}


@pytest.mark.parametrize(
    ("alter", "missing"),
    [
        (lambda p: _proof(p)["predicates"].pop("guardianship/0"), ("guardianship/0",)),
        (lambda p: _proof(p)["revealed_attr_groups"].pop("eligibility"), ("eligibility",)),
        (lambda p: _values(p, "guardianship").pop("role"), ("guardianship",)),
        (lambda p: _values(p, "eligibility").update(more={"raw": "1"}), ("eligibility",)),
        (lambda p: _proof(p).pop("predicates"), ("guardianship/0", "guardianship/1")),
        (
            lambda p: _proof(p)["predicates"].update(more={"sub_proof_index": 0}),
            ("unasked:more",),
        ),
        (
            lambda p: _proof(p)["revealed_attrs"].update(name={"sub_proof_index": 1}),
            ("unasked:name",),
        ),
        (
            lambda p: _proof(p)["unrevealed_attrs"].update(
                eligibility=_proof(p)["revealed_attr_groups"].pop("eligibility")
            ),
            ("eligibility",),
        ),
        (
            lambda p: _proof(p)["self_attested_attrs"].update(
                eligibility=_proof(p)["revealed_attr_groups"].pop("eligibility")
            ),
            ("eligibility",),
        ),
    ],
)
def test_what_is_missing_or_unasked_is_reported(alter: Alter, missing: tuple[str, ...]) -> None:
    strange = presentation()
    alter(strange)
    assert read_presentation(request(), strange).missing == missing


def test_a_credential_without_any_answer_is_not_among_the_shown() -> None:
    empty = presentation()
    empty["requested_proof"] = {}
    shown = read_presentation(request(), empty)
    assert shown.credentials == ()
    assert len(shown.missing) == 4


@pytest.mark.parametrize(
    "alter",
    [
        lambda p: p.pop("requested_proof"),
        lambda p: p.pop("identifiers"),
        lambda p: p.update(identifiers=[]),
        lambda p: p.update(identifiers=[{}, {}]),
        lambda p: p["identifiers"][0].update(timestamp="yesterday"),
        lambda p: p["identifiers"][0].pop("schema_id"),
        lambda p: p["identifiers"][1].update(cred_def_id=7),
        lambda p: p.update(requested_proof=[]),
        lambda p: _proof(p).update(predicates=["guardianship/0"]),
        lambda p: _proof(p)["predicates"].update({"guardianship/0": None}),
        lambda p: _proof(p)["predicates"].update({"guardianship/0": {"sub_proof_index": 2}}),
        lambda p: _proof(p)["predicates"].update({"guardianship/0": {"sub_proof_index": -1}}),
        lambda p: _proof(p)["predicates"].update({"guardianship/0": {"sub_proof_index": "0"}}),
        lambda p: _proof(p)["predicates"].update({"guardianship/0": {"sub_proof_index": True}}),
        lambda p: _proof(p)["revealed_attrs"].update(eligibility={"sub_proof_index": 0}),
        lambda p: _proof(p)["revealed_attr_groups"]["eligibility"].pop("values"),
        lambda p: _proof(p)["revealed_attr_groups"]["eligibility"].update(values={"region": 1}),
    ],
)
def test_a_malformed_presentation_is_refused(alter: Alter) -> None:
    strange = presentation()
    alter(strange)
    with pytest.raises(InvalidInput):
        read_presentation(request(), strange)


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "guardianship", "0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["sub_proof_index", "values", "guardianship", "guardianship/0", "raw", "names"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(_json, st.sampled_from(["revealed_attr_groups", "revealed_attrs", "predicates"]))
def test_reading_a_presentation_ends_in_a_result_or_in_invalid_input(
    anything: Any, group: str
) -> None:
    strange = deepcopy(presentation())
    _proof(strange)[group] = anything
    try:
        shown = read_presentation(request(), strange)
    except InvalidInput:
        return
    assert all(each.sub_proofs for each in shown.credentials)


@given(_json)
def test_reading_a_request_ends_in_an_ask_or_in_invalid_input(anything: Any) -> None:
    strange = request()
    strange["requested_attributes"]["guardianship"] = anything
    with pytest.raises(InvalidInput):
        from_proof_request(strange)


@pytest.mark.parametrize("operator", ["==", "!=", "=>", ""])
def test_no_other_comparison_can_be_asked(operator: Operator) -> None:
    with pytest.raises(ValueError, match="operator"):
        Predicate(attribute="a", operator=operator, value=1)


def test_the_issuer_is_the_did_of_the_definition() -> None:
    assert issuer_of(DEFINITION) == "did:webvh:scid:haven.localhost:o:abcdefgh"


@pytest.mark.parametrize("left_out", [None, {}, [], "x", 1])
def test_a_time_without_a_proof_of_non_revocation_counts_for_nothing(left_out: object) -> None:
    """The library verifies such a proof where there is one, and says nothing where not."""
    claimed = presentation()
    claimed["proof"]["proofs"][0]["non_revoc_proof"] = left_out
    shown = read_presentation(request(), claimed)
    assert [each.status_time for each in shown.credentials] == [None, None]


@pytest.mark.parametrize("proofs", [[], [{}], [{}, {}, {}]])
def test_each_identifier_has_its_sub_proof(proofs: list[Json]) -> None:
    strange = presentation()
    strange["proof"]["proofs"] = proofs
    with pytest.raises(InvalidInput):
        read_presentation(request(), strange)
