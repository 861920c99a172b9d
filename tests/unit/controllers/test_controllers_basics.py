"""Secrets, settings, words, problems and how processes are started: the small parts."""

from __future__ import annotations

import json
import logging
import os
import stat
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controllers import problems, words
from controllers.installation import (
    CONTROLLERS,
    children,
    fix_did_domain,
    org_options,
    wallet_options,
)
from controllers.secrets import (
    InstallationSecrets,
    load_or_create,
    registry_key_file,
    write_private,
)
from controllers.settings import Settings
from core.errors import (
    ConfigurationError,
    Gone,
    GovernanceDenied,
    HavenError,
    NotAuthenticated,
    VerificationError,
)
from core.secret import Secret

LANGUAGES = Path(words.__file__).parent / "languages"
DATABASE_PASSWORD = "planted-database-password"


# --- secrets --------------------------------------------------------------------------------


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def revealed(secrets: InstallationSecrets) -> list[str]:
    agents = [
        getattr(parts, name).reveal()
        for parts in secrets.agents.values()
        for name in ("admin_key", "wallet_key", "jwt_secret", "webhook_key")
    ]
    return [
        *agents,
        secrets.registry_write_key.reveal(),
        secrets.sealing_key.reveal(),
        secrets.session_key.reveal(),
        secrets.operator_key.reveal(),
    ]


def test_secrets_are_made_once_and_only_for_their_owner(tmp_path: Path) -> None:
    before = os.umask(0)  # even where new files are open to everybody
    try:
        made = load_or_create(tmp_path / "data")
    finally:
        os.umask(before)
    assert load_or_create(tmp_path / "data") == made
    assert mode(tmp_path / "data") == 0o700
    assert mode(tmp_path / "data" / "secrets.json") == 0o600
    assert mode(registry_key_file(tmp_path / "data")) == 0o600


def test_every_secret_is_another_one(tmp_path: Path) -> None:
    first, second = (revealed(load_or_create(tmp_path / name)) for name in ("one", "two"))
    assert len({*first, *second}) == len(first) + len(second)
    assert all(len(each) >= 43 for each in first)


@pytest.mark.parametrize("wrong", [0o640, 0o604, 0o660, 0o601, 0o666])
def test_secrets_that_others_may_read_are_refused(tmp_path: Path, wrong: int) -> None:
    load_or_create(tmp_path)
    (tmp_path / "secrets.json").chmod(wrong)
    with pytest.raises(ConfigurationError):
        load_or_create(tmp_path)


def test_writing_leaves_no_half_file(tmp_path: Path) -> None:
    write_private(tmp_path / "key", "one")
    write_private(tmp_path / "key", "two")
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert (tmp_path / "key").read_text() == "two"


def test_printing_secrets_shows_none(tmp_path: Path) -> None:
    secrets = load_or_create(tmp_path)
    shown = f"{secrets!r} {secrets}"
    assert [each for each in revealed(secrets) if each in shown] == []


# --- settings -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_each_setting_is_described_and_read_from_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    given_values = {
        **dict.fromkeys(
            (
                "limit_links",
                "limit_wallets",
                "limit_sessions",
                "limit_refused",
                "limit_registry",
            ),
            "20",
        ),
        "port_base": "9000",
        "registry_size": "16",
        "data_dir": "/somewhere",
        "agent_log_level": "error",
        "agents_on_one_core": "False",
    }
    numbers = ("offer_minutes", "check_minutes", "session_minutes", "sweep_seconds")
    of_each = ("controllers_replicas", "org_agents", "wallet_agents", "replica")
    small = "3" if name in of_each else "text"
    value = given_values.get(name, "7" if name in numbers else small)
    monkeypatch.setenv(f"HAVEN_{name.upper()}", value)
    assert str(getattr(Settings(), name)).removesuffix(".0") == value
    assert Settings.model_fields[name].description


@pytest.mark.parametrize(
    "wrong",
    [
        {"port_base": 80},
        {"port_base": 65500},
        {"registry_size": 1},
        {"offer_minutes": 0},
        {"check_minutes": 0},
        {"session_minutes": 0},
        {"sweep_seconds": 0},
        {"controllers_replicas": 0},
        {"org_agents": 6},
        {"wallet_agents": 6},
        {"replica": 5},
        {"unknown": 1},
        {"agent_log_level": "debug"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().host = "0.0.0.0"  # type: ignore[misc] # frozen: that is what is tested


def test_ports_and_addresses_follow_from_the_base() -> None:
    settings = Settings(port_base=9000, data_dir=Path("/data"))
    assert (settings.public_port, settings.internal_port) == (9000, 9001)
    assert (settings.org_ports, settings.wallet_ports) == ((9010, 9011), (9020, 9021))
    assert settings.base_url == "http://localhost:9000"
    assert settings.store_url == "sqlite+aiosqlite:////data/haven.db"
    assert Settings(public_url="https://haven.example/").base_url == "https://haven.example"


# --- processes ------------------------------------------------------------------------------


def installed(data_dir: Path) -> tuple[Settings, InstallationSecrets]:
    settings = Settings(
        data_dir=data_dir,
        database_url=f"postgresql+asyncpg://haven:{DATABASE_PASSWORD}@db/haven",
        agent_database_url=f"postgresql://haven:{DATABASE_PASSWORD}@db:5432",
    )
    return settings, load_or_create(data_dir)


def test_no_process_has_a_secret_on_its_command_line(tmp_path: Path) -> None:
    settings, secrets = installed(tmp_path)
    for spec in children(settings, secrets):
        line = " ".join(spec.command)
        assert [s for s in (*revealed(secrets), DATABASE_PASSWORD) if s in line] == []


def test_no_agent_gets_the_secrets_of_another_or_of_the_controllers(tmp_path: Path) -> None:
    settings, secrets = installed(tmp_path)
    specs = {spec.name: str(dict(spec.environment)) for spec in children(settings, secrets)}
    for own, other in (("org", "wallets"), ("wallets", "org")):
        options = (org_options if own == "org" else wallet_options)(settings, secrets)
        environment = str(options.environment())
        foreign = [getattr(secrets.agents[other], name) for name in ("admin_key", "wallet_key")]
        foreign += [secrets.operator_key, secrets.sealing_key, secrets.session_key]
        assert [s for s in foreign if s.reveal() in environment] == []
    assert [s for s in revealed(secrets) if s in specs[CONTROLLERS]] == []


def test_the_controllers_are_started_with_the_same_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAVEN_UNHEARD_OF", "leftover")
    settings, secrets = installed(tmp_path)
    (spec,) = [each for each in children(settings, secrets) if each.name == CONTROLLERS]
    for name in list(os.environ):
        if name.startswith("HAVEN_"):
            monkeypatch.delenv(name)
    for name, value in spec.environment.items():
        if name.startswith("HAVEN_"):
            monkeypatch.setenv(name, value)
    assert Settings() == settings
    assert "HAVEN_UNHEARD_OF" not in spec.environment


def test_holders_wallets_stay_out_of_the_shared_database(tmp_path: Path) -> None:
    settings, secrets = installed(tmp_path)
    assert org_options(settings, secrets).database_url == Secret(
        settings.agent_database_url or ""
    )
    assert wallet_options(settings, secrets).database_url is None
    assert wallet_options(settings, secrets).holds_wallets
    assert not org_options(settings, secrets).holds_wallets


def test_the_did_domain_is_for_good(tmp_path: Path) -> None:
    fix_did_domain(Settings(data_dir=tmp_path))
    fix_did_domain(Settings(data_dir=tmp_path))
    with pytest.raises(ConfigurationError):
        fix_did_domain(Settings(data_dir=tmp_path, did_domain="other.example"))


# --- words ----------------------------------------------------------------------------------


def texts(path: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(path.read_text())["texts"]
    return found


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


FILES = sorted(LANGUAGES.glob("*.json"))
EACH_FILE = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@EACH_FILE
def test_every_language_says_who_reviewed_it(path: Path) -> None:
    assert json.loads(path.read_text())["review"].strip()


@EACH_FILE
def test_every_language_has_every_sentence_with_its_parts(path: Path) -> None:
    english = texts(LANGUAGES / "en.json")
    mine = texts(path)
    assert mine.keys() == english.keys()
    assert {key: placeholders(mine[key]) for key in mine} == {
        key: placeholders(english[key]) for key in english
    }
    assert all(text.strip() for text in mine.values())


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("km", "km"),
        ("KM-kh", "km"),
        ("fr, es;q=0.8, en;q=0.5", "es"),
        ("fr", "en"),
        ("../en", "en"),
        (",,;", "en"),
    ],
)
def test_the_first_language_that_we_have_is_taken(header: str | None, language: str) -> None:
    assert words.preferred(header) == language


@given(st.text(max_size=60))
def test_any_header_gives_a_language_that_we_have(header: str) -> None:
    assert words.preferred(header) in words.languages()


def test_unknown_languages_are_not_remembered() -> None:
    words.preferred("en")
    before = words._texts.cache_info().currsize
    for number in range(50):
        words.preferred(f"nolanguage{number}")
    assert words._texts.cache_info().currsize <= max(before, len(words.languages()))


def test_a_sentence_in_an_unknown_language_is_english() -> None:
    assert words.words("xx", "card") == texts(LANGUAGES / "en.json")["card"]


# --- problems -------------------------------------------------------------------------------

SECRET_TEXT = "planted-text-of-an-error"
MOST = 64 * 1024


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: int = Field(ge=0, le=9)
    word: str = Field(max_length=3, pattern="^[a-z]+$")
    many: dict[str, int] = Field(default_factory=dict)


def app_raising(error: BaseException | None = None) -> FastAPI:
    app = FastAPI()
    problems.install(app, MOST)

    @app.get("/raise")
    async def fails() -> None:
        if error is not None:
            raise error

    @app.post("/take/{place}")
    async def takes(place: int, body: Body, query: int = 0) -> dict[str, bool]:
        return {"taken": True}

    return app


def client_of(app: FastAPI) -> httpx.AsyncClient:
    # what nobody foresaw must be answered by the app, not only by the server around it
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://haven")


def tree(error: type[HavenError] = HavenError) -> Iterator[type[HavenError]]:
    yield error
    for each in error.__subclasses__():
        yield from tree(each)


def made(error: type[HavenError]) -> HavenError:
    if issubclass(error, GovernanceDenied):
        return error("In words", rule_id="grants", reason="not-granted")
    if issubclass(error, VerificationError):
        return error("In words", step="proof")
    return error("In words", extra=7)


@pytest.mark.parametrize("error", list(tree()), ids=lambda error: error.__name__)
async def test_every_error_has_its_problem_details(error: type[HavenError]) -> None:
    async with client_of(app_raising(made(error))) as client:
        answer = await client.get("/raise")
    assert answer.status_code == error.status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"urn:haven:problem:{error.slug}"
    assert (body["title"], body["status"]) == (error.title, error.status)
    assert (body["detail"], body["code"]) == ("In words", error.slug)
    problems.Problem.model_validate(body)
    assert {name: body[name] for name in made(error).extra} == made(error).extra
    assert ("www-authenticate" in answer.headers) is (error.status == 401)


def test_no_two_errors_share_a_slug() -> None:
    slugs = [error.slug for error in tree()]
    assert len(slugs) == len(set(slugs))


async def test_a_code_says_more_closely_what_happened() -> None:
    async with client_of(app_raising(Gone("In words", code="link-used"))) as client:
        body = (await client.get("/raise")).json()
    assert (body["type"], body["code"]) == ("urn:haven:problem:gone", "link-used")


async def test_extra_members_do_not_replace_the_standard_ones() -> None:
    error = NotAuthenticated("Real", status=200, title="other", type="other")
    async with client_of(app_raising(error)) as client:
        body = (await client.get("/raise")).json()
    assert (body["status"], body["detail"], body["title"]) == (
        401,
        "Real",
        NotAuthenticated.title,
    )


@pytest.mark.parametrize(
    "error", [ValueError(SECRET_TEXT), KeyError(SECRET_TEXT), RecursionError(SECRET_TEXT)]
)
async def test_what_nobody_foresaw_is_answered_and_logged_without_its_text(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with client_of(app_raising(error)) as client:
        answer = await client.get("/raise")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:haven:problem:internal"
    assert SECRET_TEXT not in answer.text
    assert type(error).__name__ in caplog.text
    assert SECRET_TEXT not in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("DELETE", "/raise", 405), ("POST", "/raise", 405)],
)
async def test_what_there_is_not_is_a_problem_too(method: str, path: str, status: int) -> None:
    async with client_of(app_raising()) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_too_large_a_body_is_refused() -> None:
    async with client_of(app_raising()) as client:
        answer = await client.post("/take/1", content=b"x" * (MOST + 1))
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:haven:problem:too-large")


# what a person may have typed into the wrong field; distinct from every word of our messages
_planted = st.text(string.ascii_uppercase + string.digits, min_size=6, max_size=30).map(
    lambda text: f"Zz{text}"
)


@given(_planted, st.sampled_from(["number", "word", "many", "key", "extra", "path", "query"]))
async def test_a_refused_request_is_never_repeated(planted: str, where: str) -> None:
    body: dict[str, Any] = {"number": 1, "word": "abc"}
    path, query = "1", "0"
    match where:
        case "number" | "word":
            body[where] = planted
        case "many":
            body["many"] = {"a": planted}
        case "key":
            body["many"] = {planted: "no number"}
        case "extra":
            body[planted] = 1
        case "path":
            path = planted
        case "query":
            query = planted
    async with client_of(app_raising()) as client:
        answer = await client.post(f"/take/{path}", json=body, params={"query": query})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:haven:problem:invalid-input"
    assert planted not in answer.text


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 50_000, b'"\xff"', b"null", b"{}"])
async def test_what_cannot_be_read_is_a_problem(content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    async with client_of(app_raising()) as client:
        answer = await client.post("/take/1", content=content, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
