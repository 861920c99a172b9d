"""Looking for words in the documents, the requirements, the questions and the participants.

Everything is read again at each search: there is little of it. What is searched for is not
kept and not logged.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup, escape

from controllers.governance.site.markdown import IDENTIFIER, filled, plain, slug, tokens_of
from governance.controlled import packaged_requirements

MOST_FOUND = 60
MOST_CHARACTERS = 100
_LEAST_CHARACTERS = 2
_AROUND = 110  # characters to either side of the first word that was found


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of text that can be found: what it is of, where it stands."""

    title: str
    href: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Found:
    """A place that has every word, with the passage and the words marked in it."""

    title: str
    href: str
    passage: Markup
    language: str


def words_of(query: str) -> list[str]:
    """What to look for: each word on its own."""
    return [folded(each) for each in query[:MOST_CHARACTERS].split()]


def is_long_enough(query: str) -> bool:
    """One letter would be found everywhere."""
    return len("".join(words_of(query))) >= _LEAST_CHARACTERS


def search(passages: Iterable[Passage], query: str) -> list[Found]:
    """The places with every word, one more than are shown at most."""
    words = words_of(query)
    found: list[Found] = []
    for each in passages:
        if len(found) > MOST_FOUND:
            break
        marked = highlighted(each.text, words)
        if marked is not None:
            found.append(Found(each.title, each.href, marked, each.language))
    return found


def folded(text: str) -> str:
    """Without regard to capitals and accents."""
    return "".join(_folded(character) for character in text)


@lru_cache(4096)
def _folded(character: str) -> str:
    """One character; those of scripts whose signs are letters stay whole."""
    if ord(character) > 0x250:
        return character.casefold()
    parts = unicodedata.normalize("NFKD", character)
    return "".join(each for each in parts if not unicodedata.combining(each)).casefold()


def highlighted(text: str, words: list[str]) -> Markup | None:
    """The text around the first word, escaped, with every word marked; None if one is not
    in it."""
    pieces = [_folded(character) for character in text]
    whole = "".join(pieces)
    if not words or not all(word in whole for word in words):
        return None
    # where each character of the folded text came from: folding can make it longer
    origin = [place for place, piece in enumerate(pieces) for _ in piece]
    marked = sorted(_ranges(whole, words, origin))
    start = _word_edge(text, max(0, marked[0][0] - _AROUND), forward=True)
    end = _word_edge(text, min(len(text), marked[0][1] + _AROUND), forward=False)
    made = Markup("… ") if start else Markup("")
    place = start
    for begins, ends in marked:
        if begins < place or ends > end:
            continue
        made += escape(text[place:begins]) + Markup("<mark>{}</mark>").format(text[begins:ends])
        place = ends
    return made + escape(text[place:end]) + (Markup(" …") if end < len(text) else Markup(""))


def _ranges(whole: str, words: list[str], origin: list[int]) -> Iterator[tuple[int, int]]:
    for word in words:
        at = whole.find(word)
        while at >= 0:
            yield origin[at], origin[at + len(word) - 1] + 1
            at = whole.find(word, at + len(word))


def _word_edge(text: str, place: int, *, forward: bool) -> int:
    """The next place where no word is cut, if there is one nearby."""
    if place in (0, len(text)):
        return place
    space = text.find(" ", place, place + 20) if forward else text.rfind(" ", place - 20, place)
    return place if space < 0 else space + (1 if forward else 0)


def passages_of(
    content: bytes, title: str, href: str, language: str, values: Mapping[str, str]
) -> Iterator[Passage]:
    """The paragraphs, items and cells of a document, each under its heading's anchor."""
    tokens = tokens_of(content)
    anchor, heading = "", ""
    for place, token in enumerate(tokens):
        if token.type != "inline":
            continue
        text = filled(plain(token.children or []), values)
        if tokens[place - 1].type == "heading_open":
            heading = plain(token.children or [])
            anchor = "" if tokens[place - 1].tag == "h1" else f"#{slug(heading)}"
        where = title if not anchor else f"{title}: {filled(heading, values)}"
        named = IDENTIFIER.match(text)
        if named:
            yield _requirement(named[0], text, where, href, language)
        elif text:
            yield Passage(where, href + anchor, text, language)


def _requirement(identifier: str, text: str, where: str, href: str, language: str) -> Passage:
    """A requirement together with what an auditor looks at."""
    behind = packaged_requirements().get(identifier, {})
    audit = f" {behind['audit']}" if "audit" in behind else ""
    return Passage(where, f"{href}#{identifier}", text + audit, language)
