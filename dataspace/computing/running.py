"""What a party does from its connections to its answer. Imported after runtime.make_runtime."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from dataspace.computing.circuits.declaring import complete
from dataspace.computing.connecting import Connections
from dataspace.computing.engine import Engine
from dataspace.computing.fields import modulus_of
from dataspace.computing.job import Job, Outcome, Values, circuit_of
from dataspace.computing.steps import Step, Stopped


async def run(runtime: Any, job: Job, begin: Callable[[Step], None]) -> dict[str, Any]:
    """Connects, computes, parts. Returns the outcome as a document. Raises Stopped."""
    begin("connecting")
    connections = Connections(runtime, job)
    try:
        await connections.connect()
        begin("computing")
        outcome = await _compute(runtime, job, connections)
        begin("answering")
        await connections.part()
    except Stopped as stopped:
        await connections.abort(stopped.step)
        raise
    except Exception:
        await connections.abort("computing")
        raise
    return asdict(outcome)


async def _compute(runtime: Any, job: Job, connections: Connections) -> Outcome:
    started, worked = time.perf_counter(), time.process_time()
    circuit = circuit_of(job.circuit)
    parameters = complete(circuit, job.parameters, len(job.parties))
    bits = circuit.bits(parameters)
    modulus = modulus_of(bits)
    engine = Engine(runtime, receivers=job.receivers, bits=bits, modulus=modulus)
    inputs = {
        name: _with_residues(values, job.residues.get(name), modulus)
        for name, values in job.inputs.items()
    }
    opened = await _or_failure(connections, circuit.run(engine, parameters, inputs))
    return Outcome(
        opened=opened,
        openings=tuple(engine.openings),
        bytes_sent=sum(
            each.protocol.nbytes_sent for each in runtime.parties if each.pid != job.me
        ),
        seconds=time.perf_counter() - started,
        processor_seconds=time.process_time() - worked,
        parties=len(job.parties),
        threshold=job.threshold(),
    )


def _with_residues(values: Values, residues: Sequence[int] | None, modulus: int) -> Any:
    """The own values and, on top of them, what came as shares, as residues of the field."""
    if residues is None:
        return np.asarray(values)
    pairs = zip(np.asarray(values).tolist(), residues, strict=True)
    return np.array([(own + share) % modulus for own, share in pairs], dtype=object)


async def _or_failure[T](connections: Connections, work: Coroutine[Any, Any, T]) -> T:
    """The result of the work, unless a connection fails first."""
    task = asyncio.ensure_future(work)
    connections.failure.add_done_callback(lambda _: task.cancel())
    try:
        return await task
    except asyncio.CancelledError:
        if connections.failure.done():
            raise Stopped(connections.failure.result()) from None
        raise
