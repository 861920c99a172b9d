"""This node's part in one run: what goes in, and how it is computed with the others.

Three kinds, by the question's engine: secret sharing, the ring, and the ring whose owners are
answered. Nodes whose data do not go in, or that do not compute, have the part of a bystander:
they verify, log and compare like all others.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, cast

import numpy as np

from controllers.dataspace.cases import OwnCasesNow
from controllers.dataspace.peers import Peers
from controllers.dataspace.ringing import RingPort
from controllers.dataspace.saying import Ready
from core.canonical import Json
from core.errors import InvalidInput, Unavailable, VerificationError
from core.secret import Secret
from dataspace.agreeing.agreement import Participant, Terms
from dataspace.computing.certificates import make_certificate
from dataspace.computing.job import Job, Outcome, Party, circuit_of, field_modulus
from dataspace.computing.shares import combine, split
from dataspace.planning.plan import Plan
from dataspace.planning.taking_part import taking_part
from dataspace.questions.base import (
    Circuit,
    Engine,
    Inputs,
    Opened,
    OwnersQuestion,
    Question,
    Released,
    RingQuestion,
    SharesQuestion,
)
from dataspace.recording.commitment import SALT_BYTES, commit
from dataspace.releasing.noise import add_noise
from dataspace.ring.counting import evaluate_count
from dataspace.ring.priorities import evaluate_priorities, prioritise_with
from dataspace.ring.protocol import count_with
from dataspace.ring.terms import Answer
from dataspace.ring.terms import Terms as RingTerms
from dataspace.vocabulary.model import Vocabulary

SHARES = "run-shares"

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


async def make_part(setting: Setting) -> Part:
    """This node's part. Raises InvalidInput: its own figures do not fit the plan."""
    if setting.question.engine is Engine.SHARES:
        return await asyncio.to_thread(_SharesPart, setting)
    return await asyncio.to_thread(_RingPart, setting)


class _Base:
    """What all parts have."""

    def __init__(self, setting: Setting, committed: np.ndarray[Any, Any]) -> None:
        self.setting = setting
        self.salt = secrets.token_bytes(SALT_BYTES)
        self.commitment = commit(committed, self.salt)
        self.certificate: str | None = None
        self.port: int | None = None
        self._key = Secret("")

    def be_party(self, parties: Sequence[str]) -> None:
        """Make this run's certificate, if this node is one of the parties that compute."""
        if self.setting.me.did in parties:
            number = parties.index(self.setting.me.did)
            key, certificate = make_certificate(number, self.setting.tag)
            self._key, self.certificate = Secret(key.decode()), certificate.decode()
            self.port = _free_port(self.setting.compute_host)

    async def circuit(
        self,
        circuit: Circuit,
        inputs: Inputs,
        parties: Sequence[str],
        readies: Mapping[str, Ready],
        residues: Mapping[str, Sequence[int]],
    ) -> Released | None:
        """Compute with the other parties; what came out, where this node is a receiver."""
        setting = self.setting
        question = cast(SharesQuestion, setting.question)
        job = Job(
            circuit=circuit.name,
            parameters=circuit.parameters,
            me=list(parties).index(setting.me.did),
            parties=tuple(_party(at, readies[did]) for at, did in enumerate(parties)),
            key=self._key,
            inputs=dict(inputs),
            receivers=self.receivers(parties),
            seconds=setting.seconds,
            residues=residues,
        )
        outcome = await setting.compute(job)
        if outcome.opened is None:
            return None
        opened = Opened(outcome.opened, len(setting.holders))
        return question.release(setting.plan, setting.vocabulary, opened)

    def receivers(self, parties: Sequence[str]) -> tuple[int, ...]:
        """Which parties see what is opened: the plan's receivers. If one of those is no party,
        all parties see it, and it is handed to that one after they agree on it."""
        wanted = set(self.setting.plan.receivers)
        if self.setting.question.opens_to_all(self.setting.plan) or not wanted <= set(parties):
            return tuple(range(len(parties)))
        return tuple(at for at, did in enumerate(parties) if did in wanted)

    def take_shares(self, sender: Participant, shares: Any) -> None:
        raise VerificationError("this run takes no shares", step="shares")

    def take_frame(self, sender: Participant, frame: bytes) -> None:
        raise VerificationError("this run has no ring", step="frame")

    def close(self) -> None:
        """Nothing waits."""


class _SharesPart(_Base):
    """Secret sharing among the compute nodes; other holders hand them additive shares."""

    def __init__(self, setting: Setting) -> None:
        question = cast(SharesQuestion, setting.question)
        self._parties = [each.did for each in setting.terms.compute_nodes]
        self._circuit = question.circuit(setting.plan, setting.vocabulary, len(setting.holders))
        self._inputs: Inputs = {}
        if setting.me in setting.holders:
            table = setting.own.gathered.table
            self._inputs = question.inputs(setting.plan, table, add_noise)
        super().__init__(setting, _joined(self._inputs))
        self.be_party(self._parties)
        self._sharing = [p.did for p in setting.holders if p.did not in self._parties]
        self._shares: dict[str, Mapping[str, Sequence[int]]] = {}
        self._all_here = asyncio.Event()

    async def compute(self, readies: Mapping[str, Ready]) -> Result | None:
        me = self.setting.me.did
        if me in self._sharing:
            await self._hand_out()
        if me not in self._parties:
            return None
        residues = await self._residues()
        released = await self.circuit(
            self._circuit, self._inputs, self._parties, readies, residues
        )
        return None if released is None else Result(released_document(released))

    @property
    def _modulus(self) -> int:
        circuit = self._circuit
        return field_modulus(circuit.name, circuit.parameters, len(self._parties))

    async def _hand_out(self) -> None:
        if not circuit_of(self._circuit.name).shareable:
            raise InvalidInput("this computation takes no shares", code="not-shareable")
        shares = {
            name: split(values.tolist(), self._modulus, len(self._parties))
            for name, values in self._inputs.items()
        }
        async with asyncio.TaskGroup() as group:
            for at, did in enumerate(self._parties):
                member = self.setting.terms.participant(did)
                body = {
                    "run": self.setting.tag,
                    "shares": {
                        name: [format(each, "x") for each in parts[at]]
                        for name, parts in shares.items()
                    },
                }
                if member is not None:
                    group.create_task(
                        self.setting.peers.ask(
                            member, SHARES, body, seconds=self.setting.seconds
                        )
                    )

    def take_shares(self, sender: Participant, shares: Any) -> None:
        if sender.did not in self._sharing or sender.did in self._shares:
            raise VerificationError("nobody waits for these shares", step="shares")
        lengths = {name: len(values) for name, values in self._inputs.items()}
        try:
            read = {
                str(name): [int(str(each), 16) for each in values]
                for name, values in dict(shares).items()
            }
        except (TypeError, ValueError) as err:
            raise VerificationError("these are no shares", step="shares") from err
        if {name: len(values) for name, values in read.items()} != lengths:
            raise VerificationError("these shares are of another table", step="shares")
        self._shares[sender.did] = read
        if len(self._shares) == len(self._sharing):
            self._all_here.set()

    async def _residues(self) -> dict[str, Sequence[int]]:
        if not self._sharing:
            return {}
        try:
            async with asyncio.timeout(self.setting.seconds):
                await self._all_here.wait()
        except TimeoutError as err:
            raise Unavailable("shares are missing", code="shares-missing") from err
        return {
            name: combine([each[name] for each in self._shares.values()], self._modulus)
            for name in self._inputs
        }


class _RingPart(_Base):
    """Blinded tokens go round and end at the evaluator, which counts or answers owners."""

    def __init__(self, setting: Setting) -> None:
        evaluator = setting.terms.evaluator
        if evaluator is None:
            raise InvalidInput("this space has no evaluator", code="no-evaluator")
        self._evaluator = evaluator
        self._holds = setting.me in setting.holders
        self._records: list[Any] = []
        if self._holds:
            question = cast(RingQuestion, setting.question)
            self._records = question.records(setting.plan, setting.own.gathered)
        super().__init__(setting, _bytes_of(self._records))
        self._follow = self._following()
        self._parties = [*(each.did for each in setting.holders), evaluator.did]
        if self._follow is not None:
            self.be_party(self._parties)
        self._port = RingPort(setting.peers, setting.tag)

    def _following(self) -> Circuit | None:
        if self.setting.question.engine is not Engine.RING:
            return None
        question = cast(RingQuestion, self.setting.question)
        return question.follow(self.setting.plan, len(self.setting.holders))

    def take_frame(self, sender: Participant, frame: bytes) -> None:
        self._port.put(sender, frame)

    def close(self) -> None:
        self._port.close()

    async def compute(self, readies: Mapping[str, Ready]) -> Result | None:
        if self.setting.question.engine is Engine.OWNERS:
            return await self._owners()
        if self._holds:
            await count_with(self._terms(), self.setting.me.did, self._records, self._port)
            inputs = self._holder_inputs()
        elif self.setting.me == self._evaluator:
            counted = await evaluate_count(self._terms(), self._port)
            released, inputs = self._evaluated(counted.patterns)
            if released is not None:
                return Result(released_document(released))
        else:
            return None
        if self._follow is None:
            return None
        opened = await self.circuit(self._follow, inputs, self._parties, readies, {})
        return None if opened is None else Result(released_document(opened))

    def _holder_inputs(self) -> Inputs:
        question = cast(RingQuestion, self.setting.question)
        if self._follow is None:
            return {}
        return question.holder_inputs(self.setting.plan, len(self._records))

    def _evaluated(
        self, patterns: Mapping[frozenset[str], int]
    ) -> tuple[Released | None, Inputs]:
        question = cast(RingQuestion, self.setting.question)
        if self._follow is not None:
            return None, question.evaluator_inputs(self.setting.plan, patterns)
        totals = {
            each.did: sum(n for names, n in patterns.items() if each.did in names)
            for each in self.setting.holders
        }
        return question.answer(self.setting.plan, patterns, totals), {}

    async def _owners(self) -> Result | None:
        if self.setting.me == self._evaluator:
            await evaluate_priorities(self._terms(), self._port)
            return None
        if not self._holds:
            return None
        question = cast(OwnersQuestion, self.setting.question)
        me = self.setting.me.did
        ranked = await prioritise_with(self._terms(), me, self._records, self._port)
        if me not in question.answered(self.setting.plan):
            return None
        released = question.rank(self.setting.plan, self.setting.own.gathered, ranked)
        # a salt, so that nobody can guess from the digest in the logs what the answer was
        document = released_document(released) | {"salt": secrets.token_hex(16)}
        return Result(document, private=True)

    def _terms(self) -> RingTerms:
        plan, terms = self.setting.plan, self.setting.terms
        answer = None
        if self.setting.question.engine is Engine.OWNERS:
            owners = cast(OwnersQuestion, self.setting.question)
            keys, answer = owners.kinds(plan), Answer(owners.detail(plan))
        else:
            keys = cast(RingQuestion, self.setting.question).keys(plan)
        return RingTerms(
            purpose=plan.purpose,
            period=f"{terms.starts.date()}/{terms.ends.date()}",
            agreement=plan.agreement,
            run=self.setting.tag,
            keys=keys,
            holders=tuple(each.did for each in self.setting.holders),
            evaluator=self._evaluator.did,
            minimum=terms.limits.least_list,
            seconds=self.setting.seconds,
            answer=answer,
        )


def released_document(released: Released) -> Json:
    """What came out as JSON: the form that is hashed, compared and handed to receivers."""
    made = asdict(released)
    return made | {
        "columns": list(released.columns),
        "rows": [list(row) for row in released.rows],
        "notes": [str(note) for note in released.notes],
    }


def _party(number: int, ready: Ready) -> Party:
    if ready.certificate is None or ready.host is None or ready.port is None:
        raise VerificationError("a party has not said where it computes", step="ready")
    return Party(number, ready.host, ready.port, ready.certificate.encode())


def _joined(inputs: Inputs) -> np.ndarray[Any, Any]:
    flat = [np.ravel(inputs[name]).astype(np.int64) for name in sorted(inputs)]
    return np.concatenate(flat) if flat else np.zeros(0, np.int64)


def _bytes_of(records: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Records as numbers, for the commitment to a list; its order says nothing."""
    return np.frombuffer("\n".join(sorted(map(_line, records))).encode(), np.uint8)


def _line(record: Any) -> str:
    if isinstance(record, Mapping):
        named = (
            f"{kind}={','.join(sorted(each.hex() for each in record[kind]))}"
            for kind in sorted(record)
        )
        return "|".join(named)
    return "|".join("" if key is None else key.hex() for key in record)


def _free_port(host: str) -> int:
    """A port that nobody listens on now; the party takes it when the run begins."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.bind((host, 0))
            return int(probe.getsockname()[1])
    except OSError as err:
        raise Unavailable("This node has no address to compute at", code="no-address") from err
