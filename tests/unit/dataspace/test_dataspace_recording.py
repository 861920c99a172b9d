"""The log: what stands in it, and what happens to who changes it."""

from __future__ import annotations

import copy
from datetime import timedelta
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from agreement_world import HOLDERS, NOW, did, participant, signer
from hypothesis import given
from hypothesis import strategies as st

from core.canonical import Json, content_digest
from core.errors import InvalidInput, VerificationError
from dataspace.agreeing.signatures import read
from dataspace.recording.commitment import commit, require_commitment
from dataspace.recording.heads import (
    CODES,
    Disagreement,
    What,
    compare_heads,
    entries_of,
    require_extension,
    require_remembered,
    require_standing,
    sign_head,
    verify_head,
)
from dataspace.recording.log import (
    BEGINNING,
    KINDS,
    Kind,
    LogEntry,
    Part,
    append,
    as_json_lines,
    from_json_lines,
    rows_bucket,
    verify_chain,
    verify_entry,
)

RUN = "0123456789abcdef" * 2
OTHER_RUN = "f" * 32
WHO = [participant(name) for name in HOLDERS]
SAMPLES: dict[Part, Any] = {
    Part.DIGEST: content_digest({"a": 1}),
    Part.SUM: sha256(b"x").hexdigest(),
    Part.TAG: RUN,
    Part.NUMBER: 3,
    Part.CODE: "some-code",
}
POLICE = (did("police"), signer("police").multikey)


def body_of(kind: Kind, **changed: Any) -> dict[str, Any]:
    return {name: SAMPLES[part] for name, part in KINDS[kind].items()} | changed


def log_of(name: str, entries: list[tuple[Kind, dict[str, Any]]]) -> list[Json]:
    documents: list[Json] = []
    last = (0, BEGINNING)
    for n, (kind, body) in enumerate(entries):
        at = NOW + timedelta(seconds=n)
        documents.append(append(last, kind, body, signer=signer(name), did=did(name), at=at))
        last = (n + 1, read(LogEntry, documents[-1]).digest)
    return documents


def police_log(count: int = 6) -> list[Json]:
    return log_of(
        "police", [(Kind.IMPORT, body_of(Kind.IMPORT, number=n)) for n in range(count)]
    )


def fails(documents: list[Json], step: str) -> None:
    with pytest.raises(VerificationError) as caught:
        verify_chain(documents, *POLICE)
    assert caught.value.step == step


# --- entries ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_entry(kind: Kind) -> None:
    log = verify_chain(log_of("police", [(kind, body_of(kind))]), *POLICE)
    assert log.entries[0].kind is kind
    assert log.head == (1, log.entries[0].digest)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Maria"},
        {"phase": "Maria Lopez, born 1999"},
        {"phase": 5},
        {"run": "maria"},
        {"plan": "z0OIl"},
    ],
)
def test_nothing_but_hashes_numbers_and_codes_is_taken(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        log_of("police", [(Kind.RUN_FAILED, body_of(Kind.RUN_FAILED, **changed))])
    assert "Maria" not in str(caught.value)


@pytest.mark.parametrize("number", [-1, 2**53, 1.5, True])
def test_numbers_are_whole_and_bounded(number: Any) -> None:
    with pytest.raises(InvalidInput):
        log_of("police", [(Kind.IMPORT, {**body_of(Kind.IMPORT), "number": number})])


def test_an_entry_lacks_nothing_of_its_kind() -> None:
    for kind in Kind:
        for name in KINDS[kind]:
            left = {k: v for k, v in body_of(kind).items() if k != name}
            if (kind, name) == (Kind.RUN_BEGUN, "input"):  # the evaluator has no input
                log_of("police", [(kind, left)])
                continue
            with pytest.raises(InvalidInput):
                log_of("police", [(kind, left)])


# --- the chain ----------------------------------------------------------------------------


def test_a_whole_log_holds() -> None:
    log = verify_chain(police_log(), *POLICE)
    assert [each.number for each in log.entries] == [1, 2, 3, 4, 5, 6]
    assert log.at(3) == log.entries[2]
    assert log.at(0) is log.at(7) is None
    assert verify_chain([], *POLICE).head == (0, BEGINNING)


def test_an_entry_changed() -> None:
    for name, value in (("number", 9), ("rows_at_least", 4)):
        documents = copy.deepcopy(police_log())
        documents[2]["body"][name] = value
        fails(documents, "log-signature")


def test_an_entry_removed() -> None:
    for n in range(5):
        documents = police_log()
        del documents[n]
        fails(documents, "log-chain")


def test_entries_reordered() -> None:
    for n in range(5):
        documents = police_log()
        documents[n], documents[n + 1] = documents[n + 1], documents[n]
        fails(documents, "log-chain")


def test_an_entry_twice() -> None:
    documents = police_log()
    fails([*documents, documents[-1]], "log-chain")


def test_an_entry_of_another_node() -> None:
    documents = police_log()
    other = log_of("health", [(Kind.IMPORT, body_of(Kind.IMPORT))])
    fails(other, "log-form")
    fails([other[0] | {"log": did("police")}, *documents[1:]], "log-signature")


def test_an_entry_rewritten_by_the_node_itself_breaks_the_chain() -> None:
    """The node can sign what it likes; the next entry names the old one."""
    documents = police_log()
    before = read(LogEntry, documents[1])
    documents[2] = append(
        (2, before.digest),
        Kind.IMPORT,
        body_of(Kind.IMPORT, number=77),
        signer=signer("police"),
        did=did("police"),
        at=NOW,
    )
    fails(documents, "log-chain")


@given(st.lists(st.integers(0, 5), max_size=8))
def test_only_the_log_itself_holds(order: list[int]) -> None:
    documents = police_log()
    shown = [documents[n] for n in order]
    if order == list(range(len(order))):
        assert len(verify_chain(shown, *POLICE).entries) == len(order)
    else:
        fails(shown, "log-chain")


def test_a_log_is_exported_and_read_again() -> None:
    documents = police_log()
    text = as_json_lines(documents)
    assert text.count("\n") == len(documents)
    assert verify_chain(from_json_lines(text), *POLICE).head[0] == len(documents)
    with pytest.raises(VerificationError):
        from_json_lines(text + "{\n")


@pytest.mark.parametrize(
    ("count", "bucket"),
    [(0, 0), (1, 1), (9, 1), (10, 10), (99, 10), (100, 100), (12_345, 10_000)],
)
def test_rows_are_told_in_powers_of_ten(count: int, bucket: int) -> None:
    assert rows_bucket(count) == bucket


# --- heads --------------------------------------------------------------------------------


def head_of(documents: list[Json], upto: int | None = None) -> Any:
    last = verify_chain(documents[:upto], *POLICE).head
    signed = sign_head(last, signer("police"), did("police"), NOW)
    return verify_head(signed, *POLICE)


def test_a_log_that_grew_leads_from_the_old_head_to_the_new() -> None:
    documents = police_log()
    old, new = head_of(documents, 3), head_of(documents)
    require_extension(old, new, documents[3:], POLICE[1])
    require_extension(new, new, [], POLICE[1])
    assert require_remembered(old, documents[2], POLICE[1]).number == 3


def test_a_log_rewritten_at_one_node_is_found_by_its_peers() -> None:
    """All is signed anew and whole, and still not what was shown before."""
    honest = police_log()
    rewritten = log_of(
        "police", [(Kind.IMPORT, body_of(Kind.IMPORT, number=n + 100)) for n in range(6)]
    )
    verify_chain(rewritten, *POLICE)
    remembered = head_of(honest, 4)
    with pytest.raises(VerificationError) as caught:
        require_remembered(remembered, rewritten[3], POLICE[1])
    assert caught.value.step == "log-rewritten"
    with pytest.raises(VerificationError) as caught:
        require_extension(remembered, head_of(rewritten), rewritten[4:], POLICE[1])
    assert caught.value.step == "log-chain"


def test_a_log_that_was_cut_off() -> None:
    documents = police_log()
    remembered, shorter = head_of(documents), head_of(documents, 4)
    for shown in (None, documents[3]):
        with pytest.raises(VerificationError) as caught:
            require_remembered(remembered, shown, POLICE[1])
        assert caught.value.step == "log-rewritten"
    with pytest.raises(VerificationError):
        require_extension(remembered, shorter, [], POLICE[1])
    with pytest.raises(VerificationError):  # entries that do not reach the head it shows
        require_extension(head_of(documents, 2), head_of(documents), documents[2:5], POLICE[1])


def test_a_log_with_two_faces() -> None:
    """One continuation for some peers, another for the rest: all is signed and whole."""

    def face(change: int, at: int) -> list[Json]:
        numbers = [change if n == at else n for n in range(6)]
        return log_of(
            "police", [(Kind.IMPORT, body_of(Kind.IMPORT, number=n)) for n in numbers]
        )

    def stand(told: list[Json], shown: list[Json], upto: int | None = None) -> None:
        said = [verify_entry(told[n], *POLICE) for n in (3, 2)]
        require_standing(said, head_of(shown, upto), shown[3:], POLICE[1])

    honest = police_log()
    stand(honest, honest)
    stand(honest, honest, 4)  # entries that came after the head
    for at in range(4):  # before, at, between the entries that all are told of
        with pytest.raises(VerificationError) as caught:
            stand(honest, face(77, at))
        assert caught.value.step == "log-forked"
    for at in (4, 5):  # after them: not before the next run
        stand(honest, face(77, at))
    mixed = [*honest[:4], *face(77, 0)[4:]]
    entry = verify_entry(honest[2], *POLICE)
    for head, since in ((None, []), (head_of(honest, 2), []), (head_of(honest), mixed[3:])):
        with pytest.raises(VerificationError) as caught:
            require_standing([entry], head, since, POLICE[1])
        assert caught.value.step == "log-forked"


def test_a_head_is_signed_by_its_node() -> None:
    signed = sign_head((3, SAMPLES[Part.DIGEST]), signer("police"), did("police"), NOW)
    for changed in (signed | {"number": 4}, sign_head(
        (3, SAMPLES[Part.DIGEST]), signer("health"), did("police"), NOW)):  # fmt: skip
        with pytest.raises(VerificationError) as caught:
            verify_head(changed, *POLICE)
        assert caught.value.step == "head-signature"
    with pytest.raises(VerificationError):
        verify_head(signed, did("health"), signer("health").multikey)


# --- one run at all nodes -----------------------------------------------------------------


def run_log(
    name: str, *, begun: dict[str, Any] | None = None, released: Any = ()
) -> list[Json]:
    entries = [
        (Kind.RUN_BEGUN, body_of(Kind.RUN_BEGUN, **(begun or {}))),
        (Kind.RUN_FAILED, body_of(Kind.RUN_FAILED, run=OTHER_RUN)),
        *(() if released is None else [
            (Kind.RUN_RELEASED, body_of(Kind.RUN_RELEASED, **dict(released)))]),
    ]  # fmt: skip
    return entries_of(RUN, log_of(name, entries))


def compared(**changed: list[Json]) -> tuple[Disagreement, ...]:
    shown = {did(n): changed.get(n.replace("-", "_"), run_log(n)) for n in HOLDERS}
    own = shown.pop(did("police"))
    found = compare_heads(own, shown, RUN, who=WHO, me=did("police"))
    assert found.is_clean is (not found.disagreements)
    assert all(each.code in CODES for each in found.disagreements)
    return found.disagreements


OTHER = content_digest({"b": 2})


def test_nodes_that_agree() -> None:
    assert compared() == ()


@pytest.mark.parametrize(
    ("shown", "what"),
    [
        (run_log("health", begun={"plan": OTHER}), [What.PLAN]),
        (run_log("health", begun={"approvals": OTHER}), [What.APPROVALS]),
        (run_log("health", released={"result": OTHER}), [What.RESULT]),
        (run_log("health", begun={"plan": OTHER}, released={"plan": OTHER}), [What.PLAN]),
        (run_log("health", released=None), [What.MISSING]),
        ([], [What.MISSING]),
        (run_log("labour"), [What.SIGNATURE]),
        (run_log("health", begun={"run": OTHER_RUN}), [What.MISSING]),
        ([*run_log("health"), *run_log("health", begun={"plan": OTHER})], [What.TWICE]),
    ],
)
def test_who_disagrees_is_named(shown: list[Json], what: list[What]) -> None:
    assert compared(health=shown) == tuple(Disagreement(did("health"), each) for each in what)


def test_an_own_log_without_the_run_releases_nothing() -> None:
    found = compared(police=[])
    assert Disagreement(did("police"), What.MISSING) in found


def test_what_differs_between_nodes_by_nature_is_not_compared() -> None:
    own_input = run_log("health", begun={"input": sha256(b"theirs").hexdigest()})
    assert compared(health=own_input) == ()


# --- commitments --------------------------------------------------------------------------

SALT = bytes(range(32))


def test_a_commitment_holds_for_the_numbers_alone() -> None:
    values = np.arange(6).reshape(2, 3)
    made = commit(values, SALT)
    require_commitment(made, values.astype(np.int32), SALT)
    for other, salt in (
        (values + 1, SALT),
        (values.reshape(3, 2), SALT),
        (values.ravel(), SALT),
        (values, bytes(32)),
    ):
        with pytest.raises(VerificationError) as caught:
            require_commitment(made, other, salt)
        assert caught.value.step == "input"


@pytest.mark.parametrize(
    ("values", "salt"),
    [
        (np.arange(3), b"short"),
        (np.array([0.5]), SALT),
        (np.array([2**63], dtype=np.uint64), SALT),
    ],
)
def test_a_commitment_is_salted_and_to_whole_numbers(values: Any, salt: bytes) -> None:
    with pytest.raises(InvalidInput):
        commit(values, salt)
