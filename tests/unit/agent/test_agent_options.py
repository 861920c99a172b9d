"""How the agents are started: secrets in the environment alone, nothing inherited by chance."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from agent.options import AgentOptions, AgentSecrets
from core.errors import ConfigurationError
from core.secret import Secret

SECRETS = AgentSecrets(
    admin_key=Secret("planted-admin-key"),
    wallet_key=Secret("planted-wallet-key"),
    jwt_secret=Secret("planted-jwt-secret"),
    webhook_key=Secret("planted-webhook-key"),
)
PASSWORD = "planted-password"
DATABASE = Secret(f"postgresql://keeper:{PASSWORD}@db.internal:5433")
PLANTED = [getattr(SECRETS, each.name).reveal() for each in fields(SECRETS)] + [PASSWORD]


def options(**changes: object) -> AgentOptions:
    base = AgentOptions(
        name="org",
        label="Agent",
        home=Path("/home/of/org"),
        admin_port=1,
        inbound_port=2,
        endpoint="http://127.0.0.1:2",
        webhook_url="http://127.0.0.1:3/webhooks/org",
        secrets=SECRETS,
        did_domain="haven.localhost",
        host_map={"haven.localhost": "http://127.0.0.1:4"},
        registry_write_url="http://127.0.0.1:3",
        registry_write_key_file=Path("/home/of/registry-write.key"),
        holds_wallets=False,
    )
    return replace(base, **changes)  # type: ignore[arg-type] # each test names real fields


def after(command: list[str], option: str) -> list[str]:
    """The values that follow an option, each time that it stands there."""
    return [command[at + 1] for at, part in enumerate(command) if part == option]


EACH = pytest.mark.parametrize(
    "made",
    [options(), options(holds_wallets=True), options(database_url=DATABASE)],
    ids=["org", "wallets", "postgres"],
)


@EACH
def test_the_command_line_holds_no_secret(made: AgentOptions) -> None:
    command = " ".join(made.command())
    assert [each for each in PLANTED if each in command] == []


@EACH
def test_printing_the_options_shows_no_secret(made: AgentOptions) -> None:
    shown = f"{made!r} {made}"
    assert [each for each in PLANTED if each in shown] == []


def test_the_environment_holds_the_secrets() -> None:
    environment = options(database_url=DATABASE).environment()
    assert environment["ACAPY_ADMIN_API_KEY"] == "planted-admin-key"
    assert environment["ACAPY_WALLET_KEY"] == "planted-wallet-key"
    assert environment["ACAPY_MULTITENANT_JWT_SECRET"] == "planted-jwt-secret"
    webhook = "http://127.0.0.1:3/webhooks/org#planted-webhook-key"
    assert environment["ACAPY_WEBHOOK_URL"] == webhook
    assert json.loads(environment["ACAPY_WALLET_STORAGE_CREDS"]) == {
        "account": "keeper",
        "password": PASSWORD,
        "admin_account": "keeper",
        "admin_password": PASSWORD,
    }


def test_the_environment_says_where_things_are() -> None:
    environment = options().environment()
    assert environment["HOME"] == environment["ACAPY_HOME"] == "/home/of/org"
    assert environment["HAVEN_DID_DOMAIN"] == "haven.localhost"
    assert json.loads(environment["HAVEN_HOST_MAP"]) == {
        "haven.localhost": "http://127.0.0.1:4"
    }
    assert environment["HAVEN_REGISTRY_WRITE_URL"] == "http://127.0.0.1:3"
    assert environment["HAVEN_REGISTRY_WRITE_KEY_FILE"] == "/home/of/registry-write.key"
    assert "ACAPY_WALLET_STORAGE_CREDS" not in environment


def test_nothing_of_the_caller_leaks_into_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACAPY_ADMIN_INSECURE_MODE", "HAVEN_DATABASE_URL", "SSH_AUTH_SOCK", "API_KEY"):
        monkeypatch.setenv(name, "leftover")
    assert "leftover" not in options().environment().values()


def test_only_the_wallet_agent_has_the_vault() -> None:
    of_all = ["agent.plugins.webvh", "agent.plugins.lean", "agent.plugins.waiting"]
    assert after(options().command(), "--plugin") == of_all
    command = options(holds_wallets=True).command()
    assert after(command, "--plugin") == [*of_all, "agent.plugins.vault"]
    manager = "wallet_type=agent.plugins.vault.manager.vaultmanager"
    assert after(command, "--multitenancy-config") == [manager]


def test_the_admin_api_is_on_loopback_and_never_open() -> None:
    command = options().command()
    at = command.index("--admin")
    assert command[at + 1 : at + 3] == ["127.0.0.1", "1"]
    assert "--admin-insecure-mode" not in command
    assert options().admin_url == "http://127.0.0.1:1"


def test_a_wallets_key_is_used_as_it_is() -> None:
    assert after(options().command(), "--wallet-key-derivation-method") == ["RAW"]


def test_postgresql_is_named_without_its_password() -> None:
    command = options(database_url=DATABASE).command()
    assert after(command, "--wallet-storage-type") == ["postgres_storage"]
    (config,) = after(command, "--wallet-storage-config")
    assert json.loads(config)["url"] == "db.internal:5433"


@pytest.mark.parametrize("url", ["postgresql://db.internal", "postgresql://keeper@", "sqlite"])
def test_an_incomplete_database_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        options(database_url=Secret(url)).command()
    assert url not in str(caught.value)
