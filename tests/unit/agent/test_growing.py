"""Copies of what exchanges left: new identifiers, the same in all of a copy; real stores."""

from __future__ import annotations

from pathlib import Path

import pytest
from aries_askar import Key, KeyAlg, Store

from agent.growing import (
    Contents,
    Row,
    contents_of,
    copy_wallets,
    multiply,
    multiply_registries,
    renaming,
    renew,
    store_of,
)
from agent.options import AgentOptions
from agent.stores import base_name
from controllers.installation import org_options
from controllers.secrets import load_or_create
from controllers.settings import Settings

CONNECTION = "d5850a53-e12f-4978-a272-72454f4f74b7"
KEY = "Eg9CwDcTFoah376w8YiN1zmWex7Q7LFfTV395q6quTJo"
WALLET = "w-05ac97bc0def70d6eb1f6ab5e56c8cd7"
TENANT = "ac05486f-bc62-441f-8f36-8001935cc9fe"
RESOURCES = "did:webvh:QmenP5mjmcCtqydT1nErJtSE7FSGbZ7cFCqy3Mip8ytNEU:h:o:x/resources"
DEFINITION = f"{RESOURCES}/zQmPCRySmGzgmvkePVr5FNSdwv16n7DWRsnPotAxVJ7iJfP"
REGISTRY = f"{RESOURCES}/zQmZTdC7ozKt9tKRtuRjrfm6Nb6PyUfWTPg4UnQpUwLPKNg"

OLD = Row("config", "tenant", f'{{"id": "{TENANT}"}}', {})
NEW = (
    Row("connection", CONNECTION, f'{{"key": "{KEY}", "of": "{TENANT}"}}', {"state": "active"}),
    Row("forward_route", KEY[:32], f'{{"connection": "{CONNECTION}"}}', {"key": KEY}),
)


def test_what_came_since_is_what_was_left() -> None:
    left = Contents((OLD, *NEW), 5).since(Contents((OLD,), 3))
    assert left.rows == NEW
    assert left.keys == 2
    assert left.kept == {TENANT}


def test_a_copy_has_new_identifiers_that_still_fit_together() -> None:
    left = Contents((OLD, *NEW), 5).since(Contents((OLD,), 3))
    names = renaming(left)
    assert TENANT not in names
    assert names.keys() >= {CONNECTION, KEY}
    first, second = (renew(row.value, names) for row in left.rows)
    assert names[CONNECTION] in second
    assert TENANT in first
    assert CONNECTION not in first + second
    assert KEY not in first


@pytest.mark.parametrize("token", [CONNECTION, KEY, WALLET, KEY * 5])
def test_a_new_identifier_has_the_form_of_the_old(token: str) -> None:
    (new,) = renaming(Contents((Row("c", token, "", {}),), 0).since(Contents((), 0))).values()
    assert new != token
    assert len(new) == len(token)
    assert new.count("-") == token.count("-")
    assert new[:2] == token[:2] or token == CONNECTION


@pytest.fixture
async def options(tmp_path: Path) -> AgentOptions:
    """An agent with a base store, as it is when it is stopped."""
    settings = Settings(data_dir=tmp_path)
    options = org_options(settings, load_or_create(tmp_path))
    folder = options.home / "wallet" / base_name(options)
    folder.mkdir(parents=True)
    key = options.secrets.wallet_key.reveal()
    store = await Store.provision(f"sqlite://{folder}/sqlite.db", "raw", key)
    async with store.session() as session:
        for row in (OLD, *NEW):
            await session.insert(row.category, row.name, value=row.value, tags=dict(row.tags))
        await session.insert_key(KEY, Key.generate(KeyAlg.ED25519))
        event = "rev_list_create_event"
        await session.insert(event, "CORR_99105B22-36CD-40", value=REGISTRY)
        tags = {"cred_def_id": DEFINITION, "active": "true", "state": "finished"}
        await session.insert("revocation_reg_def", REGISTRY, value=DEFINITION, tags=tags)
        await session.insert(
            "revocation_list", REGISTRY, value="[]", tags={"state": "finished"}
        )
    await store.close()
    return options


async def test_a_store_grows_by_copies_and_keys(options: AgentOptions) -> None:
    store = await store_of(options, "")
    before = await contents_of(options, *store)
    renamed = await multiply(options, *store, before.since(Contents((OLD,), 0)), 3)
    after = await contents_of(options, *store)
    assert len(renamed) == 3
    assert len(after.rows) == len(before.rows) + 3 * (len(before.rows) - 1)
    assert after.keys == 4


async def test_further_registries_are_full_and_keep_their_definition(
    options: AgentOptions,
) -> None:
    store = await store_of(options, "")
    made = await multiply_registries(options, *store, DEFINITION, 2)
    rows = (await contents_of(options, *store)).rows
    registries = {row.name: row for row in rows if row.category == "revocation_reg_def"}
    assert registries.keys() == {REGISTRY, *made}
    assert registries[REGISTRY].tags["active"] == "true"
    for name in made:
        assert registries[name].tags == {
            "cred_def_id": DEFINITION,
            "active": "false",
            "state": "full",
        }
    assert sorted([*made, REGISTRY]) == sorted(
        row.name for row in rows if row.category == "revocation_list"
    )


def test_copied_wallets_have_files(tmp_path: Path, options: AgentOptions) -> None:
    source = options.home / "wallet" / WALLET
    source.mkdir()
    (source / "sqlite.db").write_bytes(b"store")
    new = f"w-{'0' * 32}"
    assert copy_wallets(options, [{WALLET: new, CONNECTION: TENANT}]) == 1
    assert (options.home / "wallet" / new / "sqlite.db").read_bytes() == b"store"
