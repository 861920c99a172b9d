"""The wallet app's own verification, run by Node.js as a phone's browser runs it.

The modules are copied beside a driver (phone.js): only there are files called `.js` modules
for Node.js of every version, and the app itself needs no file that says so.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance.engine import Ask, Issue

type Json = dict[str, Any]

APP = Path(__file__).resolve().parents[2] / "wallet_app"
DRIVER = Path(__file__).with_name("phone.js")
NODE = shutil.which("node")


@dataclass
class Phone:
    """One process that answers line by line."""

    process: subprocess.Popen[str]

    def __call__(self, call: str, **given: Any) -> Json:
        """`gave` what the call gave, or the `step` and `reason` of a refusal."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        # escaped: readline takes U+2028 for the end of a line
        self.process.stdin.write(json.dumps({"call": call, **given}) + "\n")
        self.process.stdin.flush()
        answer: Json = json.loads(self.process.stdout.readline())
        assert "broke" not in answer, answer["broke"]
        return answer

    def step(self, call: str, **given: Any) -> str | None:
        """The step that refused; None if nothing did."""
        step: str | None = self(call, **given).get("step")
        return step


@contextmanager
def phone(folder: Path) -> Iterator[Phone]:
    """A phone whose files are copied into an empty `folder`."""
    (folder / "src").mkdir()
    (folder / "vendor").mkdir()
    shutil.copytree(APP / "src/governance", folder / "src/governance")
    shutil.copy(APP / "src/bytes.js", folder / "src")
    shutil.copy(APP / "vendor/ed25519.js", folder / "vendor")
    shutil.copy(DRIVER, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    assert NODE is not None
    with subprocess.Popen(
        [NODE, "phone.js"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        yield Phone(process)
        assert process.stdin is not None
        process.stdin.close()


def asked(query: Issue | Ask) -> Json:
    """A question as the app puts it."""
    if isinstance(query, Issue):
        return {
            "issuer": query.issuer,
            "credential": query.credential,
            "definitionId": query.definition_id,
        }
    return {"asker": query.asker, "purpose": query.purpose, "ask": shown(query.ask)}


def shown(ask: Any) -> Json:
    """A request as the app writes it: PresentationAsk with the app's spelling."""
    return {
        "asks": [
            {
                "label": each["label"],
                "schemaId": each["schema_id"],
                "reveal": each["reveal"],
                "predicates": each["predicates"],
            }
            for each in ask.model_dump(mode="json")["asks"]
        ]
    }
