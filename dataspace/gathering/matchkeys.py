"""Identifiers to match keys: what two organisations would write alike for one person or thing.

A key is 16 bytes; equal keys mean the same in both lists. The hash only makes them one length:
names and birthdays can be guessed, so a key is as secret as the name, stays in its node, and
enters the ring blinded only.

A person has up to three keys, each a token set of its own, from strict to lenient:

1. the identity number;
2. the whole name and the date of birth;
3. the sounds of the name's parts in any order and the year of birth: it forgives swapped
   given and family names, diacritics, doubled and soft letters, and swapped day and month.

Nothing more lenient: initials and a birthday would join strangers in lists of thousands.
Khmer script is compared as written (NFC); a romanised name does not match it.
Sound keys follow the idea of Soundex (Russell 1918), not its table.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import Final

from dataspace.vocabulary.model import Role

KEY_BYTES: Final = 16
PERSON_KEYS: Final = ("national_id", "name_and_birth_date", "sound_and_birth_year")
LINK_ROLES: Final = (Role.TRAFFICKER, Role.PLACE, Role.PHONE)

type Key = bytes | None
type PersonKeys = tuple[Key, Key, Key]

# letters that NFKD leaves whole, and what those write who have no key for them
_PLAIN: Final = str.maketrans(
    {"đ": "d", "ð": "d", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"}
)
_LATIN_MARKS: Final = re.compile("[\u0300-\u036f]")
_APOSTROPHES: Final = re.compile("['`´‘’ʻʼ]")
_NOT_KEPT: Final = re.compile("[^a-z0-9]+")
_SOFT: Final = (("ph", "f"), ("sch", "s"), ("ch", "k"), ("sh", "s"), ("th", "t"), ("qu", "k"))
_ALIKE: Final = str.maketrans("cqxzvwyjgd", "kkssffiikt")
_SILENT: Final = re.compile("[aeiouh]")
_DOUBLED: Final = re.compile(r"(.)\1+")
_EXTENSION: Final = re.compile(r"(?:ext|x|#)[^0-9]*[0-9]*\s*$", re.IGNORECASE)
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15  # E.164 has at most 15
_LONGEST: Final = 64  # characters of a telephone number with everything around it
_NATIONAL: Final = 11  # digits from which on a number that starts like its country has it


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """What identifies a person in one row; empty strings and None where it is not known."""

    given_name: str = ""
    family_name: str = ""
    birth_date: date | None = None
    national_id: str = ""


def normal(text: str) -> str:
    """A name without case, diacritics, apostrophes, hyphens and double spaces. Idempotent.

    Latin, Greek and Cyrillic lose their accents (NFKD, U+0300 to U+036F); scripts whose signs
    carry the vowels, Khmer among them, keep every sign. Digits of all scripts become 0 to 9.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).casefold()
        text = unicodedata.normalize("NFKD", text).translate(_PLAIN)
        text = _LATIN_MARKS.sub("", text)
    text = _APOSTROPHES.sub("", text)
    if text.isascii():  # the same as below, five times as fast
        return _NOT_KEPT.sub(" ", text.lower()).strip()
    kept = (_kept(sign) for sign in text)
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))


def _kept(sign: str) -> str:
    """Letters and signs as they are, digits in ASCII, invisible signs not, the rest a space."""
    if sign.isascii() and sign.isalnum():
        return sign
    category = unicodedata.category(sign)
    if category == "Nd":
        return str(unicodedata.digit(sign))
    if category[0] in "LM":
        return sign
    return "" if category == "Cf" else " "


def sound(token: str) -> str:
    """A rough sound of one normalised Latin name: its first letter and its consonants.

    Letters that are written for each other become one (c, k, q, g; s, x, z; f, v, w; i, y, j;
    d, t), doubled ones single, vowels and h after the first are dropped. Other scripts stay.
    """
    if not token.isascii():
        return token
    for written, heard in _SOFT:
        token = token.replace(written, heard)
    token = _DOUBLED.sub(r"\1", token.translate(_ALIKE))
    return token[:1] + _DOUBLED.sub(r"\1", _SILENT.sub("", token[1:]))


def person_keys(person: Person) -> PersonKeys:
    """The keys of `PERSON_KEYS`, None where a row does not know enough."""
    number = normal(person.national_id).replace(" ", "")
    given, family = normal(person.given_name), normal(person.family_name)
    name, born = f"{given} {family}".strip(), person.birth_date
    if not (given and family) or born is None:
        return _key("person-1", number), None, None
    sounds = " ".join(sorted(map(sound, name.split())))
    return (
        _key("person-1", number),
        _key("person-2", f"{name}|{born.isoformat()}"),
        _key("person-3", f"{sounds}|{born.year}"),
    )


def link_key(role: Role, value: str, calling_code: str | None = None) -> Key:
    """The key of a trafficker, a place or a telephone number; None where there is none.

    A trafficker's name matches in any order of its parts, a place as it is written.
    """
    if role is Role.PHONE:
        return _key("phone", phone_number(value, calling_code) or "")
    words = normal(value).split()
    return _key(role, " ".join(sorted(words) if role is Role.TRAFFICKER else words))


def phone_number(value: str, calling_code: str | None = None) -> str | None:
    """Digits as in E.164, with `+`; None when it is no whole telephone number.

    Numbers with `+` or `00` have their country. Others get `calling_code`, without the one
    zero that is dialled before an area, unless they are long and start with it already.
    """
    text = unicodedata.normalize("NFKC", value[:_LONGEST]).strip()
    text = _EXTENSION.sub("", text)
    digits = "".join(str(unicodedata.digit(each)) for each in text if each.isdecimal())
    if text.startswith(("+", "(+")):
        number = digits
    elif digits.startswith("00"):
        number = digits[2:]
    elif calling_code is None:
        return None
    elif digits.startswith(calling_code) and len(digits) >= _NATIONAL:
        number = digits
    else:
        number = calling_code + digits.removeprefix("0")
    return f"+{number}" if _FEWEST_DIGITS <= len(number) <= _MOST_DIGITS else None


def _key(kind: str, text: str) -> Key:
    """Nothing for nothing; else BLAKE2b of the text, apart for each kind of key."""
    if not text:
        return None
    return blake2b(text.encode(), digest_size=KEY_BYTES, person=kind.encode()).digest()
