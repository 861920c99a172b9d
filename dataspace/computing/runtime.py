"""MPyC's runtime, made ready without surprises. Only a party's own process may import it.

Importing MPyC reads `sys.argv`, sets asyncio's policy and makes a singleton; so it is imported
here, once, in a process that does nothing else, with arguments that are written here.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np

from dataspace.computing import messages
from dataspace.computing.fields import STATISTICAL
from dataspace.computing.shares import uniform

# sharing pseudorandom values without messages needs one key for each of C(m, t) groups of
# parties; with more parties than this, sending them is quicker (measured: 7 parties, half)
_PSEUDORANDOM_PARTIES = 5


def make_runtime(me: int, parties: int) -> Any:
    """The runtime of party `me` of `parties`, not connected, whose messages hold no programs.

    One party alone computes in the open: that is for tests of circuits, and party.py refuses
    it. The addresses given to MPyC are never used, because connecting.py connects.
    """
    addresses = [word for number in range(parties) for word in ("-P", f"party{number}:1")]
    options = ["--index", str(me), "--sec-param", str(STATISTICAL), "--no-log"]
    if parties > _PSEUDORANDOM_PARTIES:
        options.append("--no-prss")
    sys.argv = ["party", *addresses, *options]
    import mpyc.runtime  # noqa: PLC0415  # reads the arguments above when it is imported

    mpyc.thresha.np_random_split = _random_split
    mpyc.runtime.pickle = SimpleNamespace(dumps=messages.dumps, loads=messages.loads)
    return mpyc.runtime.mpc


def _random_split(field: Any, values: Any, degree: int, parties: int) -> Any:
    """Shamir shares as MPyC's thresha.np_random_split makes them, four times as fast.

    The same polynomials, whose coefficients are drawn from the system's randomness at once and
    not one by one. Shares are made by one party alone, so that the others cannot tell.
    """
    modulus = field.modulus
    secret = values.value if isinstance(values, field.array) else values
    shares = np.empty((parties, len(secret)), dtype=object)
    shares[:] = secret
    powers = [1] * parties
    for _ in range(degree):
        drawn = np.array(uniform(len(secret), modulus), dtype=object)
        powers = [power * (number + 1) for number, power in enumerate(powers)]
        shares += np.array(powers, dtype=object).reshape(parties, 1) * drawn
    return shares % modulus
