"""A holder with software of her own: her store, the `anoncreds` library, the public registry.

ACA-Py picks one credential for each request and always the newest revocation list. Nothing
forces a holder to: this one picks a credential for each referent and any list there ever was.

Sources: AnonCreds v1.0, "Generate Presentation"; ACA-Py 1.7 for where its wallets keep what
(`askar/store.py`, `anoncreds/holder.py`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from anoncreds import AnoncredsError, Credential, Presentation, PresentCredentials
from aries_askar import AskarError, Store

from agent.foreign.published import PublishedObjects, Standing
from agent.webvh.fetch import Fetcher
from core.errors import Forbidden, InvalidInput, NotFound
from core.ports import Document, HeldCredential
from core.secret import Secret

_CREDENTIALS = "credential"
_LINK_SECRET = ("master_secret", "default")


def store_file(agent_home: Path, wallet_name: str) -> Path:
    """Where an agent whose ACAPY_HOME is `agent_home` keeps the store of a wallet.

    The name is the record's `wallet.name` setting, not the wallet's id.
    """
    return agent_home / "wallet" / wallet_name / "sqlite.db"


class ForeignHolder:
    """An opened store, and what it takes to present from it without ACA-Py."""

    def __init__(self, store: Store, published: PublishedObjects) -> None:
        self._store = store
        self._published = published

    @classmethod
    async def open(cls, store_file: Path, key: Secret, fetcher: Fetcher) -> Self:
        """Open a holder's own store with her raw key; no agent may have it open.

        Args:
            fetcher: How she reaches what is published (`agent.webvh.fetch.HttpFetcher`).

        Raises:
            NotFound: there is no such file.
            Forbidden: the key does not open it.
        """
        if not await asyncio.to_thread(store_file.is_file):
            raise NotFound("There is no wallet in this place")
        address = f"sqlite://{quote(str(store_file))}"
        try:
            store = await Store.open(address, "raw", key.reveal())
        except AskarError:
            # Askar's words hold the address; a wrong key and a damaged store look the same
            raise Forbidden("The key does not open this wallet") from None
        return cls(store, PublishedObjects(fetcher))

    async def close(self) -> None:
        """Close the store; afterwards an agent may open it again."""
        await self._store.close()

    async def credentials(self) -> list[HeldCredential]:
        """Everything in the store, in the order of the credentials' ids."""
        entries = [entry async for entry in self._store.scan(_CREDENTIALS)]
        held = [_held(entry.name, json.loads(bytes(entry.value))) for entry in entries]
        return sorted(held, key=lambda one: one.credential_id)

    async def present(
        self,
        request: Mapping[str, Any],
        picks: Mapping[str, str],
        *,
        status_at: int | None = None,
        withheld: Collection[str] = (),
        prove_status: bool = True,
    ) -> Document:
        """A presentation in which `picks` says which credential answers which referent.

        Args:
            request: An AnonCreds proof request.
            picks: For each of its referents the id of a credential.
            status_at: Prove non-revocation against the list in force then (Unix seconds);
                None: against the newest.
            withheld: Referents of attributes that are proven without being revealed.
            prove_status: False leaves non-revocation unproven (ask for none in `request`).

        Raises:
            InvalidInput: the picks do not fit the request, or nothing can be proven with
                them (a predicate is false). A credential that is revoked in the list does
                give a presentation; it does not verify.
            NotFound: a picked credential is not in the store, or there is no list so old.
        """
        check_picks(request, picks, withheld)
        try:
            standings = await self._standings(picks, status_at) if prove_status else {}
            return await self._present(request, picks, standings, withheld)
        except AnoncredsError:
            # the library's words may hold values of the credentials
            raise InvalidInput("These credentials cannot prove what is asked") from None

    async def _present(
        self,
        request: Mapping[str, Any],
        picks: Mapping[str, str],
        standings: Mapping[str, Standing | None],
        withheld: Collection[str],
    ) -> Document:
        proven = PresentCredentials()
        used = {name: await self._credential(name) for name in dict.fromkeys(picks.values())}
        for name, credential in used.items():
            place = _place(standings.get(name))
            for referent in (ref for ref, picked in picks.items() if picked == name):
                if referent in request["requested_predicates"]:
                    proven.add_predicates(credential, referent, **place)
                else:
                    reveal = referent not in withheld
                    proven.add_attributes(credential, referent, reveal=reveal, **place)
        schemas = {one.schema_id: await self._schema(one) for one in used.values()}
        definitions = {one.cred_def_id: await self._definition(one) for one in used.values()}
        secret = await self._link_secret()
        made = await asyncio.to_thread(
            Presentation.create,
            json.dumps(request),
            proven,
            None,
            secret.reveal(),
            schemas,
            definitions,
        )
        return dict(made.to_dict())

    async def _standings(
        self, picks: Mapping[str, str], status_at: int | None
    ) -> dict[str, Standing | None]:
        names = dict.fromkeys(picks.values())
        return {
            name: await self._standing(await self._credential(name), status_at)
            for name in names
        }

    async def newest_list_time(self, credential_id: str) -> int:
        """The time of the newest list of a credential's registry; 0 if it has none."""
        standing = await self._standing(await self._credential(credential_id), None)
        return standing.timestamp if standing else 0

    async def _schema(self, credential: Credential) -> object:
        return await self._published.schema(credential.schema_id)

    async def _definition(self, credential: Credential) -> object:
        return await self._published.definition(credential.cred_def_id)

    async def _standing(self, credential: Credential, at: int | None) -> Standing | None:
        registry_id, index = credential.rev_reg_id, credential.rev_reg_index
        if registry_id is None or index is None:
            return None
        return await self._published.standing(registry_id, index, at=at)

    async def _credential(self, credential_id: str) -> Credential:
        async with self._store.session() as session:
            entry = await session.fetch(_CREDENTIALS, credential_id)
        if entry is None:
            raise NotFound("This credential is not in the wallet")
        return Credential.load(bytes(entry.value))

    async def _link_secret(self) -> Secret:
        async with self._store.session() as session:
            entry = await session.fetch(*_LINK_SECRET)
        if entry is None:
            raise NotFound("This wallet never received a credential")
        return Secret(bytes(entry.value).decode("ascii"))


def check_picks(
    request: Mapping[str, Any], picks: Mapping[str, str], withheld: Collection[str] = ()
) -> None:
    """Whether each referent of the request, and nothing else, has a credential.

    Raises:
        InvalidInput: one is missing or too many; what is withheld is no attribute.
    """
    attributes = request.get("requested_attributes") or {}
    predicates = request.get("requested_predicates") or {}
    if set(picks) != {*attributes, *predicates}:
        raise InvalidInput("Every referent of the request needs a credential, and no other")
    if not set(withheld) <= set(attributes):
        raise InvalidInput("Only attributes of the request can be withheld")


def _place(standing: Standing | None) -> dict[str, Any]:
    """Where a credential stands, as the library's arguments; empty if it cannot be revoked."""
    if standing is None:
        return {}
    return {"timestamp": standing.timestamp, "rev_state": standing.state}


def _held(credential_id: str, stored: Document) -> HeldCredential:
    revocation = (stored.get("signature") or {}).get("r_credential")
    return HeldCredential(
        credential_id=credential_id,
        schema_id=stored["schema_id"],
        definition_id=stored["cred_def_id"],
        registry_id=stored.get("rev_reg_id"),
        index=int(revocation["i"]) if revocation else None,
        values={name: str(value["raw"]) for name, value in stored["values"].items()},
    )
