"""The printed report: its numbers are those that were released, and it says what they are."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from controllers.dataspace.console.texts import say_in
from controllers.dataspace.console.words import Words
from controllers.dataspace.report_page import report_page
from controllers.texts import LANGUAGES
from dataspace.vocabulary.model import cases

VOCABULARY = cases().model_dump(mode="json")
REGION = cases().levels("region")
SAY = say_in("en")


def page(released: dict[str, Any], plan: dict[str, Any] | None = None, **report: Any) -> str:
    """The words of the page, before the signed document."""
    language = report.pop("language", "en")
    document = {
        "title": "A question",
        "environment": "sandbox",
        "question": "outcomes",
        "leak": "-",
        "purpose": "planning",
        "method": {"engine": "shares", "circuit": "ratios", "computing": ["a"], "together": 1},
        "holders": ["did:web:a.example"],
        "threshold": 11,
        "contributors": 2,
        "budget": {"run_milli": 0, "agreed_milli": 1000},
        "suppressed": released["suppressed"],
        "cells": len(released["rows"]),
        "agreement": "zA",
        "plan": "zP",
        "tag": "zT",
        "at": "2026-01-01T00:00:00Z",
        **report,
    }
    result = {"released": released, "report": {"report": document}, "signatures": []}
    agreement = {"participants": [{"did": "did:web:a.example", "name": "Shelter A"}]}
    made = report_page(result, agreement, VOCABULARY, plan, language)
    shown = made.partition("<pre>")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", shown)))


def table(columns: str, *rows: list[Any], **members: Any) -> dict[str, Any]:
    usual = {"decimals": {}, "suppressed": 0, "notes": [], "extra": {}}
    return {"columns": columns.split(), "rows": list(rows), **usual, **members}


def asked(**members: Any) -> dict[str, Any]:
    return {"groups": [], "filters": [], "measures": [], "options": {}, **members}


def test_numbers_have_their_decimals_and_columns_their_words() -> None:
    """1234 tenths of a day are 123.4 days."""
    days = table(
        "region mean_days",
        [REGION[0], 1234],
        decimals={"mean_days": 1},
        extra={"indicator": "referral-days"},
    )
    shown = page(days)
    words = Words(VOCABULARY, "en")
    assert "123.4" in shown
    assert "1234" not in shown
    assert "1,234" not in shown
    for each in (words.column("region"), words.code("region", REGION[0]), "days, on average"):
        assert each in shown
    assert "mean_days" not in shown
    assert SAY("choice.referral-days") in shown


def test_odds_ratios_say_of_what_and_compared_with_what() -> None:
    words, form = Words(VOCABULARY, "en"), cases().levels("form_of_exploitation")[0]
    odds = table(
        "factor level odds_ratio",
        ["region", REGION[1], 1234],
        decimals={"odds_ratio": 3},
        extra={"base": {"region": REGION[0]}},
        notes=["no-standard-errors"],
    )
    plan = asked(
        groups=[{"column": "region"}],
        measures=["form_of_exploitation"],
        options={"codes": [form]},
        filters=[{"column": "registered_on", "first": "2024-01-01", "last": "2025-10-15"}],
    )
    shown = page(odds, plan)
    assert "1.234" in shown
    for each in (
        SAY("result.base"),
        words.code("region", REGION[0]),
        words.code("form_of_exploitation", form),
        "2024-01-01 – 2025-10-15",
    ):
        assert each in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_estimate_comes_with_what_speaks_against_it(language: str) -> None:
    say = say_in(language)
    models = [{"model": "stepwise", "fault": "does-not-exist", "why": "-"}]
    findings = [{"code": "sparse-pairs", "words": "-"}]
    total = table(
        "model people low high",
        ["independence", 8120, 7400, None],
        ["stepwise", None, None, None],
        extra={"estimates": {"models": models, "findings": findings}},
    )
    shown = page(total, question="total", language=language)
    for key in (
        "column.low",
        "column.high",
        "value.no-upper-end",
        "value.no-estimate",
        "finding.sparse-pairs",
        "fault.does-not-exist",
        "result.models.help",
    ):
        assert say(key) in shown, key


def test_what_was_withheld_is_called_so() -> None:
    shown = page(table("region cases", [REGION[0], None], suppressed=1))
    assert shown.count("withheld") == 1
    nothing = page(table("model people low high", ["independence", None, None, None]))
    assert "withheld" not in nothing


def test_noise_says_how_far_it_reaches() -> None:
    noisy = table("cases", [40], extra={"standard_error_milli": 126_491})
    assert "± 253.0" in page(noisy)
    assert "±" not in page(table("cases", [40]))


def test_a_question_that_is_new_is_called_by_its_name() -> None:
    assert "something-else" in page(table("cases", [40]), question="something-else")
