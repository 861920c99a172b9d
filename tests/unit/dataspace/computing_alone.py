"""A process that runs circuits as one party alone, for many examples: no line, no start-up.

It reads a JSON line with a circuit, its parameters and the sums of all organisations' inputs,
and answers with what was opened. MPyC is a singleton that changes the process it is in, so it
does not run in that of the tests.
"""

from __future__ import annotations

import json
import sys

from dataspace.computing.engine import Engine
from dataspace.computing.fields import modulus_of
from dataspace.computing.job import circuit_of
from dataspace.computing.runtime import make_runtime

RUNTIME = make_runtime(0, 1)


async def answer(line: str) -> dict[str, object]:
    asked = json.loads(line)
    circuit = circuit_of(asked["circuit"])
    bits = circuit.bits(asked["parameters"])
    engine = Engine(RUNTIME, receivers=[0], bits=bits, modulus=modulus_of(bits))
    opened = await circuit.run(engine, asked["parameters"], asked["inputs"])
    return {"opened": opened, "openings": engine.openings}


if __name__ == "__main__":
    for each in sys.stdin:
        print(json.dumps(RUNTIME.run(answer(each))), flush=True)
