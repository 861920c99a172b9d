"""People who do not exist, and how differently organisations write them down."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import exp
from random import Random

from dataspace.gathering.matchkeys import Person, person_keys
from dataspace.gathering.script import Script
from dataspace.vocabulary.model import Kind, Use, Vocabulary

_PHONES = 40
_ADULT = (18, 48)
_TRIES = 1_000
_LAST_DAY_SWAPPED = 12  # a day that could be a month


@dataclass(frozen=True, slots=True)
class Invented:
    """One invented person with her case: codes by column, and who and what it is linked to."""

    who: Person
    codes: Mapping[str, str]
    begins: date
    trafficker: str
    place: str
    phone: str


class People:
    """Invents people that no match key confuses; the same seed invents the same ones."""

    def __init__(self, vocabulary: Vocabulary, script: Script, random: Random) -> None:
        self._script = script
        self._random = random
        self._taken: set[bytes | None] = set()
        self._levels = {
            name: vocabulary.levels(name)
            for name, column in vocabulary.columns.items()
            if column.kind is Kind.CODE and column.allows(Use.TABULATE)
        }

    def invent(self) -> Invented:
        """Raises ValueError: the script's names are used up."""
        script, random = self._script, self._random
        codes: dict[str, str] = {}
        for name in self._levels:
            codes[name] = self._drawn(name, codes)
        self._risk(codes)
        begins = script.first_day + timedelta(days=self._when())
        # few traffickers have many cases: the square of a share makes the first ones likelier
        which = int(random.random() ** 2 * len(script.traffickers) * 4)
        name = script.traffickers[which % len(script.traffickers)]
        trafficker = f"{name} {which // len(script.traffickers) + 1}"
        number = int(random.random() ** 2 * _PHONES)
        return Invented(
            who=self._person(codes, begins),
            codes=codes,
            begins=begins,
            trafficker=trafficker,
            place=script.places[int(random.random() ** 2 * len(script.places))],
            phone=f"+999 55 010 {number:03}",
        )

    def _drawn(self, column: str, before: Mapping[str, str]) -> str:
        levels, weights = self._levels[column], self._script.weights.get(column, {})
        chances = [weights.get(code, self._script.other_weight) for code in levels]
        risk = self._script.risk
        if column == risk.column and risk.code in levels:
            chances[levels.index(risk.code)] = 0  # decided by the risk, not by a weight
        only = self._script.only.get(column)
        fitting = only.codes.get(before.get(only.by, "")) if only else None
        if fitting and fitting & set(levels):
            chances = [
                chance if code in fitting else 0
                for code, chance in zip(levels, chances, strict=True)
            ]
        return self._random.choices(levels, chances)[0]

    def _risk(self, codes: dict[str, str]) -> None:
        risk = self._script.risk
        if risk.code not in self._levels.get(risk.column, ()):
            return
        added = (effects.get(codes.get(name, ""), 0) for name, effects in risk.effects.items())
        if self._random.random() < 1 / (1 + exp(-risk.intercept - sum(added))):
            codes[risk.column] = risk.code

    def _when(self) -> int:
        """A day from 0; the chance grows evenly to 1 + growth times the first day's."""
        growth, random = self._script.growth, self._random
        while True:
            share = random.random()
            if random.random() * (1 + growth) <= 1 + growth * share:
                return int(share * self._script.days)

    def _person(self, codes: Mapping[str, str], begins: date) -> Person:
        script, random = self._script, self._random
        ages = (script.ages[code] for code in codes.values() if code in script.ages)
        low, high = next(ages, _ADULT)
        for _ in range(_TRIES):
            born = begins - timedelta(days=int((low + random.random() * (high - low)) * 365.25))
            who = Person(
                given_name=random.choice(script.given_names),
                family_name=random.choice(script.family_starts)
                + random.choice(script.family_ends),
                birth_date=born,
                national_id=f"MADE-UP-{len(self._taken):07}",
            )
            keys = person_keys(who)
            if self._taken.isdisjoint(keys):
                self._taken.update(keys)
                return who
        raise ValueError("the script has too few names for so many people")


def written_differently(who: Person, random: Random) -> Person:
    """The same person with one of the mistakes that desks make."""
    mistakes = (_swapped_letters, _no_marks, _swapped_names, _swapped_day, _capitals)
    return random.choice(mistakes)(who, random)


def _swapped_letters(who: Person, random: Random) -> Person:
    name = who.family_name
    at = random.randrange(1, len(name) - 1)
    return replace(who, family_name=name[:at] + name[at + 1] + name[at] + name[at + 2 :])


def _no_marks(who: Person, _: Random) -> Person:
    return replace(who, given_name=_bare(who.given_name), family_name=_bare(who.family_name))


def _bare(name: str) -> str:
    parts = unicodedata.normalize("NFD", name)
    return "".join(each for each in parts if not unicodedata.combining(each))


def _swapped_names(who: Person, _: Random) -> Person:
    return replace(who, given_name=who.family_name, family_name=who.given_name)


def _swapped_day(who: Person, random: Random) -> Person:
    born = who.birth_date
    if born is None or born.day > _LAST_DAY_SWAPPED or born.day == born.month:
        return _swapped_letters(who, random)
    return replace(who, birth_date=date(born.year, born.day, born.month))


def _capitals(who: Person, _: Random) -> Person:
    return replace(who, given_name=who.given_name.upper(), family_name=who.family_name.upper())
