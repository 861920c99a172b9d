"""Lighthouse: how quick the app is on a slow phone in a slow network, and whether everybody can
use it. Its default profile is a phone four times slower than this machine, at 1.6 Mbit/s."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.phones import chromium_flags

_CLI = Path(__file__).resolve().parents[2] / (
    ".tools/lighthouse/node_modules/lighthouse/cli/index.js"
)
MEASURED = ("performance", "accessibility")
SECONDS = 180
_TRIES = 3  # for a result at all


def missing() -> str | None:
    """Why Lighthouse cannot run here, if it cannot. scripts/test installs it."""
    if shutil.which("node") is None:
        return "Node.js is not here"
    return None if _CLI.exists() else "Lighthouse is not here; scripts/test installs it"


class NotMeasured(AssertionError):
    """Lighthouse did not come to a result; it says itself that it is to be run again."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one run found: a score from 0 to 100 for each category, and what cost points."""

    scores: dict[str, int]
    lines: tuple[str, ...]

    def __str__(self) -> str:
        """For a person to read."""
        return "\n".join((*(f"{name}: {n}" for name, n in self.scores.items()), *self.lines))


async def measure(
    url: str, chromium: str, measured: Sequence[str] = MEASURED, *more: str
) -> Report:
    """Load a page once, as for the first time, in a browser of Lighthouse's own; `more` are
    its options. Raises NotMeasured: it came to no result, though asked again."""
    for _ in range(_TRIES - 1):
        with suppress(NotMeasured):
            return await _once(url, chromium, measured, *more)
    return await _once(url, chromium, measured, *more)


async def _once(url: str, chromium: str, measured: Sequence[str], *more: str) -> Report:
    process = await asyncio.create_subprocess_exec(
        "node",
        str(_CLI),
        url,
        "--quiet",
        "--output=json",
        "--no-enable-error-reporting",
        f"--only-categories={','.join(measured)}",
        *more,
        f"--chrome-flags=--headless {' '.join(chromium_flags())}",
        env={**os.environ, "CHROME_PATH": chromium},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise NotMeasured(err.decode()[-2000:])
    return _report(json.loads(out), measured)


def _report(result: dict[str, Any], measured: Sequence[str]) -> Report:
    scores = {
        name: round((result["categories"][name]["score"] or 0) * 100) for name in measured
    }
    return Report(scores, tuple(_figures(result, measured)))


def _figures(result: dict[str, Any], measured: Sequence[str]) -> Iterator[str]:
    """Every figure that counts, and every audit that is not perfect."""
    for name in measured:
        for counted in result["categories"][name]["auditRefs"]:
            audit = result["audits"][counted["id"]]
            score, shown = audit["score"], audit.get("displayValue", "")
            if counted["weight"] and (shown or score not in {None, 1}):
                yield f"  {name}: {audit['title']}: {shown} (score {score})"
                yield from _where(audit)


def _where(audit: dict[str, Any]) -> Iterator[str]:
    for item in audit.get("details", {}).get("items", []):
        node = item.get("node", {})
        if audit["score"] == 0 and node:
            yield f"    {node.get('selector')}: {node.get('snippet')}"
