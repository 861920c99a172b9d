"""Which of a holder's credentials could answer a request, and why the others could not.

Pure: credentials and a request in, possible answers out. The holder, and nobody else, is told
why something does not fit; the asker learns only that nothing was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from operator import ge, gt, le, lt

from core.ports import HeldCredential
from core.presentation import CredentialAsk, Operator, Predicate, PresentationAsk
from governance.model import Reference

_COMPARE: Mapping[Operator, Callable[[int, int], bool]] = {">=": ge, ">": gt, "<=": le, "<": lt}
_MOST_COMBINATIONS = 500  # a wallet with more candidates than that shows the first ones

type Equal = Sequence[Sequence[Reference]]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a credential does not fit: the attribute, and whether its value is too low or high.

    For a value that does not belong to the other credential, `kind` is "not-linked".
    """

    label: str
    credential_id: str | None
    attribute: str | None
    kind: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The answers that are possible, best first, or what stands in the way."""

    combinations: tuple[Mapping[str, str], ...]
    obstacles: tuple[Obstacle, ...]


def choose_credentials(
    ask: PresentationAsk, held: Sequence[HeldCredential], equal: Equal
) -> Choice:
    """Every combination of credentials that answers the request (label -> credential id)."""
    fitting: dict[str, list[HeldCredential]] = {}
    obstacles: list[Obstacle] = []
    for one in ask.asks:
        candidates = [each for each in held if each.schema_id == one.schema_id]
        if not candidates:
            obstacles.append(Obstacle(one.label, None, None, "none"))
        faults = {each.credential_id: list(_faults(one, each)) for each in candidates}
        fitting[one.label] = [each for each in candidates if not faults[each.credential_id]]
        obstacles += [fault for found in faults.values() for fault in found]
    if not all(fitting.values()):
        return Choice((), tuple(obstacles))
    linked = [combo for combo in _combinations(fitting) if _belong_together(combo, equal)]
    if not linked:
        obstacles += [
            Obstacle(ref.label, None, ref.attribute, "not-linked") for ref in equal[0]
        ]
    chosen = tuple({label: each.credential_id for label, each in c.items()} for c in linked)
    return Choice(chosen, () if chosen else tuple(obstacles))


def _combinations(
    fitting: Mapping[str, Sequence[HeldCredential]],
) -> Iterator[dict[str, HeldCredential]]:
    for number, combination in enumerate(product(*fitting.values())):
        if number >= _MOST_COMBINATIONS:
            return
        yield dict(zip(fitting, combination, strict=True))


def _belong_together(combo: Mapping[str, HeldCredential], equal: Equal) -> bool:
    return all(
        len({combo[ref.label].values.get(ref.attribute) for ref in group}) == 1
        for group in equal
        if all(ref.label in combo for ref in group)
    )


def _faults(ask: CredentialAsk, credential: HeldCredential) -> Iterator[Obstacle]:
    for attribute in ask.reveal:
        if attribute not in credential.values:
            yield Obstacle(ask.label, credential.credential_id, attribute, "missing")
    for predicate in ask.predicates:
        if not _holds(predicate, credential):
            kind = "too-low" if predicate.operator in (">=", ">") else "too-high"
            yield Obstacle(ask.label, credential.credential_id, predicate.attribute, kind)


def _holds(predicate: Predicate, credential: HeldCredential) -> bool:
    try:
        value = int(credential.values[predicate.attribute])
    except (KeyError, ValueError):
        return False
    return _COMPARE[predicate.operator](value, predicate.value)
