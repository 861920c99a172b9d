"""From what an issuer typed to the exact strings that are signed.

The rules, in the order the code follows; all problems are found before any is reported, and
no report holds a value:

(1) an attribute the credential does not have is refused                     `unknown`
(2) what the issuer left out is its default, a fresh reference, or missing   `missing`
(3) text is Unicode NFC without surrounding space, and never empty           `empty`, `not-text`
(4) integers are written in plain decimal and fit in 32 bits                 `not-an-integer`,
    (AnonCreds: predicates compare 32-bit integers)                          `out-of-range`
(5) dates are real days of the common era, or 0 where 0 has a meaning        `not-a-date`
(6) other values match the attribute's format, and its code list             `wrong-format`,
                                                                             `not-in-code-list`
(7) a flag that says whether a date is known agrees with that date           `disagrees`
"""

from __future__ import annotations

import base64
import re
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date

from core.errors import InvalidInput
from credential_defs.source import Attribute, CredentialSource

type RandomBytes = Callable[[int], bytes]
type Given = str | int | bool

_INTEGER = re.compile(r"-?[0-9]{1,11}")
# what was sent as a name may be a value put in the wrong place: it is not repeated
_NOT_OURS = "a name that is no attribute of this credential"
# A Buddhist-era year (543 more), usual on Cambodian papers, is caught as a mistake.
_FIRST_YEAR, _LAST_YEAR = 1900, 2199


class _Problem(Exception):  # never leaves this module
    """A code from the list above."""


def fresh_reference(random_bytes: RandomBytes = secrets.token_bytes) -> str:
    """128 random bits as 26 lower-case base32 characters: a reference that names nobody."""
    return base64.b32encode(random_bytes(16)).decode("ascii").rstrip("=").lower()


def attribute_values(
    source: CredentialSource,
    values: Mapping[str, Given],
    random_bytes: RandomBytes = secrets.token_bytes,
) -> dict[str, str]:
    """The strings to sign, one for every attribute, in the schema's order.

    Raises InvalidInput listing every problem as `attribute: code`, in `detail` and in
    `extra["problems"]`; values are never repeated.
    """
    names = {attribute.name for attribute in source.attributes}
    problems = [(_NOT_OURS, "unknown")] if values.keys() - names else []
    ready: dict[str, str] = {}
    for attribute in _flags_last(source):
        try:
            given = values.get(attribute.name)
            if given is None:
                ready[attribute.name] = _left_out(attribute, ready, random_bytes)
            else:
                ready[attribute.name] = _checked(attribute, given, ready)
        except _Problem as problem:
            problems.append((attribute.name, str(problem)))
    if problems:
        raise _invalid(source.name, problems)
    return {attribute.name: ready[attribute.name] for attribute in source.attributes}


def _flags_last(source: CredentialSource) -> list[Attribute]:
    return sorted(source.attributes, key=lambda attribute: attribute.known_flag_of is not None)


def _left_out(attribute: Attribute, ready: Mapping[str, str], random_bytes: RandomBytes) -> str:
    if attribute.reference:
        return fresh_reference(random_bytes)
    if attribute.known_flag_of is not None:
        return _known(attribute.known_flag_of, ready)
    if attribute.default is None:
        raise _Problem("missing")
    return attribute.default


def _checked(attribute: Attribute, given: Given, ready: Mapping[str, str]) -> str:
    value = _integer(given) if attribute.integer else _text(given)
    if attribute.is_date:
        _check_date(value, zero_allowed=attribute.zero_allowed)
    elif re.fullmatch(attribute.format, value) is None:
        raise _Problem("wrong-format")
    if attribute.codes and value not in attribute.code_values:
        raise _Problem("not-in-code-list")
    if attribute.known_flag_of is not None and value != _known(attribute.known_flag_of, ready):
        raise _Problem("disagrees")
    return value


def _known(date_name: str, ready: Mapping[str, str]) -> str:
    """1 if the date is a day, 0 if it is 0: `0 <= 20080101` alone would prove an age."""
    if date_name not in ready:
        raise _Problem("disagrees")
    return "0" if ready[date_name] == "0" else "1"


def _text(given: Given) -> str:
    if not isinstance(given, str):
        raise _Problem("not-text")
    value = unicodedata.normalize("NFC", given).strip()
    if not value:
        raise _Problem("empty")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise _Problem("wrong-format")  # a lone surrogate has no UTF-8 form, so no signature
    return value


def _integer(given: Given) -> str:
    """Plain decimal, as AnonCreds encodes an integer as itself only in that form."""
    written = str(int(given)) if isinstance(given, int) else _text(given)
    if not (isinstance(given, int) or _INTEGER.fullmatch(written)):
        raise _Problem("not-an-integer")
    number = int(written)
    if not -(2**31) <= number <= 2**31 - 1:
        raise _Problem("out-of-range")
    return str(number)


def _check_date(value: str, *, zero_allowed: bool) -> None:
    if value == "0" and zero_allowed:
        return
    number = int(value)
    try:
        day = date(number // 10_000, number // 100 % 100, number % 100)
    except ValueError as error:
        raise _Problem("not-a-date") from error
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise _Problem("not-a-date")


def _invalid(credential: str, problems: list[tuple[str, str]]) -> InvalidInput:
    listed = ", ".join(f"{name}: {code}" for name, code in problems)
    return InvalidInput(
        f"These values cannot be put in the credential {credential}: {listed}",
        credential=credential,
        problems=listed,
    )
