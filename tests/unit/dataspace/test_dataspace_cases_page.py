"""The page of a node's cases: a file comes in by it, or is refused by line and column."""

from __future__ import annotations

import errno
import json
import logging
import tempfile
import tracemalloc
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from console_hands import BASE, Browser, hands_at, hosted_console, own_console
from officer_hands import EVERYTHING, browser_at, come_in, key_of, signed_in_at

import controllers.dataspace.console.app as app_module
import controllers.dataspace.importing as importing_module
from controllers.dataspace.console.entry import Console
from controllers.dataspace.console.texts import say_in
from controllers.dataspace.node import Node
from controllers.dataspace.officers import OfficerDuty
from controllers.dataspace.sources import MAPPING
from controllers.texts import LANGUAGES
from core.errors import Conflict
from dataspace.agreeing.agreement import Environment
from tests.fakes.dataspace_nodes import FakeSpace
from tests.support.space import Space, made_up, running_space

PATH = "/at/own/cases"
SAY = say_in("en")
PLANTED = "Sokha-PLANTED"
OWN: dict[str, Any] = {
    "name": "shelter-files",
    "vocabulary": "cases",
    "version": "1",
    "columns": {
        "Sexo": {"column": "gender", "codes": {"F": "feminine", "M": "masculine"}},
        "Notas": None,
    },
}
OWN_FILE = "Sexo;Notas\n" + "F;x\nM;y\n" * 10
MARK = "a-mark-of-the-tests"
KIND = {"Content-Type": f"multipart/form-data; boundary={MARK}"}

type Content = str | bytes


@pytest.fixture
async def space(tmp_path: Path) -> AsyncIterator[Space]:
    async with running_space(tmp_path) as made:
        yield made


@pytest.fixture
async def browser(space: Space) -> AsyncIterator[Browser]:
    """At the first node, as an officer with every duty, on the page."""
    async with signed_in_at(space, space.nodes[0], *EVERYTHING) as made:
        await made.open(PATH)
        yield made


def part(name: str, content: Content, filename: str | None = None) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    data = content.encode() if isinstance(content, str) else content
    head = f'--{MARK}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + data + b"\r\n"


END = f"--{MARK}--\r\n".encode()


async def send(
    browser: Browser, file: Content, mapping: Any = "", name: str = "Cases.CSV", **headers: str
) -> int:
    """Send the form as a browser does, with the fields in the page's order."""
    token = dict(browser.fields(PATH))["csrf"]
    document = mapping if isinstance(mapping, str) else json.dumps(mapping)
    chosen = "m.json" if document else ""
    body = part("csrf", token) + part("file", file, name) + part("mapping", document, chosen)
    browser.answer = await browser.client.post(
        PATH, content=body + END, headers={**KIND, **headers}
    )
    return browser.answer.status_code


def cases_of(node: Node) -> int:
    return node.cases.summary().cases


async def test_a_file_comes_in_and_the_page_says_what_happened(
    space: Space, browser: Browser
) -> None:
    desk = await browser.open("/at/own")
    assert f'href="{PATH}"' in desk.text
    await browser.open(PATH)
    assert "gender · registered on" in browser.shown
    assert SAY("cases.mapping.none") in browser.shown
    assert await send(browser, made_up(40)) == 200
    assert SAY("cases.done", imported="40", replaced="20") in browser.shown
    assert cases_of(space.nodes[0]) == 40


async def test_a_mapping_is_kept_if_the_file_came_in_by_it(
    space: Space, browser: Browser
) -> None:
    folder = space.nodes[0].books.identity.folder
    bad = OWN_FILE + "X;z\n"
    assert await send(browser, bad, OWN) == 422
    assert not list(folder.glob(f"*{MAPPING}*"))
    assert await send(browser, OWN_FILE, OWN) == 200
    assert SAY("cases.mapping.kept", name="shelter-files", version="1") in browser.shown
    assert (folder / MAPPING).stat().st_mode & 0o077 == 0
    kept = (folder / MAPPING).read_bytes()
    assert await send(browser, bad, OWN | {"name": "another"}) == 422
    assert (folder / MAPPING).read_bytes() == kept
    assert await send(browser, OWN_FILE) == 200, "by the kept one"
    assert await send(browser, OWN_FILE, OWN | {"name": "another"}) == 200
    assert SAY("cases.mapping.kept", name="another", version="1") in browser.shown


async def test_cases_and_mapping_stay_where_the_import_fails_at_its_end(
    space: Space, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> None:
        raise Conflict("Another process writes this node's log", code="log-busy")

    node = space.nodes[0]
    monkeypatch.setattr(node, "import_cases", busy)
    assert await send(browser, OWN_FILE, OWN) == 409
    assert SAY("refused.log-busy") in browser.shown
    assert SAY("cases.nothing") in browser.shown
    assert cases_of(node) == 60
    assert not list(node.books.identity.folder.glob(f"*{MAPPING}*"))


async def test_a_full_disk_is_told_and_changes_nothing(
    space: Space, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, PLANTED)

    monkeypatch.setattr(importing_module, "write_private", full)
    assert await send(browser, OWN_FILE, OWN) == 507
    assert SAY("error.storage-full") in browser.shown
    assert PLANTED not in browser.text
    assert cases_of(space.nodes[0]) == 60


async def test_a_mapping_that_cannot_be_read_any_more_is_told_and_can_be_replaced(
    space: Space, browser: Browser
) -> None:
    kept = space.nodes[0].books.identity.folder / MAPPING
    kept.write_text("{")
    await browser.open(PATH)
    assert SAY("cases.mapping.unread") in browser.shown
    assert await send(browser, OWN_FILE, OWN) == 200


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Line 4, column Sexo: no code of its list"),
        ("es", "Línea 4, columna Sexo: no es ningún código de su lista"),
        ("km", "បន្ទាត់ទី 4 ជួរឈរ Sexo៖"),
    ],
)
async def test_a_fault_is_told_by_line_and_column_in_the_officers_language(
    space: Space, browser: Browser, language: str, said: str
) -> None:
    await browser.open(f"{PATH}?lang={language}")
    assert await send(browser, f"Sexo;Notas\nF;x\nM;y\n{PLANTED};z\n", OWN) == 422
    assert said in browser.shown
    assert say_in(language)("cases.nothing") in browser.shown
    assert cases_of(space.nodes[0]) == 60


@pytest.mark.parametrize(
    ("file", "mapping", "name", "key"),
    [
        ("", "", "", "refused.import-no-file"),
        ("a", "", f"{PLANTED}.pdf", "refused.import-kind"),
        ("", "", "a.csv", "refused.import-empty"),
        (b"PK\x03\x04" + PLANTED.encode(), "", "a.xlsx", "refused.import-not-excel"),
        (OWN_FILE, "{", "a.csv", "refused.document-form"),
        (OWN_FILE, " ", "a.csv", "refused.document-form"),
        (OWN_FILE, OWN | {"version": "2"}, "a.csv", "refused.mapping-vocabulary-other"),
    ],
)
async def test_what_is_no_file_of_cases_is_told_in_words(
    browser: Browser, file: Content, mapping: Any, name: str, key: str
) -> None:
    assert await send(browser, file, mapping, name) == 422
    assert SAY(key) in browser.shown


BAD: list[tuple[Content, Any]] = [
    (f"{PLANTED},feminine\nOther,masculine\n", ""),  # no header: the first line is a person
    (f"Sexo;{PLANTED}\nF;x\n", OWN),
    (f"Sexo;Notas\nF;{PLANTED}\n{PLANTED}x;{PLANTED}\n", OWN),
    (f"Sexo;Notas\nF;{PLANTED};3\n", OWN),
    (f'Sexo;Notas\nF;"{PLANTED}"x\n', OWN),
    (f"Sexo;Notas\nF;{PLANTED} ".encode() + b"\xff\n", OWN),
    (f"Sexo;{PLANTED};{PLANTED}\n", OWN),
    (OWN_FILE, f'{{"{PLANTED}": 1}}'),
    (OWN_FILE, OWN | {"columns": {"Sexo": {"column": "gender", "codes": {PLANTED: "no one"}}}}),
]


@pytest.mark.parametrize(("file", "mapping"), BAD, ids=range(len(BAD)))
async def test_nothing_of_a_refused_file_is_in_page_address_or_log(
    browser: Browser, caplog: pytest.LogCaptureFixture, file: Content, mapping: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    assert await send(browser, file, mapping, f"{PLANTED}.csv") == 422
    assert SAY("cases.nothing") in browser.shown
    seen = (browser.text, str(browser.answer.url), str(browser.answer.headers), caplog.text)
    assert not [text for text in seen if PLANTED in text]


async def test_a_problem_of_the_api_names_line_and_column_and_no_value(space: Space) -> None:
    key = (await key_of(space, space.nodes[0], *EVERYTHING)).reveal()
    async with browser_at(space.nodes[0]) as browser:
        headers = {**KIND, "Authorization": f"Bearer {key}"}
        bad = part("file", f"Sexo;Notas\nF;x\n{PLANTED};{PLANTED}\n", f"{PLANTED}.csv")
        body = part("mapping", json.dumps(OWN), "m.json") + bad + END
        answer = await browser.client.post("/api/cases", content=body, headers=headers)
    said = answer.json()
    assert (said["code"], said["line"], said["column"], said["becomes"]) == (
        "import-code", 3, "Sexo", "gender",
    )  # fmt: skip
    assert said["detail"].startswith("line 3, column gender: no code of its list")
    assert PLANTED not in answer.text


async def test_an_officer_for_something_else_is_told_so_in_words(space: Space) -> None:
    node = space.nodes[0]
    async with signed_in_at(space, node, OfficerDuty.ANALYST) as browser:
        await browser.open(PATH)
        assert SAY("cases.duty") in browser.shown
        assert "<input id=" not in browser.text
        token = dict(browser.fields("/leave"))["csrf"]
        body = part("csrf", token) + part("file", made_up(20), "a.csv") + END
        answer = await browser.client.post(PATH, content=body, headers=KIND)
        browser.answer = answer
    assert answer.status_code == 403
    assert SAY("refused.duty") in browser.shown
    assert cases_of(node) == 60


def forms(token: str) -> list[tuple[bytes, dict[str, str], int]]:
    file, csrf = part("file", made_up(20), "a.csv"), part("csrf", token)
    return [
        (file + END, {}, 403),
        (file + csrf + END, {}, 403),
        (part("csrf", token + "x") + file + END, {}, 403),
        (part("csrf", "ជ" * 30) + file + END, {}, 403),
        (part("csrf", "x" * 5_000) + file + END, {}, 413),
        (END, {}, 422),
        (csrf + file + END, {"Sec-Fetch-Site": "cross-site"}, 403),
        (csrf + file + END, {"Content-Type": "application/x-www-form-urlencoded"}, 422),
        (csrf + file, {}, 422),
    ]


async def test_only_a_form_of_this_page_is_taken(space: Space, browser: Browser) -> None:
    for body, headers, status in forms(dict(browser.fields(PATH))["csrf"]):
        answer = await browser.client.post(PATH, content=body, headers={**KIND, **headers})
        assert answer.status_code == status
        assert "<h1>" in answer.text
    assert cases_of(space.nodes[0]) == 60


async def test_a_large_file_is_never_held_as_a_whole(
    space: Space, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(space.folder / "not-there"))
    token, taken = dict(browser.fields(PATH))["csrf"], 0

    async def coming() -> AsyncIterator[bytes]:
        nonlocal taken
        yield part("csrf", token) + part("file", "gender\nnobody\n", "a.csv")[:-2]
        while taken < 64 * 2**20:
            taken += 2**16
            yield b"feminine\n" * (2**16 // 9)
        yield b"\r\n" + END

    tracemalloc.start()
    browser.answer = await browser.client.post(PATH, content=coming(), headers=KIND)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert SAY("refused.import-code", line="2", column="gender") in browser.shown
    assert taken >= 64 * 2**20
    assert peak < 16 * 2**20


async def test_no_other_page_takes_more_than_a_page_does_and_this_one_has_an_end(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "MOST_UPLOAD", 2 * 2**20)
    async with signed_in_at(space, space.nodes[0], *EVERYTHING) as browser:
        await browser.open(PATH)
        assert await send(browser, b"x" * 3 * 2**20) == 413
        assert SAY("error.too-large") in browser.shown
        large = b"x" * 2**19
        for path in ("/at/own/log/compare", "/leave", "/at/own/cases/"):
            answer = await browser.client.post(path, content=large, headers=KIND)
            assert answer.status_code in (404, 413, 422)
    assert cases_of(space.nodes[0]) == 60


async def test_a_node_that_holds_no_cases_has_no_such_page(space: Space) -> None:
    evaluator = space.nodes[-1]
    async with signed_in_at(space, evaluator, *EVERYTHING) as browser:
        assert PATH not in (await browser.open("/at/own")).text
        assert (await browser.open(PATH)).status_code == 404


@pytest.mark.parametrize("made", [own_console, hosted_console])
async def test_a_sandbox_takes_no_files(made: Callable[..., Console], tmp_path: Path) -> None:
    fake = FakeSpace()
    console = made(fake, tmp_path) if made is hosted_console else made(fake)
    place = fake.nodes().places[0]
    async with hands_at(fake, console, signed_in=False) as hands:
        cookie = console.sessions.open("Somebody", (place,))
        hands.client.cookies.set(console.cookie, cookie)
        assert f"/at/{place}/cases" not in (await hands.open(f"/at/{place}")).text
        assert (await hands.open(f"/at/{place}/cases")).status_code == 404
        answer = await hands.client.post(f"{BASE}/at/{place}/cases", content=b"x")
        assert answer.status_code in (404, 405)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_sandbox_node_asks_for_made_up_cases_and_a_real_one_does_not(
    space: Space, language: str
) -> None:
    sandbox, said = space.nodes[0], say_in(language)("cases.made-up")
    identity = replace(sandbox.books.identity, environment=Environment.PRODUCTION)
    real = Node(replace(sandbox.books, identity=identity), sandbox.outside)
    key = await key_of(space, sandbox, *EVERYTHING)
    for node in (sandbox, real):
        async with browser_at(node) as browser:
            await come_in(browser, key)
            await browser.open(f"{PATH}?lang={language}")
            assert say_in(language)("cases.button") in browser.shown
            assert (said in browser.shown) == (node is sandbox)
    assert say_in(language)("cases.none") in browser.shown


@pytest.mark.parametrize("path", ["/api/cases", PATH])
async def test_whoever_goes_while_a_file_comes_has_sent_none(
    space: Space, browser: Browser, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    node = space.nodes[0]
    key = (await key_of(space, node, *EVERYTHING)).reveal()
    begun = part("csrf", dict(browser.fields(PATH))["csrf"]) + part("file", made_up(9), "a.csv")
    coming = [{"type": "http.request", "body": begun, "more_body": True}]
    cookies = "; ".join(f"{k}={v}" for k, v in browser.client.cookies.items())
    headers = {**KIND, "Authorization": f"Bearer {key}", "Cookie": cookies}
    headers["User-Agent"] = browser.client.headers["user-agent"]
    answered: list[Any] = []

    async def receive() -> Any:
        return coming.pop() if coming else {"type": "http.disconnect"}

    async def answer(message: Any) -> None:
        answered.append(message)

    scope = {
        "type": "http", "method": "POST", "path": path, "query_string": b"", "scheme": "http",
        "http_version": "1.1", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    transport = browser.client._transport  # the pages know their own sessions alone
    assert isinstance(transport, httpx.ASGITransport)
    await transport.app(scope, receive, answer)
    assert answered[0]["status"] == 422
    assert "unforeseen" not in caplog.text
    assert cases_of(node) == 60
