"""Figures that a run prints at its end, one line each; nothing is asserted of a time."""

from __future__ import annotations

import pytest

FIGURES = pytest.StashKey[list[str]]()


def line(name: str, value: float, unit: str, target: float, *, at_least: bool = False) -> str:
    """Name, value, unit, target, and whether it is met."""
    met = value >= target if at_least else value <= target
    return f"{name}: {value:g} {unit}, target {target:g}, {'met' if met else 'short'}"
