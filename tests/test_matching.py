"""Matching: what becomes of lines and entries, each rule and each doubt as a table.

Rows are: side, id, kind, txn_id, merchant_ref, currency, amount, and what else matters. Below `---`
stands what must become of every one of them; see `tests.support.check`. The rules are the shipped
ones unless told; today is 2026-11-20, and each side waits one day for the other.
"""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import polars as pl
import pytest

from recon.matching import engine, explain, sides, waiting
from recon.matching.rules import MatchRule
from tests.support import ONE_DAY, TODAY, WHOSE, check, items, outcomes, shipped_rules

YESTERDAY = date(2026, 11, 19)


def names() -> list[str]:
    return [rule.name for rule in shipped_rules()]


def discrepancies_of(text: str, today: date = TODAY) -> pl.DataFrame:
    """DISCREPANCY of a table, by the shipped rules."""
    given, rules, whose = items(text), shipped_rules(), replace(WHOSE, business_date=today)
    return explain.discrepancies(engine.match(*given, rules, 1), *given, rules, ONE_DAY, whose)


# ------------------------------------------------------------------------------ the rules, in order


def test_the_providers_transaction_id_comes_first() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 payment T2 R2 CNY 10.00
        entry E1 payment T1 R1 CNY 10.00
        entry E2 payment T2 -  CNY 10.00
        ---
        L1 E1 matched by provider transaction id
        L2 E2 matched by provider transaction id
        """
    )


def test_then_our_own_reference() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 refund  T2 F2 CNY -4.00 parent=R1
        entry E1 payment -  R1 CNY 10.00
        entry E2 refund  -  F2 CNY -4.00 parent=R1
        ---
        L1 E1 matched by merchant reference
        L2 E2 matched by merchant reference
        """
    )


def test_then_the_payment_a_refund_belongs_to_with_its_amount() -> None:
    check(
        """
        line  L1 refund T1 -  CNY -4.00 parent=R1
        entry E1 refund -  F1 CNY -4.00 parent=R1
        ---
        L1 E1 matched by refund of a payment
        """
    )


def test_then_the_payment_a_dispute_is_about() -> None:
    check(
        """
        line  L1 chargeback          T1 - USD -9.00 parent=R1
        line  L2 chargeback_reversal T2 - USD  9.00 parent=R1
        entry E1 chargeback          -  - USD -9.00 parent=R1
        entry E2 chargeback_reversal -  - USD  9.00 parent=R1
        ---
        L1 E1 matched by dispute of a payment
        L2 E2 matched by dispute of a payment
        """
    )


def test_a_rule_is_not_used_for_other_kinds() -> None:
    check(
        """
        line  L1 payment    T1 - CNY 9.00 parent=R1
        line  L2 adjustment T2 - CNY 9.00 parent=R2
        entry E1 payment    -  - CNY 9.00 parent=R1
        entry E2 adjustment -  - CNY 9.00 parent=R2
        ---
        L1 open
        L2 open
        E1 open
        E2 open
        """
    )


def test_an_earlier_rule_wins_even_where_a_later_one_would_pair_otherwise() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 payment T2 R2 CNY 10.00
        entry E1 payment T2 R1 CNY 10.00
        entry E2 payment -  R2 CNY 10.00
        ---
        L2 E1 reference_mismatch 0.00
        L1 open
        E2 open
        """
    )


def test_an_entry_in_the_currency_the_payer_paid_in_is_compared_with_that() -> None:
    check(
        """
        line  L1 payment T1 R1 EUR  92.10 paid=USD100.00
        line  L2 payment T2 R2 EUR  92.10 paid=USD100.00
        line  L3 payment T3 R3 EUR  92.10 paid=USD100.00
        line  L4 refund  T4 R4 EUR -92.10 paid=USD100.00
        entry E1 payment T1 R1 USD 100.00
        entry E2 payment T2 R2 USD 101.00
        entry E3 payment T3 R3 JPY 100
        entry E4 refund  T4 R4 USD -100.00
        ---
        L1 E1 matched by provider transaction id
        L2 E2 amount_mismatch -1.00
        L3 E3 currency_mismatch 92.10
        L4 E4 matched by provider transaction id
        """
    )


def test_what_one_rule_leaves_alone_the_next_may_find() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 payment T1 R2 CNY 20.00
        entry E1 payment -  R1 CNY 10.00
        entry E2 payment -  R2 CNY 20.00
        ---
        L1 E1 matched by merchant reference
        L2 E2 matched by merchant reference
        """
    )


def test_the_order_of_the_rules_is_that_of_the_settings() -> None:
    text = """
        line  L1 payment T1 R1 CNY 10.00
        entry E1 payment T1 R1 CNY 10.00
    """
    by_id, by_ref = shipped_rules()[:2]
    assert outcomes(text, rules=[by_id, by_ref]) == ["L1 E1 matched by provider transaction id"]
    assert outcomes(text, rules=[by_ref, by_id]) == ["L1 E1 matched by merchant reference"]


def test_a_discrepancy_names_the_rule_that_paired_its_rows() -> None:
    found = discrepancies_of(
        """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 payment T2 R2 CNY 10.00
        entry E1 payment T1 R1 CNY 10.50
        entry E2 payment -  R2 CNY 10.50
        """
    )
    assert dict(found.select("txn_id", "rule").iter_rows()) == {"T1": names()[0], "T2": names()[1]}


# ------------------------------------------------------------------------------ nobody guesses


def test_a_repeated_reference_stays_unpaired_rather_than_guessed() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 payment T2 R1 CNY 10.00
        entry E1 payment -  R1 CNY 10.00
        entry E2 payment -  R1 CNY 20.00
        ---
        L1 L2 E1 E2 ambiguous_match -10.00
        """
    )


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("-  R1 CNY 10.00", "-  R1 CNY 20.00", "matched by order paid in parts"),
        ("-  R1 CNY 20.00", "-  R1 CNY 10.00", "matched by order paid in parts"),
        ("-  R1 CNY 10.00", "-  R1 CNY 21.00", "ambiguous_match -1.00"),  # or 10 of the 21
        ("-  R1 CNY 15.00", "-  R1 CNY 15.00", "ambiguous_match 0.00"),
        ("-  R1 CNY 10.00", "-  R1 HKD 20.00", "ambiguous_match 20.00"),
        ("T9 R1 CNY 10.00", "-  R1 CNY 20.00", "ambiguous_match 0.00"),  # of another transaction
        ("-  R1 CNY 10.00", "-  R1 CNY 20.00 status=failed", "ambiguous_match 0.00"),
        ("-  R1 CNY 10.00", "-  R1 CNY 20.00 on=11-16", "ambiguous_match 0.00"),
    ],
)
def test_parts_of_an_order_that_were_booked_as_the_same_parts_are_told_by_their_amounts(
    first: str, second: str, outcome: str
) -> None:
    check(
        f"""
        line  L1 payment T1 R1 CNY 10.00 status=succeeded
        line  L2 payment T2 R1 CNY 20.00 status=succeeded
        entry E1 payment {first}
        entry E2 payment {second}
        ---
        L1 L2 E1 E2 {outcome}
        """
    )


def test_f42_a_row_the_provider_repeats_is_a_duplicate_there() -> None:
    check(
        """
        line  L1   payment T1 R1 CNY 10.00
        line  L1#2 payment T1 R1 CNY 10.00
        entry E1   payment T1 R1 CNY 10.00
        ---
        L1 L1#2 E1 duplicate_in_provider 10.00
        """
    )


def test_f42_a_row_the_ledger_repeats_is_a_duplicate_there() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        entry E1 payment -  R1 CNY 10.00
        entry E2 payment -  R1 CNY 10.00
        entry E3 payment -  R1 CNY 10.00
        ---
        L1 E1 E2 E3 duplicate_in_ledger -20.00
        """
    )


def test_repeated_rows_of_different_amounts_are_ambiguous_and_no_duplicates() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 payment T2 R1 CNY 10.01
        entry E1 payment -  R1 CNY 10.00
        ---
        L1 L2 E1 ambiguous_match 10.01
        """
    )


def test_repeated_rows_of_different_currencies_are_ambiguous_and_no_duplicates() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 payment T2 R1 HKD 10.00
        entry E1 payment -  R1 CNY 10.00
        ---
        L1 L2 E1 ambiguous_match 0.00
        """
    )


def test_amounts_of_several_currencies_are_told_and_never_added_up() -> None:
    found = discrepancies_of(
        """
        line  L1 payment T1 R1 USD  6.00
        line  L2 payment T2 R1 CNY  4.00
        line  L3 payment T3 R1 CNY  5.00
        entry E1 payment -  R1 CNY 15.00
        """
    )
    assert found.select("type", "currency", "amount_provider", "amount_ledger").rows() == [
        ("ambiguous_match", "CNY", 9, 15)
    ]
    assert "at the provider, 9.00 CNY + 6.00 USD in all, and 1" in found["explanation"][0]


TWO_OF_EACH = """
    line  L1 refund T1 - CNY -3.00 parent=R1
    line  L2 refund T2 - CNY -3.00 parent=R1
    entry E1 refund -  - CNY -3.00 parent=R1
    entry E2 refund -  - CNY -3.00 parent=R1
"""


def test_two_equal_lines_and_entries_are_ambiguous_unless_the_rule_takes_equal_groups() -> None:
    rule = MatchRule("its payment", ("kind", "parent_ref"))
    assert outcomes(TWO_OF_EACH, rules=[rule]) == ["L1 L2 E1 E2 ambiguous_match 0.00"]
    grouping = replace(rule, groups="equal")
    assert outcomes(TWO_OF_EACH, rules=[grouping]) == ["L1 L2 E1 E2 matched by its payment"]


def test_a_shared_reference_may_be_the_key_of_an_equal_group() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 payment T2 R1 CNY 10.00
        entry E1 payment -  R1 CNY 10.00
        entry E2 payment -  R1 CNY 10.00
        ---
        L1 L2 E1 E2 matched by reference
        """,
        rules=[MatchRule("reference", ("kind", "merchant_ref"), groups="equal")],
    )


def test_the_shipped_rule_of_references_takes_no_groups() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 payment T2 R1 CNY 10.00
        entry E1 payment -  R1 CNY 10.00
        entry E2 payment -  R1 CNY 10.00
        ---
        L1 L2 E1 E2 ambiguous_match 0.00
        """
    )


@pytest.mark.parametrize(
    ("tolerance", "outcome"),
    [(0, "ambiguous_match 0.00"), (1, "matched by refund of a payment")],
)
def test_the_dates_of_a_group_may_be_as_far_apart_as_the_tolerance(
    tolerance: int, outcome: str
) -> None:
    check(
        f"""
        line  L1 refund T1 - CNY -3.00 parent=R1 on=11-20
        line  L2 refund T2 - CNY -3.00 parent=R1 on=11-20
        entry E1 refund -  - CNY -3.00 parent=R1 on=11-19
        entry E2 refund -  - CNY -3.00 parent=R1 on=11-20
        ---
        L1 L2 E1 E2 {outcome}
        """,
        windows=replace(ONE_DAY, date_tolerance_days=tolerance),
    )


THREE_AND_TWO = """
    line  L1 refund T1 - CNY -3.00 parent=R1
    line  L2 refund T2 - CNY -3.00 parent=R1
    line  L3 refund T3 - CNY -3.00 parent=R1
    entry E1 refund -  - CNY -3.00 parent=R1
    entry E2 refund -  - CNY -3.00 parent=R1
"""


def test_three_refunds_against_two_wait_for_the_third_and_are_then_told_together() -> None:
    assert outcomes(THREE_AND_TWO) == [f"{name} open" for name in ("E1", "E2", "L1", "L2", "L3")]
    third = THREE_AND_TWO + "entry E3 refund - - CNY -3.00 parent=R1 on=11-21"
    tomorrow = date(2026, 11, 21)
    every = "L1 L2 L3 E1 E2"
    assert outcomes(third, today=tomorrow) == [f"{every} E3 matched by refund of a payment"]
    assert outcomes(THREE_AND_TWO, today=tomorrow) == [f"{every} split_incomplete -3.00"]
    found = discrepancies_of(THREE_AND_TWO, today=tomorrow)
    assert found["explanation"].item().startswith("R1 is -6.00 CNY in the ledger (2 entered)")


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (THREE_AND_TWO.replace("T3", "T2"), "L1 L2 L3 E1 E2 ambiguous_match -3.00"),
        (THREE_AND_TWO.replace(" T3 ", " - "), "L1 L2 L3 E1 E2 ambiguous_match -3.00"),
        (
            """
            line  L1 refund T1 - CNY -3.00 parent=R1
            entry E1 refund -  - CNY -3.00 parent=R1
            entry E2 refund -  - CNY -3.00 parent=R1
            """,
            "L1 E1 E2 duplicate_in_ledger 3.00",
        ),
    ],
)
def test_rows_without_numbers_of_their_own_may_be_repeats_and_wait_for_nothing(
    text: str, outcome: str
) -> None:
    assert outcomes(text) == [outcome]


def test_refunds_the_ledger_has_numbers_for_wait_for_the_line_of_the_second() -> None:
    rows = """
        line  L1 refund T1 -  CNY -3.00 parent=R1
        entry E1 refund -  F1 CNY -3.00 parent=R1
        entry E2 refund -  F2 CNY -3.00 parent=R1
        """
    assert outcomes(rows) == ["E1 open", "E2 open", "L1 open"]


def test_a_repeated_reference_on_one_side_alone_is_no_group() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 payment T2 R1 CNY 10.00
        ---
        L1 open
        L2 open
        """
    )


def test_a_reference_that_is_left_to_one_row_pairs_it_after_all() -> None:
    check(
        """
        line  L1 refund - F1 CNY -10.00 parent=R1
        line  L2 refund - F1 CNY -20.00 parent=R2
        entry E1 refund - F1 CNY -10.00
        entry E2 refund - F2 CNY -20.00 parent=R2
        ---
        L2 E2 reference_mismatch 0.00
        L1 E1 matched by merchant reference
        """
    )


# ------------------------------------------------------------------------------ several refunds


def test_partial_refunds_of_one_payment_do_not_collide() -> None:
    check(
        """
        line  L1 refund T1 - CNY -3.00 parent=R1
        line  L2 refund T2 - CNY -4.00 parent=R1
        line  L3 refund T3 - CNY -3.00 parent=R2
        entry E1 refund -  F1 CNY -3.00 parent=R1
        entry E2 refund -  F2 CNY -4.00 parent=R1
        entry E3 refund -  F3 CNY -3.00 parent=R2
        ---
        L1 E1 matched by refund of a payment
        L2 E2 matched by refund of a payment
        L3 E3 matched by refund of a payment
        """
    )


def test_equal_partial_refunds_of_one_payment_are_one_group_and_nobody_is_paired() -> None:
    check(
        """
        line  L1 refund T1 - CNY -3.00 parent=R1
        line  L2 refund T2 - CNY -3.00 parent=R1
        line  L3 refund T3 - CNY -4.00 parent=R1
        entry E1 refund -  F1 CNY -3.00 parent=R1
        entry E2 refund -  F2 CNY -3.00 parent=R1
        entry E3 refund -  F3 CNY -4.00 parent=R1
        ---
        L1 L2 E1 E2 matched by refund of a payment
        L3 E3 matched by refund of a payment
        """
    )


def test_a_group_has_a_row_a_member_and_nothing_is_left_of_its_amount() -> None:
    given = items(
        """
        line  L1 refund T1 - CNY -3.00 parent=R1
        line  L2 refund T2 - CNY -3.00 parent=R1
        entry E1 refund -  - CNY -3.00 parent=R1
        entry E2 refund -  - CNY -3.00 parent=R1
        """
    )
    rules = shipped_rules()
    made = explain.matches(engine.match(*given, rules, 1), *given, rules).collect()
    assert made.select("match_id", "cardinality", "line_id", "entry_id", "pass").rows() == [
        ("E1", "N:M", None, "E1", 4),
        ("E1", "N:M", None, "E2", 4),
        ("E1", "N:M", "L1", None, 4),
        ("E1", "N:M", "L2", None, 4),
    ]
    pair = items("line L1 payment T1 R1 CNY 3.00\nentry E1 payment T1 R1 CNY 3.00")
    (one,) = explain.matches(engine.match(*pair, rules, 1), *pair, rules).collect().to_dicts()
    assert (one["match_id"], one["cardinality"]) == ("E1", "1:1")
    assert (one["allocated"], one["residual"]) == (3, 0)
    sums = made.group_by(pl.col("line_id").is_null()).agg(pl.col("allocated").sum())
    assert sums["allocated"].to_list() == [-6, -6]
    assert made["residual"].to_list() == [0] * 4


@pytest.mark.parametrize(
    ("pair", "its_twin", "discrepancy_type"),
    [
        (
            """
            line  L1 refund T1 -  CNY -3.00 parent=R1 status=succeeded
            entry E1 refund -  -  CNY -3.00 parent=R1 status=failed
            """,
            """
            line  L2 refund T2 -  CNY -3.00 parent=R1 status=succeeded
            entry E2 refund -  -  CNY -3.00 parent=R1 status=failed
            """,
            "status_mismatch",
        ),
        (
            """
            line  L1 refund T1 F1 CNY -3.00 parent=R1
            entry E1 refund -  F7 CNY -3.00 parent=R1
            """,
            """
            line  L2 refund T2 F2 CNY -3.00 parent=R1
            entry E2 refund -  F8 CNY -3.00 parent=R1
            """,
            "reference_mismatch",
        ),
        (
            """
            line  L1 refund T1 -  CNY -3.00 parent=R1 on=11-20
            entry E1 refund -  -  CNY -3.00 parent=R1 on=11-12
            """,
            """
            line  L2 refund T2 -  CNY -3.00 parent=R1 on=11-20
            entry E2 refund -  -  CNY -3.00 parent=R1 on=11-12
            """,
            "date_mismatch",
        ),
    ],
    ids=["status", "reference", "date"],
)
def test_a_group_is_held_to_what_a_pair_is_held_to(
    pair: str, its_twin: str, discrepancy_type: str
) -> None:
    assert outcomes(pair) == [f"L1 E1 {discrepancy_type} 0.00"]
    assert "L1 L2 E1 E2 matched by refund of a payment" not in outcomes(pair + its_twin)


# ------------------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    ("on_the_line", "in_the_ledger"),
    [
        ("-", "-"),
        ("''", "''"),
        ("''", "-"),
        ("007", "7"),
        ("7", "7.0"),
        ("ord-1", "ORD-1"),
        ("ORD-1", "ORD-1_"),
        ("ORD-1", "_ORD-1"),
        ("ORD_1", "ORD__1"),
        ("ORD-1", "ORD\u20111"),  # a hyphen that does not break
        ("é", "e\u0301"),  # the same to the eye, composed otherwise
    ],
)
def test_f43_keys_are_equal_to_the_byte_or_not_at_all(on_the_line: str, in_the_ledger: str) -> None:
    check(
        f"""
        line  L1 payment T1 {on_the_line} CNY 10.00
        entry E1 payment -  {in_the_ledger} CNY 10.00
        ---
        L1 open
        E1 open
        """
    )


def test_f43_blank_references_do_not_fan_out() -> None:
    check(
        """
        line  L1 payment T1 '' CNY 10.00
        line  L2 payment T2 '' CNY 10.00
        line  L3 payment '' -  CNY 10.00
        entry E1 payment '' '' CNY 10.00
        entry E2 payment '' -  CNY 10.00
        ---
        L1 open
        L2 open
        L3 open
        E1 open
        E2 open
        """
    )


def test_f44_the_same_amount_on_the_same_day_is_no_match() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 99.00
        entry E1 payment T2 R2 CNY 99.00
        ---
        L1 open
        E1 open
        """
    )


def test_a_row_of_another_kind_is_no_match() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        entry E1 refund  T1 R1 CNY 10.00
        ---
        L1 open
        E1 open
        """
    )


def test_twins_find_each_its_own() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 payment T2 R2 CNY 10.00
        entry E2 payment -  R2 CNY 10.00
        entry E1 payment T1 -  CNY 10.00
        ---
        L1 E1 matched by provider transaction id
        L2 E2 matched by merchant reference
        """
    )


def test_an_entry_is_claimed_once_and_its_twin_stays_open() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 payment T2 R1 CNY 10.00
        entry E1 payment T1 R1 CNY 10.00
        ---
        L1 E1 matched by provider transaction id
        L2 open
        """
    )


# ------------------------------------------------------------------------------ what differs


@pytest.mark.parametrize(
    ("entry", "outcome"),
    [
        ("T1 R1 CNY  10.00", "matched by provider transaction id"),
        ("T1 R1 CNY   9.00", "amount_mismatch 1.00"),  # a surplus
        ("T1 R1 CNY  12.50", "amount_mismatch -2.50"),  # a shortage
        ("T1 R1 CNY   9.99", "amount_mismatch 0.01"),  # one cent is one cent
        ("T1 R1 CNY   0.00", "amount_mismatch 10.00"),
        ("T1 R1 CNY -10.00", "direction_mismatch 20.00"),
        ("T1 R1 CNY  -9.00", "amount_mismatch 19.00"),
        ("T1 R1 HKD  10.00", "currency_mismatch 10.00"),
        ("T1 R1 CNY  10.00 status=failed", "status_mismatch 0.00"),
        ("T1 R9 CNY  10.00", "reference_mismatch 0.00"),
        ("T9 R1 CNY  10.00", "reference_mismatch 0.00"),
        ("T1 -  CNY  10.00", "matched by provider transaction id"),  # not known is not different
        ("-  R1 CNY  10.00", "matched by merchant reference"),
    ],
)
def test_a_pair_is_clean_or_one_discrepancy_with_its_sign(entry: str, outcome: str) -> None:
    check(
        f"""
        line  L1 payment T1 R1 CNY 10.00 status=succeeded
        entry E1 payment {entry}
        ---
        L1 E1 {outcome}
        """
    )


def test_the_sign_is_kept_where_money_leaves() -> None:
    check(
        """
        line  L1 refund T1 R1 CNY -10.00
        line  L2 refund T2 R2 CNY -10.00
        entry E1 refund T1 R1 CNY -12.00
        entry E2 refund T2 R2 CNY  -8.00
        ---
        L1 E1 amount_mismatch 2.00
        L2 E2 amount_mismatch -2.00
        """
    )


def test_a_zero_has_no_direction() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 0.00
        line  L2 payment T2 R2 CNY 0.00 status=succeeded
        entry E1 payment T1 R1 CNY 0.00
        entry E2 payment T2 R2 CNY 0.00 status=failed
        ---
        L1 E1 matched by provider transaction id
        L2 E2 status_mismatch 0.00
        """
    )


def test_several_differences_of_one_pair_are_one_discrepancy_with_a_field_each() -> None:
    found = discrepancies_of(
        """
        line  L1 payment T1 R1 CNY 10.00 status=succeeded on=11-20
        entry E1 payment T1 R9 USD 12.00 status=failed    on=11-10
        """
    )
    row = found.row(0, named=True)
    assert (found.height, row["type"]) == (1, "currency_mismatch")  # the gravest names it
    assert [tuple(field.values()) for field in row["mismatched_fields"]] == [
        ("currency", "USD", "CNY"),
        ("amount", "12.00", "10.00"),
        ("status", "failed", "succeeded"),
        ("reference", "R9", "R1"),
        ("business_date", "2026-11-10", "2026-11-20"),
    ]
    assert row["explanation"] == (
        "The payment R1 is 10.00 CNY at the provider and 12.00 USD in the ledger: the currencies "
        "differ. Also: amount: ledger 12.00, provider 10.00; status: ledger failed, provider "
        "succeeded; reference: ledger R9, provider R1; business date: ledger 2026-11-10, provider "
        "2026-11-20."
    )
    assert (row["amount_provider"], row["amount_ledger"]) == (10, None)  # USD cannot be subtracted


@pytest.mark.parametrize(
    ("tolerance", "booked_on", "outcome"),
    [
        (0, "11-20", "matched by provider transaction id"),
        (0, "11-21", "date_mismatch 0.00"),
        (1, "11-19", "matched by provider transaction id"),
        (1, "11-21", "matched by provider transaction id"),
        (1, "11-18", "date_mismatch 0.00"),
        (1, "11-22", "date_mismatch 0.00"),
        (3, "11-17", "matched by provider transaction id"),
        (3, "11-16", "date_mismatch 0.00"),
    ],
)
def test_dates_may_be_as_far_apart_as_the_tolerance(
    tolerance: int, booked_on: str, outcome: str
) -> None:
    check(
        f"""
        line  L1 payment T1 R1 CNY 10.00 on=11-20
        entry E1 payment T1 R1 CNY 10.00 on={booked_on}
        ---
        L1 E1 {outcome}
        """,
        windows=waiting.Windows(line_days=1, entry_days=1, date_tolerance_days=tolerance),
    )


# ------------------------------------------------------------------------------ one side alone


def test_what_has_no_other_side_is_named_by_its_kind_once_its_window_is_past() -> None:
    check(
        """
        line  L1 payment    T1 R1 CNY 10.00  on=11-19
        line  L2 refund     T2 R2 CNY -4.00  on=11-19 parent=R9
        line  L3 refund     T3 R3 CNY -4.00  on=11-19
        line  L4 chargeback T4 R4 CNY -7.00  on=11-19
        entry E1 payment    T5 R5 CNY 20.00  on=11-19
        entry E2 refund     T6 R6 CNY -5.00  on=11-19
        ---
        L1 missing_in_ledger 10.00
        L2 missing_in_ledger -4.00
        L3 refund_unlinked -4.00
        L4 chargeback_unrecorded -7.00
        E1 missing_in_provider -20.00
        E2 missing_in_provider 5.00
        """
    )


@pytest.mark.parametrize(
    ("window", "dated", "outcome"),
    [
        (0, "11-20", "missing"),
        (1, "11-20", "open"),
        (1, "11-19", "missing"),
        (2, "11-19", "open"),
        (2, "11-18", "missing"),
        (3, "11-18", "open"),
        (3, "11-17", "missing"),
        (1, "11-21", "open"),  # booked ahead
    ],
)
def test_a_side_is_open_inside_its_window_and_a_discrepancy_past_it(
    window: int, dated: str, outcome: str
) -> None:
    is_open = outcome == "open"
    line = f"line L1 payment T1 R1 CNY 10.00 on={dated}"
    entry = f"entry E1 payment T2 R2 CNY 10.00 on={dated}"
    check(
        f"{line}\n---\nL1 {'open' if is_open else 'missing_in_ledger 10.00'}",
        windows=waiting.Windows(line_days=window, entry_days=9, date_tolerance_days=1),
    )
    check(
        f"{entry}\n---\nE1 {'open' if is_open else 'missing_in_provider -10.00'}",
        windows=waiting.Windows(line_days=9, entry_days=window, date_tolerance_days=1),
    )


def test_what_is_carried_matches_what_comes_today() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00 on=11-19 carried=open
        line  L2 payment T2 R2 CNY 10.00
        entry E1 payment -  R1 CNY 10.00
        entry E2 payment -  R2 CNY 10.00 on=11-19 carried=open
        ---
        L1 E1 matched by merchant reference
        L2 E2 matched by merchant reference
        """
    )


def test_a_carried_side_that_still_differs_is_one_discrepancy() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00 on=11-19 carried=open
        entry E1 payment -  R1 CNY 12.00
        ---
        L1 E1 amount_mismatch -2.00
        """
    )


def test_what_an_earlier_day_reported_is_not_reported_again() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00 on=11-17 carried=overdue
        entry E1 payment T2 R2 CNY 10.00 on=11-17 carried=overdue
        ---
        L1 overdue
        E1 overdue
        """
    )


def test_a_late_counterpart_clears_what_was_reported() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00 on=11-19 carried=overdue
        entry E1 payment -  R1 CNY 10.00
        ---
        L1 E1 matched by merchant reference
        """
    )


def test_an_item_keeps_the_day_to_which_it_was_put_off() -> None:
    check(
        """
        entry E1 payment T1 R1 CNY 10.00 on=11-18 due=11-20 carried=open
        entry E2 payment T2 R2 CNY 10.00 on=11-18 due=11-19 carried=open
        ---
        E1 open
        E2 missing_in_provider -10.00
        """
    )


def test_open_items_say_until_when_they_are_merely_open() -> None:
    matched = engine.match(
        *items(
            """
            line  L1 payment T1 R1 CNY 10.00
            line  L2 payment T2 R2 CNY 10.00 on=11-19 carried=open
            entry E1 payment T3 R3 CNY 10.00 on=11-19 carried=overdue
            """
        ),
        shipped_rules(),
        1,
    )
    windows = waiting.Windows(line_days=2, entry_days=1, date_tolerance_days=1)
    left = waiting.open_items(matched, windows, TODAY)
    assert left.select("side", "item_id", "due_on", "state").rows() == [
        ("entry", "E1", YESTERDAY, "overdue"),
        ("line", "L1", date(2026, 11, 21), "open"),
        ("line", "L2", TODAY, "open"),
    ]


# ------------------------------------------------------------------------------ hash collisions

EVERYTHING = """
    line  L1   payment T1 R1 CNY 10.00
    line  L2   payment T2 R2 CNY 20.00
    line  L3   payment T3 R3 CNY 30.00
    line  L3#2 payment T3 R3 CNY 30.00
    line  L4   payment T4 R4 CNY 40.00
    line  L5   payment T5 R4 CNY 41.00
    line  L6   refund  T6 -  CNY -3.00 parent=R1
    line  L7   refund  T7 -  CNY -3.00 parent=R1
    line  L8   refund  T8 -  CNY -4.00 parent=R1
    line  L9   payment T9 R9 CNY 90.00
    line  LA   payment TA '' CNY 90.00
    entry E1   payment T1 -  CNY 10.00
    entry E2   payment -  R2 CNY 21.00
    entry E3   payment T3 R3 CNY 30.00
    entry E4   payment -  R4 CNY 40.00
    entry E5   payment -  R4 CNY 41.00
    entry E6   refund  -  F6 CNY -3.00 parent=R1
    entry E7   refund  -  F7 CNY -3.00 parent=R1
    entry E8   refund  -  F8 CNY -4.00 parent=R1
    entry EA   payment -  '' CNY 90.00
    entry EB   payment -  RB CNY 90.00
"""


@pytest.mark.parametrize("hashes", [1, 2, 3])
def test_colliding_hashes_neither_pair_nor_part_rows(
    hashes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = outcomes(EVERYTHING)
    good_hash = sides._hash
    monkeypatch.setattr(sides, "_hash", lambda value, key: good_hash(value, key) % hashes)
    assert outcomes(EVERYTHING) == expected
    assert len(expected) == 10


def test_equal_texts_in_two_key_columns_do_not_cancel_out() -> None:
    rule = MatchRule("both references", ("txn_id", "merchant_ref"))
    check(
        """
        line  L1 payment A A CNY 10.00
        line  L2 payment B B CNY 20.00
        line  L3 payment A B CNY 30.00
        entry E1 payment A A CNY 10.00
        entry E2 payment B B CNY 20.00
        entry E3 payment A B CNY 30.00
        ---
        L1 E1 matched by both references
        L2 E2 matched by both references
        L3 E3 matched by both references
        """,
        rules=[rule],
    )
    same = pl.DataFrame({"txn_id": ["A"], "merchant_ref": ["A"]})
    hashed = same.select(sides._hash(pl.col(key), key) for key in rule.keys).row(0)
    assert hashed[0] != hashed[1]


# ------------------------------------------------------------------------------ extremes


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("", []),
        ("line L1 payment T1 R1 CNY 10.00", ["L1 open"]),
        ("entry E1 payment T1 R1 CNY 10.00", ["E1 open"]),
    ],
)
def test_a_side_may_be_empty(text: str, outcome: list[str]) -> None:
    assert outcomes(text) == outcome


def test_matches_come_in_an_order_of_content() -> None:
    rows = [row for row in EVERYTHING.splitlines() if row.strip()]
    made = []
    for text in ("\n".join(rows), "\n".join(reversed(rows)), "\n".join(sorted(rows, key=len))):
        given = items(text)
        matched = engine.match(*given, shipped_rules(), 1)
        made.append(explain.matches(matched, *given, shipped_rules()).collect())
    assert all(one.equals(other) for one, other in pairwise(made))


# ---------------------------------------------------------------------------- what moves no money


def test_an_attempt_that_moved_no_money_needs_no_entry() -> None:
    check(
        """
        line L1 payment T1 R1 CNY 0.00 status=failed   on=11-10
        line L2 payment T2 R2 CNY 0.00 status=reversed on=11-10
        line L3 payment T3 R3 CNY 0.00 status=succeeded on=11-10
        ---
        L1 matched by moves no money
        L2 matched by moves no money
        L3 missing_in_ledger 0.00
        """
    )


def test_a_pending_line_leaves_the_entry_to_the_one_that_moves_the_money() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 0.00  status=pending
        entry E1 payment T1 R1 CNY 10.00 status=succeeded
        ---
        L1 matched by moves no money
        E1 open
        """
    )
    check(
        """
        line  L1 payment T1 R1 CNY 0.00  status=pending
        line  L2 payment T1 R1 CNY 10.00 status=succeeded
        entry E1 payment T1 R1 CNY 10.00 status=succeeded
        ---
        L1 matched by moves no money
        L2 E1 matched by provider transaction id
        """
    )


def test_a_failed_line_contradicts_an_entry_that_succeeded() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 0.00  status=failed
        entry E1 payment T1 R1 CNY 10.00 status=succeeded
        ---
        L1 E1 status_mismatch -10.00
        """
    )


def test_a_second_attempt_has_the_number_of_the_first_that_failed() -> None:
    for failed in ("line  L1 payment T1 R1", "entry E9 payment - R1"):
        rows = f"""
            {failed} CNY 0.00 status=failed
            line  L2 payment T2 R1 CNY 10.00 status=succeeded
            entry E1 payment -  R1 CNY 10.00 status=succeeded
            """
        assert outcomes(rows) == [
            f"{failed.split()[1]} matched by moves no money",
            "L2 E1 matched by merchant reference",
        ]


SUCCESS_LATER = """
    line  L1 payment T1 R1 CNY 0.00  status=failed
    entry E1 payment -  R1 CNY 10.00 status=succeeded
"""


def test_what_shares_only_an_order_with_a_failed_attempt_waits_for_the_one_that_succeeds() -> None:
    assert outcomes(SUCCESS_LATER) == ["E1 open", "L1 open"]
    found = outcomes(f"{SUCCESS_LATER} line L2 payment T2 R1 CNY 10.00 status=succeeded")
    assert found == ["L1 matched by moves no money", "L2 E1 matched by merchant reference"]
    mirrored = SUCCESS_LATER.replace("line ", "_").replace("entry", "line ").replace("_", "entry")
    for rows, name in ((SUCCESS_LATER, "provider -10.00"), (mirrored, "ledger 10.00")):
        late = outcomes(rows, today=date(2026, 11, 21))
        assert late == [f"E1 missing_in_{name}", "L1 matched by moves no money"]


def test_a_failed_attempt_is_told_with_what_it_is_an_attempt_of() -> None:
    late = replace(WHOSE, business_date=date(2026, 11, 21))
    for rows, said in (
        (SUCCESS_LATER, " The provider has an attempt of it that is failed (L1)."),
        (
            "line L1 payment T1 R1 CNY 10.00\nentry E1 payment - R1 CNY 0.00 status=reversed",
            " The ledger has an attempt of it that is reversed (E1).",
        ),
    ):
        given = items(rows)
        matched = engine.match(*given, shipped_rules(), 1)
        found = explain.discrepancies(matched, *given, shipped_rules(), ONE_DAY, late)
        assert found["explanation"].item().endswith(said)


def test_a_failed_attempt_waits_as_long_as_what_it_is_an_attempt_of() -> None:
    windows = replace(ONE_DAY, entry_days=3)
    carried = SUCCESS_LATER.replace("succeeded", "succeeded carried=open")
    for day in (20, 21, 22):
        found = outcomes(carried, windows=windows, today=date(2026, 11, day))
        assert found == ["E1 open", "L1 open"]
    found = outcomes(carried, windows=windows, today=date(2026, 11, 23))
    assert found == ["E1 missing_in_provider -10.00", "L1 matched by moves no money"]
    # Told once, nothing waits for it any more.
    told = carried.replace("carried=open", "carried=overdue")
    found = outcomes(told, windows=windows, today=date(2026, 11, 24))
    assert found == ["E1 overdue", "L1 matched by moves no money"]


def test_attempts_that_failed_on_both_sides_are_the_same_attempts() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 0.00  status=failed
        line  L2 payment T2 R1 CNY 10.00 status=succeeded
        entry E1 payment T1 R1 CNY 0.00  status=failed
        entry E2 payment T2 R1 CNY 10.00 status=succeeded
        ---
        L1 E1 matched by provider transaction id
        L2 E2 matched by provider transaction id
        """
    )


def test_a_line_that_moves_no_money_is_matched_with_nothing() -> None:
    given = items("line L1 payment T1 R1 CNY 0.00 status=failed")
    matched = engine.match(*given, shipped_rules(), 1)
    (row,) = explain.matches(matched, *given, shipped_rules()).collect().iter_rows(named=True)
    assert (row["cardinality"], row["line_id"], row["entry_id"]) == ("1:0", "L1", None)
    assert (row["allocated"], row["residual"]) == (0, 0)


@pytest.mark.parametrize(
    ("line", "entry", "said"),
    [
        ("succeeded", "pending", "succeeded at the provider and still pending in the ledger"),
        ("reversed", "succeeded", "the ledger has not followed"),
        ("succeeded", "reversed", "still succeeded at the provider and already reversed in the"),
        ("pending", "succeeded", "it was booked before it was final"),
        ("failed", "succeeded", "neither can become the other, so one of them is wrong"),
    ],
)
def test_statuses_say_which_side_is_behind(line: str, entry: str, said: str) -> None:
    found = discrepancies_of(
        f"""
        line  L1 payment T1 R1 CNY 10.00 status={line}
        entry E1 payment T1 R1 CNY 10.00 status={entry}
        """
    )
    assert found["type"].to_list() == ["status_mismatch"]
    assert said in found["explanation"][0]


@pytest.mark.parametrize(
    ("kind", "amount", "type_"),
    [
        ("reserve_hold", "-50.00", "reserve_unexplained"),
        ("reserve_release", "50.00", "reserve_unexplained"),
        ("chargeback", "-50.00", "chargeback_unrecorded"),
    ],
)
def test_what_the_provider_did_on_its_own_is_named_for_what_it_is(
    kind: str, amount: str, type_: str
) -> None:
    check(f"line L1 {kind} T1 - CNY {amount} on=11-10\n---\nL1 {type_} {amount}")
