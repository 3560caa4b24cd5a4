"""What holds whatever the rules are: few rows, few values, rules of every make, drawn at random.

The shipped rules are held to the same, and to more, in test_properties.py.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl
import pytest

from recon import findings
from recon.matching import engine, still, waiting
from recon.matching.items import carried_items
from recon.matching.rules import DateWindow, KeyForm, MatchRule, Tolerance
from recon.tables import OPEN_ITEM, empty
from tests.support import shipped_rules
from tests.test_properties import Found, assert_same, found_in, found_in_passing, side

PENNY = Tolerance(Decimal("0.05"))
REFERENCE = ("kind", "merchant_ref")
RULES = (
    MatchRule("id", ("kind", "txn_id")),
    MatchRule("reference", REFERENCE),
    MatchRule("some kinds", ("txn_id",), kinds=frozenset({"refund", "chargeback"})),
    MatchRule(
        "read",
        ("merchant_ref",),
        forms=(("merchant_ref", KeyForm(strip_prefixes=("a",), ignore_case=True)),),
    ),
    MatchRule("tolerant", REFERENCE, amount_tolerance=Tolerance(Decimal(1))),
    MatchRule("window", REFERENCE, date_window=DateWindow(1, 1, in_business_days=True)),
    MatchRule("parts", REFERENCE, groups="parts"),
    MatchRule("tolerant parts", ("merchant_ref",), groups="parts", amount_tolerance=PENNY),
    MatchRule("sum", ("parent_ref",), groups="sum"),
    MatchRule("sum in days", REFERENCE, groups="sum", date_window=DateWindow(0, 3)),
    MatchRule("equal", ("kind", "parent_ref", "currency", "amount"), groups="equal"),
    MatchRule(
        "near",
        ("kind", "currency", "amount", "business_date"),
        amount_tolerance=PENNY,
        date_window=DateWindow(0, 2),
    ),
    MatchRule("near day", ("currency", "amount", "business_date"), date_window=DateWindow(2, 2)),
    MatchRule(
        "near share",
        ("currency", "amount"),
        amount_tolerance=Tolerance(percent=Decimal(50), direction="provider_less"),
    ),
    MatchRule("set", ("currency",), groups="subset", date_window=DateWindow(3, 3)),
    MatchRule("set of a kind", ("kind", "currency"), groups="subset"),
)
IDS = (None, "", "A", "AB", "B", "C", "D")


def any_row(random: Random) -> dict[str, Any]:
    return {
        "kind": random.choice(["payment", "payment", "refund", "chargeback"]),
        "txn_id": random.choice(IDS),
        "merchant_ref": random.choice(IDS),
        "parent_ref": random.choice(IDS),
        "currency": random.choice(["CNY", "CNY", "CNY", "USD"]),
        "amount": random.choice(["0", "1.00", "2.00", "3.00", "-1.00", "0.000000000000000001"]),
        "status": random.choice([None, "succeeded", "failed", "pending"]),
        "business_date": random.choice([date(2026, 11, day) for day in (17, 19, 20)]),
        "reported": random.choice([False, False, True]),
    }


def any_day(seed: int) -> tuple[pl.DataFrame, pl.DataFrame, list[MatchRule]]:
    random = Random(seed)
    lines, entries = (
        side(name, [any_row(random) for _ in range(random.randrange(30))]) for name in "LE"
    )
    return lines, entries, random.sample(RULES, random.randint(1, 5))


def in_order(found: Found) -> Found:
    return replace(found, matches=found.matches.sort("match_id", "line_id", "entry_id"))


DAYS = pytest.mark.parametrize("seeds", [range(first, first + 10) for first in (0, 10, 20)])


@DAYS
def test_the_order_of_rows_never_shows(seeds: Sequence[int]) -> None:
    for seed in seeds:
        *sides, rules = any_day(seed)
        shuffled = [frame.sample(fraction=1, shuffle=True, seed=seed + 1) for frame in sides]
        assert_same(found_in(*sides, rules), found_in(*shuffled, rules))


@DAYS
def test_plain_pairs_and_the_engine_find_what_the_engine_finds_alone(seeds: Sequence[int]) -> None:
    for seed in seeds:
        lines, entries, rules = any_day(seed)
        alone, in_passing = (
            found_in(lines, entries, rules),
            found_in_passing(lines, entries, rules)[0],
        )
        assert_same(in_order(alone), in_order(in_passing))


@DAYS
def test_every_row_has_one_outcome_and_what_is_matched_is_the_same_money(
    seeds: Sequence[int],
) -> None:
    for seed in seeds:
        *sides, rules = any_day(seed)
        found = found_in(*sides, rules)
        for name, items in zip(("line", "entry"), sides, strict=True):
            matched = found.matches[f"{name}_id"].drop_nulls().to_list()
            left = found.open_items.filter(side=name)["item_id"].to_list()
            told = found.discrepancies[f"{name}_ids"].drop_nulls().explode().drop_nulls().to_list()
            assert len({*matched, *left}) == len(matched) + len(left)
            assert {*matched, *left, *told} == set(items["item_id"])
            assert found.conservation.filter(side=name)["row_count"].sum() == items.height
        assert found.discrepancies["discrepancy_id"].is_unique().all()
        facts = {row["item_id"]: row for row in pl.concat(sides).iter_rows(named=True)}
        by_name = {rule.name: rule for rule in rules}
        for _, of_group in found.matches.group_by("match_id"):
            if of_group["rule"][0] == still.RULE:
                continue
            rule = by_name[of_group["rule"][0]]
            lines, entries = (
                [facts[item_id] for item_id in of_group[f"{name}_id"].drop_nulls()]
                for name in ("line", "entry")
            )
            assert len({row["currency"] for row in (*lines, *entries)}) == 1
            assert len({row["status"] for row in (*lines, *entries)} - {None}) <= 1
            residual = sum(row["amount"] for row in lines) - sum(row["amount"] for row in entries)
            assert residual == of_group["residual"].sum()
            assert residual == 0 or rule.amount_tolerance is not None
            for key in rule.equal_keys:
                read = pl.concat(sides).filter(
                    pl.col("item_id").is_in([row["item_id"] for row in (*lines, *entries)])
                )
                assert read.select(rule.key(key)).to_series().n_unique() == 1


@pytest.mark.parametrize("seeds", [range(6), range(6, 12)])
def test_over_days_every_row_is_settled_once_or_waits_and_is_told_alone_once(
    seeds: Sequence[int],
) -> None:
    for seed in seeds:
        random = Random(seed)
        rules = shipped_rules() if seed % 3 == 0 else random.sample(RULES, random.randint(1, 5))
        windows = waiting.Windows(random.randint(0, 3), random.randint(0, 3), 1)
        settled, told_alone = Counter[str](), Counter[str]()
        every, carried = set[str](), empty(OPEN_ITEM)
        for day in (date(2026, 11, 16 + number) for number in range(5)):
            new = [
                side(f"{name}{day.day}-", [
                    any_row(random) | {"business_date": day, "reported": False}
                    for _ in range(random.randrange(7))
                ])
                for name in "LE"
            ]  # fmt: skip
            every |= {item_id for items in new for item_id in items["item_id"]}
            lines, entries = (
                pl.concat([items, carried_items(carried.filter(side=name)).collect()])
                for name, items in zip(("line", "entry"), new, strict=True)
            )
            matched = engine.match(lines, entries, rules, 1)
            left = waiting.open_items(matched, windows, day)
            findings.roll_forward(carried, left, day)
            late = waiting.newly_late(matched, windows, day).filter(pl.col("group").is_null())
            for name, items in (("line", lines), ("entry", entries)):
                groups = matched.groups.filter(pl.col("verdict") != "split", side=name)["row"]
                settled.update(items["item_id"][matched.pairs[f"{name}_row"]])
                settled.update(items["item_id"][groups])
                told_alone.update(items["item_id"][late.filter(side=name)["row"]])
            carried = left
        assert settled + Counter(carried["item_id"]) == Counter(every)
        assert max(told_alone.values(), default=0) <= 1
