"""The obvious secure way, to measure the ring against: every pair compared inside MPyC.

Run as a program of its own (`python pairwise.py ROWS -M3`), since importing MPyC reads the
command line. Party 0 prints the seconds from start to opening, on the last line.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from mpyc.runtime import mpc


async def main(rows: int) -> None:
    """Each party has a list of `rows` numbers; the equal pairs of every two are summed."""
    secint = mpc.SecInt(32)
    await mpc.start()
    begun = time.perf_counter()
    mine = secint.array(np.arange(rows) + mpc.pid * rows // 3)
    lists = mpc.input(mine)
    sums = []
    for at, one in enumerate(lists):
        for other in lists[at + 1 :]:
            equal = one.reshape(rows, 1) == other.reshape(1, rows)
            sums.append(mpc.np_sum(equal))
    opened = [int(await mpc.output(each)) for each in sums]
    taken = time.perf_counter() - begun
    await mpc.shutdown()
    if mpc.pid == 0:
        print(opened, taken)  # what the measuring process reads


if __name__ == "__main__":
    mpc.run(main(int(sys.argv[1])))
