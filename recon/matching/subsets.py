"""Which of many amounts add up to one: exact, within a bound on the work, never a guess.

One deposit is many payments less their fees, one invoice is paid in parts. Taking the largest that
still fits, and so on, misses sets that are there and hides that there may be two. Here all sets are
looked at, by meeting in the middle: every sum that one half of the amounts can make is looked up
among those of the other half. Amounts that are equal are counted, not listed, so that ten thousand
of them are one step.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["unique", "ambiguous", "none", "undecided"]

EFFORT: Final = 200_000  # sums looked at in each half; about a tenth of a second


@dataclass(frozen=True)
class Cover:
    """What a search has found. `members` are places in the amounts: of the one set that fits, or of
    one of several; nothing when none fits or the bound was reached (`undecided`)."""

    verdict: Verdict
    members: tuple[int, ...] = ()


def cover(target: int, amounts: Sequence[int], *, effort: int = EFFORT) -> Cover:
    """The set of `amounts` that adds up to `target`; both are whole numbers of the smallest unit.

    Amounts of nothing belong to no set. The same amounts in another order give the same set where
    it is unique.
    """
    counts = Counter(amount for amount in amounts if amount)
    if target == 0 or not counts:
        return Cover("none")
    if min(counts) > 0 or max(counts) < 0:
        chosen, verdict = _same_sign(abs(target), counts, target > 0, effort)
    else:
        chosen, verdict = _search(target, counts, effort, bounded=False)
    if verdict in ("none", "undecided"):
        return Cover(verdict)
    is_choice = any(taken < counts[amount] for amount, taken in chosen.items())
    return Cover("ambiguous" if is_choice else verdict, _places(chosen, amounts))


_Chosen = dict[int, int]  # amount -> how many of it


def _same_sign(
    target: int, counts: Counter[int], is_positive: bool, effort: int
) -> tuple[_Chosen, Verdict]:
    """All amounts have one sign: what is left out may be the smaller search."""
    sign = 1 if min(counts) > 0 else -1
    if is_positive != (sign > 0):
        return {}, "none"
    sizes = Counter({abs(amount): count for amount, count in counts.items()})
    total = sum(amount * count for amount, count in sizes.items())
    gap = total - target
    if gap < 0:
        return {}, "none"
    if gap == 0:
        return dict(counts), "unique"
    wanted = min(target, gap)
    small = Counter({amount: count for amount, count in sizes.items() if amount <= wanted})
    chosen, verdict = _search(wanted, small, effort, bounded=True)
    if verdict in ("none", "undecided"):
        return {}, verdict
    if wanted == gap and gap != target:
        chosen = {amount: count - chosen.get(amount, 0) for amount, count in sizes.items()}
    return {sign * amount: taken for amount, taken in chosen.items() if taken}, verdict


def _search(
    target: int, counts: Counter[int], effort: int, *, bounded: bool
) -> tuple[_Chosen, Verdict]:
    """Sums of one half against sums of the other. `bounded`: no sum may be above the target."""
    halves: tuple[list[int], list[int]] = ([], [])
    for place, amount in enumerate(sorted(counts, key=lambda amount: (abs(amount), amount))):
        halves[place % 2].append(amount)
    limit = target if bounded else None
    left = _sums(halves[0], counts, limit, effort)
    right = _sums(halves[1], counts, limit, effort)
    if left is None or right is None:
        return {}, "undecided"
    ways = 0
    first: tuple[int, int] | None = None
    for made in sorted(left):
        rest = target - made
        if rest in right:
            ways += left[made][0] * right[rest][0]
            first = first or (made, rest)
            if ways > 1:
                break
    if first is None:
        return {}, "none"
    chosen = _trace(left, first[0]) | _trace(right, first[1])
    return chosen, "unique" if ways == 1 else "ambiguous"


# A sum -> in how many ways (two stand for more), and the last step to it: amount, how often.
_Sums = dict[int, tuple[int, int, int]]


def _sums(
    values: Sequence[int], counts: Counter[int], limit: int | None, effort: int
) -> _Sums | None:
    """Every sum some of the values can make; None when there are more than `effort`."""
    sums: _Sums = {0: (1, 0, 0)}
    for amount in values:
        steps = range(1, counts[amount] + 1)
        before = sorted(sums.items())
        work = len(before) * len(steps)
        if limit is not None:  # how many of it fit under the limit is known without trying
            work = sum(min(len(steps), (limit - made) // amount) for made, _ in before)
        if work + len(sums) > effort:
            return None
        for taken in steps:
            for made, (ways, _, _) in before:
                reached = made + taken * amount
                if limit is not None and reached > limit:
                    break
                there = sums.get(reached)
                sums[reached] = (ways, amount, taken) if there is None else (2, there[1], there[2])
    return sums


def _trace(sums: _Sums, made: int) -> _Chosen:
    chosen: _Chosen = {}
    while made:
        _, amount, taken = sums[made]
        chosen[amount] = taken
        made -= taken * amount
    return chosen


def _places(chosen: _Chosen, amounts: Sequence[int]) -> tuple[int, ...]:
    """Where the chosen amounts stand; of equal ones the first."""
    left = dict(chosen)
    places = []
    for place, amount in enumerate(amounts):
        if left.get(amount, 0) > 0:
            left[amount] -= 1
            places.append(place)
    return tuple(places)
