"""Hostile days: keys that repeat without end, are endless, or only look alike. Nothing fans out."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import polars as pl
import pytest

from recon.matching import engine, explain
from recon.matching.items import ITEM
from recon.matching.rules import KeyForm, MatchRule
from tests.support import ONE_DAY, TODAY, WHOSE, outcomes, shipped_rules

MANY = 10_000
SECONDS = 20  # on a busy machine; alone it takes less than one


def side(name: str, count: int, **facts: pl.Expr | str) -> pl.DataFrame:
    """Payments of 10.00 CNY that are alike in everything but what is given."""
    usual: Mapping[str, Any] = {
        "item_id": pl.concat_str(pl.lit(name), pl.col("n").cast(pl.String).str.zfill(6)),
        "kind": "payment",
        "business_date": pl.lit(TODAY),
        "currency": "CNY",
        "amount": "10",
        "reported": pl.lit(value=False),
    }
    given = {
        column: value if isinstance(value, pl.Expr) else pl.lit(value)
        for column, value in (usual | facts).items()
    }
    made = pl.DataFrame({"n": pl.int_range(count, eager=True)}).with_columns(**given)
    return made.select(
        (pl.col(column) if column in made.columns else pl.lit(None)).cast(dtype).alias(column)
        for column, dtype in ITEM.items()
    )


def matched(
    lines: pl.DataFrame, entries: pl.DataFrame, *rules: MatchRule
) -> tuple[engine.Matched, pl.DataFrame]:
    begun = perf_counter()
    chosen = rules or shipped_rules()
    found = engine.match(lines, entries, chosen, 1)
    told = explain.discrepancies(found, lines, entries, chosen, ONE_DAY, WHOSE)
    assert perf_counter() - begun < SECONDS
    return found, told


def test_f43_ten_thousand_rows_of_one_key_are_one_ambiguity() -> None:
    lines, entries = (side(name, MANY, merchant_ref="R1") for name in ("L", "E"))
    found, told = matched(lines, entries)
    assert found.pairs.height == 0
    assert told["type"].to_list() == ["ambiguous_match"]
    assert told["line_ids"].list.len().to_list() == [MANY]
    assert told["difference"].to_list() == [0]


def test_f43_ten_thousand_rows_of_one_key_and_one_entry_are_one_duplicate() -> None:
    _, told = matched(side("L", MANY, merchant_ref="R1"), side("E", 1, merchant_ref="R1"))
    assert told["type"].to_list() == ["duplicate_in_provider"]
    assert told["difference"].to_list() == [10 * (MANY - 1)]


def test_f43_keys_of_ten_thousand_characters_that_differ_in_the_last_one() -> None:
    endless = pl.concat_str(pl.lit("x" * MANY), pl.col("n").cast(pl.String))
    lines, entries = (side(name, 200, merchant_ref=endless) for name in ("L", "E"))
    found, told = matched(lines, entries)
    assert (found.pairs.height, told.height) == (200, 0)
    assert found.pairs["line_row"].to_list() == found.pairs["entry_row"].to_list()


@pytest.mark.parametrize("blank", ["", None])
def test_f43_ten_thousand_blank_keys_pair_nothing(blank: str | None) -> None:
    reference = pl.lit(blank, dtype=pl.String)
    lines, entries = (
        side(name, MANY, merchant_ref=reference, txn_id=reference) for name in ("L", "E")
    )
    found, told = matched(lines, entries)
    assert (found.pairs.height, found.groups.height, told.height) == (0, 0, 0)
    assert (found.lines_left.height, found.entries_left.height) == (MANY, MANY)


def test_f43_what_a_rule_reads_alike_is_one_key_and_nothing_is_paired_twice() -> None:
    form = KeyForm(ignore_case=True, ignore_leading_zeros=True, ignore_characters=" ")
    rule = MatchRule("loose", ("kind", "merchant_ref"), forms=(("merchant_ref", form),))
    written = """
        line  L1 payment - 00a_1 CNY 10.00
        line  L2 payment - A1    CNY 10.00
        line  L3 payment - 0b2   CNY 10.00
        entry E1 payment - a1    CNY 10.00
        entry E2 payment - B_2   CNY 10.00
        """
    assert outcomes(written, rules=[rule]) == [
        "L1 L2 E1 duplicate_in_provider 10.00",
        "L3 E2 matched by loose",
    ]


def test_f42_a_row_that_both_sides_repeat_surfaces_on_both() -> None:
    _, told = matched(side("L", 2, txn_id="T1"), side("E", 2, txn_id="T1"))
    assert told["type"].to_list() == ["ambiguous_match"]
    assert told.select("line_ids", "entry_ids").row(0) == (
        ["L000000", "L000001"],
        ["E000000", "E000001"],
    )


def test_f44_a_reference_that_looks_alike_is_proposed_and_never_matched() -> None:
    lines = side(
        "L", 1, merchant_ref="ORDER-10023", business_date=pl.lit(TODAY).dt.offset_by("-5d")
    )
    entries = side("E", 1, merchant_ref="ORDER-1O023")
    found, told = matched(lines, entries)
    assert found.pairs.height == 0
    (row,) = told.iter_rows(named=True)
    assert row["type"] == "missing_in_ledger"
    assert (
        "Perhaps it is the ledger's E000000, whose reference ORDER-1O023 is" in row["explanation"]
    )
