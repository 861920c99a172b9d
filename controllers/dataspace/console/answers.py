"""What stands beside the numbers of an answer: what they are, and what speaks against them.

The result page and the printed report say the same, by these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controllers.dataspace.console.texts import is_said, say_in
from controllers.dataspace.console.words import BETWEEN, Words, number
from dataspace.releasing.absent import LOW

type Facts = list[tuple[str, str]]
"""Words for a thing, and what it is."""


def findings_of(released: Mapping[str, Any], words: Words) -> list[str]:
    """What speaks against believing an estimate: of all models, and of each that failed."""
    found = _estimates(released)
    made = [_worded("finding", each["code"], each, words) for each in found.get("findings", ())]
    for each in found.get("models", ()):
        if each.get("fault"):
            why = _worded("fault", each["fault"], {"words": each.get("why")}, words)
            made.append(f"{words.said('value', each['model'])}: {why}")
    return made


def has_models(released: Mapping[str, Any]) -> bool:
    """Whether models stand beside each other."""
    return bool(_estimates(released).get("models"))


def meaning_of(
    released: Mapping[str, Any], plan: Mapping[str, Any] | None, words: Words
) -> Facts:
    """What a number of the table is: of which figure, which outcome, compared with what."""
    extra, say = released.get("extra") or {}, say_in(words.language)
    codes = _codes(plan, words)
    made: Facts = []
    if LOW in released["columns"] and has_models(released):
        made.append((say("result.interval"), say("result.interval.is")))
    if indicator := extra.get("indicator"):
        made.append((say("result.indicator"), words.said("choice", indicator)))
        made += [(say("result.counts-as"), codes)] if codes else []
    if base := extra.get("base"):
        made += [(say("result.outcome"), codes)] if codes else []
        levels = (f"{words.column(f)}: {words.code(f, level)}" for f, level in base.items())
        made.append((say("result.base"), BETWEEN.join(levels)))
    if error := extra.get("standard_error_milli"):
        once, twice = (number(round(error * n / 100), words.language, 1) for n in (1, 2))
        said = say("result.noise.is", error=once, twice=twice)
        made.append((say("result.noise"), said))
    return made


def asked_in(plan: Mapping[str, Any], words: Words) -> Facts:
    """What the plan says of the numbers, a line for each."""
    return [(name, BETWEEN.join(lines)) for name, lines in words.asked(plan)]


def _codes(plan: Mapping[str, Any] | None, words: Words) -> str:
    """The codes behind a share or an odds ratio, in words."""
    if plan is None:
        return ""
    listed: Sequence[str] = plan["options"].get("codes") or ()
    return ", ".join(words.option(plan, "codes", at, each) for at, each in enumerate(listed))


def _estimates(released: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (released.get("extra") or {}).get("estimates") or {}
    return found


def _worded(kind: str, code: str, otherwise: Mapping[str, Any], words: Words) -> str:
    key = f"{kind}.{code}"
    if is_said(words.language, key):
        return say_in(words.language)(key)
    return str(otherwise.get("words") or code)
