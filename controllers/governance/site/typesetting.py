"""The framework's documents on paper: Markdown's tokens set as PDF, with fonts of our own.

Khmer is written without spaces between words, so a line may end between two of its syllables:
a place where no sign is torn from the letter that it belongs to. Where a word ends, only a
dictionary would tell. A PDF has its title, language and bookmarks; its structure (tags) the
library does not write, and for screen readers the pages are better.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace
from fpdf.outline import OutlineSection
from markdown_it.token import Token

from controllers.governance.site.markdown import IDENTIFIER, filled, plain, tokens_of
from controllers.governance.site.texts import say_in
from governance.controlled import packaged_requirements

FONTS = Path(__file__).parent / "fonts"
_FACES = (
    ("sans", "", "noto-sans-latin-400-normal.woff"),
    ("sans", "B", "noto-sans-latin-700-normal.woff"),
    ("sans", "I", "noto-sans-latin-400-italic.woff"),
    ("khmer", "", "noto-sans-khmer-khmer-400-normal.woff"),
    ("khmer", "B", "noto-sans-khmer-khmer-700-normal.woff"),
    ("mono", "", "noto-sans-mono-latin-400-normal.woff"),
)
# before a Khmer letter that begins a syllable, unless it stands under the one before
_SYLLABLE = re.compile(r"(?<=[\u1780-\u17d1\u17d3-\u17ff])(?=[\u1780-\u17b3])")
_KHMER = re.compile(r"[\u1780-\u17ff]")
_BREAK = "\u200b"
_SIZES = {"h1": 18.0, "h2": 13.0, "h3": 11.0}
_BODY, _SMALL = 10.0, 8.5
_INDENT = 7.0  # millimetres
_CONTENTS_LINE = 6.0


@dataclass(frozen=True, slots=True)
class Part:
    """One document of a book."""

    title: str
    content: bytes
    values: Mapping[str, str]
    digest: str
    warning: str  # why it must not be relied on; empty for the signed text
    language: str


@dataclass(frozen=True, slots=True)
class Book:
    """What is put on paper. With more than one part it has a first page and contents."""

    title: str
    language: str
    authority: str
    version: str
    digest: str
    issued_at: datetime
    parts: tuple[Part, ...]
    facts: tuple[tuple[str, str], ...] = ()


def typeset(book: Book) -> bytes:
    """The book as PDF. Takes seconds; the same book gives the same bytes."""
    sheets = _Sheets(book)
    if len(book.parts) > 1:
        sheets.first_page()
        sheets.contents()
    for part in book.parts:
        sheets.part(part)
    return bytes(sheets.output())


def breakable(text: str) -> str:
    """The text with places where a line may end within Khmer and within long names."""
    text = _SYLLABLE.sub(_BREAK, text)
    return re.sub(r"(?<=[/:.])(?=\w{3})", _BREAK, text) if len(text) > 40 else text


class _Sheets(FPDF):
    """The pages while they are written."""

    def __init__(self, book: Book) -> None:
        super().__init__(format="A4")
        self._book = book
        self._say = say_in(book.language)
        self._line = 7.0 if book.language == "km" else 5.4
        self.set_margins(20, 20)
        self.set_auto_page_break(True, 24)
        for family, style, file in _FACES:
            self.add_font(family, style, FONTS / file)
        self.set_fallback_fonts(["sans", "khmer"], exact_match=False)
        self.set_lang(book.language)
        self.set_title(book.title)
        self.set_author(book.authority)
        self.set_creator("Haven")
        self.set_creation_date(book.issued_at)
        self.set_font("sans", size=_BODY)

    def footer(self) -> None:
        """The version and its digest on every page, and the page's number."""
        book = self._book
        self.set_y(-17)
        self.set_text_color(70)
        said = self._say("pdf.version", version=book.version, digest=book.digest)
        self._choose(said, "", 6.5)
        self.cell(self.epw - 28, 4, said)
        page = self._say("pdf.page", page=self.page_no(), all="{nb}")
        self.cell(0, 4, page, align="R")
        self.set_text_color(0)

    # --- what stands before the documents ---------------------------------------------------

    def first_page(self) -> None:
        """What this is, of whom, and until when."""
        book = self._book
        self.add_page()
        self.set_y(60)
        self._block(book.title, 20, "B", 11 if book.language == "km" else 9)
        self.ln(8)
        for name, said in book.facts:
            self._block(name, _SMALL, "B", self._line)
            self._block(said, _BODY, "", self._line)
            self.ln(2)

    def contents(self) -> None:
        """Room for the contents; they are written when all pages are known."""
        entries = sum(
            1
            for part in self._book.parts
            for token in tokens_of(part.content)
            if token.type == "heading_open" and token.tag in {"h1", "h2"}
        )
        self.add_page()
        self._block(self._say("pdf.contents"), _SIZES["h1"], "B", 9)
        self.ln(3)
        first = int((self.page_break_trigger - self.y) // _CONTENTS_LINE)
        more = int((self.page_break_trigger - self.t_margin) // _CONTENTS_LINE)
        pages = 1 + math.ceil(max(0, entries - first) / more)
        self.insert_toc_placeholder(_contents, pages=pages, reset_page_indices=False)

    # --- a document -------------------------------------------------------------------------

    def part(self, part: Part) -> None:
        """One document, beginning on a new page."""
        if self._book.parts[0] is not part or len(self._book.parts) == 1:
            self.add_page()
        if part.warning:
            self.set_fill_color(240)
            self._block(part.warning, _BODY, "B", self._line, fill=True)
            self.ln(3)
        tokens = tokens_of(part.content)
        place = 0
        while place < len(tokens):
            place = self._token(tokens, place, part)

    def _token(self, tokens: list[Token], place: int, part: Part) -> int:
        """Set what begins here; where the next thing begins."""
        token = tokens[place]
        match token.type:
            case "heading_open":
                self._heading(token.tag, plain(tokens[place + 1].children or []), part)
                return place + 3
            case "table_open":
                end = next(i for i in range(place, len(tokens)) if _ends_table(tokens[i]))
                self._table(list(_rows(tokens[place:end], part.values)))
                return end + 1
            case "bullet_list_open" | "ordered_list_open":
                self.set_left_margin(self.l_margin + _INDENT)
            case "bullet_list_close" | "ordered_list_close":
                self.set_left_margin(self.l_margin - _INDENT)
                self.ln(2)
            case "list_item_open":
                self._bullet(token.info)
            case "inline":
                self._inline(token.children or [], part)
                self.ln(self._line)
            case "paragraph_close" if not token.hidden:
                self.ln(2)
        return place + 1

    def _heading(self, tag: str, words: str, part: Part) -> None:
        words, size = filled(words, part.values), _SIZES.get(tag, _BODY)
        if self.will_page_break(30):
            self.add_page()
        self.ln(0 if tag == "h1" else 4)
        level = int(tag[1]) - 1
        if level < 2:
            self.start_section(words, level, strict=False)
        self._block(words, size, "B", size * (0.62 if self._book.language == "km" else 0.48))
        if tag == "h1":
            self._block(f"SHA-256 {part.digest}", 6.5, "", 4)
        self.ln(2)

    def _bullet(self, number: str) -> None:
        self._choose("", "", _BODY)
        self.set_x(self.l_margin - _INDENT + 1)
        self.cell(_INDENT - 1, self._line, f"{number}." if number else "•")
        self.set_x(self.l_margin)

    def _inline(self, children: list[Token], part: Part) -> None:
        style, strong = {"strong": "", "em": ""}, ""
        for child in children:
            kind, _, end = child.type.partition("_")
            if kind in style:
                style[kind] = {"strong": "B", "em": "I"}[kind] if end == "open" else ""
                if child.type == "strong_close" and IDENTIFIER.fullmatch(strong):
                    self._write(f" ({self._mark(strong)})", "")
            elif child.type == "code_inline":
                self._write(filled(child.content, part.values), "", "mono")
            elif child.type in {"softbreak", "hardbreak"}:
                self._write(" ", "")
            elif child.content:
                strong = child.content
                chosen = "B" if style["strong"] else style["em"]
                self._write(filled(child.content, part.values), chosen)

    def _mark(self, identifier: str) -> str:
        kind = str(packaged_requirements().get(identifier, {}).get("kind", "policy"))
        return self._say(f"mark.{kind}")

    def _write(self, text: str, style: str, family: str = "sans") -> None:
        self._choose(text, style, _BODY if family == "sans" else _BODY - 1, family)
        self.write(self._line, breakable(text))

    def _choose(self, text: str, style: str, size: float, family: str = "sans") -> None:
        """One face for the whole text where it has all its letters: taken apart into several,
        a line of Khmer takes forty times as long."""
        if _KHMER.search(text):
            family, style = "khmer", style.replace("I", "")
        self.set_text_shaping(family == "khmer")
        self.set_font(family, style, size)

    def _block(
        self, text: str, size: float, style: str, line: float, *, fill: bool = False
    ) -> None:
        """Lines of their own, over the whole width."""
        self._choose(text, style, size)
        next_line = {"new_x": XPos.LMARGIN, "new_y": YPos.NEXT}
        self.multi_cell(0, line, breakable(text), align="L", fill=fill, **next_line)  # type: ignore[arg-type] # two kinds of place

    def _widths(self, rows: list[list[str]]) -> list[float]:
        """The columns' widths: each as its longest word needs it, which would be torn
        otherwise, and of the rest as much as it has to say."""
        columns = [[breakable(row[place]) for row in rows] for place in range(len(rows[0]))]
        wanted = [max(self.get_string_width(cell) for cell in cells) for cells in columns]
        needed = [
            max(
                (self.get_string_width(word) for cell in cells for word in _words(cell)),
                default=0.0,
            )
            for cells in columns
        ]
        # a heading is bold, and on each side of a text there is some room
        least = [min(each * 1.12 + 3, self.epw / 2) for each in needed]
        free = max(0.0, self.epw - sum(least))
        more = [min(max(1.0, want), self.epw) for want in wanted]
        return [one + free * each / sum(more) for one, each in zip(least, more, strict=True)]

    def _table(self, rows: list[list[str]]) -> None:
        has_heads = any(rows[0])
        body = rows if has_heads else rows[1:]
        self._choose("".join("".join(row) for row in body), "", _SMALL)
        self.set_draw_color(160)
        with self.table(
            col_widths=tuple(self._widths(rows)),
            first_row_as_headings=has_heads,
            headings_style=FontFace(emphasis="BOLD"),
            borders_layout="HORIZONTAL_LINES",
            line_height=self._line * 0.9,
            text_align="LEFT",
            v_align="TOP",
            padding=1,
        ) as table:
            for cells in body:
                row = table.row()
                for cell in cells:
                    row.cell(breakable(cell))
        self.ln(4)


def _words(cell: str) -> list[str]:
    """What must stay on one line."""
    return cell.replace(_BREAK, " ").split()


def _ends_table(token: Token) -> bool:
    return token.type == "table_close"


def _rows(tokens: list[Token], values: Mapping[str, str]) -> Iterator[list[str]]:
    row: list[str] = []
    for token in tokens:
        if token.type == "tr_open":
            row = []
        elif token.type == "inline":
            row.append(filled(plain(token.children or []), values))
        elif token.type == "tr_close":
            yield row


def _contents(sheets: FPDF, outline: list[OutlineSection]) -> None:
    """A line for each part and chapter, leading to it."""
    for section in outline:
        khmer = bool(_KHMER.search(section.name))
        sheets.set_text_shaping(khmer)
        style = "" if section.level else "B"
        sheets.set_font("khmer" if khmer else "sans", style, 9.5 - section.level)
        link = sheets.add_link(page=section.page_number)
        indent = section.level * _INDENT
        sheets.set_x(sheets.l_margin + indent)
        name = section.name if len(section.name) < 80 else f"{section.name[:78]}…"
        width = sheets.epw - indent - 12
        sheets.cell(width, _CONTENTS_LINE, breakable(name), link=link)
        sheets.cell(
            12,
            _CONTENTS_LINE,
            str(section.page_number),
            align="R",
            link=link,
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
        )
