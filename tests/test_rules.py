"""What rules may tolerate, how they read references, and what they make of many rows at once.

The tables are as in test_matching.py; the rules are those of each test.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from time import perf_counter

import pytest
from polars.testing import assert_frame_equal

from recon.io.rule_settings import ReceiptRuleSettings, RuleSettings
from recon.matching import engine, explain
from recon.matching.rules import DateWindow, KeyForm, MatchRule, Tolerance
from tests.support import ONE_DAY, WHOSE, check, items, outcomes

TODAY = date(2026, 11, 20)
REFERENCE = MatchRule("reference", ("kind", "merchant_ref"))
PENNY = Tolerance(absolute=Decimal("0.05"))


def rule(**facts: object) -> list[MatchRule]:
    return [replace(REFERENCE, **facts)]  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------- tolerance


@pytest.mark.parametrize(
    ("tolerance", "line", "entry", "outcome"),
    [
        (PENNY, "99.95", "100.00", "matched by reference"),
        (PENNY, "100.05", "100.00", "matched by reference"),
        (PENNY, "99.94", "100.00", "amount_mismatch -0.06"),
        (PENNY, "100.06", "100.00", "amount_mismatch 0.06"),
        (PENNY, "-99.95", "-100.00", "matched by reference"),
        (Tolerance(percent=Decimal("0.1")), "99.90", "100.00", "matched by reference"),
        (Tolerance(percent=Decimal("0.1")), "99.89", "100.00", "amount_mismatch -0.11"),
        # Both limits: the lower one holds.
        (Tolerance(Decimal("0.05"), Decimal("0.1")), "9.99", "10.00", "matched by reference"),
        (Tolerance(Decimal("0.05"), Decimal("0.1")), "9.98", "10.00", "amount_mismatch -0.02"),
        (Tolerance(Decimal("0.05"), Decimal("0.1")), "999.94", "1000.00", "amount_mismatch -0.06"),
        (replace(PENNY, direction="provider_less"), "99.95", "100.00", "matched by reference"),
        (replace(PENNY, direction="provider_less"), "100.01", "100.00", "amount_mismatch 0.01"),
        (replace(PENNY, direction="provider_more"), "100.05", "100.00", "matched by reference"),
        (replace(PENNY, direction="provider_more"), "99.99", "100.00", "amount_mismatch -0.01"),
        # Less of a refund is less money moved, whatever its sign.
        (replace(PENNY, direction="provider_less"), "-99.95", "-100.00", "matched by reference"),
        (replace(PENNY, direction="provider_less"), "-100.05", "-100.00", "amount_mismatch -0.05"),
    ],
)
def test_amounts_within_the_tolerance_of_a_rule(
    tolerance: Tolerance, line: str, entry: str, outcome: str
) -> None:
    check(
        f"""
        line  L1 payment T1 R1 CNY {line}
        entry E1 payment -  R1 CNY {entry}
        ---
        L1 E1 {outcome}
        """,
        rules=rule(amount_tolerance=tolerance),
    )


def test_a_tolerance_never_makes_another_currency_equal() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        entry E1 payment -  R1 USD 10.01
        ---
        L1 E1 currency_mismatch 10.00
        """,
        rules=rule(amount_tolerance=PENNY),
    )


def test_what_is_tolerated_is_not_listed_when_something_else_differs() -> None:
    found = outcomes(
        """
        line  L1 payment T1 R1 CNY 10.01 status=failed
        entry E1 payment -  R1 CNY 10.00 status=succeeded
        """,
        rules=rule(amount_tolerance=PENNY),
    )
    assert found == ["L1 E1 status_mismatch 0.01"]


# ------------------------------------------------------------------------------------ references


@pytest.mark.parametrize(
    ("form", "line", "entry"),
    [
        (KeyForm(strip_prefixes=("ORD-",)), "ORD-77", "77"),
        (KeyForm(strip_suffixes=("/1",)), "77", "77/1"),
        (KeyForm(ignore_case=True), "AbC", "aBc"),
        (KeyForm(ignore_case=True, strip_prefixes=("ORD-",)), "ord-77", "77"),
        (KeyForm(ignore_leading_zeros=True), "00077", "77"),
        (KeyForm(ignore_leading_zeros=True), "000", "0"),
        (KeyForm(ignore_characters=" -."), "7_7-1", "771"),
        (KeyForm(ignore_characters="-", strip_prefixes=("ORD-",)), "ORD-77", "7-7"),
        (KeyForm(ignore_characters="-", strip_suffixes=("-A",)), "77-A", "77"),
    ],
)
def test_references_that_two_systems_write_differently(
    form: KeyForm, line: str, entry: str
) -> None:
    text = f"""
        line  L1 payment T1 {line} CNY 10.00
        entry E1 payment -  {entry} CNY 10.00
        """
    assert outcomes(text, rules=[REFERENCE]) == ["E1 open", "L1 open"]
    read = rule(forms=(("merchant_ref", form),))
    assert outcomes(text, rules=read) == ["L1 E1 matched by reference"]


def test_references_that_become_equal_are_not_paired_by_order() -> None:
    check(
        """
        line  L1 payment T1 007 CNY 10.00
        line  L2 payment T2 7   CNY 20.00
        entry E1 payment -  07  CNY 10.00
        ---
        L1 L2 E1 ambiguous_match 20.00
        """,
        rules=rule(forms=(("merchant_ref", KeyForm(ignore_leading_zeros=True)),)),
    )


def test_a_reference_that_is_nothing_but_prefix_says_nothing() -> None:
    check(
        """
        line  L1 payment T1 ORD- CNY 10.00
        entry E1 payment -  ORD- CNY 10.00
        ---
        L1 open
        E1 open
        """,
        rules=rule(forms=(("merchant_ref", KeyForm(strip_prefixes=("ORD-",))),)),
    )


# --------------------------------------------------------------------------- near, no reference

NEAR = MatchRule(
    "near",
    ("kind", "currency", "amount", "business_date"),
    amount_tolerance=PENNY,
    date_window=DateWindow(before=0, after=2),
)


def near(**facts: object) -> list[MatchRule]:
    return [replace(NEAR, **facts)]  # type: ignore[arg-type]


def test_the_only_candidate_both_ways_is_taken() -> None:
    check(
        """
        line  L1 transfer T1 - CNY 10.02
        line  L2 transfer T2 - CNY 20.00
        line  L3 transfer T3 - USD 10.00
        entry E1 transfer -  - CNY 10.00 on=11-18
        entry E2 transfer -  - CNY 20.06 on=11-20
        ---
        L1 E1 matched by near
        L2 open
        L3 open
        E2 open
        """,
        rules=near(),
        windows=replace(ONE_DAY, entry_days=9),
    )


@pytest.mark.parametrize(
    ("window", "day", "is_near"),
    [
        (DateWindow(0, 2), "11-18", True),
        (DateWindow(0, 2), "11-17", False),
        (DateWindow(0, 2), "11-21", False),
        (DateWindow(1, 0), "11-21", True),
        (DateWindow(1, 0), "11-22", False),
        # The line is of a Friday; the entry of the Thursday before, of the Wednesday.
        (DateWindow(0, 1, in_business_days=True), "11-19", True),
        (DateWindow(0, 1, in_business_days=True), "11-18", False),
        (DateWindow(0, 1, True, holidays=(date(2026, 11, 19),)), "11-18", True),
        (DateWindow(1, 0, in_business_days=True), "11-23", True),  # the next Monday
    ],
)
def test_dates_within_the_window_of_a_rule(window: DateWindow, day: str, is_near: bool) -> None:
    found = outcomes(
        f"""
        line  L1 transfer T1 - CNY 10.00 on=11-20
        entry E1 transfer -  - CNY 10.00 on={day}
        """,
        rules=near(date_window=window),
        windows=replace(ONE_DAY, entry_days=30),
    )
    assert (found == ["L1 E1 matched by near"]) == is_near


TWINS = """
        line  L1 transfer T1 - CNY 10.00
        line  L2 transfer T2 - CNY 10.01
        entry E1 transfer -  - CNY 10.00
"""


def test_a_near_tie_is_never_picked() -> None:
    assert outcomes(TWINS, rules=near()) == ["E1 open", "L1 open", "L2 open"]


def test_a_near_tie_is_ambiguous_once_its_time_is_over() -> None:
    found = outcomes(TWINS, rules=near(), today=date(2026, 11, 21))
    assert found == [
        "L1 E1 ambiguous_match 10.00",
        "L1 L2 E1 ambiguous_match -10.00",
        "L2 E1 ambiguous_match 10.01",
    ]


def test_a_row_in_doubt_by_two_rules_is_told_once() -> None:
    once = outcomes(TWINS, rules=near(), today=date(2026, 11, 21))
    twice = [*near(), *near(name="near again", amount_tolerance=Tolerance(Decimal(1)))]
    assert outcomes(TWINS, rules=twice, today=date(2026, 11, 21)) == once


def test_a_near_amount_may_have_a_window_of_days_without_asking_for_one() -> None:
    rules = near(keys=("kind", "currency", "amount"), date_window=DateWindow(0, 1))
    for day, outcome in (("11-19", "matched by near"), ("11-18", "date_mismatch 0.02")):
        text = f"""
            line  L1 transfer T1 - CNY 10.02 on=11-20
            entry E1 transfer -  - CNY 10.00 on={day}
            """
        assert outcomes(text, rules=rules) == [f"L1 E1 {outcome}"]


def test_only_what_is_near_is_named_as_a_candidate() -> None:
    far = "line L3 transfer T3 - CNY 10.06\nline L0 transfer T0 - CNY 9.94"
    found = outcomes(f"{TWINS}\n{far}", rules=near(), today=date(2026, 11, 21))
    assert "L1 L2 E1 ambiguous_match -10.00" in found
    assert "L1 E1 ambiguous_match 10.00" in found


@pytest.mark.parametrize(
    ("more", "is_taken"),
    [
        ("", True),
        ("entry E9 transfer - - CNY 10.00 on=11-16", True),  # of another time
        (
            "line L8 transfer - - CNY 10.00 on=11-11\nline L9 transfer - - CNY 10.00 on=11-12\n"
            "entry E8 transfer - - CNY 10.00 on=11-10\nentry E9 transfer - - CNY 10.00 on=11-10",
            True,
        ),
        ("entry E9 transfer - - CNY 10.00 on=11-19", False),  # one more than there are lines
        ("line  L9 transfer - - CNY 10.00 on=11-20", False),
        # As many of each, but the first line cannot be the last entry's, and may be another's.
        (
            "line L9 transfer - - CNY 10.00 on=11-22\nentry E9 transfer - - CNY 10.00 on=11-20",
            False,
        ),
    ],
)
def test_as_many_lines_as_entries_that_each_may_be_each_are_a_group(
    more: str, *, is_taken: bool
) -> None:
    found = outcomes(
        f"""
        line  L1 transfer - - CNY 10.00 on=11-19
        line  L2 transfer - - CNY 10.00 on=11-20
        entry E1 transfer - - CNY 10.00 on=11-18
        entry E2 transfer - - CNY 10.00 on=11-18
        line  L3 transfer - - CNY 20.00 on=11-20
        {more}
        """,
        rules=near(amount_tolerance=None, groups="equal"),
        windows=replace(ONE_DAY, line_days=30, entry_days=30),
    )
    assert ("L1 L2 E1 E2 matched by near" in found) == is_taken
    assert "L3 open" in found
    others = more.count("9 transfer") if "L8" not in more else 1  # a group of their own
    assert len(found) == (2 if is_taken else 5) + others


@pytest.mark.parametrize(
    ("line", "entry", "is_taken"),
    [
        ("T2 -", "T4 -", False),  # both tell a number: they are not all alike
        ("T2 -", "- R4", True),
        ("- - CNY 10.00 status=failed", "- -", False),
    ],
)
def test_what_tells_rows_apart_makes_no_group(line: str, entry: str, *, is_taken: bool) -> None:
    line, entry = (f"{cells} CNY 10.00" if "CNY" not in cells else cells for cells in (line, entry))
    found = outcomes(
        f"""
        line  L1 transfer - - CNY 10.00 status=succeeded
        line  L2 transfer {line}
        entry E1 transfer - - CNY 10.00
        entry E2 transfer {entry}
        """,
        rules=near(amount_tolerance=None, groups="equal"),
    )
    assert ("L1 L2 E1 E2 matched by near" in found) == is_taken


def test_a_tie_resolves_when_the_other_candidate_is_known_by_its_reference() -> None:
    check(
        """
        line  L1 transfer T1 -  CNY 10.00
        line  L2 transfer T2 R2 CNY 10.00
        entry E1 transfer -  -  CNY 10.00
        entry E2 transfer -  R2 CNY 10.00
        ---
        L2 E2 matched by reference
        L1 E1 matched by near
        """,
        rules=[REFERENCE, NEAR],
    )


# -------------------------------------------------------------------------------------- in parts


PARTS = replace(REFERENCE, name="parts", groups="parts")
SUMS = replace(REFERENCE, name="sums", groups="sum")


def test_an_order_paid_in_parts() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 60.00
        line  L2 payment T2 R1 CNY 40.00
        entry E1 payment -  R1 CNY 100.00
        ---
        L1 L2 E1 matched by parts
        """,
        rules=[PARTS],
    )


def test_an_order_booked_in_parts_and_paid_in_others() -> None:
    text = """
        line  L1 payment T1 R1 CNY 60.00
        line  L2 payment T2 R1 CNY 40.00
        entry E1 payment -  R1 CNY 70.00
        entry E2 payment -  R1 CNY 30.00
        """
    assert outcomes(text, rules=[SUMS]) == ["L1 L2 E1 E2 matched by sums"]
    assert outcomes(text, rules=[PARTS]) == ["L1 L2 E1 E2 ambiguous_match 0.00"]


def test_parts_that_do_not_add_up_wait_for_the_rest() -> None:
    text = """
        line  L1 payment T1 R1 CNY 60.00
        entry E1 payment -  R1 CNY 100.00
        """
    assert outcomes(text, rules=[PARTS]) == ["E1 open", "L1 open"]
    late = outcomes(text, rules=[PARTS], today=date(2026, 11, 21))
    assert late == ["L1 E1 split_incomplete -40.00"]


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("single", ["line", "entry"])
def test_parts_that_are_more_than_the_whole_wait_for_nothing(single: str, sign: str) -> None:
    other = "entry" if single == "line" else "line"

    def found(whole: str) -> list[str]:
        return outcomes(
            f"""
            {single} S1 payment T1 R1 CNY {sign}{whole}
            {other}  O1 payment -  R1 CNY {sign}4.00
            {other}  O2 payment -  R1 CNY {sign}3.00
            """,
            rules=[PARTS],
        )

    assert found("10.00") == ["O1 open", "O2 open", "S1 open"]
    assert "ambiguous_match" in found("6.00")[0]


def test_the_rest_of_an_order_clears_what_was_reported() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 60.00 on=11-18 carried=overdue
        line  L2 payment T2 R1 CNY 40.00
        entry E1 payment -  R1 CNY 100.00 on=11-18 carried=overdue
        ---
        L1 L2 E1 matched by parts
        """,
        rules=[replace(PARTS, date_window=DateWindow(0, 5))],
    )


def test_a_reported_gap_is_not_reported_again() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 60.00 on=11-18 carried=overdue
        entry E1 payment -  R1 CNY 100.00 on=11-18 carried=overdue
        ---
        L1 overdue
        E1 overdue
        """,
        rules=[PARTS],
    )


def test_parts_of_other_currencies_or_signs_are_no_parts() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 60.00
        line  L2 payment T2 R1 USD 40.00
        entry E1 payment -  R1 CNY 100.00
        ---
        L1 L2 E1 ambiguous_match -40.00
        """,
        rules=[PARTS],
    )


def test_a_payment_that_is_repeated_is_no_part() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 payment T2 R1 CNY 10.00
        entry E1 payment -  R1 CNY 10.00
        ---
        L1 L2 E1 duplicate_in_provider 10.00
        """,
        rules=[PARTS],
    )


def test_near_pairs_and_the_candidates_that_are_named_follow_content_and_not_the_order() -> None:
    pairs = [
        f"{side} {side[0]}{number} transfer - - CNY {number}.00"
        for number in range(3, 9)
        for side in ("line", "entry")
    ]
    # Twelve candidates on each of three days, of which some are named.
    crowd = [
        f"line C{number:02}-{day} transfer - - CNY 1.00 on=11-{day}"
        for number in range(12)
        for day in (18, 19, 20)
    ]
    rows = [*pairs, *crowd, "entry X transfer - - CNY 1.00 on=11-18"]
    found = []
    for ordered in (rows, rows[::-1], sorted(rows, key=lambda row: row[-1])):
        given = items("\n".join(ordered))
        matched = engine.match(*given, near(), 1)
        told = explain.discrepancies(matched, *given, near(), ONE_DAY, WHOSE)
        found.append((explain.matches(matched, *given, near()).collect(), told))
    for matches, told in found[1:]:
        assert_frame_equal(matches, found[0][0])
        assert_frame_equal(told, found[0][1])


# --------------------------------------------------------------------------------------- subsets


DEPOSIT = MatchRule(
    "deposit", ("kind", "currency"), groups="subset", date_window=DateWindow(before=0, after=3)
)


def test_one_deposit_of_many_where_the_largest_first_would_fail() -> None:
    check(
        """
        line  L1 transfer T1 - CNY 100.00
        entry E1 transfer -  - CNY 80.00
        entry E2 transfer -  - CNY 70.00
        entry E3 transfer -  - CNY 30.00
        ---
        L1 E2 E3 matched by deposit
        E1 open
        """,
        rules=[DEPOSIT],
    )


def test_one_entry_of_many_lines_in_its_window() -> None:
    check(
        """
        line  L1 transfer T1 - CNY 60.00 on=11-19
        line  L2 transfer T2 - CNY 40.00 on=11-20
        line  L3 transfer T3 - CNY 25.00 on=11-20
        entry E1 transfer -  - CNY 100.00 on=11-18
        ---
        L1 L2 E1 matched by deposit
        L3 open
        """,
        rules=[DEPOSIT],
        windows=replace(ONE_DAY, line_days=9),
    )


def test_a_set_of_one_is_a_pair_and_not_for_a_rule_of_sets() -> None:
    check(
        """
        line  L1 transfer T1 - CNY 10.00
        entry E1 transfer -  - CNY 10.00
        entry E2 transfer -  - CNY 3.00
        ---
        L1 open
        E1 open
        E2 open
        """,
        rules=[DEPOSIT],
    )


@pytest.mark.parametrize("limit", ["_SEARCHES", "_EFFORT"])
def test_a_search_that_ended_at_its_limit_is_told(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"recon.matching.covers.{limit}", 1)
    rows = """
        line  L1 transfer T1 - CNY 100.00
        line  L2 transfer T2 - CNY 999.00
        entry E1 transfer -  - CNY 61.00
        entry E2 transfer -  - CNY 42.00
        entry E3 transfer -  - CNY 73.00
        entry E4 transfer -  - CNY 34.00
    """
    lines, entries = items(rows)
    matched = engine.match(lines, entries, [DEPOSIT], 0)
    late = replace(WHOSE, business_date=date(2026, 11, 21))
    found = explain.discrepancies(matched, lines, entries, [DEPOSIT], ONE_DAY, late)
    [told] = found.filter(discrepancy_id="match:L1").select("type", "explanation").rows()
    assert told[0] == "missing_in_ledger"
    assert told[1].endswith("'deposit' ended at its limit: whether there are any is not known.")


def test_a_candidate_is_told_rather_than_a_search_at_its_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("recon.matching.covers._SEARCHES", 0)
    text = """
        line  L1 transfer T1 - CNY 10.00
        entry E1 transfer -  - CNY 10.01
        entry E2 transfer -  - CNY 9.99
    """
    found = outcomes(text, rules=[DEPOSIT, *near()], today=date(2026, 11, 21))
    assert "L1 E1 E2 ambiguous_match 10.00" in found


TWO_SETS = """
        line  L1 transfer T1 - CNY 100.00
        entry E1 transfer -  - CNY 60.00
        entry E2 transfer -  - CNY 40.00
        entry E3 transfer -  - CNY 70.00
        entry E4 transfer -  - CNY 30.00
"""


def test_two_sets_that_fit_are_never_chosen_between() -> None:
    assert outcomes(TWO_SETS, rules=[DEPOSIT]) == [
        "E1 open", "E2 open", "E3 open", "E4 open", "L1 open",
    ]  # fmt: skip
    late = outcomes(TWO_SETS, rules=[DEPOSIT], today=date(2026, 11, 21))
    assert "L1 E3 E4 ambiguous_match 100.00" in late


def test_two_deposits_that_want_the_same_set_get_none_of_it() -> None:
    check(
        """
        line  L1 transfer T1 - CNY 100.00
        line  L2 transfer T2 - CNY 100.00
        entry E1 transfer -  - CNY 60.00
        entry E2 transfer -  - CNY 40.00
        ---
        L1 open
        L2 open
        E1 open
        E2 open
        """,
        rules=[DEPOSIT],
    )


@pytest.mark.parametrize(
    ("deposit", "first", "second", "is_taken"),
    [
        ("succeeded", "succeeded", "succeeded", True),
        ("succeeded", "succeeded", "failed", False),
        ("-", "succeeded", "-", True),
        ("-", "succeeded", "failed", False),
        ("failed", "failed", "-", True),
    ],
)
def test_money_that_did_not_move_is_no_part_of_a_set(
    deposit: str, first: str, second: str, *, is_taken: bool
) -> None:
    statuses = ("" if status == "-" else f"status={status}" for status in (deposit, first, second))
    rows = zip(
        (
            "line  L1 transfer - - CNY 10",
            "entry E1 transfer - - CNY 6",
            "entry E2 transfer - - CNY 4",
        ),
        statuses,
        strict=True,
    )
    found = outcomes("\n".join(map(" ".join, rows)), rules=[DEPOSIT])
    assert ("L1 E1 E2 matched by deposit" in found) == is_taken


@pytest.mark.parametrize("rules", [near(), [DEPOSIT]], ids=["near", "subset"])
def test_ten_thousand_equal_amounts_end_soon_and_ambiguous(rules: list[MatchRule]) -> None:
    rows = [
        f"{side} {side[0]}{number} transfer - - CNY 5.00"
        for number in range(10_000)
        for side in ("line", "entry")
    ]
    rows.append("line L transfer - - CNY 15.00")
    began = perf_counter()
    found = outcomes("\n".join(rows), rules=rules, today=date(2026, 11, 21))
    assert perf_counter() - began < 10
    assert sum("ambiguous_match" in row for row in found) >= (20_000 if rules[0].is_near else 1)
    assert not [row for row in found if "matched" in row]


# ------------------------------------------------------------------------------- what looks alike


def test_a_reference_that_looks_alike_is_proposed_and_not_matched() -> None:
    from recon.matching import engine, explain
    from tests.support import WHOSE, items

    given = items(
        """
        line  L1 payment T1 SO-2026-11700 CNY 10.00 on=11-18
        entry E1 payment -  SO-2026-117OO CNY 10.00 on=11-18
        entry E2 payment -  AB-9          CNY 10.00 on=11-18
        """
    )
    matched = engine.match(*given, [REFERENCE], 1)
    found = explain.discrepancies(matched, *given, [REFERENCE], ONE_DAY, WHOSE)
    said = dict(found.select(found["line_ids"].list.join(""), "explanation").iter_rows())
    assert (
        "Perhaps it is the ledger's E1, whose reference SO-2026-117OO is 84 percent" in said["L1"]
    )
    assert found["type"].sort().to_list() == [
        "missing_in_ledger", "missing_in_provider", "missing_in_provider",
    ]  # fmt: skip


@pytest.mark.parametrize("groups", ["equal", "sum"])
def test_a_receipt_rule_must_say_which_credit_a_payout_came_in(groups: str) -> None:
    facts = {"name": "r", "keys": ["parent_ref"], "groups": groups}
    with pytest.raises(ValueError, match="which credit a payout came in"):
        ReceiptRuleSettings.model_validate(facts)
    for other in (
        {"groups": "parts"},
        {"groups": "equal", "keys": ["currency", "amount"], "date_window": {"after": 5}},
    ):
        ReceiptRuleSettings.model_validate(facts | other)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"keys": ["amount"], "amount_tolerance": {"absolute": "0.05"}}, "needs currency"),
        ({"keys": ["business_date"], "date_window": {"after": 2}}, "a key that is equal"),
        (
            {"keys": ["currency"], "groups": "subset", "amount_tolerance": {"absolute": "0.05"}},
            "adds up exactly",
        ),
        (
            {
                "keys": ["currency", "business_date"],
                "date_window": {"after": 2},
                "groups": "equal",
            },
            "takes no groups, but for",
        ),
        (
            {
                "keys": ["currency", "amount"],
                "amount_tolerance": {"absolute": "0.05"},
                "groups": "equal",
            },
            "takes no groups, but for",
        ),
    ],
)
def test_a_rule_that_could_not_do_what_it_says_is_refused(
    facts: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        RuleSettings.model_validate({"name": "r", **facts})


@pytest.mark.parametrize(
    ("first", "second", "is_taken"),
    [("11-18", "11-19", True), ("11-16", "11-19", False), ("11-19", "11-22", False)],
)
def test_a_line_must_be_in_the_windows_of_all_its_entries(
    first: str, second: str, *, is_taken: bool
) -> None:
    found = outcomes(
        f"""
        line  L1 payment T1 R1 CNY 10.00 on=11-20
        entry E1 payment -  R1 CNY 6.00  on={first}
        entry E2 payment -  R1 CNY 4.00  on={second}
        """,
        rules=[replace(PARTS, date_window=DateWindow(1, 3))],
    )
    assert ("L1 E1 E2 matched by parts" in found) == is_taken


@pytest.mark.parametrize(
    ("window", "outcome"),
    [(DateWindow(0, 0), "date_mismatch 0.00"), (DateWindow(0, 1), "matched by reference")],
)
def test_the_window_of_a_rule_holds_where_the_tolerance_of_the_account_is_wider(
    window: DateWindow, outcome: str
) -> None:
    check(
        f"""
        line  L1 payment T1 R1 CNY 10.00 on=11-20
        entry E1 payment -  R1 CNY 10.00 on=11-19
        ---
        L1 E1 {outcome}
        """,
        rules=rule(date_window=window),
    )


def test_a_repeated_key_is_held_to_a_window_in_business_days() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 6.00  on=11-16
        line  L2 payment T2 R1 CNY 4.00  on=11-17
        entry E1 payment -  R1 CNY 10.00 on=11-13
        ---
        L1 L2 E1 {outcome}
        """.replace("{outcome}", "matched by order"),
        rules=[
            replace(PARTS, name="order", date_window=DateWindow(0, 2, in_business_days=True)),
        ],
    )
