"""The governance framework as this node has it: a signed copy, verified when it is read.

Whether a participant's role takes part in a computation, every node asks its own copy. The
authority that it believes is the one that the terms name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from core.canonical import Json
from core.decision import Deny
from core.errors import ConfigurationError, Forbidden, VerificationError
from dataspace.agreeing.agreement import Terms
from governance.engine import Act, Framework, decide
from governance.loading import Trust, load_framework

_COMPUTE = "compute"


class Rules:
    """What the framework says about computations."""

    def __init__(self, framework: Framework) -> None:
        self._framework = framework

    def require(self, terms: Terms, computation: str, *, at: datetime) -> None:
        """That everybody in the space may take part in this computation.

        Raises Forbidden, code `framework-<reason>`: one may not. Roles are the framework's, by
        the participant's DID; what the terms call a role must be the same.
        """
        for each in terms.participants:
            answer = decide(self._framework, Act(each.did, _COMPUTE, computation), as_of=at)
            if isinstance(answer, Deny):
                raise Forbidden(
                    "The governance framework does not let a participant take part in this",
                    code=f"framework-{answer.reason}",
                )
            roles = {entry.role for entry in self._framework.participants[each.did]}
            if each.role not in roles:
                raise Forbidden(
                    "The terms give a participant a role that the framework does not",
                    code="framework-role",
                )


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
            "There is no copy of the governance framework in this node's folder"
        ) from err
    return Rules(load_framework(data, Trust(authority), did_documents, now=now).framework)


def documents_in(path: Path) -> Callable[[str], Json]:
    """DID documents of the framework's signers, from a file that was verified when it was put
    there: a list of documents, found by their `id`."""
    try:
        listed: list[Any] = json.loads(path.read_text())
        known = {str(each["id"]): dict(each) for each in listed}
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise ConfigurationError(
            "The file of the signers' DID documents cannot be read"
        ) from err
    return lambda did: _known(known, did)


def _known(known: dict[str, Json], did: str) -> Json:
    if did not in known:
        raise VerificationError(
            "a signer of the framework is not known here", step="signatures"
        )
    return known[did]
