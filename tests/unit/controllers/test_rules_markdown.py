"""Markdown of the framework as HTML, and passages of it that are found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from controllers.governance.site.markdown import Page, Surroundings, home_of, render, slug
from controllers.governance.site.searching import highlighted, words_of

VALUES = {"authority_name": "<b>A</b> *x*", "version_url": "https://haven.example/governance"}


def page(text: str) -> Page:
    return render(
        text.encode(),
        Surroundings(
            values=VALUES,
            address=lambda name, language: f"/d/{name}" + (f"?{language}" if language else ""),
            mark=lambda identifier: Markup("<i>{}</i>").format(f"mark {identifier}"),
            behind=lambda identifier: Markup("<p>behind</p>"),
            wide="Table",
        ),
    )


def test_a_placeholder_is_filled_in_and_is_never_markup() -> None:
    html = str(page("# Of {authority_name}\n\n`{authority_name}` {unknown}").html)
    assert "&lt;b&gt;A&lt;/b&gt; *x*" in html
    assert "<code>&lt;b&gt;A&lt;/b&gt; *x*</code>" in html
    assert "<b>" not in html
    assert "{unknown}" in html


def test_an_address_that_is_filled_in_is_a_link() -> None:
    assert '<a href="https://haven.example/governance">' in str(page("See {version_url}.").html)


@pytest.mark.parametrize(
    "text",
    [
        "<script>x</script>",
        "a <img src=x onerror=y> b",
        "[x](javascript:alert(1))",
        "[x](https://elsewhere.example)",
        "![x](https://elsewhere.example/x.png)",
        "[x](../../secret.md)",
        "[x](nothing.md)",
        "<https://elsewhere.example>",
    ],
)
def test_markup_and_foreign_addresses_are_words(text: str) -> None:
    html = str(page(text).html)
    assert "<script" not in html
    assert "<img" not in html
    assert "<a " not in html


def test_a_link_to_another_document_leads_to_its_page_in_its_language() -> None:
    html = str(page("[a](glossary.md) [b](../km/for-you.md)").html)
    assert 'href="/d/glossary"' in html
    assert 'href="/d/for-you?km"' in html


def test_a_requirement_is_an_anchor_and_others_lead_to_it() -> None:
    html = str(page("- **HTF-ISS-03** One MUST, see HTF-GEN-01.\n\nOr HTF-XXX-99.").html)
    assert '<li id="HTF-ISS-03" class="requirement">' in html
    assert "<strong>HTF-ISS-03</strong> <i>mark HTF-ISS-03</i>" in html
    assert '<a href="/d/primary#HTF-GEN-01">HTF-GEN-01</a>' in html
    assert "<p>behind</p>" in html
    assert "Or HTF-XXX-99." in html


def test_headings_have_anchors_of_their_own_in_every_script() -> None:
    made = page("# One\n\n## Two things\n\n## Two things\n\n## អ្នកសម្រេច\n")
    assert [each.anchor for each in made.headings] == [
        "one",
        "two-things",
        "two-things-2",
        "អ្នកសម្រេច",
    ]
    assert made.title == "One"
    assert slug("!!") == "part"


def test_a_wide_table_can_be_reached_by_keys_and_has_no_empty_heads() -> None:
    html = str(page("| | b |\n|---|---|\n| 1 | 2 |\n").html)
    assert '<div class="scroll" role="region" tabindex="0" aria-label="Table 1">' in html
    assert "<th></th>" not in html


def test_every_requirement_has_a_home() -> None:
    assert home_of("HTF-ISS-03") == "business-requirements"
    assert home_of("HTF-XXX-99") is None


@given(st.text(max_size=60), st.text(max_size=12))
def test_a_passage_is_the_text_escaped_with_the_words_marked(text: str, query: str) -> None:
    found = highlighted(text, words_of(query))
    if found is None:
        return
    bare = found.replace("<mark>", "").replace("</mark>", "")
    assert "<" not in bare
    assert Markup(bare).unescape() == text
    assert "<mark>" in found


def test_a_long_text_is_cut_between_words_around_what_was_found() -> None:
    found = highlighted("word " * 100 + "Needle" + " word" * 100, ["needle"])
    assert found is not None
    assert found.startswith("… word")
    assert found.endswith("word …")
    assert "<mark>Needle</mark>" in found
    assert len(found) < 300
