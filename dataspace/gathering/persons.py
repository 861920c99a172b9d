"""Which rows of one list are the same person's, by its match keys."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dataspace.gathering.coded import NOBODY
from dataspace.gathering.matchkeys import PersonKeys

_STRICT = 2  # the identity number, and name with birthday; sounds would join strangers


def number_persons(people: Sequence[PersonKeys]) -> npt.NDArray[np.int32]:
    """A number for the person of each row, by order of first appearance; NOBODY without keys.

    Rows are one person's if a chain of equal identity numbers or equal names with birthdays
    joins them.
    """
    places: dict[bytes, int] = {}
    rows: list[int] = []
    keys: list[int] = []
    for row, person in enumerate(people):
        for key in person[:_STRICT]:
            if key is not None:
                rows.append(row)
                keys.append(places.setdefault(key, len(places)))
    numbers = np.full(len(people), NOBODY, np.int32)
    if not rows:
        return numbers
    known = np.unique(rows)
    numbers[known] = _first_seen(_joined(len(people), rows, keys)[known])
    return numbers


def _joined(count: int, rows: list[int], keys: list[int]) -> npt.NDArray[np.int32]:
    """The connected component of each row in the graph of rows and keys."""
    nodes = count + max(keys) + 1
    ends = (np.array(rows), np.array(keys) + count)
    graph = coo_array((np.ones(len(rows), np.int8), ends), shape=(nodes, nodes))
    labels: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels[:count]


def _first_seen(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The labels renumbered from 0 in the order in which they appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[inverse]
