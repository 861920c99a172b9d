"""What watches over real processes: an agent that is killed or hangs is named, and comes back;
rubbish that reaches an agent leaves no value in its log; calls are measured as they are."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from controllers.health import Readiness
from controllers.story.cast import Cast
from controllers.story.issuing import eligibility, issue
from tests.scenarios.holders import new_phone
from tests.support.installation import Installation
from tests.support.waiting import until

pytestmark = pytest.mark.agents

PLANTED = "Qwertimaria-Zxcvgonzalez"
WALLETS_AWAY = "the wallet agent does not answer"
ORG_AWAY = "the organisations' agent does not answer"


async def readiness(installation: Installation) -> Readiness:
    async with httpx.AsyncClient(trust_env=False) as probe:
        answer = await probe.get(f"{installation.settings.base_url}/health/ready")
    found = Readiness.model_validate(answer.json())
    assert (answer.status_code == 200) == (found.status == "ok")
    return found


async def until_missing(installation: Installation, *expected: str) -> None:
    await until(
        lambda: readiness(installation),
        lambda found: found.not_ready == list(expected),
        seconds=60,
    )


@asynccontextmanager
async def hanging(pid: int) -> AsyncIterator[None]:
    """A process that exists, listens and does nothing."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_an_agent_that_hangs_is_named_until_it_goes_on(
    installation: Installation,
) -> None:
    await until_missing(installation)
    pid = installation.agents["org-agent"].pid
    assert pid is not None
    async with hanging(pid):
        await until_missing(installation, ORG_AWAY)
    await until_missing(installation)


async def test_an_agent_that_is_killed_is_named_until_it_is_back(
    installation: Installation,
) -> None:
    child = installation.agents["wallet-agent"]
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    await until_missing(installation, WALLETS_AWAY)
    await until_missing(installation)
    assert child.restarts >= 1


def lines(path: Path, after: int) -> list[str]:
    return path.read_bytes()[after:].decode().splitlines()


@pytest.mark.parametrize("name", ["org-agent", "wallet-agent"])
async def test_rubbish_leaves_no_value_in_an_agents_log(
    installation: Installation, name: str
) -> None:
    settings = installation.settings
    port = (settings.org_ports if name == "org-agent" else settings.wallet_ports)[1]
    log = settings.log_dir / f"{name}.log"
    before = log.stat().st_size
    async with httpx.AsyncClient(
        trust_env=False, base_url=f"http://127.0.0.1:{port}"
    ) as sender:
        for rubbish in rubbishes():
            await sender.post(
                "/", content=rubbish, headers={"Content-Type": "application/ssi-agent-wire"}
            )
    await until(lambda: _some(log, before), bool)
    written = [json.loads(line) for line in lines(log, before)]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in written)
    assert PLANTED not in log.read_text()


async def _some(log: Path, before: int) -> list[str]:
    await asyncio.sleep(0.5)
    return lines(log, before)


def rubbishes() -> list[bytes]:
    """What an agent cannot read, with something of somebody's in it."""
    preview = {
        "@type": "issue-credential/2.0/credential-preview",
        "attributes": [{"name": "given_names", "value": {"not": PLANTED}}],
    }
    messages: list[Any] = [
        {"@type": "https://didcomm.org/issue-credential/2.0/offer-credential", "@id": PLANTED,
         "credential_preview": preview, "formats": PLANTED, "offers~attach": PLANTED},
        {"@type": "https://didcomm.org/connections/1.0/request", "label": PLANTED,
         "connection": {"DID": PLANTED, "DIDDoc": PLANTED}},
        {"@type": "https://didcomm.org/present-proof/2.0/presentation", "comment": [PLANTED]},
        {"@type": PLANTED},
        {"protected": PLANTED, "iv": PLANTED, "ciphertext": PLANTED, "tag": PLANTED},
        [PLANTED],
    ]  # fmt: skip
    return [json.dumps(each).encode() for each in messages] + [PLANTED.encode()]


async def test_an_exchange_is_measured(installation: Installation, cast: Cast) -> None:
    phone = await new_phone(cast)
    await issue(cast, phone, "shelter-a", "service-eligibility", **eligibility())
    async with httpx.AsyncClient(trust_env=False) as scraper:
        answer = await scraper.get(f"{installation.settings.internal_url}/metrics")
    shown = {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in answer.text.splitlines()
        if not line.startswith("#")
    }
    assert shown["haven_accept_to_stored_seconds_count"] >= 1
    assert any(name.startswith("haven_agent_calls_total") for name in shown)
    assert any(name.startswith("haven_registry_fill_ratio") for name in shown)
    assert phone.wallet_id not in answer.text
