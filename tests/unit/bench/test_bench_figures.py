"""The bench's lines and its arithmetic."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from controllers.bench.figures import TARGETS, Figure, Report, Target, median, percentile
from controllers.bench.processes import Usage


@pytest.mark.parametrize(
    ("comparison", "value", "met"),
    [
        ("<=", 2.0, True),
        ("<=", 2.001, False),
        (">=", 55.0, True),
        (">=", 54.9, False),
        ("=", 0.0, True),
        ("=", 1.0, False),
        ("<=", math.nan, False),
        (">=", math.nan, False),
        ("=", math.nan, False),
    ],
)
def test_a_target_is_met_or_short(comparison: str, value: float, met: bool) -> None:
    bound = {"<=": 2.0, ">=": 55.0, "=": 0.0}[comparison]
    assert Target(comparison, bound).met(value) is met  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (2.61, ["check.fresh.cpu_ratio", "2.610", "x", "<=", "2", "short", "raw"]),
        (1.9, ["check.fresh.cpu_ratio", "1.900", "x", "<=", "2", "met", "raw"]),
        (math.nan, ["check.fresh.cpu_ratio", "nan", "x", "<=", "2", "short", "raw"]),
    ],
)
def test_a_line_has_name_value_unit_target_and_verdict(value: float, words: list[str]) -> None:
    assert Figure("check.fresh.cpu_ratio", value, "x", "raw").line().split() == words


def test_a_figure_without_a_target_has_a_dash() -> None:
    assert Figure("idle.cpu", 12.0, "ms/s").line().split() == [
        "idle.cpu",
        "12",
        "ms/s",
        "-",
        "-",
    ]


def test_a_figure_without_a_unit_keeps_its_columns() -> None:
    with_unit = Figure("crowd.wallets.lost", 3, "x").line()
    assert Figure("crowd.wallets.lost", 3, "").line().index("= 0") == with_unit.index("= 0")


def test_the_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(1, 21)]
    assert percentile(values, 95) == 19
    assert percentile(values, 100) == 20
    assert percentile([7.0], 95) == 7
    assert math.isnan(percentile([], 95))


def test_the_median_of_nothing_is_not_a_number() -> None:
    assert median([3.0, 1.0, 2.0]) == 2
    assert math.isnan(median([]))


def test_a_report_prints_keeps_and_names_what_is_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report({"topology": "sqlite"})
    report.add("check.fresh.cpu_ratio", 2.5, "x")
    report.spread("issue.fresh.accept_to_stored", [0.5, 0.7, 0.6], "s")
    report.add("idle.cpu", math.nan, "ms/s")
    assert report.short == ["check.fresh.cpu_ratio"]
    assert report.value("issue.fresh.accept_to_stored.median") == 0.6
    assert math.isnan(report.value("never.measured"))
    assert len(capsys.readouterr().out.splitlines()) == 4
    report.write(tmp_path / "figures.json")
    kept = json.loads((tmp_path / "figures.json").read_text())
    assert kept["about"] == {"topology": "sqlite"}
    assert kept["figures"][0] == {
        "name": "check.fresh.cpu_ratio",
        "value": 2.5,
        "unit": "x",
        "target": "<= 2",
        "verdict": "short",
        "remark": "",
    }
    assert kept["figures"][3]["value"] is None


def test_processor_time_between_two_moments() -> None:
    before = Usage(10.0, {"controllers": 1.0, "org-agent": 2.0})
    used = Usage(14.0, {"controllers": 1.5, "org-agent": 4.0}).since(before)
    assert used.at == 4.0
    assert used.seconds == {"controllers": 0.5, "org-agent": 2.0}
    assert used.total == 2.5


def test_nothing_lost_is_the_only_number_of_losses_that_is_met() -> None:
    losses = [name for name in TARGETS if name.endswith((".lost", ".failed"))]
    assert losses
    assert all(TARGETS[name] == Target("=", 0) for name in losses)
