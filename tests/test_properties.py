"""What holds for any input: order does not matter, nothing is lost, nothing is used twice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from recon import findings
from recon.matching import engine, explain, plain, still, waiting
from recon.matching import sides as matching_sides
from recon.matching.items import ITEM, number_repeats
from recon.matching.rules import MatchRule
from recon.results import DayResult
from recon.tables import REJECT, empty
from tests import generator
from tests.generator import GeneratedDay
from tests.support import (
    ONE_DAY,
    TODAY,
    WHOSE,
    changed,
    frame_of,
    frames,
    run,
    shipped_rules,
    small_day,
)

# ------------------------------------------------------------------------------ any lines, entries

# Few values, so that keys repeat, collide and go missing all the time.
IDS = st.sampled_from([None, "", "A", "B", "C", "D", "E"])
ITEMS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["payment", "payment", "refund", "chargeback"]),
        "txn_id": IDS,
        "merchant_ref": IDS,
        "parent_ref": IDS,
        "currency": st.sampled_from(["CNY", "CNY", "CNY", "USD"]),
        "amount": st.sampled_from(["0", "1.00", "2.00", "-1.00", "0.000000000000000001"]),
        "status": st.sampled_from([None, "succeeded", "failed"]),
        "business_date": st.sampled_from([date(2026, 11, day) for day in (17, 19, 20)]),
        "reported": st.sampled_from([False, False, True]),
    }
)
SIDES = st.lists(ITEMS, max_size=14)
Rows = Sequence[dict[str, Any]]


def side(name: str, rows: Rows) -> pl.DataFrame:
    return frame_of(ITEM, ({"item_id": f"{name}{n:02}"} | row for n, row in enumerate(rows)))


@dataclass(frozen=True)
class Found:
    """What matching makes of two sides."""

    matches: pl.DataFrame
    discrepancies: pl.DataFrame
    open_items: pl.DataFrame
    conservation: pl.DataFrame


def found_in(
    lines: pl.DataFrame, entries: pl.DataFrame, rules: Sequence[MatchRule] | None = None
) -> Found:
    rules = shipped_rules() if rules is None else rules
    matched = engine.match(lines, entries, rules, ONE_DAY.date_tolerance_days)
    left = waiting.open_items(matched, ONE_DAY, TODAY)
    late = waiting.newly_late(matched, ONE_DAY, TODAY)
    nothing = empty(REJECT)
    return Found(
        explain.matches(matched, lines, entries, rules).collect(),
        explain.discrepancies(matched, lines, entries, rules, ONE_DAY, WHOSE),
        left,
        findings.conservation(matched, lines, entries, late, nothing, nothing),
    )


def assert_same(one: Found, other: Found) -> None:
    assert_frame_equal(one.matches, other.matches)
    assert_frame_equal(one.discrepancies, other.discrepancies)
    assert_frame_equal(one.open_items, other.open_items)
    assert_frame_equal(one.conservation, other.conservation)


@given(SIDES, SIDES, st.randoms(use_true_random=False))
def test_the_order_of_rows_never_shows(lines: Rows, entries: Rows, random: Random) -> None:
    in_order = side("L", lines), side("E", entries)
    shuffled = [frame[random.sample(range(frame.height), frame.height)] for frame in in_order]
    assert_same(found_in(*in_order), found_in(*shuffled))


@given(SIDES, SIDES)
def test_every_row_has_one_outcome_and_sums_are_equal_to_the_digit(
    lines: Rows, entries: Rows
) -> None:
    sides = {"line": side("L", lines), "entry": side("E", entries)}
    found = found_in(*sides.values())
    for name, items in sides.items():
        reported = found.discrepancies[f"{name}_ids"].drop_nulls().explode().drop_nulls().to_list()
        matched = found.matches[f"{name}_id"].drop_nulls().to_list()
        left = found.open_items.filter(side=name)
        # What is newly late is a discrepancy, and carried as well so that it can still be cleared.
        waiting = [item for item in left["item_id"].to_list() if item not in reported]
        assert Counter([*matched, *reported, *waiting]) == Counter(items["item_id"].to_list())
        stated = found.conservation.filter(side=name)
        for outcome, ids in (("matched", matched), ("discrepancy", reported), ("open", waiting)):
            expected = items.filter(pl.col("item_id").is_in(ids)).group_by("currency")
            amounts = expected.agg(pl.len().cast(pl.Int64), pl.col("amount").sum())
            rows = stated.filter(outcome=outcome).select("currency", "row_count", "amount")
            assert sorted(rows.rows()) == sorted(amounts.rows())


@given(SIDES, SIDES)
def test_what_is_matched_is_the_same_money(lines: Rows, entries: Rows) -> None:
    both = {"line": side("L", lines), "entry": side("E", entries)}
    found = found_in(*both.values())
    keys = {rule.name: rule.keys for rule in shipped_rules()}
    facts = {row["item_id"]: row for frame in both.values() for row in frame.iter_rows(named=True)}
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in found.matches.iter_rows(named=True):
        groups.setdefault(row["match_id"], []).append(row)
    for rows in groups.values():
        line_items, entry_items = (
            [facts[row[f"{name}_id"]] for row in rows if row[f"{name}_id"]] for name in both
        )
        assert sum(item["amount"] for item in line_items) == sum(i["amount"] for i in entry_items)
        every = [*line_items, *entry_items]
        assert len({item["currency"] for item in every}) == 1
        if rows[0]["rule"] == still.RULE:
            assert [(item["amount"], item["status"]) for item in every] == [(0, "failed")]
            continue
        for key in keys[rows[0]["rule"]]:
            assert len({item[key] for item in every}) == 1
            assert every[0][key] not in (None, "")
        assert {row["residual"] for row in rows} == {Decimal(0)}


@given(SIDES, SIDES)
def test_neither_side_is_favoured(lines: Rows, entries: Rows) -> None:
    one, other = side("X", lines), side("Y", entries)
    matched = engine.match(one, other, shipped_rules(), 1)
    mirrored = engine.match(other, one, shipped_rules(), 1)
    names = {"line_row": "entry_row", "entry_row": "line_row"}
    pairs = matched.pairs.rename(names).select(mirrored.pairs.columns)
    assert sorted(pairs.rows()) == sorted(mirrored.pairs.rows())
    swapped = {
        "line": "entry",
        "entry": "line",
        "duplicate_in_provider": "duplicate_in_ledger",
        "duplicate_in_ledger": "duplicate_in_provider",
    }
    groups = matched.groups.with_columns(pl.col("side", "verdict").replace(swapped))
    assert sorted(groups.rows()) == sorted(mirrored.groups.rows())


@given(SIDES, SIDES, st.integers(1, 3))
def test_collisions_of_the_hash_never_show(lines: Rows, entries: Rows, hashes: int) -> None:
    sides = side("L", lines), side("E", entries)
    expected = found_in(*sides)
    with pytest.MonkeyPatch.context() as patch:
        good_hash = matching_sides._hash
        patch.setattr(matching_sides, "_hash", lambda value, key: good_hash(value, key) % hashes)
        colliding = found_in(*sides)
    by_id = ["match_id", "line_id", "entry_id"]  # the order of rows is that of the hash
    in_order = [replace(f, matches=f.matches.sort(by_id)) for f in (expected, colliding)]
    assert_same(*in_order)


def found_in_passing(
    lines: pl.DataFrame, entries: pl.DataFrame, rules: Sequence[MatchRule]
) -> tuple[Found, int]:
    """The same as `found_in`, by plain pairs first, and how many there are."""
    sides = lines.lazy(), entries.lazy()
    passed = plain.plain_pairs(*sides, rules, ONE_DAY.date_tolerance_days)
    rest = number_repeats(passed.lines), passed.entries
    matched = engine.match(*rest, rules, ONE_DAY.date_tolerance_days, passed.differing)
    left = waiting.open_items(matched, ONE_DAY, TODAY)
    late = waiting.newly_late(matched, ONE_DAY, TODAY)
    nothing = empty(REJECT)
    of_rest = findings.conservation(matched, *rest, late, nothing, nothing)
    whole = findings.conserved(of_rest, passed, *sides)
    for name, items in (("line", lines), ("entry", entries)):
        amounts = items.group_by("currency").agg(pl.len().cast(pl.Int64), pl.col("amount").sum())
        counted = whole.filter(side=name, outcome="input").select("currency", "row_count", "amount")
        assert sorted(counted.rows()) == sorted(amounts.rows())
    return Found(
        pl.concat(
            [explain.plain_matches(passed, rules), explain.matches(matched, *rest, rules)]
        ).collect(),
        explain.discrepancies(matched, *rest, rules, ONE_DAY, WHOSE),
        left,
        whole.filter(pl.col("outcome") != "input"),
    ), passed.pairs.height


def usual_day(random: Random, rows: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two sides that mostly agree; every way in which they may not is there several times."""
    lines, entries = [], []
    for number in range(rows):
        common = {
            "kind": random.choice(["payment", "payment", "refund"]),
            "txn_id": f"T{number}",
            "merchant_ref": f"R{number}",
            "currency": "CNY",
            "amount": f"{number}.00",
            "status": "succeeded",
            "business_date": TODAY,
            "reported": False,
        }
        changes: dict[str, Any] = {
            "txn_id": random.choice([None, "", f"T{number - 1}"]),
            "merchant_ref": random.choice([None, f"R{number - 1}"]),
            "currency": "USD",
            "amount": random.choice([f"{number}.01", "0"]),
            "status": random.choice([None, "failed", "pending"]),
            "business_date": random.choice([date(2026, 11, 17), date(2026, 11, 19)]),
        }
        for rows_of, name in ((lines, "L"), (entries, "E")):
            for copy in range(random.choices([1, 0, 2], [20, 1, 1])[0]):
                changed = {
                    field: value for field, value in changes.items() if random.random() < 0.04
                }
                if changed.get("status") == "pending":
                    changed["amount"] = "0"
                item_id = f"{name}{number}" if name == "L" else f"{name}{number}.{copy}"
                rows_of.append({"item_id": item_id} | common | changed)
    random.shuffle(lines)
    random.shuffle(entries)
    return frame_of(ITEM, lines), frame_of(ITEM, entries)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("rows", "hashes"), [(150, 2**64 - 1), (150, 10_000), (150, 300), (20, 8), (2, 1)]
)
def test_plain_pairs_and_the_engine_find_what_the_engine_finds_alone(
    rows: int, hashes: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, entries = usual_day(Random(seed), rows)
    by_reference, by_order, *others = shipped_rules()
    rules = [by_reference, by_order, MatchRule("amount", ("kind", "amount")), *others]
    expected = found_in(number_repeats(lines), entries, rules)
    good_hash = matching_sides._hash
    monkeypatch.setattr(matching_sides, "_hash", lambda value, key: good_hash(value, key) % hashes)
    found, pair_count = found_in_passing(lines, entries, rules)
    assert pair_count > 50 or hashes < 2**64 - 1
    by_id = ["match_id", "line_id", "entry_id"]  # plain pairs come first
    in_order = [replace(f, matches=f.matches.sort(by_id)) for f in (expected, found)]
    assert_same(*in_order)


# ------------------------------------------------------------------------------ any day

# What does not speak of the place of a row or of the bytes of a file.
OF_CONTENT = (
    "matches",
    "discrepancies",
    "open_items",
    "assessed_withdrawals",
    "fees",
    "batches",
    "roll_forward",
    "conservation",
)


def day_of(provider: str, rows: int = 200) -> GeneratedDay:
    return small_day(provider, rows, carry_out=3, **generator.default_plants(provider, rows))


@cache
def usual_run(provider: str) -> DayResult:
    return run(day_of(provider))


def assert_same_day(one: DayResult, other: DayResult) -> None:
    made, again = frames(one), frames(other)
    for name in OF_CONTENT:
        assert_frame_equal(made[name], again[name])
    places = ["file_id", "line_no"]
    lines = [frame["lines"].drop(places).sort("line_id") for frame in (made, again)]
    assert_frame_equal(*lines)
    assert one.not_proved_because == other.not_proved_because


@pytest.mark.parametrize("provider", ["wechatpay", "paypal"])
@pytest.mark.parametrize("seed", [1, 2])
def test_f45_a_shuffled_statement_and_ledger_give_the_same_day(provider: str, seed: int) -> None:
    day = day_of(provider)
    ledger = day.ledger.sample(fraction=1, shuffle=True, seed=seed)
    files = changed(day.files, "", lambda data: generator.shuffle_rows(data, seed))
    assert_same_day(usual_run(provider), run(day, files=files, ledger=ledger))


@pytest.mark.parametrize("seed", [1, 2])
def test_postings_of_one_second_may_come_in_any_order(seed: int) -> None:
    # A payment and its fee share one, and the balance after the last posting is the closing one.
    day = small_day()
    files = changed(day.files, "fund_flow", lambda data: generator.shuffle_rows(data, seed))
    assert run(day, files=files).not_proved_because == ()


def test_f45_the_order_of_the_files_does_not_show() -> None:
    day = day_of("wechatpay")
    other_way = dict(reversed(day.files.items()))
    assert_same_day(usual_run("wechatpay"), run(day, files=other_way))


def test_f45_a_ledger_read_in_parts_gives_the_same_day() -> None:
    day = day_of("wechatpay")
    parts = [day.ledger.gather_every(3, offset) for offset in (2, 0, 1)]
    ledger = pl.concat(parts, rechunk=False)
    assert_same_day(usual_run("wechatpay"), run(day, ledger=ledger))


@pytest.mark.parametrize(("parts", "seed"), [(2, 1), (5, 2)])
def test_f45_a_report_split_into_files_and_shuffled_gives_the_same_day(
    parts: int, seed: int
) -> None:
    day = day_of("paypal")
    ((name, report),) = day.files.items()
    split = generator.split_settlement_report(generator.shuffle_rows(report, seed), parts)
    files = {
        name.replace(".01.", f".{number:02}."): data for number, data in enumerate(split, start=1)
    }
    assert_same_day(usual_run("paypal"), run(day, files=files))


def test_f45_the_same_day_again_gives_the_same_frames_to_the_byte() -> None:
    day = day_of("paypal")
    first, again = frames(run(day)), frames(run(day))
    for name, frame in first.items():
        assert_frame_equal(frame, again[name], check_row_order=True)
