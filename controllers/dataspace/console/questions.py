"""A question as its node offers it (GET /questions), read into one shape for the form.

No question is named here. One that the node knows and these pages have no words for is shown in
the node's own words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controllers.dataspace.console.nodes import NodeClient
from controllers.dataspace.console.texts import is_said, say_in
from controllers.dataspace.console.words import Words
from core.errors import NotFound

MANY = frozenset(("codes", "several"))  # an option whose value is a list
_ENDLESS = 10
_GUARDS = frozenset(("threshold", "combination", "contributors"))  # that there are words for


@dataclass(frozen=True, slots=True)
class Choice:
    """How many of which names."""

    least: int
    most: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a plan's options; without `choices` it is typed."""

    name: str
    takes: str
    default: Any
    label: Any
    choices: tuple[str, ...]
    least: int | None
    most: int | None

    @property
    def is_fine(self) -> bool:
        """A number that most people leave as it is."""
        return self.takes == "number" and self.default is not None


@dataclass(frozen=True, slots=True)
class Offered:
    """Everything that a form needs to know of a question."""

    name: str
    engine: str
    titles: Any
    about: Any
    leaks: Any
    groups: Choice
    filters: Choice
    measures: Choice
    link: Choice
    options: tuple[Option, ...]
    noise: bool
    guards: tuple[str, ...]  # what it holds of a plan's limits; no other may be promised
    stated: bool  # about own cases that are named to the own node alone
    example: Mapping[str, Any]

    @property
    def is_for_forms(self) -> bool:
        """Whether a form can ask it: nothing has to be known that only the node makes."""
        return all(each.takes != "text" or each.default is not None for each in self.options)

    def title(self, words: Words) -> str:
        """Its name for people."""
        return words.text(self.titles)

    def help(self, words: Words) -> str:
        """What it answers, in a sentence."""
        return self._plain("help", words) or words.text(self.about)

    def leak(self, words: Words) -> str:
        """What comes out beside the answer."""
        return self._plain("leak", words) or words.text(self.leaks)

    def _plain(self, kind: str, words: Words) -> str:
        key = f"{kind}.{self.name}"
        return say_in(words.language)(key) if is_said(words.language, key) else ""


async def questions_at(node: NodeClient) -> list[Offered]:
    """The questions that a node knows."""
    return [read_question(each) for each in (await node.get("/questions"))["items"]]


async def question_at(node: NodeClient, name: str) -> Offered:
    """One of them. Raises NotFound."""
    for each in await questions_at(node):
        if each.name == name:
            return each
    raise NotFound("There is no such question")


async def question_or_none(node: NodeClient, name: str) -> Offered | None:
    """The same of a plan that is kept: its question may be known here no more."""
    try:
        return await question_at(node, name)
    except NotFound:
        return None


def read_question(document: Mapping[str, Any]) -> Offered:
    """A question from the node's document."""
    example = dict(document.get("example") or {})
    stated, options = bool(document.get("stated")), _options(document.get("options"))
    if stated:  # the node works those out from the cases
        options = tuple(each for each in options if each.default is not None)
    return Offered(
        name=str(document["name"]),
        engine=str(document.get("engine", "")),
        titles=document.get("title") or document["name"],
        about=document.get("help") or "",
        leaks=document.get("leak") or "",
        groups=_choice(document.get("groups")),
        filters=_choice(document.get("filters")),
        measures=_choice(document.get("measures")),
        link=_choice(document.get("link")),
        options=options,
        stated=stated,
        noise=bool(document.get("noise", True)),
        guards=tuple(e for e in document.get("guards") or () if e in _GUARDS),
        example=example,
    )


def _choice(found: Any) -> Choice:
    """From {least, most, columns or names}, or from a bare list."""
    if isinstance(found, Mapping):
        names = tuple(found.get("columns") or found.get("names") or ())
        return Choice(int(found.get("least", 0)), int(found.get("most", len(names))), names)
    names = tuple(found or ())
    return Choice(0, min(len(names), _ENDLESS), names)


def _options(found: Any) -> tuple[Option, ...]:
    if isinstance(found, Mapping):
        return tuple(_option(str(name), each) for name, each in found.items())
    listed: Sequence[Mapping[str, Any]] = found or ()
    return tuple(_option(str(each["name"]), each) for each in listed)


def _option(name: str, found: Mapping[str, Any]) -> Option:
    takes = str(found.get("kind") or found.get("takes") or "text")
    bounded = takes == "number"
    return Option(
        name=name,
        takes=takes,
        default=found.get("default"),
        label=found.get("label") or found.get("about") or "",
        choices=tuple(map(str, found.get("choices") or ())),
        least=found.get("least") if bounded else None,
        most=found.get("most") if bounded else None,
    )
