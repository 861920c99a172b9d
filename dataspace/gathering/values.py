"""One value of a source as the vocabulary's integer: codes, days, whole numbers.

What cannot be meant raises `Refused` with words that do not hold the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from dataspace.gathering.dimensions import NO_CODE, day_number
from dataspace.vocabulary.mapping import Band, Source
from dataspace.vocabulary.model import CodeList, Column

type Parse = Callable[[str], int]

_DATE: Final = re.compile(r"(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})(?:[T ]00:00(?::00)?)?")
_DIGITS: Final = re.compile(r"[+-]?\d{1,16}")
_BUDDHIST_ERA: Final = 543  # years, as Cambodia's and Thailand's papers count
_REMEMBERED: Final = 20_000  # different values of a column that are not read twice


class Refused(ValueError):
    """This value cannot be meant. Its words are for people, and hold no value; `code` says the
    same for pages in other languages, and `most` a limit that the value is over."""

    def __init__(self, words: str, *, code: str, **most: int) -> None:
        super().__init__(words)
        self.extra: dict[str, str | int] = {"code": code, **most}


@dataclass(frozen=True, slots=True)
class _Codes:
    mapped: dict[str, int]
    bands: tuple[tuple[Band, int], ...]
    otherwise: int
    accepted: CodeList

    def __call__(self, text: str) -> int:
        word = text.casefold()
        place = self.mapped.get(word)
        if place is None and self.bands:
            place = self._banded(text)
        if place is None and word in self.accepted.spellings:
            place = self.accepted.spellings[word] + 1
        place = self.otherwise if place is None else place
        if place == NO_CODE:
            raise Refused(
                "no code of its list, and the mapping does not say which is meant",
                code="import-code",
            )
        return place

    def _banded(self, text: str) -> int | None:
        if not _DIGITS.fullmatch(text):
            return None
        number = int(text)
        inside = (at for band, at in self.bands if band.below is None or number < band.below)
        return None if number < 0 else next(inside, None)


def code_reader(source: Source, codes: CodeList) -> Parse:
    """Codes as 1 and up: by the mapping, then its bands, then the list's own spellings."""
    place = {code: at for at, code in enumerate(codes.codes, 1)}
    return _remembering(
        _Codes(
            mapped={
                text.strip().casefold(): place[code] for text, code in source.codes.items()
            },
            bands=tuple((band, place[band.code]) for band in source.bands),
            otherwise=place[source.otherwise] if source.otherwise else NO_CODE,
            accepted=codes,
        )
    )


def date_of(source: Source, text: str) -> date:
    """A day as the source writes it. Raises Refused: it is none."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise Refused("no date as the mapping says they are written", code="import-date")
    parts = dict(zip(source.date_order, found.groups(), strict=True))
    if len(parts["y"]) != 4 or max(len(parts["m"]), len(parts["d"])) > 2:
        raise Refused(
            "no date with a year of four digits where the mapping says it stands",
            code="import-date-order",
        )
    year = int(parts["y"]) - (_BUDDHIST_ERA if source.calendar == "buddhist" else 0)
    try:
        return date(year, int(parts["m"]), int(parts["d"]))
    except ValueError:
        raise Refused("no day of the calendar", code="import-no-day") from None


def date_reader(source: Source, column: Column) -> Parse:
    """Days since 1970, within the column's bounds."""

    def read(text: str) -> int:
        day = date_of(source, text)
        if not column.earliest <= day <= column.latest:
            raise Refused(
                "a date that is out of the column's bounds", code="import-date-bounds"
            )
        return day_number(day)

    return _remembering(read)


def number_reader(source: Source, column: Column) -> Parse:
    """Whole numbers of the column's unit, within its bounds; spaces may group thousands."""

    def read(text: str) -> int:
        number = _whole(text.replace("\u00a0", "").replace(" ", ""), source)
        if not column.low <= number <= column.high:
            raise Refused(
                "a number that is out of the column's bounds", code="import-number-bounds"
            )
        return number

    return _remembering(read)


def _whole(text: str, source: Source) -> int:
    whole, _, fraction = text.partition(source.decimal_mark)
    fraction = fraction.rstrip("0")
    if not _DIGITS.fullmatch(whole) or (fraction and not fraction.isdecimal()):
        raise Refused("no number as the mapping says they are written", code="import-number")
    if len(fraction) > source.decimals:
        raise Refused(
            "a number with more decimals than the mapping says", code="import-decimals"
        )
    return int(whole + fraction.ljust(source.decimals, "0"))


def _remembering(parse: Parse) -> Parse:
    """Columns repeat few values: reading each once is most of the speed."""
    return lru_cache(_REMEMBERED)(parse)
