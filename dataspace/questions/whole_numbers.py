"""Documents without floats: what is hashed at several machines has whole numbers only."""

from __future__ import annotations

from typing import Any

_THOUSAND = 1000


def in_thousandths(document: Any) -> Any:
    """The JSON document with each float `x` named `n` as a whole number named `n_milli`."""
    if isinstance(document, dict):
        return dict(_member(name, value) for name, value in document.items())
    if isinstance(document, list):
        return [in_thousandths(each) for each in document]
    return document


def _member(name: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, float):
        return f"{name}_milli", round(value * _THOUSAND)
    return name, in_thousandths(value)
