"""An officer's browser brings a file in: what a real one sends is what the node takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controllers.dataspace.console.texts import say_in
from controllers.dataspace.officer_pages import Officers
from controllers.dataspace.officers import OfficerDuty, create_officer
from controllers.listening import listening
from tests.e2e.accessible import axe, outside
from tests.e2e.phones import Phones, Site
from tests.support.space import free_ports, running_space

pytestmark = pytest.mark.browser

ELSEWHERE = "http://elsewhere.example"
MAPPING = {
    "name": "shelter-files",
    "vocabulary": "cases",
    "version": "1",
    "columns": {"ភេទ": {"column": "gender", "codes": {"ស": "feminine"}}, "Notas": None},
}
FILE = "ភេទ,Notas\nស,a\n" + "ស,--\r\n" * 20


@pytest.mark.parametrize(("locale", "language"), [("es-MX", "es"), ("km-KH", "km")])
async def test_a_file_is_brought_in_by_a_browser(
    phones: Phones, tmp_path: Path, locale: str, language: str
) -> None:
    say = say_in(language)
    (mapping := tmp_path / "ឯកសារ.json").write_text(json.dumps(MAPPING))
    (good := tmp_path / 'a "b"; name="csrf".csv').write_text(FILE)
    (bad := tmp_path / "bad.csv").write_text(FILE + "x,y\n")
    async with running_space(tmp_path / "space") as space:
        node, at = space.nodes[0], space.outside.clock.now()
        duties = frozenset(OfficerDuty)
        key = (await create_officer(node.books.database, duties, at)).reveal()
        (port,) = free_ports(1)
        async with listening(Officers(node), "127.0.0.1", port):
            phone = await phones(Site(f"http://127.0.0.1:{port}", ELSEWHERE), locale=locale)
            phone.expect("status of 422")
            page = phone.page
            await phone.open("/key?then=/at/own/cases")
            await page.fill("#f-key", key)
            await page.click("main button")
            for file, role, said in (
                (bad, "alert", say("refused.import-code", line="23", column="ភេទ")),
                (good, "status", say("cases.done", imported="21", replaced="60")),
            ):
                await page.set_input_files("#f-file", file)
                await page.set_input_files("#f-mapping", mapping)
                await page.click("main button.main")
                await page.locator(f"main [role={role}]").wait_for()
                assert said in await page.inner_text(f"[role={role}]")
            await page.click("summary")
            assert [*await axe(page), *await outside(page)] == []
            assert "shelter-files" in await page.inner_text("main")
            await page.goto("about:blank")
    assert phone.troubles == []
