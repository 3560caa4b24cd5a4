"""Differences that are none, and those that are one: days run as a user runs them."""

from pathlib import Path

from tests.described import Described

INTO_BANK = 'pays_into = { EUR = "ourbank1" }\npayout_window_days = 2\n'


def test_equal_payouts_of_two_accounts_come_as_equal_credits_of_two_days(tmp_path: Path) -> None:
    place = Described(tmp_path, acme=INTO_BANK, zed=INTO_BANK, ourbank="")
    place.statements("acme", range(2, 3), {2: "payout P1 - -100"})
    place.statements("zed", range(2, 3), {2: "payout Z1 - -100"})
    place.statements("ourbank", range(3, 6), {3: "top_up K1 - 100", 4: "top_up K2 - 100"})
    place.run(2, 2, "acme1", "zed1")
    place.run(3, 3, "ourbank1")
    assert place.waiting(3, "payout", "credit") == [
        "credit K1 100 open",
        "payout P1 100 open",
        "payout Z1 100 open",
    ]
    place.run(4, 5, "ourbank1")
    told = place.told("ourbank", range(3, 6))
    assert told == ["5 missing_in_ledger 100"]  # nobody has booked K1, and it is known whose it is
    assert place.waiting(5, "payout", "credit") == []
    assert place.balance(2, 5, "InTransit") == 0


def test_of_two_equal_payouts_one_credit_takes_none_and_the_second_takes_both(
    tmp_path: Path,
) -> None:
    place = Described(tmp_path, acme=INTO_BANK, ourbank="")
    place.statements("acme", range(2, 3), {2: "payout P1 - -100\npayout P2 - -100"})
    place.statements("ourbank", range(4, 8), {4: "top_up K1 - 100", 7: "top_up K2 - 100"})
    place.run(2, 2, "acme1")
    place.run(4, 6, "ourbank1")
    assert place.told("ourbank", range(4, 7)) == [
        *["5 ambiguous_match -100"] * 2,
        "6 missing_in_ledger 100",  # nobody has booked K1, which is no stranger
    ]
    place.run(7, 7, "ourbank1")  # late
    assert place.waiting(7, "payout", "credit") == []


# ------------------------------------------------------------- an attempt that failed, and another


def test_an_attempt_that_failed_and_one_that_succeeds_a_day_later_are_no_difference(
    tmp_path: Path,
) -> None:
    place = Described(tmp_path, acme="")
    tried = {2: "payment T1 O1 0 status=failed\npayment T2 O2 0 status=failed"}
    place.statements("acme", range(2, 5), tried | {3: "payment T3 O1 7"})
    place.entries("acme", 2, "E1 payment - O1 7\nE2 payment - O2 9")
    place.run(2, 4)
    assert place.told("acme", range(2, 5)) == ["4 missing_in_provider -9"]
    assert place.said("acme", 4)[0].endswith(
        " The provider has an attempt of it that is failed (acme:acme1:payment:T2)."
    )
    assert place.waiting(4, "line", "entry") == ["entry E2 9 overdue"]


# ------------------------------------------------------------------------ told by two statements


def test_a_payout_that_two_days_tell_is_posted_and_awaited_once(
    tmp_path: Path,
) -> None:
    place = Described(tmp_path, acme=INTO_BANK + "line_window_days = 1\n", ourbank="")
    days = range(2, 5)
    place.statements("acme", days, dict.fromkeys((2, 3), "payout P1 - -30"))
    place.entries("acme", 2, "E1 payout P1 - -30")
    place.statements("ourbank", range(3, 4), {3: "top_up K1 - 30 text=P1"})
    place.entries("ourbank", 3, "B1 top_up K1 - 30")
    place.run(2, 2, "acme1")
    place.run(3, 3)
    place.run(4, 4, "acme1")
    assert place.told("acme", days) == ["4 duplicate_in_provider -30"]
    assert place.said("acme", 4) == [
        "The statement of 2026-03-03 tells the payout P1 again, which that of 2026-03-02 has told "
        "already: it is one payout, and is awaited and posted once."
    ]
    assert place.told("ourbank", range(3, 4)) == []
    assert place.balance(2, 4, "InTransit") == 0
    assert place.balance(2, 4, "Clearing:Acme") == 30  # the open item
    place.statements(
        "acme", range(2, 3), {2: "refund R9 RR9 -30"}
    )  # corrected: it was not that day
    place.run(2, 3, "acme1")
    assert place.balance(3, 3, "InTransit") == 0


# ------------------------------------------------------------------------ what was taken back


def test_a_payout_that_was_reversed_is_not_missed_at_the_bank(tmp_path: Path) -> None:
    place = Described(tmp_path, acme=INTO_BANK, ourbank="")
    back = {2: "payout P1 - -50 status=reversed", 3: "payout_reversal P1 - 50"}
    place.statements("acme", range(2, 4), back)
    place.entries(
        "acme", 2, "E1 payout P1 - -50 status=reversed\nE2 payout_reversal P1 - 50 date=3"
    )
    place.statements("ourbank", range(4, 6), {})
    place.run(2, 2, "acme1")
    place.run(4, 5, "ourbank1")
    assert place.told("ourbank", range(4, 6)) == []
    assert place.waiting(5, "payout") == ["payout P1 50 open"]
    assert place.balance(2, 5, "InTransit") == 50
    place.run(3, 3, "acme1")
    place.run(4, 5, "ourbank1")
    assert place.told("ourbank", range(4, 6)) == []
    assert place.waiting(5, "payout") == []
    assert place.balance(2, 5, "InTransit") == 0


# ------------------------------------------------------------------------ what comes a day later


def test_of_two_equal_refunds_one_entry_may_come_a_day_later(tmp_path: Path) -> None:
    place = Described(tmp_path, acme="")
    refunds = "refund R1 - -3 parent=O1\nrefund R2 - -3 parent=O1"
    place.statements("acme", range(2, 4), {2: refunds})
    place.entries("acme", 2, "E1 refund - - -3 parent=O1\nE2 refund - - -3 parent=O1 date=3")
    place.run(2, 3)
    assert place.told("acme", range(2, 4)) == []
    assert place.waiting(3, "line", "entry") == []
