"""What the phone believes: a framework that enough of the right ones signed, and who asks."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Callable
from typing import Any

import jsoncanon
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.organisations import attached_request
from agent.proof_format import from_proof_request, to_proof_request
from controllers.statements import invitation_digest
from core.errors import InvalidInput
from core.presentation import PresentationAsk
from core.proof import add_proof
from tests.fakes.registry import THEN, Issuer
from tests.support.phone import Json, Phone, shown
from tests.unit.governance.governance_sample import (
    DOCUMENT,
    NOW,
    VARIANTS,
    definition,
    did,
    one,
    plan_ask,
    schema,
)

type Alter = Callable[[Json], object]

AUTHORITY, SECOND, THIRD, STRANGER = (Issuer(number) for number in (1, 2, 3, 4))
EVERYBODY = (AUTHORITY, SECOND, THIRD, STRANGER)
LOGS = {each.did: "\n".join(each.log) for each in EVERYBODY}
PARTICIPANT = Issuer(9)  # takes the part of the sample's shelter
AT = NOW.isoformat()


def members(*signers: Issuer, until: str | None = None) -> list[Json]:
    return [
        {"did": each.did, "from": "2026-01-01T00:00:00Z", "until": until} for each in signers
    ]


def unsigned(**changes: Any) -> Json:
    """A framework of format 2, signed by nobody yet."""
    text = json.dumps(DOCUMENT).replace(did("harbour"), PARTICIPANT.did)
    return {
        **json.loads(text),
        "format": "2.0",
        "id": AUTHORITY.did,
        "authority": AUTHORITY.did,
        "version": "1.2.0",
        "sequence": 5,
        "issued_at": "2026-06-30T00:00:00Z",
        "expires_at": "2026-09-30T00:00:00Z",
        "signers": {"threshold": 1, "members": members(AUTHORITY)},
        **changes,
    }


def proof_of(document: Json, signer: Issuer) -> Json:
    bare = {name: value for name, value in document.items() if name != "proof"}
    proof: Json = add_proof(bare, signer.key(100), method=signer.method, created=THEN)["proof"]
    return proof


def signed(document: Json, *signers: Issuer) -> Json:
    return {**document, "proof": [proof_of(document, each) for each in signers]}


def text_of(document: Json) -> str:
    return json.dumps(document, ensure_ascii=False)


def verify(on_phone: Phone, document: Json | str, **given: Any) -> Json:
    text = document if isinstance(document, str) else text_of(document)
    known = {"authority": AUTHORITY.did, "logs": LOGS, "now": AT, **given}
    return on_phone("framework", text=text, **known)


def step(on_phone: Phone, document: Json | str, **given: Any) -> str | None:
    found: str | None = verify(on_phone, document, **given).get("step")
    return found


def digest(document: Json) -> str:
    bare = {name: value for name, value in document.items() if name != "proof"}
    return hashlib.sha256(jsoncanon.canonicalize(bare)).hexdigest()


# --- the framework --------------------------------------------------------------------------

GOOD = signed(unsigned(), AUTHORITY)
TWO = {"threshold": 2, "members": members(AUTHORITY, SECOND, THIRD)}


def seen(document: Json) -> Json:
    """What the phone keeps of a version that it accepted."""
    return {
        "sequence": document["sequence"],
        "digest": digest(document),
        "signers": document["signers"],
    }


def test_a_signed_framework_is_believed(on_phone: Phone) -> None:
    assert verify(on_phone, GOOD) == {
        "gave": {
            "framework": GOOD,
            "sequence": 5,
            "version": "1.2.0",
            "issuedAt": "2026-06-30T00:00:00Z",
            "expiresAt": "2026-09-30T00:00:00Z",
            "digest": digest(GOOD),
            "signers": GOOD["signers"],
        }
    }


def test_how_it_is_written_does_not_matter(on_phone: Phone) -> None:
    turned = dict(reversed(GOOD.items()))
    assert step(on_phone, json.dumps(turned, indent=2), seen=seen(GOOD)) is None


@pytest.mark.parametrize(
    "alter",
    [
        lambda d: d["roles"]["court"]["ask"].append("shelter-intake"),
        lambda d: d.update(expires_at="2030-01-01T00:00:00Z"),
        lambda d: d.update(sequence=6),
        lambda d: d.update(more=1),
        lambda d: d.pop("languages") and d.update(languages=[]),
        lambda d: d["proof"].clear(),
        lambda d: d["proof"][0].update(proofValue="z" + "2" * 88),
        lambda d: d["proof"][0].update(verificationMethod=f"{AUTHORITY.did}#other"),
        lambda d: d["proof"][0].update(verificationMethod=SECOND.method),
        lambda d: d["proof"][0].update(verificationMethod={}),
        lambda d: d["proof"][0].update(more=1),
    ],
)
def test_what_was_changed_afterwards_is_not(on_phone: Phone, alter: Alter) -> None:
    changed = copy.deepcopy(GOOD)
    alter(changed)
    assert step(on_phone, changed) == "signatures"


def test_no_more_text_than_a_phone_bears(on_phone: Phone) -> None:
    for sign in (" ", "[", '"', '"a",'):
        known = {"authority": AUTHORITY.did, "logs": LOGS, "now": AT}
        given = {"repeat": [sign, 50_000_000 // len(sign)], **known}
        assert on_phone.step("framework", **given) == "size"
    assert step(on_phone, "[" * 1_000_000 + "]" * 1_000_000) == "depth"
    assert step(on_phone, '{"a":' * 1_000_000) == "depth"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        text_of(GOOD)[:-1],
        text_of(GOOD) + "x",
        text_of(GOOD).replace('"sequence": 5', '"sequence": 5, "sequence": 5'),
        text_of(GOOD).replace('"sequence": 5', '"sequence": 5.0'),
        text_of(GOOD).replace('"sequence": 5', '"sequence": 9007199254740993'),
        text_of(GOOD).replace('"issue": []', '"issue": [], "issue": ["identity"]', 1),
    ],
)
def test_what_could_be_read_two_ways_is_refused(on_phone: Phone, text: str) -> None:
    assert step(on_phone, text) == "json"


MEMBER = members(AUTHORITY)[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "1.0"},
        {"format": "20.0"},
        {"format": "3.0"},
        {"format": {}},
        {"version": 7},
        {"version": "1.2"},
        {"sequence": 0},
        {"sequence": "5"},
        {"sequence": None},
        {"issued_at": "2026-06-30"},
        {"expires_at": None},
        {"expires_at": "2026-09-30T00:00:00+00:00"},
        {"id": "authority"},
        {"authority": None},
        {"checks": []},
        {"participants": {}},
        {"revocation": {}},
        {"signers": []},
        {"signers": {"threshold": 0, "members": [MEMBER]}},
        {"signers": {"threshold": "1", "members": [MEMBER]}},
        {"signers": {"threshold": 1, "members": {}}},
        {"signers": {"threshold": 1, "members": [{**MEMBER, "from": None}]}},
        {"signers": {"threshold": 1, "members": [{**MEMBER, "until": "never"}]}},
        {"signers": {"threshold": 1, "members": [{"did": MEMBER["did"], "from": "x"}]}},
    ],
)
def test_what_has_another_form_is_refused(on_phone: Phone, changes: Json) -> None:
    assert step(on_phone, signed(unsigned(**changes), AUTHORITY)) == "form"


def test_a_proof_is_a_list_of_proofs(on_phone: Phone) -> None:
    for proof in (GOOD["proof"][0], None, ["z"], [GOOD["proof"][0]] * 65):
        assert step(on_phone, {**GOOD, "proof": proof}) == "form"
    assert step(on_phone, [GOOD]) == "form"  # type: ignore[arg-type]


def test_another_framework_is_refused(on_phone: Phone) -> None:
    """Also one that is signed by everybody who may sign this one."""
    own = {"signers": {"threshold": 1, "members": members(AUTHORITY, STRANGER)}}
    for changes in ({"id": STRANGER.did}, {"authority": STRANGER.did}):
        document = signed(unsigned(**changes, **own), AUTHORITY, STRANGER)
        assert step(on_phone, document) == "framework"
    assert step(on_phone, GOOD, authority=STRANGER.did) == "framework"
    longer = signed(unsigned(id=f"{AUTHORITY.did}?a"), AUTHORITY)
    assert step(on_phone, longer) == "framework"


def test_enough_must_have_signed(on_phone: Phone) -> None:
    document = unsigned(signers=TWO)
    assert step(on_phone, signed(document, AUTHORITY, SECOND)) is None
    assert step(on_phone, signed(document, THIRD, AUTHORITY)) is None
    for few in ((AUTHORITY,), (AUTHORITY, AUTHORITY), (AUTHORITY, STRANGER)):
        assert step(on_phone, signed(document, *few)) == "signatures"


def test_one_signer_counts_once_whatever_keys_it_has(on_phone: Phone) -> None:
    document = unsigned(signers={**TWO, "members": members(AUTHORITY, AUTHORITY, SECOND)})
    twice = [proof_of(document, AUTHORITY), proof_of(document, AUTHORITY)]
    twice[1]["verificationMethod"] = f"{AUTHORITY.did}#key-assertion-1"
    later = add_proof(document, AUTHORITY.key(100), method=AUTHORITY.method, created=NOW)
    assert step(on_phone, {**document, "proof": twice}) == "signatures"
    both = [proof_of(document, AUTHORITY), later["proof"]]
    assert step(on_phone, {**document, "proof": both}) == "signatures"


def test_a_bad_proof_does_not_spoil_the_good_ones(on_phone: Phone) -> None:
    document = signed(unsigned(), STRANGER, SECOND, AUTHORITY)
    document["proof"].insert(0, {**document["proof"][2], "proofValue": "z1"})
    assert step(on_phone, document) is None


def test_the_first_framework_needs_the_authority_itself(on_phone: Phone) -> None:
    """Who makes up the list of signers could name the authority there and sign alone."""
    for who in ((AUTHORITY, STRANGER), (STRANGER,)):
        document = unsigned(signers={"threshold": 1, "members": members(*who)})
        assert step(on_phone, signed(document, STRANGER)) == "signatures"
    document = unsigned(signers={"threshold": 1, "members": members(STRANGER)})
    assert step(on_phone, signed(document, STRANGER, AUTHORITY)) == "signatures"


def test_a_later_one_is_signed_by_those_of_before(on_phone: Phone) -> None:
    before = seen(unsigned(signers=TWO, sequence=4))
    coup = unsigned(signers={"threshold": 1, "members": members(AUTHORITY, STRANGER)})
    assert step(on_phone, signed(coup, AUTHORITY, STRANGER), seen=before) == "signatures"
    assert step(on_phone, signed(coup, SECOND), seen=before) == "signatures"
    # two of those of before, the authority not among them
    assert step(on_phone, signed(coup, SECOND, THIRD), seen=before) is None


def test_more_signatures_may_be_asked_for_only_of_those_of_before(on_phone: Phone) -> None:
    before = seen(unsigned(sequence=4))
    more = unsigned(signers=TWO)
    assert step(on_phone, signed(more, AUTHORITY, SECOND), seen=before) == "signatures"


def test_what_was_accepted_stays_accepted(on_phone: Phone) -> None:
    """Also where those who signed it handed over to others with it; until its time is over."""
    handed = signed(
        unsigned(signers={"threshold": 2, "members": members(THIRD, STRANGER)}),
        AUTHORITY,
        SECOND,
    )
    before = {**seen(unsigned(sequence=4)), "signers": TWO}
    assert step(on_phone, handed, seen=before) is None
    assert step(on_phone, handed, seen=seen(handed)) is None
    assert step(on_phone, handed, seen=seen(handed), now="2036-01-01T00:00:00Z") == "time"


def test_the_authority_may_always_sign(on_phone: Phone) -> None:
    before = seen(
        unsigned(signers={"threshold": 2, "members": members(SECOND, THIRD)}, sequence=4)
    )
    assert step(on_phone, signed(unsigned(), AUTHORITY, SECOND), seen=before) is None


@pytest.mark.parametrize(
    "member",
    [
        {"did": SECOND.did, "from": "2026-01-01T00:00:00Z", "until": AT[:19] + "Z"},
        {"did": SECOND.did, "from": "2026-07-01T12:00:01Z", "until": None},
    ],
)
def test_a_member_counts_in_its_time(on_phone: Phone, member: Json) -> None:
    both = {"threshold": 2, "members": [*members(AUTHORITY), member]}
    document = unsigned(signers=both)
    assert step(on_phone, signed(document, AUTHORITY, SECOND)) == "signatures"
    now = "2026-07-01T11:59:59Z" if member["until"] else "2026-07-01T12:00:01Z"
    assert step(on_phone, signed(document, AUTHORITY, SECOND), now=now) is None


def test_a_signer_needs_a_log_that_holds(on_phone: Phone) -> None:
    for log in (None, "", LOGS[SECOND.did], LOGS[AUTHORITY.did].replace("Multikey", "x")):
        logs = {AUTHORITY.did: log} if log is not None else {}
        assert step(on_phone, GOOD, logs=logs) == "signatures"


def test_an_older_version_is_refused(on_phone: Phone) -> None:
    before = seen(unsigned(sequence=6))
    assert step(on_phone, GOOD, seen=before) == "version"
    assert step(on_phone, GOOD, seen=seen(GOOD)) is None
    assert step(on_phone, signed(unsigned(sequence=6), AUTHORITY), seen=seen(GOOD)) is None


def test_one_number_is_one_document(on_phone: Phone) -> None:
    other = signed(unsigned(languages=[]), AUTHORITY)
    assert step(on_phone, other, seen=seen(GOOD)) == "version"


@pytest.mark.parametrize(
    ("now", "refused"),
    [
        ("2026-06-29T23:54:59Z", "time"),
        ("2026-06-29T23:55:00Z", None),
        ("2026-09-29T23:59:59.999Z", None),
        ("2026-09-30T00:00:00Z", "time"),
        ("2036-01-01T00:00:00Z", "time"),
        ("no time", "signatures"),
    ],
)
def test_it_has_its_time(on_phone: Phone, now: str, refused: str | None) -> None:
    assert step(on_phone, GOOD, now=now) == refused


# --- who asks -------------------------------------------------------------------------------

LOG = "\n".join(PARTICIPANT.log)
PURPOSE = "shelter-intake"


def invitation(request: Json, packed: bool = True) -> Json:
    data = (
        {"base64": base64.b64encode(json.dumps(request).encode()).decode()}
        if packed
        else {"json": request}
    )
    message = {
        "@type": "https://didcomm.org/present-proof/2.0/request-presentation",
        "@id": "abc",
        "formats": [{"attach_id": "anoncreds", "format": "anoncreds/proof-request@v1.0"}],
        "request_presentations~attach": [{"@id": "anoncreds", "data": data}],
    }
    return {
        "@type": "https://didcomm.org/out-of-band/1.1/invitation",
        "@id": "def",
        "label": "é 😀",
        "services": ["did:peer:4zQm"],
        "requests~attach": [{"@id": "request-0", "data": {"json": message}}],
    }


def request(ask: PresentationAsk | None = None, purpose: str = PURPOSE) -> Json:
    return to_proof_request(ask or plan_ask("shelter", "plain"), purpose, 1_900_000_000)


def statement(about: Json, signer: Issuer = PARTICIPANT, **changes: Any) -> Json:
    said = {
        "type": "HavenRequest",
        "issuer": PARTICIPANT.did,
        "check": "shelter",
        "purpose": PURPOSE,
        "variant": "plain",
        "variants": ["plain"],
        "retention_seconds": 0,
        "invitation_digest": invitation_digest(about),
        "expires": "2026-07-01T13:00:00Z",
        **changes,
    }
    return add_proof(said, signer.key(100), method=signer.method, created=THEN)


def asking(about: Json | None = None, **changes: Any) -> Json:
    sent = about or invitation(request())
    return {"statement": statement(sent, **changes), "invitation": sent, "log": LOG}


def judge(on_phone: Phone, said: Json, framework: Json | None = None, at: str = AT) -> Json:
    return on_phone("request", said=said, framework=framework or GOOD, at=at)


def refusal(on_phone: Phone, said: Json, **given: Any) -> tuple[str | None, str | None]:
    answer = judge(on_phone, said, **given)
    return answer.get("step"), answer.get("reason")


@pytest.mark.parametrize("packed", [True, False])
def test_who_asks_for_what_is_told(on_phone: Phone, packed: bool) -> None:
    answer = judge(on_phone, asking(invitation(request(), packed)))
    check = GOOD["checks"]["shelter"]
    assert answer == {
        "gave": {
            "asker": PARTICIPANT.did,
            "names": {"en": "harbour"},
            "purpose": PURPOSE,
            "ask": shown(plan_ask("shelter", "plain")),
            "retentionSeconds": 0,
            "title": check["title"],
            "description": check["description"],
        }
    }


def test_every_check_can_be_asked(on_phone: Phone) -> None:
    roles = {"shelter": "shelter", "court": "court", "payment": "payment-provider"}
    for name, variant in VARIANTS:
        framework = copy.deepcopy(GOOD)
        framework["participants"][1]["role"] = roles[name]
        check = framework["checks"][name]
        said = asking(
            invitation(request(plan_ask(name, variant), check["purpose"])),
            check=name,
            purpose=check["purpose"],
            variant=variant,
            retention_seconds=check["retention_seconds"],
        )
        assert refusal(on_phone, said, framework=framework) == (None, None)


ANOTHER = invitation(request())
BEYOND = one("eligibility", "service-eligibility", "region", "given_names")
REFUSED: dict[str, tuple[str, Json]] = {
    "another invitation's": ("invitation-digest", {**asking(), "invitation": ANOTHER}),
    "no statement": ("form", {**asking(), "statement": None}),
    "no invitation": ("form", {**asking(), "invitation": "x"}),
    "an offer's": ("form", asking(type="HavenOffer")),
    "no issuer": ("form", asking(issuer="")),
    "no end": ("form", asking(expires="tomorrow")),
    "nothing is asked": ("request", asking({"label": "x"})),
    "no proof": (
        "proof",
        {
            **asking(ANOTHER),
            "statement": {
                name: value for name, value in statement(ANOTHER).items() if name != "proof"
            },
        },
    ),
    "changed": (
        "proof",
        {**asking(ANOTHER), "statement": {**statement(ANOTHER), "expires": AT[:18] + "9Z"}},
    ),
    "signed by another": ("proof", asking(signer=STRANGER)),
    "another's log": ("did", {**asking(), "log": LOGS[STRANGER.did]}),
    "a broken log": ("hash", {**asking(), "log": LOG.replace("Multikey", "x")}),
    "no log": ("entry", {**asking(), "log": ""}),
    "over": ("expires", asking(expires=AT[:19] + "Z")),
    "another purpose": ("purpose", asking(purpose="court-proceeding")),
    "no purpose": ("purpose", asking(purpose="")),
    "another check": ("check", asking(check="court")),
    "another check, kept as long": ("check", asking(check="payment")),
    "no such check": ("check", asking(check="constructor")),
    "no such variant": ("check", asking(variant="toString")),
    "kept for longer": ("check", asking(retention_seconds=7)),
    "kept for a word": ("check", asking(retention_seconds="0")),
}


@pytest.mark.parametrize(("refused", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_fit_is_refused(on_phone: Phone, refused: str, said: Json) -> None:
    assert refusal(on_phone, said) == (refused, "")


def test_more_than_the_purpose_needs_may_not_be_asked(on_phone: Phone) -> None:
    said = asking(invitation(request(BEYOND)))
    assert refusal(on_phone, said) == ("may-not-ask", "attribute-not-allowed")


def test_who_is_not_in_the_framework_may_not_ask(on_phone: Phone) -> None:
    said = {**asking(issuer=STRANGER.did, signer=STRANGER), "log": LOGS[STRANGER.did]}
    assert refusal(on_phone, said) == ("may-not-ask", "unknown-participant")


def test_who_takes_no_part_now_may_not_ask(on_phone: Phone) -> None:
    said = asking(expires="2030-01-01T00:00:00Z")
    framework = copy.deepcopy(GOOD)
    framework["participants"][1]["until"] = AT[:19] + "Z"
    assert refusal(on_phone, said, framework=framework) == (
        "may-not-ask",
        "participant-not-current",
    )


def test_the_words_shown_are_those_of_what_is_asked(on_phone: Phone) -> None:
    """Of two checks with one purpose, the request must fit the one whose words are shown."""
    framework = copy.deepcopy(GOOD)
    small = copy.deepcopy(framework["checks"]["shelter"])
    del small["variants"]["representative"]
    small["variants"]["plain"]["credentials"]["eligibility"]["reveal"] = ["region"]
    framework["checks"]["small"] = small
    assert refusal(on_phone, asking(), framework=framework) == (None, None)
    said = asking(check="small")
    assert refusal(on_phone, said, framework=framework) == (
        "may-not-ask",
        "attribute-not-allowed",
    )


def test_a_framework_that_is_none_allows_nothing(on_phone: Phone) -> None:
    for framework in ({"a": 1}, {**GOOD, "checks": []}):
        assert refusal(on_phone, asking(), framework=framework) == ("form", "")


def test_a_deep_invitation_is_refused(on_phone: Phone) -> None:
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    said = asking()
    said["invitation"] = {**said["invitation"], "more": deep}
    assert refusal(on_phone, said) == ("form", "")


def _attached(sent: Json) -> Json:
    message = sent["requests~attach"][0]["data"]["json"]
    attached: Json = message["request_presentations~attach"][0]["data"]
    return attached


def inside(change: Alter) -> Json:
    sent = invitation(request(plan_ask("shelter", "representative")), packed=False)
    change(_attached(sent)["json"])
    return sent


def group(written: Json) -> Json:
    found: Json = written["requested_attributes"]["guardianship"]
    return found


def predicate(written: Json) -> Json:
    found: Json = written["requested_predicates"]["guardianship/0"]
    return found


def renamed(part: str, old: str, new: str) -> Alter:
    return lambda written: written[part].update({new: written[part].pop(old)})


STRANGE: list[Json] = [
    inside(change)
    for change in (
        lambda r: r.pop("requested_attributes"),
        lambda r: r.pop("requested_predicates"),
        lambda r: r.update(more=1),
        lambda r: r.pop("non_revoked"),
        lambda r: r["non_revoked"].update({"from": 1}),
        lambda r: r["non_revoked"].update(to="now"),
        lambda r: r["non_revoked"].update(to=True),
        lambda r: r.update(non_revoked="from to"),
        lambda r: r.update(requested_attributes=["guardianship"]),
        lambda r: r["requested_attributes"].update(more={"name": "diagnosis"}),
        lambda r: r["requested_attributes"].update(more="diagnosis"),
        lambda r: r["requested_attributes"].update(more=None),
        lambda r: group(r).update(name="diagnosis"),
        lambda r: group(r).update(non_revoked={"from": 1, "to": 2}),
        lambda r: group(r).pop("restrictions"),
        lambda r: group(r).update(restrictions=[]),
        lambda r: group(r).update(restrictions=[{"schema_id": "a"}, {"schema_id": "b"}]),
        lambda r: group(r).update(restrictions=[{"schema_id": schema("identity")}]),
        lambda r: group(r).update(restrictions=[{"schema_id": [schema("guardianship")]}]),
        lambda r: group(r).update(restrictions=[{"issuer_id": "did:webvh:x"}]),
        lambda r: group(r)["restrictions"][0].update({"attr::name::value": "Sok"}),
        lambda r: group(r).update(names="link_shelter"),
        lambda r: group(r).update(names=[]),
        lambda r: group(r).update(names=["link_shelter", 7]),
        lambda r: predicate(r).update(p_type="=="),
        lambda r: predicate(r).update(p_value=2**31),
        lambda r: predicate(r).update(p_value="20260101"),
        lambda r: predicate(r).update(p_value=20260101.5),
        lambda r: predicate(r).update(p_value=True),
        lambda r: predicate(r).update(names=["diagnosis"]),
        lambda r: predicate(r).pop("name"),
        lambda r: predicate(r).update(name=7),
        renamed("requested_predicates", "guardianship/0", "guardianship/7"),
        renamed("requested_predicates", "guardianship/0", "guardianship"),
        renamed("requested_predicates", "guardianship/0", "guardianship/0/x"),
        renamed("requested_predicates", "eligibility/0", "eligibility/2"),
        renamed("requested_attributes", "eligibility", "guardianship/2"),
        renamed("requested_attributes", "eligibility", "5"),
        renamed("requested_attributes", "eligibility", "__proto__"),
    )
]


@pytest.mark.parametrize("sent", STRANGE)
def test_what_cannot_be_shown_completely_is_not_read(on_phone: Phone, sent: Json) -> None:
    try:
        expected = shown(from_proof_request(attached_request(sent)))
    except InvalidInput:
        assert on_phone.step("read", invitation=sent) == "request"
    else:
        # JavaScript puts a label that is a number first; the order means nothing
        by_label = on_phone("read", invitation=sent)["gave"]["ask"]["asks"]
        assert sorted(by_label, key=str) == sorted(expected["asks"], key=str)


WORDS = st.text("abcdefghij_-", min_size=1, max_size=6)
ASKED = st.builds(
    lambda asks: PresentationAsk.model_validate({"asks": asks}),
    st.lists(
        st.fixed_dictionaries(
            {
                "label": WORDS,
                "schema_id": WORDS,
                "reveal": st.lists(WORDS, min_size=1, max_size=3),
                "predicates": st.lists(
                    st.fixed_dictionaries(
                        {
                            "attribute": WORDS,
                            "operator": st.sampled_from([">=", ">", "<=", "<"]),
                            "value": st.integers(-(2**31), 2**31 - 1),
                        }
                    ),
                    max_size=3,
                ),
            }
        ),
        max_size=3,
        unique_by=lambda each: each["label"],
    ),
)


@settings(max_examples=150, deadline=None)
@given(ask=ASKED, packed=st.booleans())
def test_what_is_asked_is_read_whole(
    on_phone: Phone, ask: PresentationAsk, packed: bool
) -> None:
    sent = invitation(request(ask), packed)
    assert from_proof_request(attached_request(sent)) == ask
    assert on_phone("read", invitation=sent) == {
        "gave": {"purpose": PURPOSE, "ask": shown(ask)}
    }


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"json": request(), "base64": "e30="},
        {"base64": "????"},
        {"base64": 7},
        {"base64": base64.b64encode(b'{"a":1,"a":2}').decode()},
        {"base64": base64.b64encode(b"\xff").decode()},
        {"json": None},
    ],
)
def test_an_attachment_that_could_be_read_two_ways_is_not(on_phone: Phone, data: Json) -> None:
    sent = invitation(request())
    _attached(sent).clear()
    _attached(sent).update(data)
    assert on_phone.step("read", invitation=sent) == "request"


# --- who offers -----------------------------------------------------------------------------


def offering(signer: Issuer = PARTICIPANT, **changes: Any) -> Json:
    sent = {"@id": "ghi", "handshake_protocols": ["https://didcomm.org/didexchange/1.1"]}
    said = {
        "type": "HavenOffer",
        "issuer": PARTICIPANT.did,
        "credential": "service-eligibility",
        "invitation_digest": invitation_digest(sent),
        "expires": "2026-07-01T13:00:00Z",
        **changes,
    }
    return {
        "statement": add_proof(said, signer.key(100), method=signer.method, created=THEN),
        "invitation": sent,
        "log": LOG,
        "issuer": PARTICIPANT.did,
        "credential": "service-eligibility",
    }


OWN = f"{PARTICIPANT.did}/resources/zDefinition"
GRANTED = json.loads(json.dumps(GOOD).replace(definition("good"), OWN))


def offered(on_phone: Phone, offer: Json, at: str = AT) -> Json:
    return on_phone("offer", offer=offer, framework=GRANTED, at=at)


def test_who_offers_what_is_told(on_phone: Phone) -> None:
    told = {
        "issuer": PARTICIPANT.did,
        "names": {"en": "harbour"},
        "credential": "service-eligibility",
    }
    answer = offered(on_phone, offering())
    assert answer == {"gave": {**told, "definitionId": None}}
    by_itself = {"issuer": PARTICIPANT.did, "credential": "service-eligibility"}
    for offer in (offering(), by_itself, {**by_itself, "statement": None}):
        answer = offered(on_phone, {**offer, "definitionId": OWN})
        assert answer == {"gave": {**told, "definitionId": OWN}}


OFFERS: dict[str, tuple[str, Json]] = {
    "a request's statement": ("form", offering(type="HavenRequest")),
    "another invitation's": ("invitation-digest", {**offering(), "invitation": {"a": 1}}),
    "signed by another": ("proof", offering(signer=STRANGER)),
    "over": ("expires", offering(expires="2026-07-01T11:00:00Z")),
    "no log": ("entry", {key: v for key, v in offering().items() if key != "log"}),
    "another issuer's": ("issuer", {**offering(), "issuer": STRANGER.did}),
    "another credential's": ("credential", offering(credential="identity")),
    "another's definition": (
        "issuer",
        {**offering(), "definitionId": f"{STRANGER.did}/resources/z"},
    ),
    "a longer DID's definition": (
        "issuer",
        {**offering(), "definitionId": f"{PARTICIPANT.did}x/z"},
    ),
}


@pytest.mark.parametrize(("refused", "offer"), OFFERS.values(), ids=OFFERS.keys())
def test_an_offer_that_does_not_fit_is_refused(
    on_phone: Phone, refused: str, offer: Json
) -> None:
    assert offered(on_phone, offer) == {"step": refused, "reason": ""}


def test_what_nobody_granted_may_not_be_offered(on_phone: Phone) -> None:
    offer = {**offering(), "definitionId": f"{PARTICIPANT.did}/resources/zOther"}
    assert offered(on_phone, offer) == {"step": "may-not-offer", "reason": "not-granted"}
    court = {"issuer": did("court"), "credential": "identity"}
    answer = offered(on_phone, court)
    assert answer == {"step": "may-not-offer", "reason": "credential-not-allowed"}
