"""Moments matched with spans of time: each with one at most, as many as possible, the certain ones first."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from math import inf
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def pair(
    spans: Sequence[tuple[float, float, T]], moments: Sequence[tuple[float, U]], slacks: Sequence[float]
) -> tuple[list[tuple[T, U]], list[T], list[U]]:
    """Match moments with the spans that they lie in, give or take ``slacks``, tried one after the other.

    Gives the pairs, and the spans and moments that are left. For each slack there are as many pairs as can be: of the
    spans that a moment may belong to, it takes the one that ends first.
    """
    pairs: list[tuple[T, U]] = []
    left_spans, left = list(spans), sorted(moments, key=lambda moment: moment[0])
    for slack in slacks:
        unmatched = []
        for at, value in left:
            fitting = [span for span in left_spans if span[0] - slack <= at <= span[1] + slack]
            if not fitting:
                unmatched.append((at, value))
                continue
            chosen = min(fitting, key=lambda span: (span[1], span[0]))
            left_spans.remove(chosen)
            pairs.append((chosen[2], value))
        left = unmatched
    return pairs, [span[2] for span in left_spans], [value for _, value in left]


ANY_TIME = inf


def out_of_order(items: Sequence[T], place: Callable[[T], tuple[float, ...]]) -> tuple[list[T], set[int]]:
    """Items that should have growing places: the fewest that must move for it, and the indexes of all that are crossed
    by another."""
    places = [place(item) for item in items]
    kept = _longest_increasing(places)
    crossed: set[int] = set()
    if len(kept) < len(items):
        highest, lowest = -1, len(items)
        for index in range(len(items)):
            if highest >= 0 and places[highest] > places[index]:
                crossed.add(index)
            if highest < 0 or places[index] > places[highest]:
                highest = index
        for index in reversed(range(len(items))):
            if lowest < len(items) and places[lowest] < places[index]:
                crossed.add(index)
            if lowest == len(items) or places[index] < places[lowest]:
                lowest = index
    return [item for index, item in enumerate(items) if index not in kept], crossed


def _longest_increasing(places: Sequence[tuple[float, ...]]) -> set[int]:
    """The indexes of a longest increasing subsequence (patience sorting)."""
    tops: list[tuple[float, ...]] = []
    top_index: list[int] = []
    before: list[int] = []
    for index, place in enumerate(places):
        pile = bisect_left(tops, place)
        before.append(top_index[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(place)
            top_index.append(index)
        else:
            tops[pile], top_index[pile] = place, index
    kept: set[int] = set()
    index = top_index[-1] if top_index else -1
    while index >= 0:
        kept.add(index)
        index = before[index]
    return kept
