"""Results as JSON and CSV, noise, and reports that all have signed."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest
from agreement_world import AGREEMENT, EVERYBODY, HOLDERS, NOW, did, plan, signer
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput, VerificationError
from dataspace.planning.statements import fresh_tag
from dataspace.questions.base import Released
from dataspace.questions.counts import QUESTION as COUNTS
from dataspace.releasing.noise import add_noise, standard_error_milli, tail
from dataspace.releasing.release import result_digest, result_document, to_csv, words
from dataspace.releasing.report import (
    Method,
    Report,
    make_report,
    sign_report,
    signed_report,
    verify_report,
)

TAG = fresh_tag()
RELEASED = Released(
    ("region", "cases", "share"),
    (("north", 20, 1234), ("south", None, -5)),
    1,
    ("below-threshold",),
    {"share": 2},
)
TERMS = AGREEMENT.terms


def test_a_result_is_exactly_the_released_cells() -> None:
    made = result_document(RELEASED, plan="zP", tag=TAG)
    assert made["rows"] == [["north", 20, 1234], ["south", None, -5]]
    assert made["suppressed"] == 1
    assert set(made) == {
        "format", "plan", "tag", "columns", "decimals", "rows", "suppressed", "notes", "extra",
    }  # fmt: skip
    assert result_digest(made) == result_digest(result_document(RELEASED, plan="zP", tag=TAG))
    assert result_digest(made) != result_digest({**made, "suppressed": 0})


@pytest.mark.parametrize(
    "released",
    [
        Released(("n",), ((1, 2),)),
        Released(("n",), ((2**53,),)),
        Released(("n",), (), extra={"deep": [{"p": 0.02}]}),
        Released(("n",), ((np.int64(1),),)),
    ],
)
def test_what_is_not_exact_is_no_result(released: Released) -> None:
    with pytest.raises(InvalidInput):
        result_document(released, plan="zP", tag=TAG)


def test_csv_has_decimals_and_a_word_for_what_is_withheld() -> None:
    assert to_csv(RELEASED) == (
        "region,cases,share\r\nnorth,20,12.34\r\nsouth,suppressed,-0.05\r\n"
    )
    assert words(RELEASED)[0].startswith("A cell without a number")


def test_csv_says_why_there_never_was_a_number() -> None:
    """Only what was there and is not shown is suppressed."""
    columns = ("model", "people", "low", "high")
    rows = (("a", 90, 70, None), ("b", None, None, None), ("c", 90, None, None))
    assert to_csv(Released(columns, rows)) == (
        "model,people,low,high\r\n"
        "a,90,70,no-upper-end\r\n"
        "b,no-estimate,no-estimate,no-estimate\r\n"
        "c,90,no-interval,no-interval\r\n"
    )
    assert "90,70,suppressed" in to_csv(Released(columns, rows, 1))


@given(st.text(min_size=1, max_size=20))
def test_no_text_of_a_csv_is_a_formula(text: str) -> None:
    lines = to_csv(Released((text,), ((text,),)))
    for (cell,) in csv.reader(io.StringIO(lines, newline="")):
        assert cell in (text, f"'{text}")
        assert not cell.lstrip(" \u00a0\ufeff\u200b").startswith(tuple("=+-@\t\r\n|%"))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", " =1", "＝1"])
def test_formulas_of_every_kind_are_words(text: str) -> None:
    assert next(csv.reader(io.StringIO(to_csv(Released((text,), ())), newline=""))) == [
        f"'{text}"
    ]


# --- noise --------------------------------------------------------------------------------


def test_noise_is_whole_centred_and_of_the_scale_asked_for() -> None:
    """Two thousand cells: the mean strays by a standard error of 0.06, the spread by 3 %."""
    made = add_noise(np.full(2_000, 1_000, np.int64), epsilon_milli=500, sensitivity=1)
    noise = made - 1_000
    assert made.dtype == np.int64
    assert abs(noise.mean()) < 0.5
    assert 2.2 < noise.std() < 3.5  # of scale 2: 2.8
    assert abs(noise).max() <= tail(500, 1)


def test_noise_differs_each_time_and_touches_no_input() -> None:
    counts = np.zeros(200, np.int64)
    one, other = (add_noise(counts, epsilon_milli=100, sensitivity=2) for _ in range(2))
    assert (one != other).any()
    assert not counts.any()
    assert add_noise(np.zeros(0, np.int64), epsilon_milli=1, sensitivity=1).shape == (0,)


@pytest.mark.parametrize(("epsilon", "sensitivity"), [(0, 1), (-1, 1), (1, 0)])
def test_noise_without_a_budget_is_none(epsilon: int, sensitivity: int) -> None:
    with pytest.raises(InvalidInput):
        add_noise(np.zeros(1, np.int64), epsilon_milli=epsilon, sensitivity=sensitivity)


def test_the_standard_error_is_a_root_of_the_sum_of_variances() -> None:
    assert standard_error_milli(1_000, 1, 1) == 1_414
    assert standard_error_milli(500, 1, 8) == 8_000


# --- reports ------------------------------------------------------------------------------


def report(**changed: Any) -> Report:
    made = make_report(
        plan(),
        TERMS,
        COUNTS,
        RELEASED,
        tag=TAG,
        method=Method(
            engine="shares",
            circuit="gated-sums",
            computing=tuple(did(name) for name in HOLDERS),
            together=2,
        ),
        holders=[did(name) for name in HOLDERS],
        approvals=AGREEMENT.digest,
        approved=[did(name) for name in HOLDERS],
        at=NOW,
    )
    return made.model_copy(update=changed)


def proofs(of: Report, names: Any = EVERYBODY) -> list[Any]:
    return [sign_report(of, signer(name), did(name), NOW) for name in names]


def test_a_report_that_all_signed_holds_with_its_result() -> None:
    made = report()
    result = result_document(RELEASED, plan=plan().digest, tag=TAG)
    found = verify_report(signed_report(made, proofs(made)), TERMS, result)
    assert found == made
    assert found.threshold == 11
    assert found.method.together == 2
    assert found.result == result_digest(result)
    assert found.budget.agreed_milli == TERMS.limits.epsilon_milli


def test_every_node_makes_the_same_report() -> None:
    assert report().digest == report().digest


@pytest.mark.parametrize(
    "names", [EVERYBODY[:-1], (*EVERYBODY, "police"), (*HOLDERS, "police")]
)
def test_a_report_that_not_all_signed_once_does_not_hold(names: Any) -> None:
    made = report()
    with pytest.raises(VerificationError) as refused:
        verify_report(signed_report(made, proofs(made, names)), TERMS)
    assert refused.value.step == "report-proof"


def test_a_report_that_was_changed_does_not_hold() -> None:
    made = report()
    changed = signed_report(report(suppressed=0), proofs(made))
    with pytest.raises(VerificationError) as refused:
        verify_report(changed, TERMS)
    assert refused.value.step == "report-proof"


def test_another_result_is_not_the_signed_one() -> None:
    made = report()
    other = result_document(RELEASED, plan=plan().digest, tag=fresh_tag())
    with pytest.raises(VerificationError) as refused:
        verify_report(signed_report(made, proofs(made)), TERMS, other)
    assert refused.value.step == "result"


def test_a_report_of_another_agreement_does_not_hold() -> None:
    made = report(agreement=plan().digest)
    with pytest.raises(VerificationError) as refused:
        verify_report(signed_report(made, proofs(made)), TERMS)
    assert refused.value.step == "agreement"


def test_a_key_that_the_terms_do_not_name_signs_nothing() -> None:
    made = report()
    forged = [
        *proofs(made, HOLDERS),
        sign_report(made, signer("stranger"), did("evaluator"), NOW),
    ]
    with pytest.raises(VerificationError) as refused:
        verify_report(signed_report(made, forged), TERMS)
    assert refused.value.step == "report-proof"


@pytest.mark.parametrize(
    "signed", [{}, {"report": {}, "proofs": []}, {"report": 1, "proofs": 2}]
)
def test_rubbish_is_no_report(signed: dict[str, Any]) -> None:
    with pytest.raises(VerificationError) as refused:
        verify_report(signed, TERMS)
    assert refused.value.step == "form"
