"""What can be known of the images and compose files without a Docker engine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers.installation import Kind
from controllers.settings import Settings
from tests.support.proxy import TEMPLATES, Certificate, fill_in
from tests.support.topology import proxy_values

DOCKER = Path(__file__).parents[3] / "docker"
ONE, MORE = ("compose.yaml",), ("compose.yaml", "compose.replicas.yaml")
BOTH = pytest.mark.parametrize("files", [ONE, MORE], ids=["one", "replicas"])
EXACT = re.compile(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?(@sha256:[0-9a-f]{64})?")

type Service = dict[str, Any]


def _merged(below: Any, above: Any, key: str = "") -> Any:
    """Two of Compose's values as it merges them, as far as these files need it."""
    if isinstance(below, dict) and isinstance(above, dict):
        return {
            name: _merged(below[name], above[name], name)
            if name in below and name in above
            else above.get(name, below.get(name))
            for name in {**below, **above}
        }
    if key == "volumes":  # one for each place
        places = {each.split(":")[1]: each for each in [*below, *above]}
        return list(places.values())
    if isinstance(below, list) and isinstance(above, list) and key not in {"command", "test"}:
        return [*below, *(each for each in above if each not in below)]
    return above


@cache
def composed(files: tuple[str, ...]) -> dict[str, Service]:
    """The services that these files make, each with all that it extends."""
    base = yaml.safe_load((DOCKER / "base.yaml").read_text())["services"]
    services: dict[str, Service] = {}
    for file in files:
        for name, given in yaml.safe_load((DOCKER / file).read_text())["services"].items():
            own = dict(given)
            extended = own.pop("extends", None)
            whole = _merged(base[extended["service"]], own) if extended else own
            services[name] = _merged(services.get(name, {}), whole)
    return services


def ours(files: tuple[str, ...]) -> dict[str, Service]:
    """The services that run Haven itself."""
    found = composed(files)
    return {name: each for name, each in found.items() if each["image"].startswith("haven:")}


# --- what others have written checks for --------------------------------------------------


@pytest.mark.parametrize("file", sorted(DOCKER.glob("*.yaml")), ids=lambda path: path.name)
def test_compose_files_follow_the_published_schema(file: Path) -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    command = [program, "--builtin-schema", "vendor.compose-spec", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_dockerfile_passes_hadolint() -> None:
    found = shutil.which("hadolint", path=Path(sys.executable).parent)
    if found is None:
        pytest.skip("hadolint has no package for this kind of machine")
    command = [found, "--failure-threshold", "info", DOCKER / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# --- what every container is held to ------------------------------------------------------


@BOTH
def test_every_service_is_an_ordinary_user_who_can_write_nowhere(
    files: tuple[str, ...],
) -> None:
    for name, service in composed(files).items():
        user, _, group = service["user"].partition(":")
        assert int(user) > 0, name
        assert int(group) > 0, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert "privileged" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name


@BOTH
def test_every_service_has_limits_and_an_exact_image(files: tuple[str, ...]) -> None:
    for name, service in composed(files).items():
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory", "pids"} <= limits.keys(), name
        assert EXACT.fullmatch(service["image"]), name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name


@BOTH
def test_every_service_that_stays_says_how_it_is_and_comes_back(files: tuple[str, ...]) -> None:
    for name, service in composed(files).items():
        if service["restart"] == "no":
            assert service["healthcheck"] == {**service["healthcheck"], "disable": True}, name
        else:
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"][0] == "CMD", name


@BOTH
def test_nobody_but_the_proxy_has_a_port_on_the_machine(files: tuple[str, ...]) -> None:
    published = {name for name, each in composed(files).items() if "ports" in each}
    assert published == {"proxy"}
    assert all("network_mode" not in each for each in composed(files).values())


@BOTH
def test_what_the_world_reaches_cannot_reach_what_is_inside(files: tuple[str, ...]) -> None:
    services = composed(files)
    assert set(services["proxy"]["networks"]) == {"edge", "front"}
    assert set(services["database"]["networks"]) == {"store"}
    for name, service in ours(files).items():
        assert "edge" not in service["networks"], name
    networks = yaml.safe_load((DOCKER / "compose.yaml").read_text())["networks"]
    inner = {name for name, network in networks.items() if network.get("internal")}
    assert inner == {"front", "inside", "store", "nowhere"}


@BOTH
def test_the_controllers_believe_the_proxy_and_nobody_else(files: tuple[str, ...]) -> None:
    own = composed(files)["proxy"]["networks"]["front"]["ipv4_address"]
    for service in ours(files).values():
        assert service["environment"]["HAVEN_TRUSTED_PROXIES"] == f"{own}/32"
    networks = yaml.safe_load((DOCKER / "compose.yaml").read_text())["networks"]
    (config,) = networks["front"]["ipam"]["config"]
    assert ip_address(own) in ip_network(config["subnet"])
    assert ip_address(own) not in ip_network(config["ip_range"]), "nobody else gets it"


@BOTH
def test_only_init_may_write_secrets_and_no_secret_is_in_an_environment(
    files: tuple[str, ...],
) -> None:
    for name, service in ours(files).items():
        (mounted,) = [each for each in service["volumes"] if each.startswith("secrets:")]
        assert mounted.endswith(":ro") == (name != "init"), name
    for name, service in composed(files).items():
        for key, value in service.get("environment", {}).items():
            named = any(part in key for part in ("PASSWORD", "SECRET", "KEY", "PASSPHRASE"))
            assert not named or str(value).startswith(("/run/secrets/", "/var/lib/")), (
                name,
                key,
            )
            assert not re.search(r"://[^/@]*:[^/@]*@", str(value)), "no password in an address"


@BOTH
def test_no_wallet_is_where_another_agent_could_read_it(files: tuple[str, ...]) -> None:
    holders = {
        name: {each.split(":")[0] for each in service.get("volumes", [])}
        for name, service in composed(files).items()
    }
    for volume, owner in (("wallets", "wallet-agent"), ("wallets-2", "wallet-agent-2")):
        assert {name for name, held in holders.items() if volume in held} <= {owner, "backup"}
    for name in holders:
        if name.startswith("wallet-agent"):
            assert "store" not in composed(files)[name]["networks"]


# --- they start what there is -------------------------------------------------------------


@BOTH
def test_every_setting_is_one_of_ours(
    files: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {f"HAVEN_{name.upper()}" for name in Settings.model_fields}
    for service in ours(files).values():
        given = {
            key: str(value).replace("${DOMAIN}", "haven.example")
            for key, value in service["environment"].items()
        }
        given["HAVEN_DID_DOMAIN"] = "haven.example"
        assert given.keys() <= known
        with monkeypatch.context() as environment:
            for key, value in given.items():
                environment.setenv(key, value)
            Settings().check_topology()


@BOTH
def test_each_process_is_there_and_asked_where_it_listens(files: tuple[str, ...]) -> None:
    services, settings = ours(files), Settings()
    started = []
    for name, service in services.items():
        match service["command"]:
            case ["run", kind, "--index", index]:
                number = int(index)
                ports = {
                    Kind.CONTROLLERS: settings.model_copy(
                        update={"replica": number}
                    ).internal_port,
                    Kind.ORG: settings.org_ports_of(number)[0],
                    Kind.WALLETS: settings.wallet_ports_of(number)[0],
                }
                port = ports[Kind(kind)]
                assert f":{port}/" in service["healthcheck"]["test"][-1], name
                started.append((kind, number))
    numbers = range(2 if files == MORE else 1)
    assert sorted(started) == sorted((kind.value, n) for kind in Kind for n in numbers)


@BOTH
def test_addresses_lead_to_services_and_to_the_ports_they_have(files: tuple[str, ...]) -> None:
    services = composed(files)
    ports = {"database": {5432}, "balancer": {8020, 8021}, "proxy": {443}}
    settings = Settings()
    for name, service in ours(files).items():
        match service["command"]:
            case ["run", kind, "--index", index]:
                number = int(index)
                public = settings.model_copy(update={"replica": number}).public_port
                ports[name] = {
                    Kind.CONTROLLERS: {public, public + 1},
                    Kind.ORG: set(settings.org_ports_of(number)),
                    Kind.WALLETS: set(settings.wallet_ports_of(number)),
                }[Kind(kind)]
    for service in services.values():
        for value in service.get("environment", {}).values():
            for host, port in re.findall(r"\b([a-z][a-z0-9-]*):(\d{4,5})\b", str(value)):
                assert int(port) in ports[host], value


@pytest.mark.parametrize(("kind", "name"), [("public", "proxy"), ("inside", "balancer")])
def test_the_proxies_are_given_every_value(kind: str, name: str) -> None:
    given = {
        key: str(value)
        for key, value in composed(MORE)[name]["environment"].items()
        if key.startswith("PROXY_")
    }
    assert "${PROXY" not in fill_in(
        (TEMPLATES / kind / "haven.conf.template").read_text(), given
    )


def test_the_tested_topology_is_the_one_of_the_replicas(tmp_path: Path) -> None:
    """The same upstreams in the same order, but for the names of the machines."""
    tested = proxy_values(Settings(), 1, Certificate(tmp_path, tmp_path))
    services = composed(MORE)
    written = {**services["proxy"]["environment"], **services["balancer"]["environment"]}
    for key in ("CONTROLLERS", "INSIDE", "ORG_AGENTS", "WALLET_AGENTS"):
        pair = (tested[f"PROXY_{key}"], written[f"PROXY_{key}"])
        one, other = (re.sub(r"server [^:]+:", "server ", str(value)).split() for value in pair)
        assert one == other


def test_a_new_volume_belongs_to_the_image_s_user() -> None:
    dockerfile = (DOCKER / "Dockerfile").read_text()
    for service in ours(MORE).values():
        for volume in service["volumes"]:
            assert f"{volume.split(':')[1]}" in dockerfile
    assert "\nUSER 10001:10001\n" in dockerfile


def test_the_image_s_context_holds_no_data_and_no_secret() -> None:
    kept = (DOCKER / "Dockerfile.dockerignore").read_text().split()
    assert "*" in kept
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DOCKER / "Dockerfile").read_text(), re.M)
    assert {f"!{name}" for line in copied for name in line.split()} == {
        each for each in kept if each.startswith("!")
    }


def test_the_example_names_every_variable_and_no_secret() -> None:
    example = (DOCKER / ".env.example").read_text()
    names = set(re.findall(r"^([A-Z_]+)=", example, re.M))
    used = {
        name
        for file in DOCKER.glob("*.yaml")
        for name in re.findall(r"\$\{([A-Z_]+)", file.read_text())
    }
    assert names == used
    assert not [name for name in names if "PASSWORD" in name or "KEY" in name]
