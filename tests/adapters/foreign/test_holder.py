"""The holder's own software on a store of its own, against the AnonCreds library as verifier.

Two credentials of one definition: `valid` until 2027, `expired` since 2025 with a larger
household; the valid one is revoked in the list of time 200 and not in the one of time 100.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from anoncreds import (
    Credential,
    CredentialDefinition,
    CredentialOffer,
    CredentialRequest,
    CredentialRevocationConfig,
    Presentation,
    RevocationRegistryDefinition,
    RevocationStatusList,
    Schema,
    create_link_secret,
)
from aries_askar import Store

from agent.foreign.holder import ForeignHolder, check_picks, store_file
from agent.foreign.tampering import relabelled, tampered, with_broken_proof, with_status_time
from agent.keys import raw_wallet_key
from agent.proof_format import read_presentation, to_proof_request
from agent.webvh.attested import Link, ResourceType
from core.errors import Forbidden, InvalidInput, NotFound
from core.presentation import CredentialAsk, Predicate, PresentationAsk
from core.secret import Secret
from tests.fakes.registry import DOMAIN, Issuer, MemoryRegistry

Json = dict[str, Any]
KEY = raw_wallet_key(bytes(32))
VALUES = {
    "valid": {"until": "20270101", "region": "centre", "household": "2"},
    "expired": {"until": "20250101", "region": "north", "household": "6"},
}


@dataclass(frozen=True)
class World:
    """What is published, the holder's store, and the verifier's own copies."""

    registry: MemoryRegistry
    store_file: Path
    schema: Json
    definition: Json
    registry_definition: Json
    lists: dict[int, Json]

    def verifies(self, request: Json, presentation: Json) -> bool:
        times = {one["timestamp"] for one in presentation["identifiers"]}
        holds = Presentation.load(presentation).verify(
            request,
            {self.schema["id"]: self.schema["content"]},
            {self.definition["id"]: self.definition["content"]},
            {self.registry_definition["id"]: self.registry_definition["content"]},
            [self.lists[time]["content"] for time in times],
        )
        return bool(holds)

    def request(self, valid_until: int = 300) -> Json:
        ask = CredentialAsk(
            label="a",
            schema_id=self.schema["id"],
            reveal=("region", "household"),
            predicates=(Predicate(attribute="until", operator=">=", value=20261122),),
        )
        return to_proof_request(PresentationAsk(asks=(ask,)), "intake", valid_until)


class _Authority:
    """Issues with the AnonCreds library and publishes in memory."""

    def __init__(self, folder: Path) -> None:
        self.issuer = Issuer()
        self.registry = MemoryRegistry()
        self.registry.logs[self.issuer.did] = self.issuer.log
        self.link_secret = create_link_secret()
        self._define()
        self._revocable(folder)

    def _publish(self, kind: ResourceType, content: Json, links: Sequence[Link] = ()) -> Json:
        document = self.issuer.sign(kind, "x", content, links)
        self.registry.resources[document["id"]] = document
        return document

    def _define(self) -> None:
        self._schema = Schema.create("elig", "1.0", self.issuer.did, list(VALUES["valid"]))
        self.schema = self._publish(ResourceType.SCHEMA, self._schema.to_dict())
        made = CredentialDefinition.create(
            self.schema["id"], self._schema, self.issuer.did, "t", "CL", support_revocation=True
        )
        self._definition, self._private, self._key_proof = made
        self.definition = self._publish(
            ResourceType.CREDENTIAL_DEFINITION, self._definition.to_dict()
        )

    def _revocable(self, folder: Path) -> None:
        made, self._registry_private = RevocationRegistryDefinition.create(
            self.definition["id"], self._definition, self.issuer.did, "0", "CL_ACCUM", 4,
            tails_dir_path=str(folder),
        )  # fmt: skip
        content = made.to_dict()
        tails = Path(content["value"]["tailsLocation"])
        address = f"https://{DOMAIN}/hash/{content['value']['tailsHash']}"
        content["value"]["tailsLocation"] = address
        self.registry.raw[address] = tails.read_bytes()
        self._registry = RevocationRegistryDefinition.load(content)
        identifier = self.issuer.sign(ResourceType.REGISTRY_DEFINITION, "x", content)["id"]
        self.before = RevocationStatusList.create(
            self._definition, identifier, self._registry, self._registry_private,
            self.issuer.did, timestamp=100,
        )  # fmt: skip
        after = self.before.update(
            self._definition, self._registry, self._registry_private, None, [1], 200
        )
        self.lists = {
            time: self._publish(ResourceType.STATUS_LIST, one.to_dict())
            for time, one in ((100, self.before), (200, after))
        }
        links = [Link(one["id"], time) for time, one in self.lists.items()]
        self.registry_definition = self._publish(
            ResourceType.REGISTRY_DEFINITION, content, links
        )

    def issue(self, values: dict[str, str], index: int) -> Credential:
        offer = CredentialOffer.create(
            self.schema["id"], self.definition["id"], self._key_proof
        )
        asked, metadata = CredentialRequest.create(
            "holder", None, self._definition, self.link_secret, "default", offer
        )
        revocable = CredentialRevocationConfig(
            self._registry, self._registry_private, self.before, index
        )
        made = Credential.create(
            self._definition, self._private, offer, asked, values, revocation_config=revocable
        )
        return made.process(metadata, self.link_secret, self._definition, self._registry)


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="foreign-"))
    made = _Authority(folder)
    file = store_file(folder, "w-1")
    file.parent.mkdir(parents=True)
    store = await Store.provision(f"sqlite://{file}", "raw", KEY.reveal())
    async with store.session() as session:
        await session.insert("master_secret", "default", made.link_secret)
        for index, (name, values) in enumerate(VALUES.items(), start=1):
            issued = made.issue(values, index).to_json()
            await session.insert("credential", name, issued)
    await store.close()
    yield World(
        made.registry, file, made.schema, made.definition, made.registry_definition, made.lists
    )
    shutil.rmtree(folder)


@pytest.fixture
async def holder(world: World) -> AsyncIterator[ForeignHolder]:
    opened = await ForeignHolder.open(world.store_file, KEY, world.registry)
    yield opened
    await opened.close()


def picks(group: str, predicate: str) -> dict[str, str]:
    return {"a": group, "a/0": predicate}


async def test_she_reads_her_own_credentials(holder: ForeignHolder, world: World) -> None:
    expired, valid = await holder.credentials()
    assert (valid.credential_id, valid.values, valid.index) == ("valid", VALUES["valid"], 1)
    assert expired.values == VALUES["expired"]
    assert valid.registry_id == world.registry_definition["id"]
    assert valid.definition_id == world.definition["id"]


async def test_an_honest_presentation_verifies(holder: ForeignHolder, world: World) -> None:
    request = world.request(valid_until=150)
    made = await holder.present(request, picks("valid", "valid"), status_at=150)
    (shown,) = read_presentation(request, made).credentials
    assert world.verifies(request, made)
    assert shown.sub_proofs == (0, 0)
    assert shown.revealed == {"region": "centre", "household": "2"}


async def test_mixed_credentials_verify_and_show_it(
    holder: ForeignHolder, world: World
) -> None:
    """Why a verifier has to look at the indices of the sub-proofs."""
    request = world.request()
    made = await holder.present(request, picks("expired", "valid"), status_at=100)
    (shown,) = read_presentation(request, made).credentials
    assert world.verifies(request, made)
    assert len(set(shown.sub_proofs)) == 2
    assert shown.revealed["household"] == "6"


async def test_an_old_list_verifies_and_shows_it(holder: ForeignHolder, world: World) -> None:
    """Why a verifier has to compare the list's time with the newest list."""
    request = world.request()
    made = await holder.present(request, picks("valid", "valid"), status_at=199)
    (shown,) = read_presentation(request, made).credentials
    assert world.verifies(request, made)
    assert shown.status_time == 100


async def test_the_newest_list_does_not_verify_when_revoked(
    holder: ForeignHolder, world: World
) -> None:
    request = world.request()
    made = await holder.present(request, picks("valid", "valid"))
    assert {one["timestamp"] for one in made["identifiers"]} == {200}
    assert not world.verifies(request, made)


async def test_one_list_cannot_pass_for_another(holder: ForeignHolder, world: World) -> None:
    request = world.request()
    made = await holder.present(request, picks("valid", "valid"), status_at=100)
    assert not world.verifies(request, with_status_time(made, 200))


async def test_changed_presentations_do_not_verify(holder: ForeignHolder, world: World) -> None:
    request = world.request()
    made = await holder.present(request, picks("valid", "valid"), status_at=100)
    assert world.verifies(request, made)
    for changed in (
        tampered(made, "household", "9"),
        tampered(made, "region", "north"),
        with_broken_proof(made),
    ):
        assert not world.verifies(request, changed)


async def test_the_library_alone_believes_a_raw_value(
    holder: ForeignHolder, world: World
) -> None:
    """Why a verifier has to encode raw values again, as ACA-Py does before it verifies."""
    request = world.request()
    made = await holder.present(request, picks("valid", "valid"), status_at=100)
    assert world.verifies(request, relabelled(made, "region", "north"))


async def test_a_presentation_answers_one_request_only(
    holder: ForeignHolder, world: World
) -> None:
    made = await holder.present(world.request(), picks("valid", "valid"), status_at=100)
    assert not world.verifies(world.request(), made)


async def test_what_is_withheld_is_missing(holder: ForeignHolder, world: World) -> None:
    request = world.request()
    made = await holder.present(request, picks("valid", "valid"), status_at=100, withheld={"a"})
    assert read_presentation(request, made).missing == ("a",)


async def test_a_false_predicate_cannot_be_proven(holder: ForeignHolder, world: World) -> None:
    with pytest.raises(InvalidInput) as raised:
        await holder.present(world.request(), picks("valid", "expired"), status_at=100)
    assert "2025" not in str(raised.value)


async def test_there_is_no_list_before_the_first(holder: ForeignHolder, world: World) -> None:
    with pytest.raises(NotFound):
        await holder.present(world.request(), picks("valid", "valid"), status_at=99)


async def test_an_unknown_credential_is_told(holder: ForeignHolder, world: World) -> None:
    with pytest.raises(NotFound):
        await holder.present(world.request(), picks("valid", "another"))


async def test_another_key_opens_nothing(world: World) -> None:
    other = raw_wallet_key(bytes([1]) * 32)
    with pytest.raises(Forbidden) as raised:
        await ForeignHolder.open(world.store_file, other, world.registry)
    assert other.reveal() not in repr(raised.value)


async def test_where_no_store_is_none_is_made(tmp_path: Path) -> None:
    file = store_file(tmp_path, "w-1")
    with pytest.raises(NotFound):
        await ForeignHolder.open(file, Secret("x"), MemoryRegistry())
    assert not file.exists()


REQUEST: Json = {"requested_attributes": {"a": {}}, "requested_predicates": {"a/0": {}}}


@pytest.mark.parametrize(
    ("chosen", "withheld"),
    [
        ({}, ()),
        ({"a": "1"}, ()),
        ({"a": "1", "a/0": "1", "a/1": "1"}, ()),
        ({"a": "1", "a/0": "1"}, ("a/0",)),
        ({"a": "1", "a/0": "1"}, ("b",)),
    ],
)
def test_picks_fit_the_request(chosen: dict[str, str], withheld: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        check_picks(REQUEST, chosen, withheld)


def test_every_referent_may_have_its_own_credential() -> None:
    check_picks(json.loads(json.dumps(REQUEST)), {"a": "1", "a/0": "2"}, ("a",))
