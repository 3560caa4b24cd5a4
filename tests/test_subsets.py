"""Which amounts add up to one: against every subset there is, and against the clock."""

from itertools import combinations
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.matching.subsets import Cover, cover


@pytest.mark.parametrize(
    ("target", "amounts", "found"),
    [
        (100, [60, 40, 7], Cover("unique", (0, 1))),
        # The largest that still fits first (80) would leave 20 that nothing makes.
        (100, [80, 70, 30, 9], Cover("unique", (1, 2))),
        (100, [60, 40, 70, 30], Cover("ambiguous", (2, 3))),
        (100, [100, 60, 40], Cover("ambiguous", (1, 2))),
        (50, [50, 50], Cover("ambiguous", (0,))),
        (100, [50, 50], Cover("unique", (0, 1))),
        (90, [100, -10, 25], Cover("unique", (0, 1))),
        (100, [100, 10, -10], Cover("ambiguous", (0, 1, 2))),
        (-100, [-60, -40, -3], Cover("unique", (0, 1))),
        (101, [60, 40], Cover("none")),
        (41, [60, 40], Cover("none")),
        (-60, [60, 40], Cover("none")),
        (0, [5, -5], Cover("none")),
        (5, [0, 5, 0], Cover("unique", (1,))),
        (5, [], Cover("none")),
    ],
)
def test_sets_that_fit(target: int, amounts: list[int], found: Cover) -> None:
    assert cover(target, amounts) == found


def _every_set(target: int, amounts: list[int]) -> set[tuple[int, ...]]:
    places = [place for place, amount in enumerate(amounts) if amount]
    return {
        chosen
        for size in range(1, len(places) + 1)
        for chosen in combinations(places, size)
        if sum(amounts[place] for place in chosen) == target
    }


@given(
    amounts=st.lists(st.integers(-12, 40), max_size=9),
    target=st.integers(-30, 120).filter(bool),
)
def test_agrees_with_looking_at_every_subset(amounts: list[int], target: int) -> None:
    there = _every_set(target, amounts)
    found = cover(target, amounts)
    assert found.verdict == ("none", "unique", "ambiguous")[min(len(there), 2)]
    if there:
        assert found.members in there


@given(
    amounts=st.lists(st.integers(1, 10**20), min_size=2, max_size=30, unique=True), data=st.data()
)
def test_finds_what_was_put_together(amounts: list[int], data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.sampled_from(range(len(amounts))), min_size=1))
    found = cover(sum(amounts[place] for place in chosen), amounts)
    assert found.verdict in ("unique", "ambiguous", "undecided")
    if found.verdict == "unique":
        assert set(found.members) == chosen


def test_a_few_missing_of_many_are_found_from_the_gap() -> None:
    amounts = [10_000 + 7 * place * place for place in range(5_000)]
    missing = {0, 1}
    target = sum(amount for place, amount in enumerate(amounts) if place not in missing)
    assert cover(target, amounts) == Cover("unique", tuple(range(2, 5_000)))


@pytest.mark.parametrize("target", [30_000, 50_000_000, 49_999_950])
def test_ten_thousand_equal_amounts_are_soon_ambiguous(target: int) -> None:
    began = perf_counter()
    assert cover(target, [10_000] * 10_000).verdict == (
        "ambiguous" if target % 10_000 == 0 else "none"
    )
    assert perf_counter() - began < 2


def test_the_bound_is_told_from_there_being_none() -> None:
    amounts = [3**place for place in range(60)]
    assert cover(sum(amounts[::2]), amounts, effort=1_000).verdict == "undecided"
