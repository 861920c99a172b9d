"""Packages of npm by a list of ours: one line for each, its place, its version, its hash.

npm's own lock files record the address each package came from, so they are not committed here.
`write LIST FOLDER` makes of a list the package.json and package-lock.json that `npm ci` obeys:
exactly these packages, each from the registry of this machine, each refused before it is
unpacked if its hash differs. `record LOCK` prints the list of a lock that npm resolved.
Runs on Python 3.9.
"""

import json
import sys
from pathlib import Path

MODULES = "node_modules/"
HEADER = "# Written by scripts/pin-npm: place below node_modules, version, hash of the package."


def lock_of(lines):
    """The two documents for npm. A package that lies below another is that one's dependency."""
    packages = {"": {"name": "tools", "dependencies": {}}}
    for place, version, integrity in sorted(lines):
        packages[place] = {"version": version, "integrity": integrity, "dependencies": {}}
    for place, entry in list(packages.items())[1:]:
        above, _, name = place.rpartition(MODULES)
        packages[above.rstrip("/")]["dependencies"][name] = entry["version"]
    own = {"name": "tools", "private": True, "dependencies": packages[""]["dependencies"]}
    return own, {"name": "tools", "lockfileVersion": 3, "packages": packages}


def read(text):
    """The lines of a list: (place, version, hash)."""
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return [(MODULES + place, version, integrity) for place, version, integrity in rows]


def recorded(lock):
    """The list of a lock; its packages for other machines are left out."""
    rows = sorted(
        (place[len(MODULES) :], entry["version"], entry["integrity"])
        for place, entry in lock["packages"].items()
        if place
    )
    return "\n".join([HEADER, *(" ".join(row) for row in rows)]) + "\n"


def main(verb, source, folder=None):
    """See above."""
    text = Path(source).read_text("utf-8")
    if verb == "record":
        sys.stdout.write(recorded(json.loads(text)))
        return
    for name, content in zip(("package.json", "package-lock.json"), lock_of(read(text))):  # noqa: B905 (Python 3.9)
        Path(folder, name).write_text(json.dumps(content, indent=1), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
