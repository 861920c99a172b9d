"""What scripts/vendor reads from wallet_app/vendor/vendor.json, and what it writes there.

Runs on Python 3.9.
"""

import hashlib
import json
import sys
from pathlib import Path


def packages(vendor):
    """Print the list for scripts/npm_tree.py."""
    listed = _listed(vendor)
    for name, package in {**listed["packages"], **listed["bundler"]}.items():
        print(name, package["version"], package["integrity"])


def options(vendor):
    """Print what the bundler is called with."""
    print(" ".join(_listed(vendor)["options"]))


def sources(vendor, work):
    """Write what each file is made of, and the parts that these import."""
    listed = _listed(vendor)
    made = {
        Path(name).with_suffix(".mjs"): file["source"] for name, file in listed["files"].items()
    }
    for name, lines in {**made, **listed["parts"]}.items():
        Path(work, name).write_text("".join(f"{line}\n" for line in lines), "utf-8")


def finish(vendor, work):
    """Note the hashes of what was made; gather the licences."""
    listed = _listed(vendor)
    for name, file in listed["files"].items():
        file["sha256"] = hashlib.sha256(Path(vendor, name).read_bytes()).hexdigest()
    content = json.dumps(listed, indent=2, ensure_ascii=False)
    Path(vendor, "vendor.json").write_text(f"{content}\n", "utf-8")
    licences = [_licence(name, package, work) for name, package in listed["packages"].items()]
    Path(vendor, "LICENSES.txt").write_text("\n\n".join(licences), "utf-8")


def _licence(name, package, work):
    """The shorter one, where a package may be had under either of two."""
    folder = Path(work, "node_modules", name)
    found = [path for path in map(folder.joinpath, ("LICENSE-MIT", "LICENSE")) if path.exists()]
    text = found[0].read_text("utf-8").strip()
    title = f"{name} {package['version']} ({package['licence']})"
    return f"{title}\n{'=' * len(title)}\n\n{text}\n"


def _listed(vendor):
    return json.loads(Path(vendor, "vendor.json").read_text("utf-8"))


if __name__ == "__main__":
    {each.__name__: each for each in (packages, options, sources, finish)}[sys.argv[1]](
        *sys.argv[2:]
    )
