"""A plan's options against what a question declares, so that no question reads them by hand."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import InvalidInput
from dataspace.planning.plan import Plan
from dataspace.questions.describing import Option, Takes


def check_options(plan: Plan, options: Sequence[Option]) -> None:
    """Raises InvalidInput: an option that the question has not, or a value it cannot have."""
    known = {each.name: each for each in options}
    for name, value in plan.options.items():
        if name not in known:
            raise InvalidInput(f"this question has no option {name}")
        _check(known[name], value)
    for each in options:
        if each.default is None and each.name not in plan.options:
            raise InvalidInput(f"this question needs the option {each.name}")


def _check(option: Option, value: int | str | tuple[str, ...]) -> None:
    fits = {
        Takes.NUMBER: type(value) is int and option.least <= value <= option.most,
        Takes.CHOICE: isinstance(value, str) and value in option.choices,
        Takes.CODES: isinstance(value, tuple) and 0 < len(value) == len(set(value)),
        Takes.TEXT: isinstance(value, str) and option.least <= len(value) <= option.most,
    }
    if not fits[option.takes]:
        raise InvalidInput(f"the option {option.name} has a value that it cannot have")


def number(plan: Plan, option: Option) -> int:
    """The value of a NUMBER."""
    value = plan.options.get(option.name, option.default)
    if type(value) is not int:
        raise InvalidInput(f"the option {option.name} is a whole number")
    return value


def text(plan: Plan, option: Option) -> str:
    """The value of a CHOICE or a TEXT."""
    value = plan.options.get(option.name, option.default)
    if not isinstance(value, str):
        raise InvalidInput(f"the option {option.name} is a word")
    return value


def codes(plan: Plan, option: Option) -> tuple[str, ...]:
    """The value of CODES."""
    value = plan.options.get(option.name, option.default)
    if not isinstance(value, tuple):
        raise InvalidInput(f"the option {option.name} is a list of codes")
    return value
