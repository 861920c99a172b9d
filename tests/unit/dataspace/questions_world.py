"""Five made-up organisations' lists and plans, for the tests of questions."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from dataspace.gathering.coding import Gathered, gather
from dataspace.gathering.made_up import MadeUp, made_up
from dataspace.gathering.reading import read_csv
from dataspace.gathering.writing import write_csv
from dataspace.planning.plan import Plan, read_plan
from dataspace.questions.base import Opened, Released, SharesQuestion
from dataspace.vocabulary.mapping import same_names
from dataspace.vocabulary.model import Vocabulary, cases
from tests.fakes.plain_circuits import opened

type Row = Mapping[str, str]
type Integers = npt.NDArray[np.int64]

DIDS = {
    "shelter-a": "did:web:shelter-a.example",
    "shelter-b": "did:web:shelter-b.example",
    "police": "did:web:police.example",
    "labour-inspectorate": "did:web:labour.example",
    "health-service": "did:web:health.example",
}
VOCABULARY = cases()


@cache
def world() -> MadeUp:
    return made_up(VOCABULARY)


def read(rows: Sequence[Row], vocabulary: Vocabulary = VOCABULARY) -> Gathered:
    """An organisation's rows as its node reads them."""
    out = io.BytesIO()
    write_csv(rows, tuple(vocabulary.columns), out)
    out.seek(0)
    return gather(read_csv(out), same_names(vocabulary), vocabulary)


@cache
def lists() -> tuple[Gathered, ...]:
    return tuple(read(each.rows) for each in world().lists)


def every_row() -> Iterator[tuple[int, Row]]:
    """All rows with their organisation's place."""
    for place, each in enumerate(world().lists):
        for row in each.rows:
            yield place, row


def plan(operation: str, **members: Any) -> Plan:
    document: dict[str, Any] = {
        "operation": operation,
        "title": "A question",
        "agreement": "zAgreement",
        "asker": DIDS["police"],
        "analyst": "z" + "6" * 47,
        "purpose": "public-statistics",
        "receivers": [DIDS["police"]],
        "expires": datetime(2027, 1, 1, tzinfo=UTC).isoformat(),
        **members,
    }
    return read_plan(document)


def no_noise(counts: Integers, *, epsilon_milli: int, sensitivity: int) -> Integers:
    """Noise that is none: the deterministic twin of `releasing.noise`."""
    return counts


def run(
    question: SharesQuestion,
    asked: Plan,
    own: Sequence[Gathered] | None = None,
    noise: Any = no_noise,
) -> Released:
    """The whole way in the clear: every organisation's input, the circuit, the release."""
    question.check(asked)
    question.fits(asked, VOCABULARY)
    everybody = lists() if own is None else own
    circuit = question.circuit(asked, VOCABULARY, len(everybody))
    inputs = [question.inputs(asked, each.table, noise) for each in everybody]
    values = opened(circuit.name, circuit.parameters, inputs)
    return question.release(asked, VOCABULARY, Opened(values, len(everybody)))
