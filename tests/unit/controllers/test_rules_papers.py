"""The documents on paper: what a reader of PDF finds in them, and how they are made."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from controllers_house import House
from pypdf import PdfReader
from rules_pages import SCRIPT, read, rename_authority

from controllers.governance.site import papers
from controllers.governance.site.papers import Papers
from controllers.governance.site.service import names, text_for
from controllers.governance.site.typesetting import FONTS, Book, Part, breakable, typeset
from core.errors import Unavailable
from governance import documents

FILES: dict[str, Any] = json.loads((FONTS / "vendor.json").read_text("utf-8"))["files"]


def reader(data: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(data))


def text_of(found: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in found.pages)


def book(name: str, language: str, **values: str) -> Book:
    text = text_for(name, language)
    assert text is not None
    part = Part("title", text.content, values, text.digest, "", language)
    at = datetime(2026, 11, 29, tzinfo=UTC)
    return Book("Title", language, "Authority", "1.2.3", "ab" * 32, at, (part,))


@pytest.mark.parametrize("name", FILES)
def test_a_font_is_as_it_was_published_and_its_licence_is_there(name: str) -> None:
    file = FILES[name]
    assert hashlib.sha256((FONTS / name).read_bytes()).hexdigest() == file["sha256"]
    assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", file["integrity"])
    assert file["why"]
    licences = (FONTS / "LICENSES.txt").read_text("utf-8")
    assert f"{file['package']} {file['version']} ({file['licence']})" in licences


def test_every_font_is_listed() -> None:
    assert {path.name for path in FONTS.iterdir()} == {*FILES, "vendor.json", "LICENSES.txt"}


async def test_a_document_on_paper_has_its_words_title_language_and_bookmarks(
    small_house: House,
) -> None:
    answer = await read(small_house, "/governance/documents/business-requirements.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    found, version = reader(answer.content), answer.headers["etag"].split("-")[0].strip('"')
    assert found.metadata is not None
    assert found.metadata.title == "Business requirements"
    assert found.root_object["/Lang"] == "en"
    assert [each.title for each in found.outline if not isinstance(each, list)] == [
        "Business Requirements"
    ]
    said = re.sub(r"\s+", " ", text_of(found))
    assert "HTF-ISS-03 (rule)" in said
    assert "What each exchange costs and gives" in said
    for number, page in enumerate(found.pages, start=1):
        footer = re.sub(r"\s+", " ", page.extract_text())
        assert f"Page {number} of {len(found.pages)}" in footer
        assert re.search(rf"Version {re.escape(version)} . SHA-256 [0-9a-f]{{64}}", footer)


async def test_all_documents_in_one_have_contents_that_lead_to_them(small_house: House) -> None:
    found = reader((await read(small_house, "/governance/framework.pdf?lang=es")).content)
    outline = [each for each in found.outline if not isinstance(each, list)]
    assert len(outline) == len(names())
    contents = found.pages[1].extract_text()
    assert "Contenido" in contents
    assert outline[0].title == "Con qué puede contar"
    page = found.get_destination_page_number(outline[0])
    assert page is not None
    assert re.search(rf"Con qué puede contar\s*{page + 1}", contents)
    assert "Con qué puede contar" in found.pages[page].extract_text()


def test_khmer_is_shaped_with_its_own_font_and_broken_between_syllables() -> None:
    data = typeset(book("for-you", "km", authority_name="អាជ្ញាធរ", version="1.2.3"))
    found = reader(data)
    assert found.root_object["/Lang"] == "km"
    fonts = {
        str(font["/BaseFont"])
        for page in found.pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index] # of no type
    }
    assert any("NotoSansKhmer" in each for each in fonts)
    # the letters that stand under others, and signs, stay with the letter that they belong to
    assert breakable("ស្ត្រី") == "ស្ត្រី"
    assert breakable("កាតនេះ") == "កា\u200bត\u200bនេះ"
    letters = re.sub(r"\s|\u200b", "", text_of(found))
    assert "ខ្មែរ" in letters or "កាត" in letters


def test_the_same_book_is_the_same_paper() -> None:
    assert typeset(book("glossary", "es")) == typeset(book("glossary", "es"))


async def test_a_name_on_paper_is_words(small_house: House) -> None:
    await rename_authority(small_house, f"{SCRIPT} **x** ក្រុម 漢")
    answer = await read(small_house, "/governance/documents/for-you.pdf")
    assert answer.status_code == 200
    said = text_of(reader(answer.content)).replace("\u200b", "")
    assert '<script>alert("x")</script> **x**' in said


async def test_paper_of_a_text_that_was_not_signed_says_so(small_house: House) -> None:
    await small_house.haven.governance.change(
        lambda document, at: documents.with_documents(document, [], at)
    )
    answer = await read(small_house, "/governance/documents/glossary.pdf")
    assert "this is not the signed text" in text_of(reader(answer.content))


async def test_papers_are_made_once_and_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def setting(wanted: Book) -> bytes:
        made.append(wanted.title)
        return b"%PDF"

    monkeypatch.setattr(papers, "typeset", setting)
    desk, wanted = Papers(), book("glossary", "en")
    keys = [("digest", "glossary", "en")] * 4
    await asyncio.gather(*(desk.paper(key, wanted) for key in keys))
    assert len(made) == 1
    waiting = [desk.paper(("digest", f"paper-{n}", "en"), wanted) for n in range(12)]
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, Unavailable)]
    assert len(refused) == 4
    assert answers.count(b"%PDF") == 8
