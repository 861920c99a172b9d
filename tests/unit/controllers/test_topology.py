"""Several processes of a kind: ports, addresses, names, and what has to be PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controllers.installation import children, in_turns, org_options, wallet_options
from controllers.secrets import load, load_or_create
from controllers.settings import PORT_BLOCK, Settings
from core.errors import ConfigurationError

STORE = "postgresql+asyncpg://haven@db/haven"
AGENTS = "postgresql://haven@db:5432"
MANY: dict[str, Any] = {
    "controllers_replicas": 5,
    "org_agents": 5,
    "wallet_agents": 5,
    "database_url": STORE,
    "agent_database_url": AGENTS,
}


def test_every_process_has_ports_of_its_own_within_the_block(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port_base=9000, **MANY)
    ports = [
        port
        for number in range(5)
        for one in [settings.model_copy(update={"replica": number})]
        for port in (
            one.public_port,
            one.internal_port,
            *settings.org_ports_of(number),
            *settings.wallet_ports_of(number),
        )
    ]
    assert sorted(ports) == list(range(9000, 9000 + PORT_BLOCK))


def test_every_process_has_a_name_a_log_and_a_home_of_its_own(tmp_path: Path) -> None:
    settings, secrets = Settings(data_dir=tmp_path, **MANY), load_or_create(tmp_path)
    specs = children(settings, secrets)
    assert len({spec.name for spec in specs}) == len({spec.log_file for spec in specs}) == 15
    homes = [org_options(settings, secrets, number).home for number in range(5)]
    homes += [wallet_options(settings, secrets, number).home for number in range(5)]
    assert len(set(homes)) == 10
    assert [home.name for home in homes if "-" not in home.name] == ["org", "wallets"]


def test_the_first_of_each_kind_starts_before_the_others(tmp_path: Path) -> None:
    specs = children(Settings(data_dir=tmp_path, **MANY), load_or_create(tmp_path))
    first, others = in_turns(spec.name for spec in specs)
    assert first == ["controllers", "org-agent", "wallet-agent"]
    assert len(others) == 12


def test_replicas_share_what_people_and_agents_are_told(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port_base=9000, **MANY)
    second = settings.model_copy(update={"replica": 1})
    assert (second.public_port, second.own_internal_url) == (9002, "http://127.0.0.1:9003")
    for name in ("base_url", "internal_url", "host_map", "org_admins", "wallet_admins"):
        assert getattr(second, name) == getattr(settings, name)
    assert settings.org_admins[:2] == ("http://127.0.0.1:9010", "http://127.0.0.1:9012")


def test_addresses_elsewhere_are_taken_as_given(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        org_admin_urls="http://one:8030/, http://two:8032",
        wallet_admin_urls="http://three:8040",
        internal_base_url="http://inside:8021/",
        registry_url="http://inside:8020",
    )
    assert settings.org_admins == ("http://one:8030", "http://two:8032")
    assert settings.wallet_admins == ("http://three:8040",)
    assert settings.internal_url == "http://inside:8021"
    assert settings.host_map == {"haven.localhost": "http://inside:8020"}


def test_each_wallet_agent_is_reached_under_its_number(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, wallet_endpoint="https://haven.example/w/{shard}")
    secrets = load_or_create(tmp_path)
    assert [wallet_options(settings, secrets, number).endpoint for number in (0, 1)] == [
        "https://haven.example/w/1",
        "https://haven.example/w/2",
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"controllers_replicas": 2},
        {"controllers_replicas": 2, "database_url": "sqlite+aiosqlite:////x.db"},
        {"org_agents": 2, "database_url": STORE},
        {"org_admin_urls": "http://one:1,http://two:2"},
        {"wallet_agents": 2, "wallet_endpoint": "https://haven.example/w"},
    ],
)
def test_what_cannot_be_shared_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Settings(**given).check_topology()


@pytest.mark.parametrize("given", [{}, MANY, {"wallet_agents": 5}])
def test_what_can_be_shared_is_not_refused(given: dict[str, Any]) -> None:
    Settings(**given).check_topology()


def test_the_databases_password_comes_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("it/is:odd\n")
    given = {"database_url": STORE, "agent_database_url": AGENTS}
    settings = Settings(data_dir=tmp_path, database_password_file=file, **given)
    assert settings.store_url == "postgresql+asyncpg://haven:it%2Fis%3Aodd@db/haven"
    assert settings.agent_store_url == "postgresql://haven:it%2Fis%3Aodd@db:5432"
    options = org_options(settings, load_or_create(tmp_path))
    assert '"it/is:odd"' in options.environment()["ACAPY_WALLET_STORAGE_CREDS"]
    file.unlink()
    with pytest.raises(ConfigurationError):
        _ = settings.store_url


def test_secrets_that_are_read_only_are_never_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        load(tmp_path)
    made = load_or_create(tmp_path)
    tmp_path.chmod(0o500)
    assert load(tmp_path) == made
    tmp_path.chmod(0o700)
