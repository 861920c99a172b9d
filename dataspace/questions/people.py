"""From an organisation's rows to one record a person, for the ring's lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import numpy as np

from core.errors import InvalidInput
from dataspace.gathering.coded import NOBODY
from dataspace.gathering.coding import Gathered
from dataspace.gathering.matchkeys import PERSON_KEYS
from dataspace.planning.plan import Plan
from dataspace.questions import tables
from dataspace.questions.base import ColumnUse, Record, Use
from dataspace.questions.describing import NONE, Choice, Description, Option, filters_of
from dataspace.questions.options import check_options
from dataspace.vocabulary.model import Role, Vocabulary

# what each key is made of; a column of a vocabulary is named as its role
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "national_id": (Role.NATIONAL_ID.value,),
    "name_and_birth_date": (
        Role.GIVEN_NAME.value,
        Role.FAMILY_NAME.value,
        Role.BIRTH_DATE.value,
    ),
    "sound_and_birth_year": (
        Role.GIVEN_NAME.value,
        Role.FAMILY_NAME.value,
        Role.BIRTH_DATE.value,
    ),
}


def check_keys(plan: Plan) -> None:
    """Raises InvalidInput: no match key, one twice, or one that there is not."""
    if not plan.link or len(set(plan.link)) != len(plan.link):
        raise InvalidInput("lists of people are compared by one or more different match keys")
    if not set(plan.link) <= set(PERSON_KEYS):
        raise InvalidInput(f"match keys of people are: {', '.join(PERSON_KEYS)}")


def keys_of(plan: Plan) -> tuple[str, ...]:
    """The plan's match keys, the strongest first, whatever order it names them in."""
    return tuple(each for each in PERSON_KEYS if each in plan.link)


def key_uses(plan: Plan) -> tuple[ColumnUse, ...]:
    """The columns that the match keys are made of, and those that select."""
    parts = dict.fromkeys(part for key in keys_of(plan) for part in PARTS[key])
    return (*(ColumnUse(part, Use.LINK_COUNT) for part in parts), *tables.filter_uses(plan))


def with_a_key(records: Sequence[Record]) -> list[Record]:
    """The records that can be met on another list at all."""
    return [record for record in records if any(key is not None for key in record)]


def records_of(plan: Plan, own: Gathered) -> list[Record]:
    """One record for each person of the selected rows, and for each row of nobody.

    A person's rows put their keys together (the least where they differ). In two records they
    would share a weaker key, and the ring takes keys out that two people of a list share.
    """
    places = [PERSON_KEYS.index(each) for each in keys_of(plan)]
    people: dict[int, list[Record]] = {}
    strangers: list[Record] = []
    for row in np.flatnonzero(tables.selected(plan, own.table)):
        person, keys = int(own.table.persons[row]), own.people[row]
        record = tuple(keys[place] for place in places)
        if person == NOBODY:
            strangers.append(record)
        else:
            people.setdefault(person, []).append(record)
    return [*map(_together, people.values()), *strangers]


def _together(records: list[Record]) -> Record:
    columns = zip(*records, strict=True)
    return tuple(
        min((key for key in each if key is not None), default=None) for each in columns
    )


class ListsQuestion:
    """What questions that compare lists of people have in common."""

    options: ClassVar[tuple[Option, ...]] = ()

    def check(self, plan: Plan) -> None:
        tables.check_nothing(plan, "groups", "measures", "epsilon_milli")
        tables.check_filters(plan)
        check_keys(plan)
        check_options(plan, self.options)

    def fits(self, plan: Plan, vocabulary: Vocabulary) -> None:
        tables.filters(plan, vocabulary)

    def uses(self, plan: Plan) -> Sequence[ColumnUse]:
        return key_uses(plan)

    def describe(self, vocabulary: Vocabulary) -> Description:
        return Description(
            groups=NONE,
            filters=filters_of(vocabulary),
            measures=NONE,
            link=Choice(1, len(PERSON_KEYS), PERSON_KEYS),
            options=self.options,
            # the third forgives so much that strangers in long lists are taken for one
            example={"link": list(PERSON_KEYS[:2])},
        )

    def labels(self, plan: Plan, vocabulary: Vocabulary) -> tuple[tuple[str, ...], ...]:
        return ()

    def keys(self, plan: Plan) -> tuple[str, ...]:
        return keys_of(plan)

    def records(self, plan: Plan, own: Gathered) -> list[Record]:
        return records_of(plan, own)
