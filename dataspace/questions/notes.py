"""Codes of what a reader of a result has to know, and their words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Note(StrEnum):
    """A stable code; pages in other languages go by it."""

    BELOW_THRESHOLD = "below-threshold"
    WITHHELD_TOO = "withheld-too"
    PEOPLE_IN_EACH = "people-in-each"
    NOISY = "noisy"
    RATIO_ROUNDED_DOWN = "ratio-rounded-down"
    LOSSES_AS_NOTHING = "losses-as-nothing"
    LEVELLED = "levelled"
    NO_INTERVAL = "no-interval"
    NO_ESTIMATE = "no-estimate"
    NOT_ENOUGH_ROWS = "not-enough-rows"
    NO_STANDARD_ERRORS = "no-standard-errors"
    RARE_LEFT_OUT = "rare-left-out"
    LEVEL_TOO_SMALL = "level-too-small"
    NOT_SETTLED = "not-settled"
    RATIO_LIMITS = "ratio-limits"
    SAME_POPULATION = "same-population"
    MATCHES_MISSED = "matches-missed"
    INTERVAL_AS_CHOSEN = "interval-as-chosen"
    NAMELESS_LEFT_OUT = "nameless-left-out"
    NAMELESS_COUNTED = "nameless-counted"
    INTELLIGENCE = "intelligence"
    PARTIAL_PERIOD = "partial-period"
    NOT_SAID_LEFT_OUT = "not-said-left-out"
    SERVED_ONLY = "served-only"
    SERVED_AT_ANY_TIME = "served-at-any-time"
    KNOWN_OUTCOME_ONLY = "known-outcome-only"
    KNOWN_COST_ONLY = "known-cost-only"
    BOTH_AMOUNTS_ONLY = "both-amounts-only"


WORDS: Mapping[Note, str] = {
    Note.BELOW_THRESHOLD: "A cell without a number was never opened: it is below the "
    "threshold, zero included, or too few organisations have cases in it.",
    Note.WITHHELD_TOO: "Some cells above the threshold are withheld too, since a small one "
    "could be computed from them and a total.",
    Note.PEOPLE_IN_EACH: "A person is counted once in each organisation that knows her, so the "
    "sum counts her as often as organisations know her.",
    Note.NOISY: "Every organisation added random noise to its own table before it entered the "
    "computation. Small differences between cells mean nothing.",
    Note.RATIO_ROUNDED_DOWN: "Numbers are rounded down to the last digit shown.",
    Note.LOSSES_AS_NOTHING: "Where the benefits of an organisation's cell add up to less than "
    "nothing they are counted as nothing.",
    Note.LEVELLED: "A number at the upper limit stands for this much or more.",
    Note.NO_INTERVAL: "One number under one assumption, that being on one list says nothing "
    "about being on another. It has no interval and no model beside it: do not publish it "
    "alone.",
    Note.NO_ESTIMATE: "There is no estimate: the lists do not overlap, one is empty or holds "
    "everybody, or it is larger than what was asked about.",
    Note.NOT_ENOUGH_ROWS: "There are fewer cases than the plan asks for, or fewer "
    "organisations have them; nothing was opened.",
    Note.NO_STANDARD_ERRORS: "Odds ratios come without intervals; one near 1 says nothing. "
    "They show what goes together, not what causes what. Marks that always come together share "
    "what there is of both.",
    Note.RARE_LEFT_OUT: "Each organisation left out its cases with a combination of marks that "
    "fewer of its cases have than the threshold.",
    Note.LEVEL_TOO_SMALL: "A ratio without a number has too few cases, or of too few "
    "organisations, or those that it would be compared with have.",
    Note.NOT_SETTLED: "A ratio is not shown because the computation had not come to rest: ask "
    "with more steps, or leave a factor out.",
    Note.RATIO_LIMITS: "A ratio of 100 stands for 100 or more, and one of 0.01 for 0.01 or "
    "less: nearly all of these cases have the outcome, or nearly none.",
    Note.SAME_POPULATION: "The estimate is of people whom any of the lists could have held: "
    "the same region and the same time for all lists, and few who came or left in between.",
    Note.MATCHES_MISSED: "It depends on how people are recognised. One who is not recognised "
    "on a second list makes the number too large; two who are taken for one, too small.",
    Note.INTERVAL_AS_CHOSEN: "Each interval holds if its model does. Models that chose pairs "
    "of lists by the data have intervals that are too narrow.",
    Note.NAMELESS_LEFT_OUT: "People of whom a list has none of these identifiers were left "
    "out of it. That is harmless only if it is chance of whom they are lacking.",
    Note.NAMELESS_COUNTED: "Each record without any of these identifiers counts as a person "
    "whom one organisation alone knows.",
    Note.INTELLIGENCE: "A shared identifier is a hint and no proof: names and numbers are "
    "shared by strangers too.",
    Note.PARTIAL_PERIOD: "The first or the last period is not a whole one: the days asked "
    "about begin or end within it. Do not compare it with the others.",
    Note.NOT_SAID_LEFT_OUT: "Cases that do not say what the table is broken down by are in "
    "none of its cells.",
    Note.SERVED_ONLY: "Only of cases with both dates, up to ten years apart: who was never "
    "served, or not yet, is not in it. Read it beside the uptake.",
    Note.SERVED_AT_ANY_TIME: "Who has both dates counts as served, also where the service is "
    "dated before the referral. Who was referred lately may still be served.",
    Note.KNOWN_OUTCOME_ONLY: "Only of cases whose outcome is known; the others may have ended "
    "otherwise.",
    Note.KNOWN_COST_ONLY: "Only of cases whose cost is known; of these, one without a known "
    "outcome counts as one that did not reach it.",
    Note.BOTH_AMOUNTS_ONLY: "Only of cases of which both amounts are known.",
}
