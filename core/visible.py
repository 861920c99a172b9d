"""Free text that other people read: names and titles that are what they look like."""

from __future__ import annotations

import unicodedata
from typing import Final

# Khmer parts words with the first; scripts of India, and signs that are joined, use the others
JOINERS: Final = frozenset("\u200b\u200c\u200d")
# letters and signs by their category, and yet nothing is drawn: fillers, the empty pattern
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_UNSEEN: Final = frozenset(("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"))
_DRAWN: Final = frozenset("LNPS")  # of a category's two letters the first


def visible(text: str) -> str:
    """The text, if people can read all of it.

    Refused is what nobody sees or what turns other text round: control and format characters
    (bidirectional overrides and isolates among them), those of private use or of no meaning,
    ends of lines, and text that is blank as a whole. Joiners within visible text are allowed.

    Raises ValueError, as a validator of pydantic does; it holds no value.
    """
    for each in text:
        if each not in JOINERS and unicodedata.category(each) in _UNSEEN:
            raise ValueError("it has characters that cannot be seen")
    if not any(unicodedata.category(e)[0] in _DRAWN and e not in _BLANK for e in text):
        raise ValueError("it has no visible word")
    return text


def looks(text: str) -> str:
    """A text as it is compared with another: two that people take for the same are equal,
    whatever their capitals, their form or the joiners and blanks in them."""
    bare = "".join(each for each in text if each not in JOINERS)
    return " ".join(unicodedata.normalize("NFKC", bare).casefold().split())
