"""What is due by a settlement cycle, day by day, as tables.

A row is a day of November 2026, what it has earned and what was paid out; below it stands what was
due, what is told (difference, paid - due) and what is carried on: `amount@day` is due then, with
`!` it was told. The 18th is a Wednesday.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon.boundary import check
from recon.discrepancies import Day, Severity
from recon.settings import AccountSettings
from recon.settlement.cycles import BusinessDays, Cycle
from recon.settlement.due import Dues, PayoutTerms, dues
from recon.tables import OPEN_ITEM, empty
from tests.support import account_of, line, lines

ACCOUNT = replace(account_of("acquirer"), pays_into=(("CNY", "NL02"),), payout_window_days=1)
NEXT_DAY = PayoutTerms(Cycle("T+1"), date(2026, 11, 1))


def on(day: int) -> date:
    return date(2026, 11, day)


def day_of(
    day: int,
    earned: str,
    paid: str = "0",
    carried: pl.DataFrame | None = None,
    terms: PayoutTerms = NEXT_DAY,
    *,
    account: AccountSettings = ACCOUNT,
    is_whole: bool = True,
    language: Any = "en",
) -> Dues:
    moved = [
        line("L1", gross=earned, business_date=on(day)),
        line("L2", kind="payout", gross=str(-Decimal(paid)), business_date=on(day)),
    ]
    made = dues(
        lines(*(row for row in moved if Decimal(row["gross"]))).lazy(),
        empty(OPEN_ITEM) if carried is None else carried,
        account,
        terms,
        Day("acquirer", "4711", on(day), Severity(), language),
        is_whole=is_whole,
    )
    for name, frame in (("OPEN_ITEM", made.left), ("PAYOUT", made.payouts)):
        check(name, frame)
    return made


def figure(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def told(made: Dues) -> str:
    expected = [figure(amount) for amount in made.expected["expected_payout"]] or ["-"]
    found = [f"told {figure(row)}" for row in made.discrepancies["difference"]]
    sent = [
        f"sent {figure(amount)}@{day.day}"
        for amount, day in made.payouts.select("amount", "business_date").iter_rows()
    ]
    left = [
        f"{figure(amount)}@{due.day}{'!' if state == 'overdue' else ''}"
        for amount, due, state in made.left.sort("due_on", "item_id")
        .select("amount", "due_on", "state")
        .iter_rows()
    ]
    return " ".join([*expected, *sent, *found, "|", *left])


def run(table: str, terms: PayoutTerms = NEXT_DAY, account: AccountSettings = ACCOUNT) -> None:
    """Rows `day earned paid [partly] = what becomes of it`; each goes on with what is left."""
    carried = None
    for row in table.strip().splitlines():
        given, wanted = row.split("=")
        day, earned, paid, *partly = given.split()
        made = day_of(int(day), earned, paid, carried, terms, account=account, is_whole=not partly)
        assert told(made) == " ".join(wanted.split()), row
        carried = made.left


def test_what_is_paid_as_agreed_is_told_by_nobody() -> None:
    run(
        """
        18 100  0      = 0 | 100@19
        19 50   100    = 100 | 50@20
        20 70   50     = 50 | 70@23
        21 5    0      = 0 | 70@23 5@23
        22 0    0      = 0 | 70@23 5@23
        23 8    75     = 75 | 8@24
        """
    )


@pytest.mark.parametrize(
    ("what", "table"),
    [
        (
            "late, and the money clears it",
            """
            18 100 0    = 0 | 100@19
            19 50  0    = 100 told -100 | 100@19! 50@20
            20 0   150  = 50 |
            """,
        ),
        (
            "late, and what is due now is late as well",
            """
            18 100 0    = 0 | 100@19
            19 50  0    = 100 told -100 | 100@19! 50@20
            20 0   100  = 50 told -50 | 50@20!
            23 0   50   = 0 |
            """,
        ),
        (
            "late, and never paid: told once",
            """
            18 100 0    = 0 | 100@19
            19 50  0    = 100 told -100 | 100@19! 50@20
            20 30  50   = 50 | 100@19! 30@23
            23 0   30   = 30 | 100@19!
            """,
        ),
        (
            "too little, and the rest comes with the next",
            """
            18 100 0    = 0 | 100@19
            19 50  98   = 100 told -2 | 2@19! 50@20
            20 0   52   = 50 |
            """,
        ),
        (
            "too much, and taken back from the next",
            """
            18 100 0    = 0 | 100@19
            19 50  103  = 100 told 3 | -3@19! 50@20
            20 0   47   = 50 |
            """,
        ),
        (
            "too little, and left so",
            """
            18 100 0    = 0 | 100@19
            19 50  98   = 100 told -2 | 2@19! 50@20
            20 7   50   = 50 | 2@19! 7@23
            """,
        ),
        (
            "early, and settled when it was due",
            """
            18 100 100  = 0 told 100 | -100@18! 100@19
            19 50  0    = 100 | 50@20
            20 0   50   = 50 |
            """,
        ),
        (
            "early in part",
            """
            18 100 40   = 0 told 40 | -40@18! 100@19
            19 50  60   = 100 | 50@20
            """,
        ),
        (
            "of nothing at all",
            """
            18 0   40   = 0 told 40 | -40@18!
            19 9   0    = 0 | -40@18! 9@20
            """,
        ),
    ],
)
def test_what_is_not_paid_as_agreed_is_told_once(what: str, table: str) -> None:
    run(table)


def test_less_than_the_minimum_and_debts_are_carried_forward() -> None:
    run(
        """
        16 10   0   = 0 | 10@17
        17 12   0   = 0 | 10@18 12@18
        18 5    0   = 0 | 10@19 12@19 5@19
        19 0    27  = 27 |
        """,
        replace(NEXT_DAY, minimum={"CNY": Decimal(25)}),
    )
    run(
        """
        16 -30  0   = 0 | -30@17
        17 20   0   = 0 | -30@18 20@18
        18 10   0   = 0 | -30@19 20@19 10@19
        19 4    0   = 0 | 4@20
        20 0    4   = 4 |
        """
    )


def test_a_payout_below_the_minimum_is_early_and_not_told_again() -> None:
    run(
        """
        16 10   0   = 0 | 10@17
        17 20   10  = 0 told 10 | -10@17! 10@18 20@18
        18 0    20  = 30 |
        """,
        replace(NEXT_DAY, minimum={"CNY": Decimal(25)}),
    )


def test_weeks_end_on_their_day_or_on_the_next_business_day() -> None:
    friday_off = BusinessDays(frozenset({on(20)}))
    run(
        """
        17 10   0   = 0 | 10@23
        18 20   0   = 0 | 10@23 20@23
        20 5    0   = 0 | 10@23 20@23 5@27
        23 1    30  = 30 | 5@27 1@27
        27 0    6   = 6 |
        """,
        PayoutTerms(Cycle("weekly:fri"), on(1), friday_off),
    )


def test_what_was_earned_before_the_first_day_is_not_known_and_not_judged() -> None:
    run(
        """
        18 100 77    = - | 100@20
        19 50  0     = - | 100@20 50@23
        20 0   90    = 100 told -10 | 10@20! 50@23
        """,
        PayoutTerms(Cycle("T+2"), on(18)),
    )
    run(
        """
        18 100 0     = - | 100@20
        20 50  135   = - | 50@27
        27 0   50    = 50 |
        """,
        PayoutTerms(Cycle("weekly:fri"), on(18)),
    )


def test_a_day_that_is_not_whole_is_judged_by_nobody() -> None:
    run(
        """
        17 100 0          = 0 | 100@18
        18 50  0   partly = - | 100@19 50@19
        19 10  120        = - | 10@20
        20 0   10         = 10 |
        """
    )
    run("17 100 0 = 0 | 100@18\n 18 50 100 partly = 100 | 50@19")  # paid all the same


def test_what_is_not_final_waits_to_be_sent_until_its_day_is_run_again() -> None:
    run(
        """
        18 100 0  partly = 0 | 100@19
        19 50  0         = 50 sent 50@20 | 100@19
        20 0   0         = 0 | 100@19
        """,
        replace(NEXT_DAY, payouts_on="bank"),
    )
    run(  # with all that is paid in one with it
        """
        17 10  0         = 0 | 10@20
        18 20  0  partly = 0 | 10@20 20@20
        19 30  0         = 0 | 10@20 20@20 30@20
        20 5   0         = 0 | 10@20 20@20 30@20 5@27
        """,
        PayoutTerms(Cycle("weekly:fri"), on(1), payouts_on="bank"),
    )


def test_what_only_the_bank_tells_is_sent_as_soon_as_nothing_more_can_be_due_with_it() -> None:
    run(
        """
        18 100 0  = 100 sent 100@19 |
        19 50  0  = 50 sent 50@20 |
        20 70  0  = 0 | 70@23
        21 5   0  = 0 | 70@23 5@23
        22 -1  0  = 74 sent 74@23 |
        23 0   0  = - |
        """,
        replace(NEXT_DAY, payouts_on="bank"),
    )
    run(
        """
        16 -8  0  = 0 | -8@18
        17 30  0  = 0 | -8@19 30@19
        18 40  0  = 62 sent 62@19 |
        """,
        replace(NEXT_DAY, payouts_on="bank", minimum={"CNY": Decimal(25)}),
    )


def test_what_is_due_in_a_currency_without_a_bank_account_is_told_and_not_lost() -> None:
    terms, elsewhere = replace(NEXT_DAY, payouts_on="bank"), (("EUR", "NL02"),)
    table = """
        18 100 0  = 100 told -100 | 100@19!
        19 50  0  = 50 told -50 | 100@19! 50@20!
        20 0   0  = 0 | 100@19! 50@20!
        """
    run(table, terms, replace(ACCOUNT, pays_into=elsewhere))
    made = day_of(18, "100", terms=terms, account=replace(ACCOUNT, pays_into=elsewhere))
    assert made.discrepancies["explanation"].to_list() == [
        "By the cycle T+1, 100.00 CNY is due on 2026-11-19: 100.00 (2026-11-18). No bank account "
        "is named for CNY (pays_into), so nobody sees whether it arrives."
    ]


def test_a_payout_of_the_cycle_says_what_it_is_made_of() -> None:
    terms = replace(NEXT_DAY, payouts_on="bank", reference="4711/{date:%d%m%y}")
    friday = day_of(20, "70", terms=terms)
    saturday = day_of(21, "-12.50", carried=friday.left, terms=terms)
    (row,) = day_of(22, "1", carried=saturday.left, terms=terms).payouts.to_dicts()
    assert row["arithmetic"] == (
        "70.00 (2026-11-20) - 12.50 (2026-11-21) + 1.00 (2026-11-22) = 58.50"
    )
    assert (row["payout_id"], row["merchant_ref"]) == ("acquirer:4711:due:CNY:2026-11-23",
                                                       "4711/231126")  # fmt: skip
    assert (row["pays_into"], row["business_date"], row["due_on"]) == ("NL02", on(23), on(24))


@pytest.mark.parametrize(
    ("paid", "said"),
    [
        (
            "98",
            "By the cycle T+1, 100.00 CNY was due on 2026-11-19: 100.00 (2026-11-18). 98.00 CNY "
            "was paid out: a difference of -2.00 CNY (paid - due).",
        ),
        (
            "0",
            "By the cycle T+1, 100.00 CNY was due on 2026-11-19: 100.00 (2026-11-18). Nothing was "
            "paid out.",
        ),
    ],
)
def test_the_sentence_has_the_arithmetic(paid: str, said: str) -> None:
    before = day_of(18, "100").left
    found = day_of(19, "50", paid, before).discrepancies
    assert found["explanation"].to_list() == [said]
    assert found["type"].to_list() == ["payout_mismatch"]
    assert (
        "结算周期 T+1"
        in day_of(19, "50", paid, before, language="zh").discrepancies["explanation"].item()
    )


def test_a_payout_that_is_early_says_when_it_is_due() -> None:
    assert day_of(18, "100", "100").discrepancies["explanation"].to_list() == [
        "100.00 CNY was paid out on 2026-11-18, although by the cycle T+1 nothing is due before "
        "2026-11-19: 100.00 (2026-11-18)."
    ]
    before = day_of(18, "100", "0").left
    for carried, language, said in (
        (None, "en", "Of what had been paid out, 4.00 CNY was returned on 2026-11-19 and is due "
         "again; by the cycle T+1 nothing was to be paid out that day."),
        (None, "zh", "2026-11-19 有 4.00 CNY 的打款被退回，须重新支付；按结算周期 T+1，"
         "当日没有应付款项。"),
        (before, "en", "By the cycle T+1, 100.00 CNY was due on 2026-11-19: 100.00 (2026-11-18). "
         "Instead, 4.00 CNY of what had been paid out was returned: a difference of -104.00 CNY "
         "(paid - due)."),
        (before, "zh", "按结算周期 T+1，2026-11-19 应打款 100.00 CNY：100.00 (2026-11-18)。"
         "当日反而有 4.00 CNY 的打款被退回，差额 -104.00 CNY（实付 − 应付）。"),
    ):  # fmt: skip
        made = day_of(19, "0", "-4", carried, language=language)
        assert made.discrepancies["explanation"].to_list() == [said]
    assert day_of(18, "0", "4").discrepancies["explanation"].to_list() == [
        "4.00 CNY was paid out on 2026-11-18, although by the cycle T+1 nothing is due."
    ]


def test_a_charge_on_the_payout_is_part_of_what_leaves_the_balance() -> None:
    carried = day_of(18, "100").left
    paid = line("L1", kind="payout", gross="-98", fee="2", business_date=on(19))
    made = dues(
        lines(paid).lazy(),
        carried,
        ACCOUNT,
        NEXT_DAY,
        Day("acquirer", "4711", on(19), Severity()),
        is_whole=True,
    )
    assert told(made) == "100 |"
