"""Words for names: columns and codes from the vocabulary, the rest from the language files.

Questions, columns and codes are data of the nodes. A name that nobody gave words to is shown
as it is, so that a new question needs no new release of these pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from controllers.dataspace.console.texts import is_said, say_in
from dataspace.releasing.absent import Absent, absence

_HIDDEN = "–"
BETWEEN = " · "


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one vocabulary in one language."""

    vocabulary: Mapping[str, Any]
    language: str
    names: Mapping[str, str] = field(default_factory=dict)  # of organisations, by DID

    def text(self, labels: object) -> str:
        """One of several languages' texts: the person's, the English one, or any."""
        if not isinstance(labels, Mapping):
            return "" if labels is None else str(labels)
        found = labels.get(self.language) or labels.get("en") or next(iter(labels.values()), "")
        return str(found)

    def kind(self, column: str) -> str:
        """code, date, number, identifier or text."""
        return str(self._column(column).get("kind", "code"))

    def column(self, name: str) -> str:
        """A column, or a column that an answer has of its own."""
        labels = self._column(name).get("labels")
        return self.text(labels) if labels else self.said("column", name)

    def codes(self, column: str) -> list[tuple[str, str]]:
        """The codes of a column and their words, in the vocabulary's order."""
        listed = self.vocabulary.get("codes", {}).get(self._column(column).get("codes"), {})
        return [(each["code"], self.text(each["labels"])) for each in listed.get("entries", [])]

    def code(self, column: str, code: str) -> str:
        """What a code of a column means."""
        return next((words for each, words in self.codes(column) if each == code), code)

    def said(self, kind: str, name: str) -> str:
        """A name of the nodes in our words, or as it is."""
        key = f"{kind}.{name}"
        if is_said(self.language, key):
            return say_in(self.language)(key)
        return name.replace("_", " ").replace("-", " ")

    def sentence(self, key: str, parts: Mapping[str, Any]) -> str:
        """A sentence of ours with a node's values; names of match keys in words."""
        keys = str(parts.get("keys", ""))
        named = ", ".join(self._key(each) for each in keys.split(", "))
        return say_in(self.language)(key, **{**parts, "keys": named})

    def _key(self, name: str) -> str:
        """A match key; some are made of one column, and are called as it is."""
        return self.column(name) if self._column(name) else self.said("link", name)

    def any(self, name: str) -> str:
        """A choice of an option: a column, or a word of ours."""
        return self.column(name) if self._column(name) else self.said("choice", name)

    def option(self, plan: Mapping[str, Any], name: str, at: int, value: str) -> str:
        """The value in its place of a plan's option. Codes are those of the measure that has
        them, or of the factor in that place; what nobody gave words to stands as it is."""
        if name == "codes":
            said = (self.code(each, value) for each in plan["measures"])
            return next((each for each in said if each != value), value)
        if name == "base":
            factors = [each["column"] for each in plan["groups"]]
            return self.code(factors[at], value) if at < len(factors) else value
        is_known = self._column(value) or is_said(self.language, f"choice.{value}")
        return self.any(value) if is_known else value

    def asked(self, plan: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
        """What a plan says of its numbers, in lines: broken down by what, of which cases, from
        what. Without what it does not say."""
        groups = [self._group(each) for each in plan["groups"]]
        filters = [self._filter(each) for each in plan["filters"]]
        measures = [self.column(each) for each in plan["measures"]]
        say = say_in(self.language)
        made = (
            ("plan.groups", [BETWEEN.join(groups)] if groups else []),
            ("plan.filters", filters),
            ("plan.measures", [BETWEEN.join(measures)] if measures else []),
        )
        return [(say(key), lines) for key, lines in made if lines]

    def _group(self, group: Mapping[str, Any]) -> str:
        steps = ", ".join(map(str, group.get("cuts") or ()))
        by = self.said("period", group["period"]) if group.get("period") else steps
        name = self.column(group["column"])
        return f"{name} ({by})" if by else name

    def _filter(self, chosen: Mapping[str, Any]) -> str:
        column = chosen["column"]
        first, last = chosen.get("first"), chosen.get("last")
        if first or last:
            return f"{self.column(column)}: {first or '…'} – {last or '…'}"
        codes = (self.code(column, each) for each in chosen.get("codes") or ())
        return f"{self.column(column)}: {', '.join(codes)}"

    def shown(self, table: Mapping[str, Any], row: Sequence[Any], at: int) -> str:
        """A value in its row of a table: where an answer has no number, why; of odds ratios a
        factor and its level in the words of the column that they are of."""
        columns, value = table["columns"], row[at]
        column = columns[at]
        if value is None and "suppressed" in table:
            why = absence(columns, row, at, suppressed=table["suppressed"])
            hidden = why is Absent.SUPPRESSED
            return say_in(self.language)("result.hidden") if hidden else self.said("value", why)
        if "factor" in columns and isinstance(value, str):
            factor = str(row[list(columns).index("factor")])
            if column in ("factor", "level"):
                return self.column(factor) if column == "factor" else self.code(factor, value)
        return self.cell(column, value, (table.get("decimals") or {}).get(column, 0))

    def cell(self, column: str, value: object, decimals: int = 0) -> str:
        """One value of a table; of a number so many digits stand behind the point."""
        if value is None:
            return _HIDDEN
        if isinstance(value, bool):
            return say_in(self.language)("yes" if value else "no")
        if isinstance(value, int | float):
            return number(value, self.language, decimals)
        return self._text(column, str(value))

    def _text(self, column: str, text: str) -> str:
        if column == "case":  # an own reference: looked up, and asked about, as it is
            return text
        if text.startswith("did:"):
            dids = text.replace(" + ", " ").split()
            return " + ".join(self.names.get(each, each) for each in dids)
        if column == "kind" and self._column(text):
            return self.column(text)
        return self.code(column, text) if self._column(column) else self.said("value", text)

    def numbers(self, table: Mapping[str, Any]) -> frozenset[int]:
        """The places of the columns that hold numbers."""
        return frozenset(
            at
            for at in range(len(table["columns"]))
            if any(isinstance(row[at], int | float) for row in table["rows"])
        )

    def _column(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.vocabulary.get("columns", {}).get(name, {})
        return found


def number(value: int | float, language: str, decimals: int = 0) -> str:
    """A number as people of a language write it (CLDR: Spanish and Khmer part with points)."""
    scaled = Decimal(str(value)).scaleb(-decimals)
    text = f"{scaled:,.{decimals}f}" if decimals else f"{scaled:,f}"
    if language == "en":
        return text
    return text.translate(str.maketrans(",.", ".,"))


def minute(moment: object) -> str:
    """A time of a node (RFC 3339), to the minute, in UTC whatever it was written in."""
    try:
        found = datetime.fromisoformat(str(moment))
        found = found if found.tzinfo is None else found.astimezone(UTC)
        return found.strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):
        return "" if moment is None else str(moment)


def day(moment: object) -> str:
    """The same, to the day."""
    return minute(moment)[:10]
