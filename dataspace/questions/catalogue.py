"""Every question there is: the files of this folder that hold a `QUESTION`. Adding one is one
file; no list has to name it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Final

from core.errors import ConfigurationError, InvalidInput
from dataspace import questions
from dataspace.questions.base import Question

_CONSTANT: Final = "QUESTION"


@cache
def catalogue() -> Mapping[str, Question]:
    """The questions by their names, in the order of their names. Raises ConfigurationError:
    a file does not say what it has to, or two have one name."""
    found: dict[str, Question] = {}
    for module in iter_modules(questions.__path__):
        question = getattr(
            import_module(f"{questions.__name__}.{module.name}"), _CONSTANT, None
        )
        if question is None:
            continue  # a part that questions share
        if not question.leak or not question.titles or question.name in found:
            raise ConfigurationError(
                f"the question in {module.name} has no leak or title of its own"
            )
        found[question.name] = question
    return MappingProxyType(dict(sorted(found.items())))


def question_of(name: str) -> Question:
    """Raises InvalidInput: there is no such question."""
    found = catalogue().get(name)
    if found is None:
        raise InvalidInput(f"there is no such question; there are: {', '.join(catalogue())}")
    return found
