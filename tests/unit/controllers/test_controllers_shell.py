"""The wallet app's files as they are sent: small, from here alone, and of one version."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import httpx
import pytest

from controllers.shell import FOLDER, START, Shell, shell_files
from core.errors import NotFound
from tests.support.installation import Swift

LEAVE_TO = "https://example.org/?a=1&b=2"


@pytest.fixture(scope="module")
def shell() -> Shell:
    return Shell(LEAVE_TO)


def _list(shell: Shell) -> dict[str, object]:
    text = shell.file("shell.js").plain.decode()
    listed: dict[str, object] = json.loads(text.removeprefix("self.SHELL = ").rstrip(";\n"))
    return listed


def test_the_workers_list_is_every_file_but_the_worker(shell: Shell) -> None:
    listed = _list(shell)["files"]
    assert isinstance(listed, list)
    assert set(listed) == {
        "./" if each == START else each for each in shell_files() if each != "sw.js"
    }


def test_no_file_for_maintainers_is_sent(shell: Shell) -> None:
    assert [path for path in shell.paths if path.endswith((".md", ".ts"))] == []
    assert [path for path in shell.paths if "config" in path] == []
    assert "vendor/LICENSES.txt" in shell.paths


def test_a_changed_file_makes_a_new_version(tmp_path: Path) -> None:
    (tmp_path / START).write_text("page")
    (tmp_path / "one.js").write_text("1")
    before = _list(Shell("", tmp_path))["version"]
    assert _list(Shell("", tmp_path))["version"] == before
    (tmp_path / "one.js").write_text("2")
    assert _list(Shell("", tmp_path))["version"] != before


def test_the_page_to_leave_to_is_written_into_the_start_page(shell: Shell) -> None:
    page = shell.file("").plain.decode()
    assert '<meta name="leave-to" content="https://example.org/?a=1&amp;b=2">' in page


def test_nothing_else_is_there(shell: Shell) -> None:
    for path in ("README.md", "../pyproject.toml", "src/none.js", "index"):
        with pytest.raises(NotFound):
            shell.file(path)


def test_what_is_kept_compressed_is_the_file(shell: Shell) -> None:
    for path in shell.paths:
        file = shell.file(path)
        assert file.packed is None or gzip.decompress(file.packed) == file.plain


def test_everything_a_page_names_is_there(shell: Shell) -> None:
    page = shell.file("").plain.decode()
    named = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert named
    assert [each for each in named if each not in shell.paths] == []


def test_the_desks_devices_have_the_same_page_at_an_address_of_their_own(shell: Shell) -> None:
    assert shell.file("kiosk") == shell.file("")
    assert "kiosk" not in shell.paths  # no file more, for the worker or the budget
    with pytest.raises(NotFound):
        shell.file("kiosk/")  # what the page names would be looked for in there


async def test_the_app_is_sent_with_headers_that_keep_it_to_itself(swift: Swift) -> None:
    async with httpx.AsyncClient(base_url=swift.settings.base_url, trust_env=False) as client:
        answer = await client.get("/wallet/")
        again = await client.get("/wallet/", headers={"If-None-Match": answer.headers["etag"]})
        bare = await client.get("/wallet", follow_redirects=False)
        lost = await client.get("/wallet/nothing.js")
    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "gzip"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "http" not in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert (again.status_code, again.content) == (304, b"")
    assert bare.headers["location"].endswith("/wallet/")
    assert lost.status_code == 404


def test_the_folder_is_that_of_the_checkout() -> None:
    assert (FOLDER / START).is_file()
