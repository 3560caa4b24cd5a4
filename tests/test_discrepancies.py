"""Discrepancies and what a day as a whole shows: sign, severity, control totals, conservation."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon import findings
from recon.boundary import check
from recon.discrepancies import Day, Severity, complete
from recon.errors import BrokenInvariantError
from recon.matching import engine, waiting
from recon.settings import Expectation
from recon.tables import (
    CONTROL_TOTAL,
    DISCREPANCY,
    DISCREPANCY_TYPES,
    OPEN_ITEM,
    REJECT,
    SETTLEMENT_BATCH,
    empty,
)
from recon.wording import ACTIONS
from tests.support import (
    ONE_DAY,
    TODAY,
    WHOSE,
    account_of,
    frame_of,
    items,
    shipped_config,
    shipped_rules,
)

LIMITS = Severity(
    medium=Decimal(10),
    high=Decimal(1000),
    by_currency={"JPY": (Decimal(1000), Decimal(100_000)), "KWD": (Decimal(1), Decimal("100.5"))},
)


def completed(severity: Severity = LIMITS, **facts: Any) -> dict[str, Any]:
    """One discrepancy from what is given of it."""
    usual = {"discrepancy_id": "d1", "type": "amount_mismatch", "explanation": "Because."}
    given = usual | facts
    found = complete(
        frame_of(DISCREPANCY, [given]).select(list(given)), Day("p", "a", TODAY, severity)
    )
    check("DISCREPANCY", found)
    return found.row(0, named=True)


# ------------------------------------------------------------------------------ sign and severity


@pytest.mark.parametrize(
    ("provider", "ledger", "difference"),
    [
        ("12", "10", "2"),
        ("10", "12", "-2"),
        ("-10", "-12", "2"),
        ("10", None, "10"),
        (None, "10", "-10"),
        (None, "-10", "10"),
        ("0.01", "0.02", "-0.01"),
        (None, None, "0"),
    ],
)
def test_a_difference_is_provider_minus_ledger_and_keeps_its_sign(
    provider: str | None, ledger: str | None, difference: str
) -> None:
    found = completed(amount_provider=provider, amount_ledger=ledger, currency="CNY")
    assert found["difference"] == Decimal(difference)


@pytest.mark.parametrize(
    ("currency", "difference", "severity"),
    [
        ("CNY", "9.99", "low"),
        ("CNY", "10.00", "medium"),
        ("CNY", "-10.00", "medium"),  # whoever it favours
        ("CNY", "999.99", "medium"),
        ("CNY", "1000.00", "high"),
        ("CNY", "-1000.00", "high"),
        ("JPY", "999", "low"),
        ("JPY", "1000", "medium"),
        ("JPY", "-99999", "medium"),
        ("JPY", "100000", "high"),
        ("KWD", "0.999", "low"),
        ("KWD", "1.000", "medium"),
        ("KWD", "100.499", "medium"),
        ("KWD", "100.500", "high"),
        ("USD", "1000", "high"),  # a currency without limits of its own
        (None, "10", "medium"),
    ],
)
def test_severity_goes_by_the_limits_of_the_currency(
    currency: str | None, difference: str, severity: str
) -> None:
    found = completed(amount_provider=difference, amount_ledger="0", currency=currency)
    assert found["severity"] == severity


@pytest.mark.parametrize(
    ("amount", "severity"), [("5", "low"), ("-50", "medium"), ("5000", "high"), (None, "low")]
)
def test_where_nothing_differs_in_amount_the_whole_amount_is_at_stake(
    amount: str | None, severity: str
) -> None:
    found = completed(
        type="status_mismatch", amount_provider=amount, amount_ledger=amount, currency="CNY"
    )
    assert (found["difference"], found["severity"]) == (0, severity)


@pytest.mark.parametrize("name", ["control_total_mismatch", "balance_mismatch", "file_missing"])
def test_what_shakes_a_whole_statement_is_always_grave(name: str) -> None:
    found = completed(type=name, amount_provider="0.01", amount_ledger="0", currency="CNY")
    assert found["severity"] == "high"


def test_a_discrepancy_says_whose_it_is_since_when_and_what_to_do() -> None:
    found = completed(type="missing_in_ledger")
    assert (found["provider"], found["account"]) == ("p", "a")
    assert (found["business_date"], found["first_seen_on"], found["age_days"]) == (TODAY, TODAY, 0)
    assert found["suggested_action"].startswith("Find the order and book it")
    assert set(ACTIONS) == set(DISCREPANCY_TYPES)


def test_the_shipped_limits_are_used() -> None:
    limits = shipped_config().policy.severity
    assert completed(limits, amount_provider="999", currency="JPY")["severity"] == "low"
    assert completed(limits, amount_provider="999", currency="CNY")["severity"] == "medium"


# ------------------------------------------------------------------------------ control totals


def controls(*rows: tuple[str, str, str | None, str | None, str]) -> pl.DataFrame:
    return frame_of(CONTROL_TOTAL, (dict(zip(CONTROL_TOTAL, row, strict=True)) for row in rows))


def test_totals_that_tie_are_no_discrepancy() -> None:
    good = controls(("f1", "rows", None, "2", "2"), ("f1", "sum", "CNY", "9.50", "9.50"))
    assert findings.control_discrepancies(good, WHOSE).height == 0
    assert findings.control_discrepancies(empty(CONTROL_TOTAL), WHOSE).height == 0


def test_all_totals_that_are_off_in_one_file_are_one_discrepancy() -> None:
    off = controls(
        ("f1", "rows", None, "3", "2"),
        ("f1", "gross", "CNY", "19.50", "9.50"),
        ("f1", "fees", "CNY", "0.12", "0.06"),
        ("f1", "refunds", "CNY", "0.00", "0.00"),
        ("f2", "rows", None, "7", "7"),
        ("f3", "rows", None, None, "4"),
    )
    found = findings.control_discrepancies(off, WHOSE)
    check("DISCREPANCY", found)
    first, other = found.iter_rows(named=True)
    assert first["explanation"] == (
        "The statement does not add up to what it says about itself (rows: stated 3, rows give 2; "
        "gross: stated 19.50 CNY, rows give 9.50 CNY; fees: stated 0.12 CNY, rows give 0.06 CNY)."
    )
    assert (first["type"], first["discrepancy_id"]) == ("control_total_mismatch", "control:f1")
    assert (first["currency"], first["difference"]) == ("CNY", 10)  # stated - what the rows give
    assert other["explanation"].endswith("(rows is not stated).")
    assert (other["discrepancy_id"], other["difference"]) == ("control:f3", 0)


def test_a_total_off_by_a_cent_counts_either_way() -> None:
    for stated, difference in (("10.01", "0.01"), ("9.99", "-0.01")):
        off = controls(("f1", "gross", "CNY", stated, "10.00"))
        found = findings.control_discrepancies(off, WHOSE)
        assert found["difference"].to_list() == [Decimal(difference)]


@pytest.mark.parametrize(
    ("count", "computed", "value", "left"),
    [
        ("2", "9.50", "1O.00", []),  # no row is missing: the sum is off for the row nobody can read
        ("3", "9.50", "1O.00", ["rows", "gross"]),  # and one more is missing
        (None, "9.50", "10,00 CNY", ["rows", "gross"]),
        (None, "9.50", "10.00 CNY", ["rows"]),  # off by what the row holds
        (None, "9.50", "11.00 CNY", ["rows", "gross"]),
    ],
)
def test_a_sum_that_is_off_by_a_rejected_amount_is_no_second_discrepancy(
    count: str | None, computed: str, value: str, left: list[str]
) -> None:
    given = controls(
        ("f1", "rows", None, count, "2"),
        ("f1", "gross", "CNY", "19.50", computed),
        ("f1", "fees", "CNY", "0.12", "0.12"),
    )
    row = {"file_id": "f1", "line_no": 3, "field": "amount", "value": value,
           "reason": "not an amount with at most two decimals", "unmapped": False}  # fmt: skip
    kept = findings.without_holes(given, frame_of(REJECT, [row]))
    wrong = kept.filter(pl.col("stated").ne_missing(pl.col("computed")))
    assert wrong["name"].to_list() == left
    for other in ({"reason": "unknown status"}, {"file_id": "f2"}):
        unrelated = findings.without_holes(given, frame_of(REJECT, [row | other]))
        assert unrelated.equals(given)


# ------------------------------------------------------------------------------ files and rows


def test_a_missing_file_is_a_discrepancy_each() -> None:
    found = findings.missing_files(["trade_all", "fund_flow"], WHOSE)
    check("DISCREPANCY", found)
    assert set(found["explanation"]) == {
        "The trade_all statement of 2026-11-20 has not been delivered.",
        "The fund_flow statement of 2026-11-20 has not been delivered.",
    }
    assert findings.missing_files([], WHOSE).height == 0


def test_a_rejected_row_says_where_and_why() -> None:
    facts = {"file_id": "f1", "field": "state", "value": "ODD", "reason": "unknown state"}
    rejects = frame_of(
        REJECT,
        [
            facts | {"line_no": 7, "unmapped": True},
            facts | {"line_no": 8, "unmapped": False, "value": None},
        ],
    )
    found = findings.rejected_rows(rejects, WHOSE)
    check("DISCREPANCY", found)
    assert found.select("discrepancy_id", "type", "explanation").rows() == [
        ("reject:f1:7", "unmapped_row", "Row 7 was not understood: state is ODD (unknown state)."),
        (
            "reject:f1:8",
            "validation_failed",
            "Row 8 was not understood: state is empty (unknown state).",
        ),
    ]
    assert findings.rejected_rows(empty(REJECT), WHOSE).height == 0


# ------------------------------------------------------------------------------ conservation


def conserved(text: str, line_rejects: int = 0, entry_rejects: int = 0) -> list[str]:
    """CONSERVATION as text, a row each."""
    lines, entries = items(text)
    matched = engine.match(lines, entries, shipped_rules(), 1)
    rejects = frame_of(REJECT, [{"file_id": "f", "line_no": n} for n in range(9)])
    found = findings.conservation(
        matched,
        lines,
        entries,
        waiting.newly_late(matched, ONE_DAY, TODAY),
        rejects.head(line_rejects),
        rejects.head(entry_rejects),
    )
    check("CONSERVATION", found)
    columns = ["side", "currency", "outcome", "row_count", "amount", "turnover"]
    return [
        f"{' '.join(map(str, row))} {amount:.2f} {turnover:.2f}"
        for *row, amount, turnover in found.select(columns).iter_rows()
    ]


def test_every_row_has_one_outcome_and_the_sums_of_the_outcomes_are_those_of_the_input() -> None:
    assert conserved(
        """
        line  L1   payment T1 R1 CNY  10.00
        line  L2   payment T2 R2 CNY  20.00
        line  L3   payment T3 R3 USD  30.00
        line  L3#2 payment T3 R3 USD  30.00
        line  L4   payment T4 R4 CNY  40.00 on=11-19
        line  L5   payment T5 R5 CNY  50.00
        line  L6   payment T6 R6 CNY  60.00 on=11-10 carried=overdue
        line  L7   refund  T7 -  CNY  -1.00 parent=R1
        line  L8   refund  T8 -  CNY  -1.00 parent=R1
        entry E1   payment T1 R1 CNY  10.00
        entry E2   payment T2 R2 CNY  20.01
        entry E3   payment T3 R3 USD  30.00
        entry E7   refund  -  -  CNY  -1.00 parent=R1
        entry E8   refund  -  -  CNY  -1.00 parent=R1
        """,
        line_rejects=2,
    ) == [
        # Rows, their sum, and the sum without signs.
        "entry CNY discrepancy 1 20.01 20.01",
        "entry CNY matched 3 8.00 12.00",
        "entry USD discrepancy 1 30.00 30.00",
        "line None rejected 2 0.00 0.00",
        "line CNY discrepancy 2 60.00 60.00",  # one differs, one is newly late
        "line CNY matched 3 8.00 12.00",
        "line CNY open 2 110.00 110.00",  # in its window, or reported on an earlier day
        "line USD discrepancy 2 60.00 60.00",
    ]


def test_rejected_rows_of_either_side_are_counted() -> None:
    assert conserved("", line_rejects=3, entry_rejects=1) == [
        "entry None rejected 1 0.00 0.00",
        "line None rejected 3 0.00 0.00",
    ]


def test_a_row_that_is_lost_breaks_the_run() -> None:
    lines, entries = items("line L1 payment T1 R1 CNY 10.00\nline L2 payment T2 R2 CNY 20.00")
    matched = engine.match(lines, entries, shipped_rules(), 1)
    late = waiting.newly_late(matched, ONE_DAY, TODAY)
    lost = replace(matched, lines_left=matched.lines_left.head(1))
    with pytest.raises(BrokenInvariantError, match="a line has no outcome"):
        findings.conservation(lost, lines, entries, late, empty(REJECT), empty(REJECT))


# ------------------------------------------------------------------------------ roll-forward


def open_items(text: str) -> pl.DataFrame:
    """OPEN_ITEM from rows such as `line L1 CNY 10.00`."""
    return frame_of(
        OPEN_ITEM,
        (
            dict(zip(("side", "item_id", "currency", "amount"), row.split(), strict=True))
            for row in text.strip().splitlines()
        ),
    )


def test_opening_and_new_less_cleared_is_closing() -> None:
    before = open_items(
        """
        line  L1 CNY 10.00
        line  L2 CNY 20.00
        line  L3 USD  5.00
        line  L6 USD  2.00
        entry E1 CNY  7.00
        """
    )
    written_off = open_items("line L6 USD 2.00")
    after = open_items(
        """
        line  L2 CNY 20.00
        line  L4 CNY 40.00
        line  L5 CNY -1.00
        entry E1 CNY  7.00
        entry L1 CNY  3.00
        """
    )
    found = findings.roll_forward(before, after, TODAY, written_off)
    check("ROLL_FORWARD", found)
    # Count and amount of: opening, new, cleared, written off, closing.
    expected = """
        entry CNY  1  7   1  3   0  0   0  0   2 10
        line  CNY  2 30   2 39   1 10   0  0   3 59
        line  USD  2  7   0  0   1  5   1  2   0  0
    """
    rows = [[side, code, *(f"{n:.0f}" for n in cells)] for side, code, *cells in found.iter_rows()]
    assert rows == [row.split() for row in expected.strip().splitlines()]


def test_nothing_open_rolls_forward_to_nothing() -> None:
    assert findings.roll_forward(empty(OPEN_ITEM), empty(OPEN_ITEM), TODAY).height == 0


def test_an_item_whose_amount_changes_overnight_is_cleared_and_new() -> None:
    before, after = open_items("line L1 CNY 10.00"), open_items("line L1 CNY 11.00")
    (row,) = findings.roll_forward(before, after, TODAY).to_dicts()
    names = ("opening", "cleared", "new", "closing")
    assert [row[f"{name}_amount"] for name in names] == [10, 10, 11, 11]


# ------------------------------------------------------------------------------ not proved because


def reasons(
    *,
    missing: tuple[str, ...] = (),
    totals: pl.DataFrame | None = None,
    rejects: int = 0,
    proofs: tuple[str | None, ...] = ("0",),
    jumps: tuple[str, ...] = (),
    **settings: Any,
) -> tuple[str, ...]:
    return findings.reasons(
        account_of("wechatpay", **settings),
        list(missing),
        empty(CONTROL_TOTAL) if totals is None else totals,
        frame_of(REJECT, [{"file_id": "f", "line_no": n} for n in range(rejects)]),
        frame_of(SETTLEMENT_BATCH, [{"currency": "CNY", "proof": proof} for proof in proofs]),
        frame_of(DISCREPANCY, [{"currency": code} for code in jumps]),
        Expectation(),
    )


def test_a_clean_day_is_proved() -> None:
    assert reasons(totals=controls(("f1", "rows", None, "2", "2"))) == ()


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"missing": ("trade_all",)}, "the trade_all statement is missing"),
        (
            {"totals": controls(("f1", "sum", "CNY", None, "2"), ("f1", "n", None, None, "2"))},
            "1 statement(s) do not state all their control totals",
        ),
        (
            {"totals": controls(("f1", "sum", "CNY", "1", "2"), ("f2", "n", None, "1", "2"))},
            "2 control total(s) do not tie",
        ),
        ({"rejects": 1}, "1 row(s) were not understood"),
        ({"rejects": 3, "unmapped_limit": 2}, "3 row(s) were not understood"),
        ({"proofs": ("0", "0.01", "-0.01")}, "the settlement proof in CNY is not zero"),
        (
            {"jumps": ("EUR", "CNY")},
            "the opening balance is not what the statement before closed with (CNY, EUR)",
        ),
        (
            {"proofs": ("0", None)},
            "a settlement batch has neither balances nor control totals to prove it",
        ),
    ],
)
def test_a_day_that_is_not_proved_says_why(facts: dict[str, Any], sentence: str) -> None:
    assert reasons(**facts) == (sentence,)


def test_as_many_rejected_rows_as_the_account_allows_do_not_matter() -> None:
    assert reasons(rejects=2, unmapped_limit=2) == ()


def test_a_date_is_not_read_from_the_clock() -> None:
    found = findings.missing_files(["x"], Day("p", "a", date(2001, 1, 1), LIMITS))
    assert found["business_date"].to_list() == [date(2001, 1, 1)]
