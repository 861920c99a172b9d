"""What one party of one run is told, and what comes out of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.canonical import canonicalize
from core.errors import InvalidInput
from core.secret import Secret
from dataspace.computing.certificates import belong_together, fingerprint
from dataspace.computing.circuits import CIRCUITS
from dataspace.computing.circuits.declaring import Circuit, complete, require_inputs
from dataspace.computing.fields import modulus_of

# with two parties the threshold is 0: each one could open everything alone
FEWEST, MOST = 3, 7
LONGEST = 3600.0

type Values = Sequence[int] | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Party:
    """Where a party listens, and the certificate (PEM) that it was agreed to show there."""

    number: int
    host: str
    port: int
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Job:
    """One party's part of one run.

    `circuit` names one of circuits.CIRCUITS, and `parameters` are its public parameters.
    `me` is this party's number and `key` the private key (PEM) of its certificate. `inputs`
    are its own secret values by name; `residues` are sums of shares (mod `field_modulus`) that
    organisations which do not compute sent to this party, by the same names, and are added to
    them. `receivers` are the numbers of the parties that see what is opened. `seconds` is the
    time after which all is given up, from the start of the process.
    """

    circuit: str
    parameters: Mapping[str, Any]
    me: int
    parties: tuple[Party, ...]
    key: Secret
    inputs: Mapping[str, Values] = field(repr=False)
    receivers: tuple[int, ...]
    seconds: float
    residues: Mapping[str, Sequence[int]] = field(default_factory=dict, repr=False)

    def threshold(self) -> int:
        """How many parties together learn nothing more than each of them (Shamir's t)."""
        return (len(self.parties) - 1) // 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run gave this party.

    `opened` maps names to the opened integers, and is None at parties that are no receivers.
    `openings` are the label and the number of values of each opening, for the node's log.
    `seconds` counts from when all parties were connected, and `processor_seconds` are what this
    party's process needed of them; `threshold` is t: what t parties see together tells them no
    more than what each may see.
    """

    opened: Mapping[str, Sequence[int]] | None = field(repr=False)
    openings: tuple[tuple[str, int], ...]
    bytes_sent: int
    seconds: float
    processor_seconds: float
    parties: int
    threshold: int


def circuit_of(name: str) -> Circuit:
    """The circuit of that name. Raises InvalidInput."""
    found = CIRCUITS.get(name)
    if found is None:
        raise InvalidInput(f"there is no such computation; there are: {', '.join(CIRCUITS)}")
    return found


def field_modulus(circuit: str, parameters: Mapping[str, Any], parties: int) -> int:
    """The prime that tables are split in for this computation (shares.split).

    Raises InvalidInput for unknown circuits or parameters.
    """
    found = circuit_of(circuit)
    return modulus_of(found.bits(complete(found, parameters, parties)))


def require_consistent(job: Job) -> None:
    """Refuses a job before anything is started. Raises InvalidInput, naming no value."""
    count = len(job.parties)
    if not FEWEST <= count <= MOST:
        raise InvalidInput(f"a computation takes {FEWEST} to {MOST} parties that compute")
    if [each.number for each in job.parties] != list(range(count)) or not 0 <= job.me < count:
        raise InvalidInput("the parties are numbered from 0, and this party is one of them")
    if any(not each.host or not 0 < each.port < 2**16 for each in job.parties):
        raise InvalidInput("a party has no host, or a port that cannot be")
    if not job.receivers or sorted(set(job.receivers)) != sorted(job.receivers):
        raise InvalidInput("there is at least one receiver, and each is named once")
    if not set(job.receivers) <= set(range(count)):
        raise InvalidInput("the receivers are parties of the computation")
    if not 0 < job.seconds <= LONGEST:
        raise InvalidInput(f"a run may take up to {LONGEST:.0f} seconds")
    if len({fingerprint(each.certificate) for each in job.parties}) != count:
        raise InvalidInput("two parties have the same certificate")
    if not belong_together(job.key.reveal().encode(), job.parties[job.me].certificate):
        raise InvalidInput("the private key is not the one of this party's certificate")
    _require_circuit(job)


def _require_circuit(job: Job) -> None:
    circuit = circuit_of(job.circuit)
    whole = complete(circuit, job.parameters, len(job.parties))
    if circuit.everyone_learns and len(job.receivers) != len(job.parties):
        raise InvalidInput("every party is a receiver here: the computation goes by the result")
    require_inputs(circuit, whole, job.me, job.inputs)
    modulus = modulus_of(circuit.bits(whole))
    for name, residues in job.residues.items():
        if not circuit.shareable or name not in job.inputs:
            raise InvalidInput("no shares can be added to this input")
        if len(residues) != len(job.inputs[name]):
            raise InvalidInput("the shares have another length than the input")
        if any(type(each) is not int or not 0 <= each < modulus for each in residues):
            raise InvalidInput("a share is no residue of the field of the computation")


def agreed(job: Job) -> bytes:
    """A hash of all that the parties must agree on; compared before any input is shared.

    Hosts and ports are not in it: a party may be reached in different ways.
    """
    document = {
        "circuit": job.circuit,
        "parameters": complete(circuit_of(job.circuit), job.parameters, len(job.parties)),
        "parties": [fingerprint(each.certificate) for each in job.parties],
        "receivers": sorted(job.receivers),
    }
    return sha256(canonicalize(document, step="job")).digest()


def to_wire(job: Job) -> bytes:
    """The job for the party's process, without the key, which lies in its own directory."""
    document = {
        "circuit": job.circuit,
        "parameters": dict(job.parameters),
        "me": job.me,
        "parties": [
            [each.number, each.host, each.port, each.certificate.decode()]
            for each in job.parties
        ],
        "inputs": {name: _packed(values) for name, values in job.inputs.items()},
        "residues": {name: list(values) for name, values in job.residues.items()},
        "receivers": list(job.receivers),
        "seconds": job.seconds,
    }
    return json.dumps(document).encode()


def from_wire(data: bytes, key: Secret) -> Job:
    """The job that `to_wire` wrote; both ends are ours, so that a fault is a plain error."""
    raw = json.loads(data)
    return Job(
        circuit=raw["circuit"],
        parameters=raw["parameters"],
        me=raw["me"],
        parties=tuple(
            Party(number, host, port, certificate.encode())
            for number, host, port, certificate in raw["parties"]
        ),
        key=key,
        inputs={name: _unpacked(packed) for name, packed in raw["inputs"].items()},
        receivers=tuple(raw["receivers"]),
        seconds=raw["seconds"],
        residues=raw["residues"],
    )


def _packed(values: Values) -> dict[str, Any]:
    listed = np.asarray(values, dtype="<i8")
    return {
        "shape": list(listed.shape),
        "int64": base64.b64encode(listed.tobytes()).decode(),
    }


def _unpacked(packed: Mapping[str, Any]) -> NDArray[np.int64]:
    raw = np.frombuffer(base64.b64decode(packed["int64"]), dtype="<i8")
    return raw.reshape(packed["shape"]).astype(np.int64)
