"""The framework's Markdown as pages: escaped, with anchors, filled in, with what stands behind.

1. HTML in a document is text, and an address that is not one of ours is not a link.
2. Placeholders are filled in after the Markdown was read: a name that somebody gave to an
   organisation is never read as Markdown or HTML.
3. A requirement's identifier is its anchor; where it is named elsewhere, a link leads there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from governance.controlled import OFFICIAL, packaged_texts

IDENTIFIER = re.compile(r"HTF-[A-Z]+-\d+")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_SIBLING = re.compile(r"(?:\.\./([a-z]{2})/)?([a-z-]+)\.md")
_LINKED = re.compile(rf"({IDENTIFIER.pattern})")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a document, for a list of what is in it."""

    level: int
    anchor: str
    words: str


@dataclass(frozen=True, slots=True)
class Page:
    """A document as HTML."""

    title: str
    html: Markup
    headings: tuple[Heading, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a document is rendered with.

    `values` fill in placeholders; `address` gives where a document is (name, language); `mark`
    and `behind` give, for a requirement's identifier, its mark and what stands behind it;
    `addresses` names the placeholders that are addresses, and become links.
    """

    values: Mapping[str, str]
    address: Callable[[str, str | None], str]
    mark: Callable[[str], Markup]
    behind: Callable[[str], Markup]
    wide: str  # what a table that may be wider than the screen is called
    addresses: frozenset[str] = field(default=frozenset({"version_url"}))


@cache
def _reader() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def tokens_of(content: bytes) -> list[Token]:
    """A document as Markdown's tokens; they are made anew each time, and may be changed."""
    return _reader().parse(content.decode("utf-8"))


@cache
def home_of(identifier: str) -> str | None:
    """The document in which a requirement stands."""
    sign = f"- **{identifier}** ".encode()
    for (name, language), text in packaged_texts().items():
        if language == OFFICIAL and sign in text.content:
            return name
    return None


def render(content: bytes, around: Surroundings) -> Page:
    """A document as a page."""
    tokens = tokens_of(content)
    for token in tokens:
        if token.type == "inline":
            token.children = list(_children(token.children or [], around))
    _no_empty_heads(tokens)
    headings = tuple(_anchored(tokens))
    tokens = list(_with_requirements(tokens, around))
    tokens = list(_with_wide_tables(tokens, around.wide))
    for token in tokens:
        if token.type == "inline" and IDENTIFIER.search(token.content):
            token.children = list(_linked(token.children or [], around))
    html = _reader().renderer.render(tokens, _reader().options, {})
    title = next((each.words for each in headings if each.level == 1), "")
    return Page(title, Markup(html), headings)  # noqa: S704 (markdown-it escapes all text)


def plain(children: list[Token]) -> str:
    """The words of inline tokens, without marks."""
    said = {"softbreak": " ", "hardbreak": " "}
    return "".join(said.get(each.type, each.content) for each in children)


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders filled in; a brace that is none stays as it is."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


# --- inside a line --------------------------------------------------------------------------


def _children(children: list[Token], around: Surroundings) -> Iterator[Token]:
    open_links: list[bool] = []
    for child in children:
        if child.type == "link_open":
            kept = _our_link(child, around)
            open_links.append(kept)
            if kept:
                yield child
        elif child.type == "link_close":
            if open_links.pop():
                yield child
        elif child.type in {"text", "code_inline"}:
            yield from _filled(child, around)
        else:
            yield child


def _our_link(link: Token, around: Surroundings) -> bool:
    """Point a link to another document to its page; other links are left out."""
    found = _SIBLING.fullmatch(str(link.attrGet("href") or ""))
    if found is None or (found[2], found[1] or OFFICIAL) not in packaged_texts():
        return False
    link.attrs = {"href": around.address(found[2], found[1])}
    return True


def _filled(token: Token, around: Surroundings) -> Iterator[Token]:
    for part in re.split(r"(\{\w+\})", token.content):
        found = _PLACEHOLDER.fullmatch(part)
        if found and found[1] in around.addresses and found[1] in around.values:
            yield from _link(around.values[found[1]], around.values[found[1]])
        elif part:
            made = token.copy()
            made.content = around.values.get(found[1], part) if found else part
            yield made


def _link(href: str, words: str) -> Iterator[Token]:
    yield Token("link_open", "a", 1, attrs={"href": href})
    yield _text(words)
    yield Token("link_close", "a", -1)


def _text(words: str) -> Token:
    return Token("text", "", 0, content=words)


def _linked(children: list[Token], around: Surroundings) -> Iterator[Token]:
    """Identifiers become links, unless they stand in a link or name the item itself."""
    depth = 0
    for place, child in enumerate(children):
        depth += {"link_open": 1, "link_close": -1}.get(child.type, 0)
        own = place == 1 and children[0].meta.get("requirement")
        if child.type != "text" or depth or own:
            yield child
            continue
        for part in _LINKED.split(child.content):
            home = home_of(part) if _LINKED.fullmatch(part) else None
            if home is not None:
                yield from _link(f"{around.address(home, None)}#{part}", part)
            elif part:
                yield _text(part)


# --- between lines --------------------------------------------------------------------------


def _anchored(tokens: list[Token]) -> Iterator[Heading]:
    taken: set[str] = set()
    for place, token in enumerate(tokens):
        if token.type != "heading_open":
            continue
        words = plain(tokens[place + 1].children or [])
        anchor = base = slug(words)
        number = 1
        while anchor in taken:
            number += 1
            anchor = f"{base}-{number}"
        taken.add(anchor)
        token.attrSet("id", anchor)
        yield Heading(int(token.tag[1]), anchor, words)


def slug(words: str) -> str:
    """A heading as an anchor; letters of every script are kept."""
    return re.sub(r"[^\w\u1780-\u17ff]+", "-", words.casefold()).strip("-") or "part"


def _with_requirements(tokens: list[Token], around: Surroundings) -> Iterator[Token]:
    """Items that are requirements get their anchor, their mark, and what stands behind."""
    open_items: list[str | None] = []
    for place, token in enumerate(tokens):
        if token.type == "list_item_open":
            identifier = _requirement(tokens[place + 2])
            open_items.append(identifier)
            if identifier:
                token.attrs = {"id": identifier, "class": "requirement"}
                _mark(tokens[place + 2], around.mark(identifier))
        elif token.type == "list_item_close":
            identifier = open_items.pop()
            if identifier:
                yield Token("html_block", "", 0, content=str(around.behind(identifier)))
        yield token


def _requirement(inline: Token) -> str | None:
    children = inline.children or []
    if inline.type != "inline" or len(children) < 3 or children[0].type != "strong_open":
        return None
    return children[1].content if IDENTIFIER.fullmatch(children[1].content) else None


def _mark(inline: Token, mark: Markup) -> None:
    children = inline.children or []
    children[0].meta = {"requirement": True}
    children.insert(3, Token("html_inline", "", 0, content=f" {mark} "))


def _no_empty_heads(tokens: list[Token]) -> None:
    """The head of a column without one is a cell: there is nothing for it to be called."""
    for opens, inside, closes in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opens.type == "th_open" and not inside.children:
            opens.tag = closes.tag = "td"


def _with_wide_tables(tokens: list[Token], name: str) -> Iterator[Token]:
    """A table can be moved sideways, with keys too, where it is wider than the screen."""
    opened = Markup('<div class="scroll" role="region" tabindex="0" aria-label="{}">')
    number = 0
    for token in tokens:
        if token.type == "table_open":
            number += 1
            content = str(opened.format(f"{name} {number}"))
            yield Token("html_block", "", 0, content=content)
        yield token
        if token.type == "table_close":
            yield Token("html_block", "", 0, content="</div>\n")
