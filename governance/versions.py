"""Semantic versions of a framework, with the meaning that Aries RFC 0430 gives their parts.

Major: a role, or something that a role may do, was taken away; whoever relied on it looks
again. Minor: something was added. Patch: everything else (who takes part, texts, dates), which
readers take without asking anybody.
"""

from __future__ import annotations

import re
from enum import IntEnum

# semver.org 2.0.0 without pre-release and build, which a framework in force never has
SEMANTIC_VERSION = re.compile(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})")
FIRST_VERSION = "1.0.0"


class Level(IntEnum):
    """How much a change means, least first."""

    PATCH = 0
    MINOR = 1
    MAJOR = 2


def parts(version: str) -> tuple[int, int, int]:
    """The three numbers, to compare by."""
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch


def following(version: str, level: Level) -> str:
    """The version after `version` for a change of this level."""
    major, minor, patch = parts(version)
    match level:
        case Level.MAJOR:
            return f"{major + 1}.0.0"
        case Level.MINOR:
            return f"{major}.{minor + 1}.0"
        case Level.PATCH:
            return f"{major}.{minor}.{patch + 1}"


def step(before: str, after: str) -> Level | None:
    """The level of going from one version to another; None if it does not go up."""
    old, new = parts(before), parts(after)
    if new <= old:
        return None
    if new[0] > old[0]:
        return Level.MAJOR
    return Level.MINOR if new[1] > old[1] else Level.PATCH
