"""Reading JSON objects field by field: present and of the right type, or InvalidInput."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from core.errors import InvalidInput
from governance.timestamps import parse_time

_DID = re.compile(r"did:[a-z0-9]+:[A-Za-z0-9._:%-]+")
_DID_URL = re.compile(_DID.pattern + r"([/?#][!-~]*)?")


@dataclass(frozen=True, slots=True)
class Entry:
    """One JSON object. Every field asked for must be there; null must be written out.

    Messages name fields and never values, because they end up in logs and answers.
    """

    values: dict[str, Any]

    @classmethod
    def of(cls, value: object) -> Entry:
        if not isinstance(value, dict):
            raise InvalidInput("must be an object")
        return cls(value)

    def raw(self, field: str) -> Any:
        if field not in self.values:
            raise InvalidInput(f"{field} is missing")
        return self.values[field]

    def text(self, field: str) -> str:
        value = self.raw(field)
        if not isinstance(value, str) or not value:
            raise InvalidInput(f"{field} must be a text that is not empty")
        return value

    def did(self, field: str) -> str:
        """A decentralised identifier (W3C DID Core 1.0, section 3.1)."""
        return self._matching(field, _DID, "a DID")

    def did_url(self, field: str) -> str:
        """A DID or a DID URL (W3C DID Core 1.0, section 3.2)."""
        return self._matching(field, _DID_URL, "a DID or a DID URL")

    def _matching(self, field: str, pattern: re.Pattern[str], what: str) -> str:
        value = self.text(field)
        if not pattern.fullmatch(value):
            raise InvalidInput(f"{field} must be {what}")
        return value

    def integer(self, field: str, *, least: int, most: int = 2**53 - 1) -> int:
        value = self.raw(field)
        if type(value) is not int or not least <= value <= most:
            raise InvalidInput(f"{field} must be an integer from {least} to {most}")
        return value

    def time(self, field: str) -> datetime:
        return parse_time(self.raw(field), field)

    def time_or_null(self, field: str) -> datetime | None:
        return None if self.raw(field) is None else self.time(field)

    def mapping(self, field: str) -> dict[str, Any]:
        value = self.raw(field)
        if not isinstance(value, dict):
            raise InvalidInput(f"{field} must be an object")
        return value

    def items(self, field: str) -> list[Any]:
        value = self.raw(field)
        if not isinstance(value, list):
            raise InvalidInput(f"{field} must be a list")
        return value


@dataclass(frozen=True, slots=True)
class Faults:
    """Leaves out what is malformed, and remembers its place in the document and why."""

    found: list[str] = field(default_factory=list)

    def keep[T](self, place: str, read: Callable[[], T]) -> T | None:
        """What `read` gives; None, and a fault at `place`, where it raises InvalidInput."""
        try:
            return read()
        except InvalidInput as fault:
            self.found.append(f"{place}: {fault.detail}")
            return None

    def named[T](
        self, entry: Entry, name: str, read: Callable[[str, Any], T]
    ) -> MappingProxyType[str, T]:
        """The good members of the object `entry[name]`. InvalidInput if it is no object."""
        return MappingProxyType(self._good(name, entry.mapping(name).items(), read))

    def listed[T](
        self, entry: Entry, name: str, read: Callable[[str, Any], T]
    ) -> tuple[T, ...]:
        """The good items of the list `entry[name]`. InvalidInput if it is no list."""
        numbered = ((str(index), raw) for index, raw in enumerate(entry.items(name)))
        return tuple(self._good(name, numbered, read).values())

    def _good[T](
        self, place: str, things: Iterable[tuple[str, Any]], read: Callable[[str, Any], T]
    ) -> dict[str, T]:
        tried = (
            (name, self.keep(f"{place}/{name}", partial(read, name, raw)))
            for name, raw in things
        )
        return {name: value for name, value in tried if value is not None}


def string(_: str, raw: object) -> str:
    """A text that is not empty: a reader for `Faults.named` and `Faults.listed`."""
    if not isinstance(raw, str) or not raw:
        raise InvalidInput("must be a text that is not empty")
    return raw


def load_object(data: bytes, *, integers_only: bool = False) -> Entry:
    """The JSON object in `data`; InvalidInput if it is not one, or could be read two ways.

    A repeated key (RFC 8259, section 4, leaves its meaning open) and NaN are refused;
    `integers_only` refuses whatever two languages could write differently: fractions, large
    integers, keys beyond ASCII.
    """
    hooks: dict[str, Any] = {"object_pairs_hook": _unique_keys}
    if integers_only:
        hooks = {
            "object_pairs_hook": _plain_keys,
            "parse_float": _no_fraction,
            "parse_int": _safe_integer,
        }
    try:
        value = json.loads(data, parse_constant=_no_constant, **hooks)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the framework document is not valid JSON") from error
    if not isinstance(value, dict):
        raise InvalidInput("the framework document must be a JSON object")
    return Entry(value)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise InvalidInput("the framework document repeats a key")
    return keys


def _plain_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = _unique_keys(pairs)
    if not "".join(keys).isascii():
        raise InvalidInput("a key of the framework document is not ASCII")
    return keys


def _safe_integer(text: str) -> int:
    # the largest integer that every reader of JSON has (RFC 8259, section 6); long ones are
    # not even read, which takes quadratic time
    if len(text) > 17 or abs(value := int(text)) >= 2**53:
        raise InvalidInput("the framework document holds a number that is too large")
    return value


def _no_fraction(_: str) -> Any:
    raise InvalidInput("the framework document holds a number that is not whole")


def _no_constant(_: str) -> Any:
    raise InvalidInput("the framework document holds a number that JSON does not have")
