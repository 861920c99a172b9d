"""The smallest cast: an authority, a shelter that issues and checks, and, only where a guardian
is needed, a guardianship office. A second run on the same data finds them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from controllers.bench.people import Desk, Line
from controllers.story.people import Json

ELIGIBILITY, GUARDIANSHIP = "service-eligibility", "guardianship"
_AUTHORITY = ("authority", "Governance Authority", "governance-authority")
_MEMBERS = {
    ELIGIBILITY: ("shelter-a", "Harbour House", "shelter"),
    GUARDIANSHIP: ("guardianship-office", "Guardianship Office", "guardianship-office"),
}


@dataclass(frozen=True, slots=True)
class Cast:
    """A desk for each credential that is issued, and the shelter's that checks."""

    issuing: dict[str, Desk]
    checks: Desk


async def gather(line: Line, operator: str, kept: Path, credentials: tuple[str, ...]) -> Cast:
    """Found, admit, grant and make keys, as far as the file `kept` does not know them."""
    known = _read(kept)
    post = _Operator(line, operator)
    if not known:
        await post.organisation("authority", _AUTHORITY)
    wanted = [each for each in credentials if each not in known]
    for credential in wanted:
        await post.organisation("organisations", _MEMBERS[credential])
    # each definition takes some seconds of arithmetic
    await asyncio.gather(
        *(post.grant(_MEMBERS[credential][0], credential) for credential in wanted)
    )
    for credential in wanted:
        known[credential] = await post.key(_MEMBERS[credential][0], "issue")
    if "check" not in known:
        known["check"] = await post.key(_MEMBERS[ELIGIBILITY][0], "check")
    _write(kept, known)
    issuing = {name: Desk(line, known[name]) for name in credentials}
    return Cast(issuing, Desk(line, known["check"]))


def _read(kept: Path) -> dict[str, str]:
    return dict(json.loads(kept.read_text())) if kept.exists() else {}


def _write(kept: Path, known: dict[str, str]) -> None:
    kept.touch(mode=0o600)
    kept.write_text(json.dumps(known))


class _Operator:
    def __init__(self, line: Line, key: str) -> None:
        self._line, self._key = line, key

    async def organisation(self, path: str, member: tuple[str, str, str]) -> None:
        slug, label, role = member
        body = {"slug": slug, "label": label, "role": role, "name": label}
        await self._post(f"/api/governance/{path}", body)

    async def grant(self, slug: str, credential: str) -> None:
        body = {"organisation": slug, "credential": credential}
        await self._post("/api/governance/grants", body)

    async def key(self, slug: str, role: str) -> str:
        path = f"/api/governance/organisations/{slug}/keys"
        return str((await self._post(path, {"role": role}))["key"])

    async def _post(self, path: str, body: Json) -> Json:
        return await self._line.call("POST", path, self._key, body)
