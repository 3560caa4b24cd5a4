"""Open items, write-offs and the life of a case: the pure part of what happens after matching."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from recon.control import cases
from recon.control.open_items import (
    age_buckets,
    aged,
    buckets,
    cleared_items,
    statement,
    untied,
)
from recon.control.write_offs import (
    SmallDifferences,
    small_differences,
    told_as_written_off,
    without_written_off,
)
from recon.control_tables import OPEN_ITEM_STATEMENT, WRITE_OFF
from recon.errors import UserError
from recon.tables import DISCREPANCY, MATCH, OPEN_ITEM, RECEIPT, empty
from tests.support import TODAY, frame_of


def open_items(*rows: str) -> pl.DataFrame:
    """`side id amount [MM-DD]` each."""
    made = []
    for row in rows:
        side, item_id, amount, *day = row.split()
        made.append(
            {
                "side": side,
                "item_id": item_id,
                "kind": "payment",
                "business_date": f"2026-{day[0] if day else '11-20'}",
                "due_on": TODAY,
                "currency": "CNY",
                "amount": amount,
                "state": "open",
            }
        )
    return frame_of(OPEN_ITEM, made)


# ------------------------------------------------------------------------------------- write-offs


def test_what_shows_up_after_it_was_written_off_is_told_with_the_item() -> None:
    """The same reference, amount, currency and the other side: anything else is another matter."""
    given_up = [
        {"side": "entry", "item_id": "E1", "currency": "EUR", "amount": "7", "merchant_ref": "R1"},
        {"side": "line", "item_id": "L2", "currency": "EUR", "amount": "9", "txn_id": "T2"},
    ]
    rows = [
        {"line_ids": ["L1"], "currency": "EUR", "amount_provider": "7", "merchant_ref": "R1"},
        {"entry_ids": ["E2"], "currency": "EUR", "amount_ledger": "9", "txn_id": "T2"},
        {"line_ids": ["L3"], "currency": "EUR", "amount_provider": "8", "merchant_ref": "R1"},
        {"line_ids": ["L4"], "currency": "USD", "amount_provider": "7", "merchant_ref": "R1"},
        {"entry_ids": ["E5"], "currency": "EUR", "amount_ledger": "7", "merchant_ref": "R1"},
        {"line_ids": ["L6"], "entry_ids": ["E6"], "currency": "EUR", "amount_provider": "7",
         "merchant_ref": "R1"},
    ]  # fmt: skip
    found = frame_of(DISCREPANCY, [row | {"explanation": "Alone."} for row in rows])
    told = told_as_written_off(found, frame_of(OPEN_ITEM, given_up), "en")
    assert told.columns == found.columns
    ends = "which was written off: take the write-off back, and book nothing twice."
    assert told["explanation"].to_list() == [
        f"Alone. The other side had it as E1, {ends}",
        f"Alone. The other side had it as L2, {ends}",
        *["Alone."] * 4,
    ]


def test_written_off_items_leave_the_carry_and_no_other() -> None:
    carried = open_items("line L1 10.00", "entry E1 10.00", "entry E2 3.00")
    rows = [{"discrepancy_id": "match:E1", "item_ids": ["E1", "gone"]}, {"item_ids": []}]
    write_offs = frame_of(WRITE_OFF, rows)
    kept, gone = without_written_off(carried, write_offs)
    assert kept["item_id"].to_list() == ["L1", "E2"]
    assert gone["item_id"].to_list() == ["E1"]
    kept, gone = without_written_off(carried, empty(WRITE_OFF))
    assert (kept.height, gone.height) == (3, 0)


def test_a_credit_that_is_a_line_and_a_part_of_a_payout_is_given_up_as_one_of_them() -> None:
    carried = open_items("line C1 60.00", "credit C1 60.00", "payout P1 100.00")
    for about, ids, left in (
        ("receipt:P1", ["C1", "P1"], [("line", "C1")]),
        ("match:C1", ["C1"], [("credit", "C1"), ("payout", "P1")]),
    ):
        rows = [{"discrepancy_id": about, "item_ids": ids}]
        kept, _ = without_written_off(carried, frame_of(WRITE_OFF, rows))
        assert kept.select("side", "item_id").rows() == left


def test_small_differences_are_taken_smallest_first_until_the_cap_and_all_are_listed() -> None:
    found = frame_of(
        DISCREPANCY,
        [
            {
                "discrepancy_id": name,
                "type": "amount_mismatch",
                "currency": currency,
                "amount_ledger": ledger,
                "amount_provider": provider,
                "difference": difference,
            }
            for name, currency, ledger, provider, difference in (
                ("at the limit", "CNY", "10", "10.05", "0.05"),
                ("above it", "CNY", "10", "10.06", "0.06"),
                ("less", "CNY", "10", "9.98", "-0.02"),
                ("also at it", "CNY", "10", "9.95", "-0.05"),
                ("one-sided", "CNY", None, "0.01", "0.01"),
                ("none", "CNY", "10", "10", "0"),
                ("no limit for it", "USD", "10", "10.01", "0.01"),
            )
        ],
    )
    # 0.02 + 0.05 fit into a day's cap, another 0.05 does not.
    for cap in ("0.07", "0.11"):
        policy = SmallDifferences("6603", {"CNY": (Decimal("0.05"), Decimal(cap))})
        listed = small_differences(found, policy)
        assert listed.select("discrepancy_id", "is_proposed").rows() == [
            ("less", True),
            ("also at it", True),
            ("at the limit", False),
        ]
    assert listed["booking_account"].unique().to_list() == ["6603"]
    assert small_differences(found, SmallDifferences()).height == 0


# ------------------------------------------------------------------------------------- open items


def test_an_item_is_in_the_bucket_of_its_days() -> None:
    days = {"11-20": "0-1", "11-19": "0-1", "11-18": "2-3", "11-17": "2-3", "11-16": "4-7"} | {
        "11-13": "4-7", "11-12": "8-30", "10-21": "8-30", "10-20": "31+", "01-01": "31+"
    }  # fmt: skip
    items = open_items(*(f"line L{day} 1.00 {day}" for day in days))
    assert aged(items, TODAY)["age"].to_list() == list(days.values())
    assert buckets((0, 5)) == ["0-0", "1-5", "6+"]
    whose = aged(items, TODAY).with_columns(provider=pl.lit("p"), account=pl.lit("a"))
    counted = age_buckets(whose)
    assert counted.select("age", "row_count", "amount").rows() == [
        (age, 2, Decimal(2)) for age in ("0-1", "2-3", "4-7", "8-30", "31+")
    ]


def test_a_range_rolls_forward_from_the_opening_of_its_first_day_to_the_closing_of_its_last() -> (
    None
):
    def day(number: int, side: str | None, *amounts: int) -> dict[str, object]:
        names = ("opening", "new", "cleared", "written_off", "closing")
        given = amounts or (0,) * 5
        measures = {f"{name}_amount": f"{value}" for name, value in zip(names, given, strict=True)}
        counts = {f"{name}_count": value for name, value in zip(names, given, strict=True)}
        whose = {"provider": "p", "account": "a", "side": side, "currency": side and "CNY"}
        return {"business_date": date(2026, 11, number), **whose, **counts, **measures}

    schema = {"business_date": pl.Date(), **OPEN_ITEM_STATEMENT}
    days = frame_of(
        schema,
        [
            day(18, None),  # nothing was open on the first day
            day(19, "line", 0, 30, 0, 0, 30),
            day(20, "line", 30, 5, 10, 5, 20),
            day(19, "entry", 0, 7, 0, 0, 7),
            day(20, "entry", 7, 0, 7, 0, 0),
        ],
    )
    rolled = statement(days)
    amounts = rolled.select("side", pl.col("^.*_amount$").cast(pl.Int64)).rows()
    assert amounts == [("entry", 0, 7, 7, 0, 0), ("line", 0, 35, 10, 5, 20)]
    assert untied(rolled).height == 0
    # A day whose opening is not the closing before it: the range does not add up, and says so.
    stale = statement(days.filter(pl.col("business_date") != date(2026, 11, 19)))
    assert untied(stale)["side"].to_list() == ["entry", "line"]


def test_what_cleared_an_item_is_told_with_the_match() -> None:
    before = open_items("line L1 1.00", "line L2 2.00", "entry E3 3.00", "payout P4 4.00")
    after = open_items("line L2 2.50")
    matches = frame_of(
        MATCH,
        [
            {"match_id": "M1", "rule": "by id", "line_id": "L1", "entry_id": "E1"},
            {"match_id": "M3", "rule": "a group", "entry_id": "E3"},
            {"match_id": "M9", "rule": "another", "line_id": "L9", "entry_id": "E9"},
        ],
    )
    receipts = frame_of(RECEIPT, [{"receipt_id": "R4", "rule": "number", "payout_id": "P4"}])
    found = cleared_items(before, after, matches.lazy(), receipts, TODAY)
    assert found.select("side", "item_id", "match_id", "rule", "cleared_on").rows() == [
        ("entry", "E3", "M3", "a group", TODAY),
        ("line", "L1", "M1", "by id", TODAY),
        ("line", "L2", None, None, TODAY),  # its amount was corrected: it is another item
        ("payout", "P4", "R4", "number", TODAY),
    ]


# ----------------------------------------------------------------------------------------- cases


def test_the_life_of_a_case_as_a_table() -> None:
    """Rows: events; columns: states. `-` is refused."""
    expected = """
                           open      assigned  proposed    resolved  written_off  closed
        assign             assigned  assigned  proposed    -         -            -
        comment            open      assigned  proposed    resolved  written_off  closed
        attach             open      assigned  proposed    resolved  written_off  closed
        resolve            resolved  resolved  -           -         -            -
        propose_write-off  proposed  proposed  -           -         -            -
        approve_write-off  -         -         written_off -         -            -
        reject_write-off   -         -         open        -         -            -
        reopen             -         -         -           open      -            -
        clear              closed    closed    closed      -         -            -
        return             -         -         -           -         -            open
        change             -         -         open        open      -            -
    """
    header, *rows = (line.split() for line in expected.strip().splitlines())
    assert set(header) == set(cases.STATES)
    assert [row[0].replace("_", " ") for row in rows] == list(cases.TRANSITIONS)
    for event, *targets in rows:
        for state, target in zip(header, targets, strict=True):
            assert cases.TRANSITIONS[event.replace("_", " ")].get(state, "-") == target


def test_a_refused_event_says_why_and_what_to_do_instead() -> None:
    with pytest.raises(UserError, match=r"case 7: cannot resolve: approve or reject"):
        cases.after("resolve", "proposed", 7)
