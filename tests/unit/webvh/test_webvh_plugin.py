"""The ACA-Py plugin over a real Askar wallet in memory and the registry in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import base58
import pytest
from acapy_agent.anoncreds.base import (
    AnonCredsObjectNotFound,
    AnonCredsRegistrationError,
    AnonCredsResolutionError,
)
from acapy_agent.anoncreds.constants import (
    CATEGORY_CRED_DEF,
    CATEGORY_REV_LIST,
    CATEGORY_REV_REG_DEF,
    CATEGORY_REV_REG_DEF_PRIVATE,
)
from acapy_agent.anoncreds.models.credential_definition import CredDef
from acapy_agent.anoncreds.models.issuer_cred_rev_record import IssuerCredRevRecord
from acapy_agent.anoncreds.models.revocation import RevList, RevRegDef
from acapy_agent.anoncreds.models.schema import AnonCredsSchema
from acapy_agent.resolver.default.webvh import WebvhDIDResolver
from acapy_agent.resolver.did_resolver import DIDResolver
from acapy_agent.utils.testing import create_test_profile
from anoncreds import (
    CredentialDefinition,
    RevocationRegistryDefinition,
    RevocationStatusList,
    Schema,
)

from agent.plugins.webvh.config import WebvhConfig, read_config
from agent.plugins.webvh.identity import (
    create_identity,
    find_identity,
    load_identity,
    rotate_update_key,
    sign_statement,
)
from agent.plugins.webvh.registrar import WebvhAnonCredsRegistry
from agent.plugins.webvh.resolver import VerifyingWebvhResolver, replace_resolver
from agent.plugins.webvh.revocations import revoke
from agent.plugins.webvh.runtime import WebvhRuntime
from agent.plugins.webvh.tails import fetch_tails
from agent.webvh.reader import WebvhReader
from core.canonical import Json
from core.errors import (
    ConfigurationError,
    InvalidInput,
    NotFound,
    Unavailable,
    VerificationError,
)
from tests.fakes.registry import DOMAIN, MemoryRegistry

OPAQUE = "abcdefgh12"
ISSUED = 6


class FailingRegistry(MemoryRegistry):
    """The registry in memory, down while `down`; with `late`, it answers only in error."""

    down = False
    late = False

    async def append_log(self, *args: Any, **kwargs: Any) -> None:
        await self._fail(super().append_log(*args, **kwargs))

    async def publish(self, *args: Any) -> None:
        await self._fail(super().publish(*args))

    async def _fail(self, work: Any) -> None:
        if self.down:
            work.close()
            raise Unavailable("the registry does not answer")
        await work
        if self.late:
            raise Unavailable("the answer was lost")


def make_runtime(registry: MemoryRegistry) -> WebvhRuntime:
    config = WebvhConfig(DOMAIN, {}, "http://registry", "k" * 16)
    return WebvhRuntime(config, registry, WebvhReader(registry), registry)


async def new_profile() -> Any:
    return await create_test_profile({"wallet.type": "askar-anoncreds"})


@pytest.fixture
def registry() -> FailingRegistry:
    return FailingRegistry()


@pytest.fixture
def runtime(registry: FailingRegistry) -> WebvhRuntime:
    return make_runtime(registry)


# -- identities


async def test_a_tenant_has_one_identity(runtime: WebvhRuntime) -> None:
    profile = await new_profile()
    with pytest.raises(NotFound):
        await load_identity(profile)
    made = await asyncio.gather(
        *(create_identity(runtime, profile, OPAQUE + str(n)) for n in range(3))
    )
    assert made[0] == made[1] == made[2] == await load_identity(profile)
    found = await runtime.reader.did(made[0].did)
    assert found.document["assertionMethod"] == [made[0].verification_method]
    statement = await sign_statement(profile, {"purpose": "x", "issuer": "someone else"})
    assert await runtime.reader.verify_statement(statement) == made[0].did
    with pytest.raises(InvalidInput):
        await sign_statement(profile, {"type": ["AttestedResource"]})


async def test_an_identity_that_was_not_published_is_finished_later(
    runtime: WebvhRuntime, registry: FailingRegistry
) -> None:
    profile = await new_profile()
    registry.down = True
    with pytest.raises(Unavailable):
        await create_identity(runtime, profile, OPAQUE)
    begun = await find_identity(profile)
    with pytest.raises(NotFound):
        await load_identity(profile)
    registry.down, registry.late = False, True
    with pytest.raises(Unavailable):
        await create_identity(runtime, profile, OPAQUE)
    registry.late = False
    finished = await create_identity(runtime, profile, OPAQUE)
    assert begun is not None
    assert finished == replace(begun, published=1)


async def test_rotation_goes_on_where_it_stopped(
    runtime: WebvhRuntime, registry: FailingRegistry
) -> None:
    profile = await new_profile()
    first = await create_identity(runtime, profile, OPAQUE)
    registry.late = True
    with pytest.raises(Unavailable):
        await rotate_update_key(runtime, profile)
    registry.late = False
    for expected in (2, 3):
        rotated = await rotate_update_key(runtime, profile)
        assert len(rotated.entries) == expected
    found = await runtime.reader.did(first.did, fresh=True)
    assert found.version_number == 3
    assert found.document["assertionMethod"] == [first.verification_method]


# -- AnonCreds objects


@pytest.fixture(scope="session")
def key_material() -> Json:
    """A revocable credential definition: its keys take seconds, so they are made once."""
    issuer = "did:webvh:nobody"
    schema = Schema.create("shelter", "1.0", issuer, ["a"])
    public, _, _ = CredentialDefinition.create(
        f"{issuer}/schema", schema, issuer, "t", "CL", support_revocation=True
    )
    found: Json = public.to_dict()
    return found


def definition_of(key_material: Json, did: str) -> CredentialDefinition:
    return CredentialDefinition.load(
        {**key_material, "issuerId": did, "schemaId": f"{did}/resources/zQmSchema"}
    )


@dataclass
class Issued:
    profile: Any
    runtime: WebvhRuntime
    registry: FailingRegistry
    registry_id: str

    async def wallet_list(self) -> Json:
        async with self.profile.session() as session:
            entry = await session.handle.fetch(CATEGORY_REV_LIST, self.registry_id)
        value: Json = entry.value_json
        return value

    async def published(self) -> set[int]:
        found = await self.runtime.reader.status_list(self.registry_id, fresh=True)
        return {i for i, entry in enumerate(found.content["revocationList"]) if entry}

    async def marked(self) -> set[int]:
        async with self.profile.session() as session:
            found = await IssuerCredRevRecord.query(session, {"state": "revoked"})
        return {int(record.cred_rev_id) for record in found}


@pytest.fixture
async def issued(
    runtime: WebvhRuntime,
    registry: FailingRegistry,
    key_material: Json,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Issued]:
    """A tenant whose registry of ten has given out five entries."""
    monkeypatch.setenv("HOME", str(tmp_path))
    tails = tmp_path / ".indy_client/tails"
    tails.mkdir(parents=True)
    profile = await new_profile()
    did = (await create_identity(runtime, profile, OPAQUE)).did
    cred_def = definition_of(key_material, did)
    handler = WebvhAnonCredsRegistry(runtime)
    definition, private = RevocationRegistryDefinition.create(
        f"{did}/resources/zQmDef",
        cred_def,
        did,
        "0",
        "CL_ACCUM",
        10,
        tails_dir_path=str(tails),
    )
    model = RevRegDef.from_native(definition)
    model.value.tails_location = f"https://{DOMAIN}/hash/{model.value.tails_hash}"
    registered = await handler.register_revocation_registry_definition(profile, model)
    registry_id = registered.rev_reg_def_id
    first = RevocationStatusList.create(cred_def, registry_id, definition, private, did)
    result = await handler.register_revocation_list(profile, model, RevList.from_native(first))
    listed = result.revocation_list_state.revocation_list.serialize()
    async with profile.transaction() as session:
        insert = session.handle.insert
        await insert(CATEGORY_REV_REG_DEF, registry_id, model.to_json())
        await insert(CATEGORY_REV_REG_DEF_PRIVATE, registry_id, private.to_json())
        await insert(CATEGORY_CRED_DEF, f"{did}/resources/zQmDef", cred_def.to_json())
        value = {"rev_list": listed, "next_index": ISSUED, "pending": None}
        await insert(
            CATEGORY_REV_LIST, registry_id, value_json=value, tags={"state": "finished"}
        )
        for index in range(1, ISSUED):
            record = IssuerCredRevRecord(rev_reg_id=registry_id, cred_rev_id=str(index))
            await record.save(session, event=False)
        await session.commit()
    yield Issued(profile, runtime, registry, registry_id)
    await profile.close()


async def test_revoking_publishes_marks_and_may_be_repeated(issued: Issued) -> None:
    first = await revoke(issued.runtime, issued.profile, issued.registry_id, [2, 1])
    again = await revoke(issued.runtime, issued.profile, issued.registry_id, [1, 2])
    assert first == again
    assert first.revoked == (1, 2)
    assert await issued.published() == await issued.marked() == {1, 2}
    wallet = await issued.wallet_list()
    assert wallet["next_index"] == ISSUED
    assert wallet["rev_list"]["timestamp"] == first.timestamp


@pytest.mark.parametrize("indexes", [[], [0], [-1], [ISSUED], [1, 99]])
async def test_what_was_never_issued_cannot_be_revoked(
    issued: Issued, indexes: list[int]
) -> None:
    with pytest.raises(InvalidInput):
        await revoke(issued.runtime, issued.profile, issued.registry_id, indexes)
    assert await issued.published() == set()


async def test_a_failed_publication_claims_nothing(issued: Issued) -> None:
    issued.registry.down = True
    with pytest.raises(Unavailable):
        await revoke(issued.runtime, issued.profile, issued.registry_id, [1])
    assert await issued.published() == await issued.marked() == set()
    issued.registry.down, issued.registry.late = False, True
    with pytest.raises(Unavailable):
        await revoke(issued.runtime, issued.profile, issued.registry_id, [1])
    assert await issued.marked() == set()
    issued.registry.late = False
    await revoke(issued.runtime, issued.profile, issued.registry_id, [1])
    assert await issued.published() == await issued.marked() == {1}


async def test_a_wallet_that_fails_after_publishing_is_repaired_by_asking_again(
    issued: Issued,
) -> None:
    """A crash between the publication and the records: the wallet's entry is out of reach."""
    async with issued.profile.session() as session:
        entry = await session.handle.fetch(CATEGORY_REV_LIST, issued.registry_id)
        stale = entry.value_json
    await revoke(issued.runtime, issued.profile, issued.registry_id, [1])
    async with issued.profile.session() as session:
        await session.handle.replace(CATEGORY_REV_LIST, issued.registry_id, value_json=stale)
        (record,) = await IssuerCredRevRecord.query(session, {"state": "revoked"})
        record.state = "issued"
        await record.save(session, event=False)
    await revoke(issued.runtime, issued.profile, issued.registry_id, [1])
    assert await issued.marked() == {1}
    assert (await issued.wallet_list())["rev_list"]["revocationList"][1] == 1
    links = (await issued.runtime.reader.registry(issued.registry_id, fresh=True)).links
    assert len(links) == 2, "nothing is published twice"


async def test_a_wallet_that_ran_ahead_is_caught_up_with(issued: Issued) -> None:
    """What ACA-Py leaves when its own publication fails."""
    value = await issued.wallet_list()
    value["rev_list"]["revocationList"][3] = 1
    async with issued.profile.session() as session:
        await session.handle.replace(CATEGORY_REV_LIST, issued.registry_id, value_json=value)
    await revoke(issued.runtime, issued.profile, issued.registry_id, [1])
    assert await issued.published() == await issued.marked() == {1, 3}


async def test_revocations_at_once_are_all_published_together(issued: Issued) -> None:
    done = await asyncio.gather(
        *(
            revoke(issued.runtime, issued.profile, issued.registry_id, [index])
            for index in (1, 2, 3, 4)
        )
    )
    assert [entry.revoked for entry in done] == [(1,), (2,), (3,), (4,)]
    assert await issued.published() == await issued.marked() == {1, 2, 3, 4}
    links = (await issued.runtime.reader.registry(issued.registry_id, fresh=True)).links
    assert {entry.timestamp for entry in done} <= {link.timestamp for link in links[1:]}
    assert len(links) <= 3, "one list for the first, one for all that waited"


async def test_another_process_that_publishes_meanwhile_is_taken_into_account(
    issued: Issued,
) -> None:
    """Two runtimes over one wallet and one registry: their locks do not see each other."""
    other = make_runtime(issued.registry)
    await asyncio.gather(
        revoke(issued.runtime, issued.profile, issued.registry_id, [1]),
        revoke(other, issued.profile, issued.registry_id, [2]),
    )
    assert await issued.published() == await issued.marked() == {1, 2}


async def test_the_list_in_force_is_found_by_time(issued: Issued) -> None:
    handler = WebvhAnonCredsRegistry(issued.runtime)
    before = await handler.get_revocation_list(issued.profile, issued.registry_id)
    revoked = await revoke(issued.runtime, issued.profile, issued.registry_id, [1])
    for at, expected in (
        (revoked.timestamp - 1, before.revocation_list.timestamp),
        (revoked.timestamp, revoked.timestamp),
        (revoked.timestamp + 9_999, revoked.timestamp),
        (None, revoked.timestamp),
    ):
        found = await handler.get_revocation_list(
            issued.profile, issued.registry_id, 0, timestamp_to=at
        )
        assert found.revocation_list.timestamp == expected
    with pytest.raises(AnonCredsObjectNotFound):
        await handler.get_revocation_list(issued.profile, issued.registry_id, 0, 5)


async def test_a_list_that_gives_a_credential_back_is_refused(issued: Issued) -> None:
    handler = WebvhAnonCredsRegistry(issued.runtime)
    before = await handler.get_revocation_list(issued.profile, issued.registry_id)
    await revoke(issued.runtime, issued.profile, issued.registry_id, [1])
    definition = await handler.get_revocation_registry_definition(
        issued.profile, issued.registry_id
    )
    with pytest.raises(AnonCredsRegistrationError, match="forgets"):
        await handler.update_revocation_list(
            issued.profile,
            definition.revocation_registry,
            before.revocation_list,
            before.revocation_list,
            [],
        )
    assert await issued.published() == {1}


async def test_objects_are_registered_and_read_back(
    runtime: WebvhRuntime, key_material: Json
) -> None:
    profile = await new_profile()
    did = (await create_identity(runtime, profile, OPAQUE)).did
    handler = WebvhAnonCredsRegistry(runtime)
    assert await handler.supports(did)
    assert not await handler.supports("did:web:example.com")
    schema = AnonCredsSchema(did, ["a", "b"], "shelter", "1.0")
    registered = await handler.register_schema(profile, schema)
    assert registered.schema_state.state == "finished"
    schema_id = registered.schema_state.schema_id
    found = await handler.get_schema(profile, schema_id)
    assert found.schema.serialize() == schema.serialize()
    info = await handler.get_schema_info_by_id(profile, schema_id)
    assert (info.issuer_id, info.name, info.version) == (did, "shelter", "1.0")
    model = CredDef.from_native(definition_of(key_material, did))
    model.schema_id = schema_id
    result = await handler.register_credential_definition(profile, found, model)
    cred_def_id = result.credential_definition_state.credential_definition_id
    read = await handler.get_credential_definition(profile, cred_def_id)
    assert read.credential_definition.serialize() == model.serialize()
    with pytest.raises(AnonCredsResolutionError, match="step type"):
        await handler.get_schema(profile, cred_def_id)


async def test_a_tenant_publishes_under_its_own_did_only(runtime: WebvhRuntime) -> None:
    owner, other = await new_profile(), await new_profile()
    did = (await create_identity(runtime, owner, OPAQUE)).did
    await create_identity(runtime, other, OPAQUE + "3")
    handler = WebvhAnonCredsRegistry(runtime)
    with pytest.raises(AnonCredsRegistrationError, match="own identifier"):
        await handler.register_schema(other, AnonCredsSchema(did, ["a"], "evil", "1.0"))


# -- resolver, tails, settings


async def test_the_resolver_takes_the_place_of_cores(
    runtime: WebvhRuntime, registry: FailingRegistry
) -> None:
    profile = await new_profile()
    did = (await create_identity(runtime, profile, OPAQUE)).did
    resolvers = DIDResolver([WebvhDIDResolver()])
    replace_resolver(resolvers, VerifyingWebvhResolver(runtime.reader))
    assert len(resolvers.resolvers) == 1
    document = await resolvers.resolve(profile, did)
    assert document["id"] == did
    with pytest.raises(ConfigurationError):
        replace_resolver(resolvers, VerifyingWebvhResolver(runtime.reader))


async def test_tails_files_are_whole_or_absent(tmp_path: Path) -> None:
    content, registry = b"points", MemoryRegistry()
    name = str(base58.b58encode(sha256(content).digest()), "ascii")
    url, target = f"https://{DOMAIN}/hash/{name}", tmp_path / "tails" / name
    for body in (b"other", b"p"):
        registry.raw[url] = body
        with pytest.raises(VerificationError):
            await fetch_tails(registry, url, name, target)
        assert not target.exists()
    with pytest.raises(VerificationError):
        await fetch_tails(registry, url, "../../escape", target)
    registry.raw[url] = content
    await fetch_tails(registry, url, name, target)
    assert target.read_bytes() == content
    assert list(target.parent.iterdir()) == [target]


def test_settings_come_from_the_environment_and_the_secret_stays_hidden(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a secret of the test\n")
    key.chmod(0o600)
    environ = {
        "HAVEN_DID_DOMAIN": DOMAIN,
        "HAVEN_HOST_MAP": json.dumps({DOMAIN: "http://127.0.0.1:8100"}),
        "HAVEN_REGISTRY_WRITE_URL": "http://127.0.0.1:8101/",
        "HAVEN_REGISTRY_WRITE_KEY_FILE": str(key),
    }
    config = read_config({"did_domain": "other.example"}, environ)
    assert (config.did_domain, config.write_key) == ("other.example", "a secret of the test")
    assert "secret" not in repr(config)
    for broken in (
        {**environ, "HAVEN_HOST_MAP": "[]"},
        {**environ, "HAVEN_HOST_MAP": "{"},
        {**environ, "HAVEN_DID_DOMAIN": ""},
        {**environ, "HAVEN_REGISTRY_WRITE_KEY_FILE": str(tmp_path / "none")},
    ):
        with pytest.raises(ConfigurationError):
            read_config({}, broken)
    key.chmod(0o644)
    with pytest.raises(ConfigurationError):
        read_config({}, environ)
