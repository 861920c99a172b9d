"""A question's form, made of what the node says about it, and the plan that it becomes.

No question is named here: which columns, filters, measures, links and options there are comes
from GET /questions, and what they are called from the vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controllers.dataspace.console.entry import Fields
from controllers.dataspace.console.questions import MANY, Offered
from controllers.dataspace.console.words import Words
from core.errors import InvalidInput

PERIODS = ("year", "quarter", "month")


def plan_of(fields: Fields, question: Offered, words: Words) -> dict[str, Any]:
    """The plan's body that a form asks for. Raises InvalidInput."""
    stated = {"cases": _lines(fields.one("cases"))} if question.stated else {}
    return {
        **stated,
        "operation": question.name,
        "title": fields.one("title") or question.title(words),
        "purpose": fields.one("purpose"),
        "groups": [_grouping(fields, words, each) for each in fields.all("group")],
        "filters": _filters(fields, question, words),
        "measures": list(fields.all("measure")),
        "link": list(fields.all("link")),
        "options": _options(fields, question),
        "threshold": whole(fields, "threshold"),
        "contributors": whole(fields, "contributors"),
        "epsilon_milli": whole(fields, "epsilon_milli"),
        "receivers": list(fields.all("receiver")),
        "runs": whole(fields, "runs"),
        "days": whole(fields, "days"),
    }


def filled(question: Offered, node: Mapping[str, Any], words: Words) -> Fields:
    """The form as it opens: the question's example, within the agreement's limits."""
    example, limits = question.example, node["agreement"]["limits"]
    pairs = [
        ("title", str(example.get("title") or question.title(words))),
        ("purpose", str(example.get("purpose") or "")),
        ("threshold", str(example.get("threshold") or limits["least_cell"])),
        ("contributors", str(example.get("contributors") or limits["least_contributors"])),
        ("epsilon_milli", str(example.get("epsilon_milli") or 0)),
        ("runs", str(example.get("runs") or 1)),
        ("days", str(example.get("days") or min(14, limits["longest_days"]))),
        *(("receiver", each) for each in example.get("receivers") or [node["did"]]),
        *(("measure", each) for each in example.get("measures") or ()),
        *(("link", each) for each in example.get("link") or ()),
    ]
    for each in example.get("groups") or ():
        pairs.append(("group", each["column"]))
        pairs.append((f"period.{each['column']}", str(each.get("period") or "")))
        cuts = ", ".join(map(str, each.get("cuts") or ()))
        pairs.append((f"cuts.{each['column']}", cuts))
    for each in example.get("filters") or ():
        name = each["column"]
        pairs.extend((f"codes.{name}", code) for code in each.get("codes") or ())
        pairs.extend((f"{end}.{name}", str(each.get(end) or "")) for end in ("first", "last"))
    chosen = example.get("options") or {}
    for each in question.options:
        value = chosen.get(each.name, each.default)
        values = value if isinstance(value, list | tuple) else [value]
        if each.takes in MANY and not each.choices:
            values = [", ".join(map(str, values))]
        pairs.extend((f"option.{each.name}", str(one)) for one in values if one is not None)
    return Fields(tuple(pairs))


def most_cells(plan: Mapping[str, Any], words: Words) -> int | None:
    """How many cells an answer has at most, where codes alone say it; None where dates or
    numbers decide."""
    cells = 1
    for each in plan["groups"]:
        if words.kind(each["column"]) != "code":
            return None
        chosen = [f for f in plan["filters"] if f["column"] == each["column"] and "codes" in f]
        cells *= len(chosen[0]["codes"]) if chosen else len(words.codes(each["column"])) or 1
    return cells if plan["groups"] else None


def whole(fields: Fields, name: str) -> int:
    """A whole number of a form. Raises InvalidInput."""
    text = fields.one(name)
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidInput("A number of this form is not a whole number", code="invalid-input")
    return int(text)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _grouping(fields: Fields, words: Words, column: str) -> dict[str, Any]:
    made: dict[str, Any] = {"column": column}
    kind = words.kind(column)
    if kind == "date":
        period = fields.one(f"period.{column}")
        made["period"] = period if period in PERIODS else "year"
    if kind == "number":
        made["cuts"] = _cuts(fields.one(f"cuts.{column}"))
    return made


def _cuts(text: str) -> list[int]:
    try:
        return sorted({int(part) for part in text.replace(";", ",").split(",") if part.strip()})
    except ValueError as err:
        raise InvalidInput("The steps of a number are whole numbers with commas") from err


def _filters(fields: Fields, question: Offered, words: Words) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for column in question.filters.names:
        codes = fields.all(f"codes.{column}")
        ends = {end: fields.one(f"{end}.{column}") for end in ("first", "last")}
        ends = {end: value for end, value in ends.items() if value}
        # all of a column's codes are no filter: who ticks them all means everything
        if codes and len(codes) < len(words.codes(column)):
            made.append({"column": column, "codes": list(codes)})
        elif ends:
            made.append({"column": column, **ends})
    return made


def _options(fields: Fields, question: Offered) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for each in question.options:
        values = fields.all(f"option.{each.name}")
        if each.takes in MANY:
            listed = values if each.choices else _listed(values)
            if listed:
                made[each.name] = list(listed)
        elif values:
            made[each.name] = _value(values[-1], each.takes)
    return made


def _listed(values: tuple[str, ...]) -> list[str]:
    return [part.strip() for each in values for part in each.split(",") if part.strip()]


def _value(text: str, takes: str) -> int | str:
    if takes != "number":
        return text
    try:
        return int(text)
    except ValueError as err:
        raise InvalidInput("A number of this form is not a whole number") from err
