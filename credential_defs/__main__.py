"""`python -m credential_defs build`: write the OCA bundles of every credential's folder.

`python -m credential_defs check` writes nothing and fails if a bundle is not what its source
makes it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from credential_defs.loader import HERE, bundle_file, folders, load_source
from credential_defs.oca import FORMS, serialise
from credential_defs.oca.emit import emit


def generated(folder: Path) -> dict[Path, str]:
    """The bundle files of one folder with the text they are to have."""
    source = load_source(folder)
    return {folder / bundle_file(form): serialise(emit(source, form), form) for form in FORMS}


def build(root: Path = HERE) -> list[Path]:
    """Writes every bundle that differs from its source; returns the files written."""
    changed = stale(root)
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")
    return list(changed)


def stale(root: Path = HERE) -> dict[Path, str]:
    """The bundle files that are missing or not what their source makes them."""
    wanted = {
        path: text for folder in folders(root) for path, text in generated(folder).items()
    }
    return {path: text for path, text in wanted.items() if _read(path) != text}


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m credential_defs", description=__doc__)
    parser.add_argument("command", choices=("build", "check"))
    command = parser.parse_args().command
    paths = build() if command == "build" else list(stale())
    for path in paths:
        print(f"{'wrote' if command == 'build' else 'stale'} {path.parent.name}/{path.name}")
    return 1 if command == "check" and paths else 0


if __name__ == "__main__":
    sys.exit(main())
