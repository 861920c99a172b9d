"""Adding a credential needs a folder and nothing else: shown in a copy of the project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PARTS = (
    *("core", "agent", "controllers", "governance", "credential_defs", "wallet_app"),
    "tests",
)
NAME = "meal-card"


def _copy(target: Path) -> Path:
    leave_out = shutil.ignore_patterns("__pycache__", ".*")
    for part in PARTS:
        shutil.copytree(ROOT / part, target / part, ignore=leave_out)
    return target


def _add_folder(project: Path) -> None:
    source = project / "credential_defs" / "support_entitlement"
    folder = project / "credential_defs" / NAME.replace("-", "_")
    folder.mkdir()
    authored = json.loads((source / "credential.json").read_text())
    authored |= {"name": NAME, "issued_by": ["support-fund"]}
    authored["title"] |= {"en": "Meals"}
    (folder / "credential.json").write_text(json.dumps(authored))
    shutil.copy(source / "example.json", folder)


def _run(project: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_folder_is_all_that_a_new_credential_needs(tmp_path: Path) -> None:
    project = _copy(tmp_path / "project")
    _add_folder(project)
    _run(project, "credential_defs", "build")
    told = _run(project, "tests.support.new_credential", str(tmp_path / "data"), NAME)
    assert told.splitlines() == [f"{NAME}: Meals", "nothing to add: True"]
