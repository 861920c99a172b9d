"""The governance framework as this node has it: a signed copy, verified when it is read.

Whether a participant's role takes part in a computation, every node asks its own copy. The
authority that it believes is the one that the terms name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from core.canonical import Json
from core.decision import Decision, Deny
from core.errors import ConfigurationError, VerificationError
from dataspace.agreeing.agreement import Participant, Terms
from governance.engine import Act, Framework, decide
from governance.loading import Trust, load_framework

_COMPUTE = "compute"


class Rules:
    """What the framework says about computations, for as long as it is valid."""

    def __init__(self, framework: Framework) -> None:
        self._framework = framework

    def decisions(self, terms: Terms, computation: str, *, at: datetime) -> dict[str, Decision]:
        """For each participant, by DID: whether it may take part in this computation. The role
        that the terms give it has to be one that the framework gives it."""
        return {each.did: self._decided(each, computation, at) for each in terms.participants}

    def _decided(self, member: Participant, computation: str, at: datetime) -> Decision:
        if at >= self._framework.expires_at:  # it was valid when it was read
            return Deny("framework", "expired", "The framework has expired")
        entries = self._framework.participants.get(member.did, ())
        if not any(each.role == member.role and each.is_current(at) for each in entries):
            return Deny(
                "participants", "other-role", "The framework does not give it this role now"
            )
        return decide(self._framework, Act(member.did, _COMPUTE, computation), as_of=at)


def load_rules(
    path: Path, authority: str, did_documents: Callable[[str], Json], *, now: datetime
) -> Rules:
    """The rules in a file, which holds the framework as its authority signed it.

    Raises ConfigurationError (there is no such file), VerificationError (`governance.loading`).
    """
    try:
        data = path.read_bytes()
    except OSError as err:
        raise ConfigurationError(
            f"There is no {path.name} that can be read; "
            "`haven dataspace node framework` puts the signed framework into the folder"
        ) from err
    return Rules(load_framework(data, Trust(authority), did_documents, now=now).framework)


def documents_in(path: Path) -> Callable[[str], Json]:
    """DID documents from a file that was verified when it was put there: a list of documents,
    found by their `id`."""
    try:
        listed: list[Any] = json.loads(path.read_text())
        return among([dict(each) for each in listed])
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise ConfigurationError(
            f"{path.name} in the node's folder cannot be read as DID documents; "
            "`haven dataspace node framework` or `participants` writes it"
        ) from err


def among(documents: Iterable[Json]) -> Callable[[str], Json]:
    """These documents, found by their `id`. Raises KeyError: one has none."""
    known = {str(each["id"]): each for each in documents}
    return lambda did: _known(known, did)


def _known(known: dict[str, Json], did: str) -> Json:
    if did not in known:
        raise VerificationError(
            f"the DID document of {did} is not among those that were verified here",
            step="signatures",
        )
    return known[did]
