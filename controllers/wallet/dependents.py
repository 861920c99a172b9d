"""For whom a credential is held: a number for each dependent, and nothing else of her.

What belongs to one dependent is known by data alone: a credential is kept for somebody else
(`held_for_other`), or its holder acts for somebody else by it (`acts_for_other`), and those
with an equal value in a `link` attribute are about the same person
(credential_defs/source.py; a check asks for that equality under `equal`).

A number stays with its dependent for as long as the wallet holds anything of hers, so that
nobody is taken for somebody else because a third one's card was deleted. It is remembered in
the wallet's own store, under digests of the links.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from controllers.wallet.labelling import definition_of
from controllers.wallet.notes import DEPENDENTS, Notes
from controllers.wallet.sessions import OpenWallet
from core.ports import HeldCredential
from credential_defs import CredentialDefinition
from governance.engine import Framework

_KEY = "numbers"

type Numbers = Mapping[str, int]


@dataclass(slots=True)
class Dependent:
    """What is known of one: the digests of her links, and her credentials' ids."""

    links: set[str] = field(default_factory=set)
    credentials: list[str] = field(default_factory=list)


class DependentNumbers:
    """Gives a wallet's dependents their numbers."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    async def numbers(
        self, wallet: OpenWallet, held: Sequence[HeldCredential], framework: Framework
    ) -> Numbers:
        """Credential id -> number, for all that is held for a dependent."""
        found = _grouped(held, framework)
        if not found:
            return {}
        known = await self._known(wallet)
        kept, numbers = number(found, known)
        if kept != known:
            await self._notes.put(wallet.token, DEPENDENTS, _KEY, dict(kept))
        return numbers

    async def any(self, wallet: OpenWallet) -> bool:
        """Whether anybody has a number."""
        return bool(await self._known(wallet))

    async def tidy(
        self, wallet: OpenWallet, held: Sequence[HeldCredential], framework: Framework
    ) -> None:
        """Forget the numbers of those of whom nothing is held any more."""
        if not await self.numbers(wallet, held, framework):
            await self._notes.delete(wallet.token, DEPENDENTS, _KEY)

    async def _known(self, wallet: OpenWallet) -> Numbers:
        return (await self._notes.all(wallet.token, DEPENDENTS)).get(_KEY, {})


def held_for(combination: Mapping[str, str], numbers: Numbers) -> int | None:
    """For whom an answer would be: its parts are about one person, as `equal` asks."""
    found = [numbers[each] for each in combination.values() if each in numbers]
    return min(found, default=None)


def number(found: Sequence[Dependent], known: Numbers) -> tuple[Numbers, Numbers]:
    """Link -> number, to remember, and credential id -> number. Who has a number keeps it;
    others get the next ones, in order."""
    links: dict[str, int] = {}
    credentials: dict[str, int] = {}
    last = max(known.values(), default=0)
    for each in found:
        had = [known[link] for link in each.links if link in known]
        its = min(had, default=last + 1)
        last = max(last, its)
        links |= dict.fromkeys(each.links, its)
        credentials |= dict.fromkeys(each.credentials, its)
    return links, credentials


def _grouped(held: Sequence[HeldCredential], framework: Framework) -> list[Dependent]:
    """Those that are linked to each other, directly or over others, are about one person."""
    found: list[Dependent] = []
    for credential in held:
        definition = definition_of(framework, credential.schema_id)
        if definition is None or not _for_dependent(definition, credential):
            continue
        one = Dependent(set(_links(definition, credential)), [credential.credential_id])
        found = _joined(found, one)
    return found


def _joined(found: Sequence[Dependent], one: Dependent) -> list[Dependent]:
    """With one more credential; those that it links become one, in the place of the first."""
    same = [each for each in found if each.links & one.links]
    if not same:
        return [*found, one]
    whole = Dependent(
        one.links.union(*(each.links for each in same)),
        [*(each for they in same for each in they.credentials), *one.credentials],
    )
    rest = [whole if each is same[0] else each for each in found]
    return [each for each in rest if each not in same]


def _for_dependent(definition: CredentialDefinition, credential: HeldCredential) -> bool:
    return definition.acts_for_other or definition.is_for_other(credential.values)


def _links(definition: CredentialDefinition, credential: HeldCredential) -> Iterator[str]:
    """Digests, since the links themselves need not lie in a second place. What has no link is
    a dependent of its own."""
    links = [credential.values[each] for each in definition.links if each in credential.values]
    for link in links or [credential.credential_id]:
        yield hashlib.sha256(link.encode()).hexdigest()[:32]
