"""A Bayesian average over decomposable graphs (Madigan and York 1997).

Each graph on the lists says which of them depend on each other; of a decomposable one the
likelihood of a total is a product over cliques, divided by one over separators, with a
hyper-Dirichlet prior of weight 2**-k a cell. Totals have the prior 1/N, as far as thirty times
those seen. The saturated graph says nothing about those on no list and is left out. Lists: at
most five (822 graphs, 821 without it).

The posterior is smooth in the number missing: it is computed for every small number, and then
for numbers that grow by one per cent each, each of which stands for those around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

import numpy as np
from scipy.special import gammaln, logsumexp

from core.errors import InvalidInput
from dataspace.estimating.overlaps import Floats, Overlaps, Pair

MOST_LISTS = 5
TIMES_SEEN = 30  # the largest number missing that is looked at, by those seen
_EACH_BELOW, _GROWTH = 200, 1.01
_QUANTILES = (0.025, 0.5, 0.975)

type Clique = frozenset[int]


@dataclass(frozen=True, slots=True)
class Credible:
    """Median and 95 % interval of the total. `largest` is the largest total looked at: an upper
    end that is not far below it says where we stopped looking, not where people end."""

    low: int
    median: int
    high: int
    largest: int


def average(
    table: Overlaps, times_seen: int = TIMES_SEEN, each_below: int = _EACH_BELOW
) -> Credible:
    """The posterior of the total. Numbers missing below `each_below` are each looked at.

    Raises InvalidInput for more than five lists."""
    if len(table.lists) > MOST_LISTS:
        raise InvalidInput(f"the Bayesian average is made for {MOST_LISTS} lists at most")
    missing = _nodes(table.seen * times_seen, each_below)
    totals = table.seen + missing
    terms = _Terms(table, missing, totals)
    prior = gammaln(totals + 1) - gammaln(missing + 1) - np.log(totals)
    weights = np.array([terms.of(*graph) for graph in graphs(len(table.lists))]) + prior
    edges = np.append((missing[1:] + missing[:-1]) / 2, missing[-1] + 0.5)
    widths = np.diff(edges, prepend=-0.5)
    posterior = logsumexp(weights, axis=0) + np.log(widths)
    reached = np.cumsum(np.exp(posterior - logsumexp(posterior)))
    found = np.ceil(np.interp(_QUANTILES, reached, edges) - 0.5)
    low, median, high = (table.seen + int(max(each, 0)) for each in found)
    return Credible(low, median, high, int(totals[-1]))


def _nodes(most: int, each_below: int) -> Floats:
    """Numbers missing, from 0 to the most: each at first, then ever further apart."""
    small = np.arange(min(each_below, most + 1), dtype=np.float64)
    if each_below > most:
        return small
    count = 2 + int(np.log(most / each_below) / np.log(_GROWTH))
    grown = np.rint(np.geomspace(each_below, most, count))
    return np.unique(np.concatenate([small, grown]))


class _Terms:
    """Marginal likelihoods of cliques, each computed once for all totals."""

    def __init__(self, table: Overlaps, missing: Floats, totals: Floats) -> None:
        self._table, self._missing, self._totals = table, missing, totals
        self._known: dict[Clique, Floats] = {}

    def of(self, cliques: list[Clique], separators: list[Clique]) -> Floats:
        found = sum((self._term(each) for each in cliques), np.zeros(len(self._totals)))
        return found - sum((self._term(s) for s in separators if s), np.zeros(len(found)))

    def _term(self, clique: Clique) -> Floats:
        if clique not in self._known:
            self._known[clique] = self._made(sorted(clique))
        return self._known[clique]

    def _made(self, places: list[int]) -> Floats:
        lists = len(self._table.lists)
        alpha = 2.0 ** -len(places)  # 2**-k a cell, summed over those that share these places
        counts: dict[tuple[int, ...], float] = {}
        for row, count in zip(self._table.patterns, self._table.counts, strict=True):
            key = tuple(int(row[place]) for place in places)
            counts[key] = counts.get(key, 0.0) + float(count)
        nowhere = (0,) * len(places)
        seen = sum(
            gammaln(counts.get(key, 0.0) + alpha) - gammaln(alpha)
            for key in product((0, 1), repeat=len(places))
            if key != nowhere
        )
        unseen = gammaln(counts.get(nowhere, 0.0) + self._missing + alpha) - gammaln(alpha)
        whole = 2.0**lists * 2.0**-lists
        made: Floats = seen + unseen + gammaln(whole) - gammaln(self._totals + whole)
        return made


@cache
def graphs(lists: int) -> tuple[tuple[list[Clique], list[Clique]], ...]:
    """Every decomposable graph but the saturated one, as its cliques and separators."""
    return tuple(_graphs(lists))


def _graphs(lists: int) -> Iterator[tuple[list[Clique], list[Clique]]]:
    edges = list(combinations(range(lists), 2))
    for chosen in range(2 ** len(edges) - 1):
        found = _cliques(lists, [e for at, e in enumerate(edges) if chosen >> at & 1])
        if found is not None:
            yield found


def _cliques(lists: int, edges: list[Pair]) -> tuple[list[Clique], list[Clique]] | None:
    """By maximum cardinality search (Tarjan and Yannakakis 1984); None if not decomposable."""
    near: dict[int, set[int]] = {each: set() for each in range(lists)}
    for one, other in edges:
        near[one].add(other)
        near[other].add(one)
    cliques: list[Clique] = []
    separators: list[Clique] = []
    done: set[int] = set()
    current: Clique = frozenset()
    while len(done) < lists:
        chosen = max(set(near) - done, key=lambda each: (len(near[each] & done), -each))
        before = frozenset(near[chosen] & done)
        if any(other not in near[one] for one, other in combinations(before, 2)):
            return None
        if done and before != current:
            cliques.append(current)
            separators.append(before)
        current = before | {chosen}
        done.add(chosen)
    return [*cliques, current], separators
