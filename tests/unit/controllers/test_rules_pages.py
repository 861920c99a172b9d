"""The framework's pages: what they say, in which language, and what never gets into them."""

from __future__ import annotations

import json
import re

import pytest
from controllers_house import House
from rules_pages import PLACES, POLICY, SCRIPT, read, rename_authority, words

from controllers.governance.site.pages import stylesheet
from controllers.organisations.service import did_of
from governance import documents
from governance.controlled import controlled_documents


@pytest.mark.parametrize("path", PLACES)
async def test_anybody_reads_a_page_that_loads_nothing_from_elsewhere(
    small_house: House, path: str
) -> None:
    answer = await read(small_house, path)
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    loaded = re.findall(r'<(?:link|img|script)\b[^>]*?(?:href|src)="([^"]*)"', answer.text)
    assert loaded == ["data:,", stylesheet()]
    assert not re.search(r"<script|\sstyle=|\son[a-z]+=", answer.text)


async def test_the_stylesheet_is_there(small_house: House) -> None:
    answer = await read(small_house, stylesheet())
    assert answer.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("language", ["en", "es", "km"])
async def test_a_page_is_in_the_language_of_its_reader(
    small_house: House, path: str, language: str
) -> None:
    by_header = await read(small_house, path, {"Accept-Language": f"{language}-XX, en;q=0.5"})
    chosen = await read(small_house, f"{path}?lang={language}", {"Accept-Language": "en"})
    for answer in (by_header, chosen):
        assert f'<html lang="{language}">' in answer.text
        assert answer.headers["vary"] == "Accept-Language"
    # who chose goes on in it; who did not is not given a longer address
    assert f"/governance/history?lang={language}" in chosen.text
    assert "/governance/history?lang" not in by_header.text


async def test_the_start_says_what_a_survivor_can_count_on_and_who_governs(
    small_house: House,
) -> None:
    framework = await small_house.haven.governance.current()
    page = (await read(small_house, "/governance?lang=es")).text
    assert "Con qué puede contar" in page
    assert framework.version in page
    assert framework.authority in page
    opaque = framework.authority.rpartition(":")[2]
    for path in (
        "/governance/framework.json",
        f"/o/{opaque}/framework/{framework.version}.json",
        "/governance/trust-list.jwt",
        "/trqp",
    ):
        assert f'href="{path}"' in page


async def test_the_contact_is_the_frameworks(small_house: House) -> None:
    before = words((await read(small_house, "/governance")).text)
    assert "any desk of the organisations that take part" in before
    said = {"en": "call <b>123</b>", "km": "ទូរសព្ទ ១២៣"}
    await small_house.haven.governance.change(
        lambda document, at: documents.with_rules(document, {"contact": said}, at)
    )
    assert "call &lt;b&gt;123&lt;/b&gt;" in (await read(small_house, "/governance")).text
    assert "ទូរសព្ទ ១២៣" in (await read(small_house, "/governance?lang=km")).text


async def test_a_document_is_english_where_there_is_no_translation_and_says_so(
    small_house: House,
) -> None:
    page = (await read(small_house, "/governance/documents/primary?lang=km")).text
    assert '<article class="text" lang="en">' in page
    assert "ខាងក្រោមជាភាសាអង់គ្លេស" in page
    translated = (await read(small_house, "/governance/documents/glossary?lang=km")).text
    assert '<article class="text" lang="km">' in translated


async def test_a_requirement_has_its_anchor_its_mark_and_what_stands_behind(
    small_house: House,
) -> None:
    page = (await read(small_house, "/governance/documents/business-requirements")).text
    (item,) = re.findall(r'<li id="HTF-ISS-03" class="requirement">.*?</li>\n', page, re.S)[:1]
    assert '<span class="mark rule"' in page.split('id="HTF-ISS-03"')[1][:300]
    assert "controllers/wallet/presenting.py:show_offer" in page
    assert 'class="mark policy"' in page.split('id="HTF-BUS-01"')[1][:300]
    assert item
    matrix = (await read(small_house, "/governance/documents/compliance-matrix")).text
    assert re.search(r'href="/governance/documents/[a-z-]+#HTF-[A-Z]{3}-\d\d"', matrix)


async def test_a_name_is_never_markup_nor_markdown(small_house: House) -> None:
    name = f"{SCRIPT} **loud** [x](javascript:alert(1)) {{version}}"
    await rename_authority(small_house, name)
    for path in (*PLACES, "/governance/search?q=loud", "/governance/documents/for-you"):
        page = (await read(small_house, path)).text
        assert "<script" not in page, path
        assert "<strong>loud" not in page, path
        assert not re.search(r'href="[^"]*javascript', page), path
    assert "&lt;script&gt;alert" in (await read(small_house, "/governance/participants")).text


@pytest.mark.parametrize("query", [SCRIPT, '"><img src=x>', "' onmouseover=alert(1) x", "&lt;"])
async def test_what_was_searched_for_is_escaped_and_not_kept(
    small_house: House, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with small_house.client() as client:
        answer = await client.get("/governance/search", params={"q": query})
        other = await client.get(
            "/governance/who-may",
            params={"organisation": query, "about": query, "date": query, "lang": query},
        )
    for page in (answer, other):
        assert page.status_code == 200
        assert not re.search(r"<script|<img|\sonmouseover=alert\(1\) x[^&\"]*>", page.text)
        assert page.headers["cache-control"] == "no-store"
    assert query not in caplog.text


async def test_searching_finds_requirements_questions_and_organisations(
    small_house: House,
) -> None:
    by_number = (await read(small_house, "/governance/search?q=htf-iss-03")).text
    assert "/governance/documents/business-requirements#HTF-ISS-03" in by_number
    assert "<mark>HTF-ISS-03</mark>" in by_number
    by_name = (await read(small_house, "/governance/search?q=harbour")).text
    assert "/governance/participants" in by_name
    without_accents = (await read(small_house, "/governance/search?q=telefono&lang=es")).text
    assert "<mark>teléfono</mark>" in without_accents
    khmer = (await read(small_house, "/governance/search?q=កាត&lang=km")).text
    assert "<mark>កាត</mark>" in khmer
    assert "<mark>" not in (await read(small_house, "/governance/search?q=e")).text
    assert "Nothing was found" in (await read(small_house, "/governance/search?q=zzqq")).text


async def test_the_rules_answer_a_question_in_words_and_by_rule(small_house: House) -> None:
    did = did_of(small_house.of("harbour"))
    today = small_house.clock.now().date().isoformat()
    asked = f"/governance/who-may?organisation={did}&date={today}&about="
    yes = words((await read(small_house, asked + "issue:identity")).text)
    assert "Yes, the rules allow it." in yes
    assert "roles/shelter/issue" in yes
    no = words((await read(small_house, asked + "ask:court-proceeding")).text)
    assert "The role of this organisation may not ask this." in no
    assert "purpose-not-allowed" in no
    apart = words((await read(small_house, f"{asked}&action=issue&resource=identity")).text)
    assert "Yes, the rules allow it." in apart
    unknown = words((await read(small_house, f"{asked}issue:crown&lang=es")).text)
    assert "Las reglas no conocen esta tarjeta." in unknown


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("2001-01-01", "There were no rules here on that day"),
        ("9999-12-31", "This day is still to come"),
        ("31/12/2026", "This is not a day"),
        ("", "Please choose something in every field"),
    ],
)
async def test_a_day_can_be_any(small_house: House, date: str, said: str) -> None:
    did = did_of(small_house.of("harbour"))
    path = f"/governance/who-may?organisation={did}&about=issue:identity&date={date}"
    assert said in words((await read(small_house, path)).text)


async def test_a_day_in_the_past_is_answered_by_the_version_of_then(small_house: House) -> None:
    did = did_of(small_house.of("harbour"))
    then = small_house.clock.now().date().isoformat()
    before = await small_house.haven.governance.current()
    small_house.pass_time(days=3)
    await small_house.haven.governance.change(
        lambda document, at: documents.end_participant(document, did, at, because="suspended")
    )
    path = f"/governance/who-may?organisation={did}&about=issue:identity&date="
    past = words((await read(small_house, path + then)).text)
    assert "Yes, the rules allow it." in past
    assert f"by version {before.version}" in past
    today = small_house.clock.now().date().isoformat()
    assert "does not take part on that day" in words(
        (await read(small_house, path + today)).text
    )
    assert "suspended" in words((await read(small_house, "/governance/participants")).text)


async def test_the_questions_say_what_is_seen_and_what_is_only_proven(
    small_house: House,
) -> None:
    page = words((await read(small_house, "/governance/checks")).text)
    for said in (
        "It does not learn your name.",
        "What was seen goes away after 90 days.",
        "What was seen goes away after two minutes.",
        "today or later",
        "Kept for another person: no",
        "accepted once a month",
        "amount_minor: a whole number from 1 to 2,147,483,647",
    ):
        assert said in page


async def test_the_history_has_every_version_and_what_changed(small_house: House) -> None:
    newest = await small_house.haven.governance.current()
    page = (await read(small_house, "/governance/history")).text
    assert page.count('<li class="box" id="v') == newest.sequence
    assert "The first version" in page
    assert "/governance/framework/1.0.0.json" in page
    older = (await read(small_house, "/governance/history?before=3")).text
    assert older.count('<li class="box" id="v') == 2


async def test_a_text_that_was_not_signed_is_not_shown_as_if_it_was(small_house: House) -> None:
    governance = small_house.haven.governance
    good = (await read(small_house, "/governance/documents/for-you")).text
    assert "This is the text that was signed" in good
    await governance.change(lambda document, at: documents.with_documents(document, [], at))
    for path in ("/governance", "/governance/documents/for-you"):
        page = (await read(small_house, path)).text
        assert "Careful: this is not the signed text." in page
        assert "This is the text that was signed" not in page
    listed = words((await read(small_house, "/governance/documents")).text)
    assert "no: another text" in listed
    adopted = await small_house.haven.accreditation.adopt_documents()
    assert [each.digest for each in adopted.documents] == [
        each["digest"] for each in controlled_documents()
    ]
    again = await small_house.haven.accreditation.adopt_documents()
    assert again.sequence == adopted.sequence
    assert "Careful" not in (await read(small_house, "/governance")).text


async def test_rules_whose_time_is_over_say_so_on_every_page(small_house: House) -> None:
    small_house.pass_time(days=120)
    for path in PLACES:
        answer = await read(small_house, path)
        assert answer.status_code == 200
        assert "Until that is done they allow nothing." in words(answer.text)


async def test_what_is_not_there_is_said_in_words(small_house: House) -> None:
    for path in ("/governance/documents/nothing", "/governance/documents/nothing.pdf"):
        answer = await read(small_house, path, {"Accept-Language": "km"})
        assert answer.status_code == 404
        assert "គ្មានទំព័រនេះទេ" in answer.text
        assert answer.headers["content-security-policy"] == POLICY


async def test_the_signed_document_is_given_as_it_is_stored(small_house: House) -> None:
    newest = await small_house.haven.governance.current()
    stored = await small_house.haven.governance.document(newest.sequence)
    # the DID URL of the version, by the path resolution of did:webvh
    did, _, path = newest.version_id.partition("/")
    opaque = did.rpartition(":")[2]
    for address in (
        "/governance/framework.json",
        f"/governance/framework/{newest.version}.json",
        f"/o/{opaque}/{path}",
    ):
        answer = await read(small_house, address)
        assert answer.text == stored, address
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["access-control-allow-origin"] == "*"
    first = await read(small_house, "/governance/framework/1.0.0.json")
    assert json.loads(first.content)["sequence"] == 1
    assert "immutable" in first.headers["cache-control"]


async def test_there_is_no_other_version_and_no_other_authority(small_house: House) -> None:
    other = did_of(small_house.of("harbour")).rpartition(":")[2]
    version = (await small_house.haven.governance.current()).version
    for path, status in (
        ("/governance/framework/9.9.9.json", 404),
        ("/governance/framework/newest.json", 422),
        (f"/o/{other}/framework/{version}.json", 404),
        (f"/o/{'a' * 12}/framework/{version}.json", 404),
    ):
        assert (await read(small_house, path)).status_code == status, path


async def test_who_has_a_page_already_is_sent_nothing_until_it_changes(
    small_house: House,
) -> None:
    for path in ("/governance", "/governance/framework.json", "/governance/participants"):
        first = await read(small_house, path)
        tag = first.headers["etag"]
        version = (await small_house.haven.governance.current()).version
        assert tag.startswith(f'"{version}-')
        for held in (tag, f'"other", W/{tag}', "*"):
            again = await read(small_house, path, {"If-None-Match": held})
            assert (again.status_code, again.content) == (304, b""), path
        await small_house.haven.governance.change(documents.refreshed)
        changed = await read(small_house, path, {"If-None-Match": tag})
        assert changed.status_code == 200
        assert changed.headers["etag"] != tag


async def test_before_there_is_a_framework_that_is_said(small_house: House) -> None:
    site_less = small_house.haven
    async with site_less.database.transaction() as session:
        from sqlalchemy import delete

        from controllers.store.models import FrameworkVersion

        await session.execute(delete(FrameworkVersion))
    answer = await read(small_house, "/governance")
    assert answer.status_code == 404
    assert "There are no rules here yet" in answer.text
    assert (await read(small_house, "/governance/framework.json")).status_code == 404
