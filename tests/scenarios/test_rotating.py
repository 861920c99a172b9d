"""Every key of the installation is changed while it is stopped; then only the new ones work."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from controllers.rotating import rotate_keys
from controllers.sealing import Seal
from controllers.secrets import InstallationSecrets, load, registry_key_file
from controllers.settings import Settings
from controllers.store.models import Check
from controllers.story.checking import why_refused
from controllers.story.issuing import eligibility
from controllers.story.people import Json, Phone
from tests.scenarios.restoring import Again, desks
from tests.scenarios.small import gather_small
from tests.support.installation import running_installation

pytestmark = pytest.mark.agents


@dataclass
class Rotated:
    """An installation that was stopped, and its keys changed, and started again."""

    again: Again
    old: InstallationSecrets
    holder: Phone
    session: str
    check: Json

    @property
    def new(self) -> InstallationSecrets:
        return self.again.installation.secrets


@pytest.fixture(scope="module")
async def rotated(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rotated]:
    folder: Path = tmp_path_factory.mktemp("rotating") / "data"
    async with running_installation(folder) as first:
        small = await gather_small(first.settings)
        holder = await small.phone()
        await small.issue(holder, **eligibility())
        check, _ = await small.check(holder)
        old, session = first.secrets, holder.open._http.headers["Authorization"]
        await small.close()
    await rotate_keys(Settings(data_dir=folder), sealing=True, forget_payments=False)
    async with running_installation(folder) as second:
        yield Rotated(Again(second, await desks(second)), old, holder, session, check)


async def status(method: str, url: str, **headers: str) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.request(method, url, headers=headers, json={})
    return answer.status_code


async def test_old_credentials_and_wallets_go_on(rotated: Rotated) -> None:
    assert await rotated.again.verdict(rotated.holder) == "accepted"
    phone = await rotated.again.small.phone()
    await rotated.again.small.issue(phone, **eligibility())
    _, found = await rotated.again.small.check(phone)
    assert why_refused(found) == "accepted"


@pytest.mark.parametrize("which", ["old", "new"])
async def test_of_the_operators_keys_only_the_new_one_works(
    rotated: Rotated, which: str
) -> None:
    secrets: InstallationSecrets = getattr(rotated, which)
    url = f"{rotated.again.small.base_url}/api/governance/organisations"
    bearer = f"Bearer {secrets.operator_key.reveal()}"
    assert await status("GET", url, Authorization=bearer) == {"old": 401, "new": 200}[which]


@pytest.mark.parametrize("which", ["old", "new"])
async def test_of_the_agents_keys_only_the_new_ones_work(rotated: Rotated, which: str) -> None:
    secrets: InstallationSecrets = getattr(rotated, which)
    settings = rotated.again.installation.settings
    for name, ports in (("org", settings.org_ports), ("wallets", settings.wallet_ports)):
        url = f"http://127.0.0.1:{ports[0]}/multitenancy/wallets"
        key = secrets.agents[name].admin_key.reveal()
        assert await status("GET", url, **{"X-API-Key": key}) == {"old": 401, "new": 200}[which]


@pytest.mark.parametrize("which", ["old", "new"])
async def test_of_the_inner_keys_only_the_new_ones_work(rotated: Rotated, which: str) -> None:
    secrets: InstallationSecrets = getattr(rotated, which)
    inside = rotated.again.installation.settings.internal_url
    hook = f"{inside}/webhooks/org/topic/connections/"
    key = secrets.agents["org"].webhook_key.reveal()
    assert (await status("POST", hook, **{"X-API-Key": key}) == 401) == (which == "old")
    bearer = f"Bearer {secrets.registry_write_key.reveal()}"
    written = await status("PUT", f"{inside}/resources", Authorization=bearer)
    assert (written == 401) == (which == "old")


async def test_sessions_have_ended(rotated: Rotated) -> None:
    url = f"{rotated.again.small.base_url}/api/wallet/credentials"
    assert await status("GET", url, Authorization=rotated.session) == 401


async def test_no_secret_stayed_as_it_was(rotated: Rotated) -> None:
    old, new = rotated.old, rotated.new
    assert old.sealing_key != new.sealing_key
    assert old.session_key != new.session_key
    for name in ("org", "wallets"):
        before, after = old.agents[name], new.agents[name]
        assert before.wallet_key != after.wallet_key
        assert before.jwt_secret != after.jwt_secret
    folder = rotated.again.installation.settings.data_dir
    assert registry_key_file(folder).read_text() == new.registry_write_key.reveal()
    assert not (folder / "secrets.next.json").exists()
    assert load(folder).operator_key == new.operator_key


async def test_what_was_sealed_opens_with_the_new_key(rotated: Rotated) -> None:
    async with rotated.again.installation.haven.database.reading() as session:
        check = await session.get_one(Check, rotated.check["id"])
        others = await session.scalar(select(func.count()).select_from(Check))
    assert others
    if check.sealed_disclosed is None:
        pytest.skip("two minutes are over: what was disclosed is gone, as it should be")
    opened = Seal(rotated.new.sealing_key, "check").open(check.sealed_disclosed, check.id)
    assert "eligibility" in json.dumps(opened)
