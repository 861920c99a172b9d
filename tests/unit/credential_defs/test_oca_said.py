"""SAIDs and bundles: what is filled in verifies, and nothing can be changed unnoticed."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput, VerificationError
from credential_defs.oca import (
    FORMS,
    Document,
    Form,
    capture_base_digest,
    fill,
    overlay_digest,
    parse,
    serialise,
    verify,
)

HASHES = "#" * 44
BASE_TYPE = {"2.0.0": "capture_base/2.0.0", "1.0": "spec/capture_base/1.0"}
each_form = pytest.mark.parametrize("form", FORMS)

keys = st.text(min_size=1, max_size=8)
leaves = st.text(max_size=8) | st.integers() | st.booleans()
payloads = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
types = st.sampled_from(("Text", "Numeric", "DateTime"))
attributes = st.dictionaries(keys, types, min_size=1, max_size=4)
overlay_fields = st.dictionaries(keys.map(lambda key: f"attribute_{key}"), payloads, max_size=3)
languages = st.sampled_from(({}, {"language": "en"}, {"language": "km"}))


@st.composite
def bundles(draw: st.DrawFn, form: Form) -> Document:
    """A bundle without digests, with any payload."""
    made = [
        {"type": f"overlay/{draw(st.integers(0, 9))}", **draw(languages), **fields}
        for fields in draw(st.lists(overlay_fields, max_size=3))
    ]
    base = {"type": BASE_TYPE[form], "attributes": draw(attributes)}
    return {"capture_base": base, "overlays": made}


def simple(form: Form) -> Document:
    base = {"type": BASE_TYPE[form], "attributes": {"b": "Text", "a": "Numeric"}}
    label = {"type": "label", "language": "km", "attribute_labels": {"b": "ខ", "a": "ក"}}
    encoding = {"type": "character_encoding", "attribute_character_encodings": {"b": "utf-8"}}
    return fill({"capture_base": base, "overlays": [label, encoding]}, form)


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a document that holds no others."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list):
            yield from paths(inner, (*here, key))
        else:
            yield (*here, key)


def change(document: Document, path: tuple[Any, ...]) -> Document:
    changed = copy.deepcopy(document)
    target: Any = changed
    for step in path[:-1]:
        target = target[step]
    old = target[path[-1]]
    target[path[-1]] = (
        f"{old}x" if isinstance(old, str) else not old if isinstance(old, bool) else old + 1
    )
    return changed


# Written out by hand: the bytes that are hashed, once for each form.
def test_2_0_0_bytes_are_hashed_in_the_published_order() -> None:
    text = (
        '{"digest":"' + HASHES + '","capture_base":"E1","type":"overlay/label/2.0.0",'
        '"language":"km","attribute_labels":{"b":"ខ","a":"ក"}}'
    )
    raw = b"\0" + blake3(text.encode()).digest()
    overlay = {
        "attribute_labels": {"b": "ខ", "a": "ក"},
        "language": "km",
        "type": "overlay/label/2.0.0",
        "digest": "anything",
        "capture_base": "E1",
    }
    assert overlay_digest(overlay, "2.0.0") == "E" + base64.urlsafe_b64encode(raw)[1:].decode()


def test_1_0_bytes_are_hashed_in_the_published_order() -> None:
    text = (
        '{"capture_base":"E1","digest":"' + HASHES + '","type":"spec/overlays/label/1.0",'
        '"language":"en","attribute_labels":{"a":"A","b":"B"},"attribute_categories":[],'
        '"category_labels":{}}'
    )
    overlay = {
        "category_labels": {},
        "attribute_categories": [],
        "attribute_labels": {"b": "B", "a": "A"},
        "type": "spec/overlays/label/1.0",
        "language": "en",
        "capture_base": "E1",
        "digest": "",
    }
    assert overlay_digest(overlay, "1.0") == _said_1_0(text)


def test_1_0_capture_base_keeps_the_order_of_flagged_attributes() -> None:
    text = (
        '{"type":"spec/capture_base/1.0","digest":"' + HASHES + '","classification":"",'
        '"attributes":{"a":"Text","b":"Text"},"flagged_attributes":["b","a"]}'
    )
    base = {
        "attributes": {"b": "Text", "a": "Text"},
        "classification": "",
        "digest": "",
        "flagged_attributes": ["b", "a"],
        "type": "spec/capture_base/1.0",
    }
    assert capture_base_digest(base, "1.0") == _said_1_0(text)


def _said_1_0(text: str) -> str:
    return "E" + base64.urlsafe_b64encode(blake3(text.encode()).digest()).decode().rstrip("=")


@each_form
@given(data=st.data())
def test_what_is_filled_verifies(form: Form, data: st.DataObject) -> None:
    filled = fill(data.draw(bundles(form)), form)
    verified = verify(filled, form)
    assert verified.capture_base_digest == filled["capture_base"]["digest"]
    assert len(verified.capture_base_digest) == 44
    assert fill(filled, form) == filled


@each_form
@given(data=st.data())
def test_any_changed_value_breaks_it(form: Form, data: st.DataObject) -> None:
    filled = fill(data.draw(bundles(form)), form)
    path = data.draw(st.sampled_from(sorted(paths(filled), key=str)))
    with pytest.raises(VerificationError):
        verify(change(filled, path), form)


@each_form
@given(data=st.data())
def test_parse_after_serialise_is_the_identity(form: Form, data: st.DataObject) -> None:
    filled = fill(data.draw(bundles(form)), form)
    back = parse(serialise(filled, form))
    assert json.dumps(back) == json.dumps(filled)  # equal, and in the same order
    verify(back, form)


@each_form
@pytest.mark.parametrize(
    ("path", "step"),
    [
        (("capture_base", "type"), "capture-base-type"),
        (("capture_base", "attributes", "a"), "capture-base-digest"),
        (("capture_base", "digest"), "capture-base-digest"),
        (("overlays", 0, "capture_base"), "overlay-capture-base"),
        (("overlays", 1, "type"), "overlay-digest"),
        (("overlays", 1, "digest"), "overlay-digest"),
    ],
)
def test_the_first_failing_step_is_named(form: Form, path: tuple[Any, ...], step: str) -> None:
    with pytest.raises(VerificationError) as caught:
        verify(change(simple(form), path), form)
    assert caught.value.step == step


@pytest.mark.parametrize(
    ("field", "step"), [("v", "bundle-length"), ("digest", "bundle-digest")]
)
def test_2_0_0_checks_the_whole(field: str, step: str) -> None:
    with pytest.raises(VerificationError) as caught:
        verify(change(simple("2.0.0"), (field,)), "2.0.0")
    assert caught.value.step == step


def test_a_left_out_overlay_is_noticed_in_2_0_0_only() -> None:
    whole, old = simple("2.0.0"), simple("1.0")
    whole["overlays"].pop()
    old["overlays"].pop()
    with pytest.raises(VerificationError):
        verify(whole, "2.0.0")
    verify(old, "1.0")  # the form's known limit: a 1.0 bundle has no digest of its own


def test_an_overlay_of_another_bundle_is_refused() -> None:
    other = fill(
        {"capture_base": {"type": BASE_TYPE["1.0"], "attributes": {"c": "Text"}},
         "overlays": [{"type": "meta"}]},
        "1.0",
    )  # fmt: skip
    mixed = simple("1.0")
    mixed["overlays"].append(other["overlays"][0])
    with pytest.raises(VerificationError) as caught:
        verify(mixed, "1.0")
    assert caught.value.step == "overlay-capture-base"


@pytest.mark.parametrize(
    ("damage", "step"),
    [
        ({"extra": 1}, "shape"),
        ({"capture_base": None}, "shape"),
        ({"capture_base": {"attributes": []}}, "shape"),
        ({"overlays": {}}, "shape"),
        ({"overlays": ["text"]}, "shape"),
        ({"overlays": [{"capture_base": "E", "type": "\ud800"}]}, "overlay-capture-base"),
    ],
)
def test_other_shapes_are_refused(damage: Document, step: str) -> None:
    with pytest.raises(VerificationError) as caught:
        verify({**simple("2.0.0"), **damage}, "2.0.0")
    assert caught.value.step == step


@pytest.mark.parametrize("odd", ["\ud800", float("nan"), {1, 2}])
def test_a_value_without_a_json_form_is_a_failed_verification(odd: object) -> None:
    bundle = simple("1.0")
    bundle["overlays"][0]["attribute_labels"] = odd
    with pytest.raises(VerificationError) as caught:
        verify(bundle, "1.0")
    assert caught.value.step == "encoding"


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", "[{}, {}]", "7", '{"a": 1, "a": 2}', '{"a": NaN}', b"\xff"]
)
def test_what_is_not_one_bundle_is_not_parsed(text: str | bytes) -> None:
    with pytest.raises(InvalidInput):
        parse(text)
