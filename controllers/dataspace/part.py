"""A node's part in one run: what all kinds of it have in common."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np

from controllers.dataspace.cases import OwnCasesNow
from controllers.dataspace.peers import Peers
from controllers.dataspace.saying import Ready
from core.canonical import Json
from core.errors import Unavailable, VerificationError
from core.secret import Secret
from dataspace.agreeing.agreement import Participant, Terms
from dataspace.computing.certificates import make_certificate
from dataspace.computing.job import Job, Outcome, Party
from dataspace.planning.plan import Plan
from dataspace.planning.seeing import opened_to, seers
from dataspace.planning.taking_part import taking_part
from dataspace.questions.base import (
    Circuit,
    Inputs,
    Opened,
    Question,
    Released,
    SharesQuestion,
)
from dataspace.recording.commitment import SALT_BYTES, commit
from dataspace.releasing.release import result_document
from dataspace.vocabulary.model import Vocabulary

type Compute = Callable[[Job], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True, repr=False)
class Setting:
    """Everything that a part is made of."""

    tag: str
    plan: Plan
    question: Question
    terms: Terms
    me: Participant
    own: OwnCasesNow
    vocabulary: Vocabulary
    peers: Peers
    compute: Compute
    compute_host: str
    seconds: float

    @property
    def holders(self) -> tuple[Participant, ...]:
        """Those whose data go in."""
        return taking_part(self.terms, self.question.engine).holders


@dataclass(frozen=True, slots=True)
class Result:
    """What came out at this node: for the receivers, or (`private`) for itself alone."""

    document: Json = field(repr=False)
    private: bool = False


class Part(Protocol):
    """What a node does between being ready and having computed."""

    commitment: str
    salt: bytes
    certificate: str | None
    port: int | None
    parties: Sequence[str]  # DIDs of those that compute in shares, by their numbers
    circuit_name: str | None

    @property
    def seers(self) -> frozenset[str]:
        """Who sees by itself what comes out."""
        ...

    @property
    def is_to_the_end(self) -> bool:
        """Whether it is done only when what comes out is there, for whomever: a bystander's,
        or of who hands out shares, is done before."""
        ...

    async def compute(self, readies: Mapping[str, Ready]) -> Result | None:
        """The result, where this node sees one."""
        ...

    def take_shares(self, sender: Participant, shares: Any) -> None:
        """Additive shares of an organisation that does not compute."""
        ...

    def take_frame(self, sender: Participant, frame: bytes) -> None:
        """A frame of the ring."""
        ...

    def close(self) -> None:
        """The run is over; whatever waits is let go."""
        ...


class BasePart:
    """What all parts have."""

    def __init__(self, setting: Setting, committed: np.ndarray[Any, Any]) -> None:
        self.setting = setting
        self.salt = secrets.token_bytes(SALT_BYTES)
        self.commitment = commit(committed, self.salt)
        self.certificate: str | None = None
        self.port: int | None = None
        self.parties: Sequence[str] = ()
        self.circuit_name: str | None = None
        self._key = Secret("")

    def be_party(self, circuit: Circuit, parties: Sequence[str]) -> None:
        """Make this run's certificate, if this node is one of the parties that compute."""
        self.parties, self.circuit_name = parties, circuit.name
        if self.setting.me.did in parties:
            number = parties.index(self.setting.me.did)
            key, certificate = make_certificate(number, self.setting.tag)
            self._key, self.certificate = Secret(key.decode()), certificate.decode()
            self.port = _free_port(self.setting.compute_host)

    async def circuit(
        self,
        circuit: Circuit,
        inputs: Inputs,
        readies: Mapping[str, Ready],
        residues: Mapping[str, Sequence[int]],
    ) -> Result | None:
        """Compute with the other parties; what came out, where this node is a receiver."""
        setting, parties = self.setting, self.parties
        question = cast(SharesQuestion, setting.question)
        job = Job(
            circuit=circuit.name,
            parameters=circuit.parameters,
            me=parties.index(setting.me.did),
            parties=tuple(_party(at, readies[did]) for at, did in enumerate(parties)),
            key=self._key,
            inputs=dict(inputs),
            receivers=self._receivers(),
            seconds=setting.seconds,
            residues=residues,
        )
        outcome = await setting.compute(job)
        if outcome.opened is None:
            return None
        opened = Opened(outcome.opened, len(setting.holders))
        released = question.release(setting.plan, setting.vocabulary, opened)
        return self.result(released)

    def _receivers(self) -> tuple[int, ...]:
        """Which parties see what is opened."""
        seeing = opened_to(self.setting.question, self.setting.plan, self.parties)
        return tuple(number for number, did in enumerate(self.parties) if did in seeing)

    @property
    def seers(self) -> frozenset[str]:
        return frozenset(seers(self.setting.question, self.setting.plan, self.setting.terms))

    @property
    def is_to_the_end(self) -> bool:
        return self.setting.me.did in self.parties

    def result(self, released: Released) -> Result:
        """What came out, in the form that is hashed, compared and handed on."""
        plan, tag = self.setting.plan.digest, self.setting.tag
        return Result(result_document(released, plan=plan, tag=tag))

    def take_shares(self, sender: Participant, shares: Any) -> None:
        raise VerificationError("this run takes no shares", step="shares")

    def take_frame(self, sender: Participant, frame: bytes) -> None:
        raise VerificationError("this run has no ring", step="frame")

    def close(self) -> None:
        """Nothing waits."""


def _party(number: int, ready: Ready) -> Party:
    if ready.certificate is None or ready.host is None or ready.port is None:
        raise VerificationError("a party has not said where it computes", step="ready")
    return Party(number, ready.host, ready.port, ready.certificate.encode())


def _free_port(host: str) -> int:
    """A port that nobody listens on now; the party takes it when the run begins."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.bind((host, 0))
            return int(probe.getsockname()[1])
    except OSError as err:
        raise Unavailable("This node has no address to compute at", code="no-address") from err
