"""Settlement batches: what each kind of line adds to, and the proof that must be zero."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon.boundary import check
from recon.settlement import batches
from recon.settlement.batches import COLUMN_BY_KIND
from recon.settlement.bookings import BEFORE, UNBOOKED
from recon.settlement.payouts import SENT_BEFORE, payouts, told_again
from recon.tables import BALANCE, CONTROL_TOTAL, DISCREPANCY, KINDS, OPEN_ITEM, RECEIPT, empty
from tests.support import WHOSE, account_of, frame_of, line, lines

FIGURES = [
    "gross",
    "refunds",
    "chargebacks",
    "fees",
    "withdrawals",
    "withdrawal_charges",
    "adjustments",
    "reserve",
    "net",
]

# Where 100.00 with a fee of 1.00 ends up; everything else of the batch stays at nothing.
TABLE = """
    payment              gross        100  fees                1
    refund               refunds      100  fees                1
    refund_reversal      refunds      100  fees                1
    chargeback           chargebacks  100  fees                1
    chargeback_reversal  chargebacks  100  fees                1
    payout               withdrawals  100  withdrawal_charges  1
    payout_reversal      withdrawals  100  withdrawal_charges  1
    withdrawal           withdrawals  100  withdrawal_charges  1
    withdrawal_reversal  withdrawals  100  withdrawal_charges  1
    adjustment           adjustments  100  fees                1
    reserve_hold         reserve      100  fees                1
    reserve_release      reserve      100  fees                1
    conversion           adjustments  100  fees                1
    transfer             adjustments  100  fees                1
    top_up               adjustments  100  fees                1
    fee                  fees         -99  fees              -99
"""
PLACES = [row.split() for row in TABLE.strip().splitlines()]


def made(
    *rows: dict[str, Any],
    balances: tuple[tuple[str, str, str], ...] = (),
    controls: tuple[tuple[str | None, str | None, str], ...] = (),
    unbooked: str | None = None,
) -> pl.DataFrame:
    """SETTLEMENT_BATCH of lines, (currency, opening, closing) and (currency, stated, computed)."""
    found = batches.batches(
        lines(*(line(f"L{n}", **row) for n, row in enumerate(rows))).lazy(),
        frame_of(BALANCE, (dict(zip(BALANCE, balance, strict=True)) for balance in balances)),
        frame_of(
            CONTROL_TOTAL,
            (
                {"file_id": "f", "name": "n", "currency": code, "stated": said, "computed": sum_}
                for code, said, sum_ in controls
            ),
        ),
        frame_of(UNBOOKED, [] if unbooked is None else [{"currency": "CNY", "unbooked": unbooked}]),
        WHOSE,
    )
    check("SETTLEMENT_BATCH", found)
    return found


def proof_of(batch: pl.DataFrame) -> tuple[Decimal | None, str]:
    (row,) = batch.select("proof", "proof_basis").rows()
    return row


def test_what_is_booked_on_another_day_is_no_part_of_the_balance() -> None:
    paid = {"gross": "100", "fee": "1"}
    late = made(paid, paid, balances=(("CNY", "5", "104"),), unbooked="99")
    assert proof_of(late) == (Decimal(0), "balance")
    assert batches.discrepancies(late, empty(BEFORE), WHOSE).height == 0
    lost = made(paid, paid, balances=(("CNY", "5", "104"),))
    assert proof_of(lost) == (Decimal(99), "balance")


def test_what_the_first_day_has_booked_for_days_before_is_told_as_that() -> None:
    batch = made({"gross": "100", "fee": "1"}, balances=(("CNY", "5", "113"),))
    known = pl.DataFrame([("CNY", Decimal(9), 2)], schema=dict(BEFORE), orient="row")
    (row,) = batches.discrepancies(batch, known, WHOSE).iter_rows(named=True)
    assert (
        "9.00 CNY was booked for 2 movement(s) that no line of the day tells" in row["explanation"]
    )
    other = known.with_columns(booked_before=pl.lit(Decimal(8)))
    (row,) = batches.discrepancies(batch, other, WHOSE).iter_rows(named=True)
    assert "cannot be explained by any line" in row["explanation"]


def test_every_kind_of_line_has_its_place() -> None:
    assert sorted(kind for kind, *_ in PLACES) == sorted(KINDS) == sorted(COLUMN_BY_KIND)


@pytest.mark.parametrize(("kind", "column", "amount", "charges", "charge"), PLACES)
def test_a_line_adds_to_the_column_of_its_kind(
    kind: str, column: str, amount: str, charges: str, charge: str
) -> None:
    (found,) = made({"kind": kind, "gross": "100", "fee": "1"}).iter_rows(named=True)
    expected = dict.fromkeys(FIGURES, Decimal(0)) | {
        column: Decimal(amount),
        charges: Decimal(charge),
        "net": Decimal(99),
    }
    assert {name: found[name] for name in FIGURES} == expected


def test_the_columns_of_a_batch_add_up_to_its_net() -> None:
    rows = [
        {"kind": kind, "gross": f"{sign}{n}.37", "fee": f"0.{n:02}"}
        for n, (kind, sign) in enumerate((kind, sign) for kind in KINDS for sign in ("", "-"))
    ]
    (found,) = made(*rows).iter_rows(named=True)
    incoming = ["gross", "refunds", "chargebacks", "withdrawals", "adjustments", "reserve"]
    costs = found["fees"] + found["withdrawal_charges"]
    assert sum(found[name] for name in incoming) - costs == found["net"]
    assert found["net"] == sum(Decimal(row["gross"]) - Decimal(row["fee"]) for row in rows)


def test_a_fee_that_is_a_line_of_its_own_costs_as_much_as_one_on_a_line() -> None:
    on_the_line = made({"gross": "100", "fee": "2.50"})
    of_its_own = made({"gross": "100"}, {"kind": "fee", "gross": "-2.50"})
    for batch in (on_the_line, of_its_own):
        assert batch.select("gross", "fees", "net").row(0) == (
            100,
            Decimal("2.50"),
            Decimal("97.5"),
        )


def test_f38_signs_are_kept_a_refund_lowers_and_its_reversal_raises() -> None:
    (found,) = made(
        {"gross": "100", "fee": "0.60"},
        {"kind": "refund", "gross": "-30", "fee": "-0.18"},
        {"kind": "refund_reversal", "gross": "10", "fee": "0.06"},
        {"kind": "chargeback", "gross": "-50", "fee": "15"},
        {"kind": "chargeback_reversal", "gross": "50", "fee": "-15"},
        {"kind": "withdrawal", "gross": "-70", "fee": "1"},
        {"kind": "reserve_hold", "gross": "-5"},
        {"kind": "reserve_release", "gross": "2"},
    ).iter_rows(named=True)
    expected = ["100", "-20", "0", "0.48", "-70", "1", "0", "-3", "5.52"]
    assert [found[name] for name in FIGURES] == [Decimal(text) for text in expected]


def test_lines_are_counted_as_payments_refunds_and_others() -> None:
    kinds = ["payment", "payment", "payment", "refund", "refund", "fee", "withdrawal"]
    found = made(*({"kind": kind} for kind in kinds))
    assert found.select("payment_count", "refund_count", "other_count").row(0) == (3, 2, 2)


def test_there_is_a_batch_for_each_batch_id_and_currency_in_their_order() -> None:
    found = made(
        {"batch_id": "B2", "currency": "USD", "gross": "1"},
        {"batch_id": "B1", "currency": "USD", "gross": "2"},
        {"batch_id": "B2", "currency": "EUR", "gross": "4"},
        {"batch_id": "B2", "currency": "USD", "gross": "8"},
    )
    assert found.select("batch_id", "currency", "gross").rows() == [
        ("B1", "USD", 2),
        ("B2", "EUR", 4),
        ("B2", "USD", 9),
    ]


def test_sums_that_do_not_fit_are_an_error_and_never_wrap() -> None:
    with pytest.raises(pl.exceptions.ComputeError, match="overflow"):
        made(*[{"gross": "999999999999999999"}] * 300)


# ------------------------------------------------------------------------------ the proof


def test_balances_that_follow_from_the_lines_prove_a_batch() -> None:
    batch = made(
        {"gross": "100", "fee": "0.60"},
        {"kind": "withdrawal", "gross": "-50", "fee": "1.00"},
        balances=(("CNY", "1000.00", "1048.40"),),
    )
    assert proof_of(batch) == (0, "balance")
    assert batch.select("opening_balance", "closing_balance").row(0) == (1000, Decimal("1048.40"))
    assert batches.discrepancies(batch, empty(BEFORE), WHOSE).height == 0


@pytest.mark.parametrize(
    ("closing", "proof", "difference"),
    [("1100.01", "-0.01", "0.01"), ("1099.99", "0.01", "-0.01"), ("0", "1100", "-1100")],
)
def test_balances_that_do_not_are_a_discrepancy_with_its_sign(
    closing: str, proof: str, difference: str
) -> None:
    batch = made({"gross": "100"}, balances=(("CNY", "1000", closing),))
    assert proof_of(batch) == (Decimal(proof), "balance")
    (found,) = batches.discrepancies(batch, empty(BEFORE), WHOSE).iter_rows(named=True)
    assert (found["type"], found["severity"]) == ("balance_mismatch", "high")
    assert found["difference"] == Decimal(difference)  # provider - what our lines give
    assert found["discrepancy_id"] == "balance:2026-11-20:CNY"
    assert found["explanation"] == (
        "Opening balance and the day's lines give 1100.00 CNY, "
        f"but the statement closes at {Decimal(closing):.2f} CNY: "
        f"{Decimal(difference):.2f} CNY cannot be explained by any line."
    )


@pytest.mark.parametrize(
    ("controls", "proof"),
    [
        ((("CNY", "100", "100"), (None, "1", "1")), (0, "control_total")),
        ((("CNY", "100", "99"),), (-1, "control_total")),
        ((("CNY", "100", "101.50"), ("CNY", "7", "7")), (Decimal("1.50"), "control_total")),
        (((None, "2", "1"),), (None, "none")),  # a count says nothing of money
        ((("CNY", None, "100"),), (None, "none")),  # not stated
        ((("USD", "5", "5"),), (None, "none")),  # of another currency
        ((), (None, "none")),
    ],
)
def test_without_balances_the_control_totals_prove_it_or_nothing_does(
    controls: tuple[Any, ...], proof: tuple[Any, str]
) -> None:
    batch = made({"gross": "100"}, controls=controls)
    assert proof_of(batch) == proof
    assert (
        batches.discrepancies(batch, empty(BEFORE), WHOSE).height == 0
    )  # a control total speaks for itself


def test_balances_come_before_control_totals() -> None:
    batch = made(
        {"gross": "100"}, balances=(("CNY", "0", "100"),), controls=(("CNY", "100", "99"),)
    )
    assert proof_of(batch) == (0, "balance")


def test_a_balance_that_nothing_moves_is_carried_and_proved() -> None:
    found = made(
        {"gross": "100"},
        balances=(("CNY", "0", "100"), ("EUR", "5", "5"), ("JPY", "500", "499")),
    )
    columns = ["currency", "batch_id", "payment_count", "net", "opening_balance", "proof"]
    assert found.sort("currency").select(columns).rows() == [
        ("CNY", "2026-11-20", 1, 100, 0, 0),
        ("EUR", "2026-11-20", 0, 0, 5, 0),
        ("JPY", "2026-11-20", 0, 0, 500, 1),
    ]
    off = batches.discrepancies(found, empty(BEFORE), WHOSE)
    assert off.select("currency", "difference").rows() == [("JPY", -1)]


def test_each_currency_is_proved_by_its_own_balance() -> None:
    found = made(
        {"currency": "USD", "gross": "10"},
        {"currency": "EUR", "gross": "20"},
        {"currency": "JPY", "gross": "3000"},
        balances=(("EUR", "1", "21"), ("USD", "1", "11.50")),
        controls=(("JPY", "3000", "3000"),),
    )
    assert found.select("currency", "proof", "proof_basis").rows() == [
        ("EUR", 0, "balance"),
        ("JPY", 0, "control_total"),
        ("USD", Decimal("-0.50"), "balance"),
    ]


def test_a_balance_of_a_day_does_not_prove_one_of_two_batches() -> None:
    found = made(
        {"batch_id": "B1", "gross": "10"},
        {"batch_id": "B2", "gross": "20"},
        balances=(("CNY", "0", "10"),),
    )
    assert found.select("batch_id", "opening_balance", "proof", "proof_basis").rows() == [
        ("B1", None, None, "none"),
        ("B2", None, None, "none"),
    ]


def test_nothing_at_all_is_no_batch() -> None:
    assert made().height == 0


# ------------------------------------------------------------------------------ the payout


def test_a_batch_that_pays_itself_out_is_expected_to_pay_all_of_it() -> None:
    sold = {"gross": "100", "fee": "2", "batch_id": "B"}
    whole, part = (
        made(sold, {"kind": "payout", "gross": amount, "batch_id": "B"})
        for amount in ("-98", "-90")
    )
    assert whole.select("expected_payout", "provider_payout").row(0) == (98, 98)
    assert part.select("expected_payout", "provider_payout").row(0) == (98, 90)
    assert made(sold)["expected_payout"].to_list() == [None]
    wallet = made({"kind": "withdrawal", "gross": "-5"}, balances=(("CNY", "9", "4"),))
    assert wallet["expected_payout"].to_list() == [None]  # from a balance any part may be paid


def test_what_the_bank_has_received_of_a_batch_stands_where_it_is_paid_out() -> None:
    batch = made(
        {"gross": "98", "batch_id": "B"}, {"kind": "payout", "gross": "-98", "batch_id": "B"},
        {"gross": "7", "batch_id": "C"},
    )  # fmt: skip
    credit = {
        "payout_provider": WHOSE.provider,
        "payout_account": WHOSE.account,
        "currency": "CNY",
        "batch_id": "B",
    }
    receipts = frame_of(RECEIPT, [credit | {"credited": amount} for amount in ("90", "7.50")])
    found = batches.with_bank_credits(batch, receipts)
    check("SETTLEMENT_BATCH", found)
    assert dict(found.select("batch_id", "bank_credit").iter_rows()) == {
        "B": Decimal("97.50"),
        "C": None,
    }


def test_a_payout_that_has_moved_nothing_yet_was_not_sent() -> None:
    """When it is final its line has the same id, and that is the payout to look for."""
    account = replace(account_of("wechatpay"), pays_into=(("CNY", "6222"),))
    told = [
        line("P1", kind="payout", gross="0", status="pending"),
        line("P2", kind="payout", gross="-9", status="succeeded"),
        line("P3", kind="payout", gross="-8", status="failed"),
    ]
    made = payouts(lines(*told).lazy(), account, empty(SENT_BEFORE))
    assert made["payout_id"].to_list() == ["P2"]


def test_only_a_payout_of_a_later_statement_is_told_again() -> None:
    """A payout that the ledger does not have is told days after it was sent, too."""
    usual = {"type": "missing_in_ledger", "business_date": "2026-11-20", "amount_provider": "-9"}
    found = frame_of(
        DISCREPANCY, [usual | {"line_ids": [name]} for name in ("P1", "P2", "P3", "P4")]
    )
    before = frame_of(
        SENT_BEFORE,
        [{"payout_id": name, "sent_on": f"2026-11-{day}"}
         for name, day in (("P1", 18), ("P2", 19), ("P3", 19))],
    )  # fmt: skip
    waited = {"side": "line", "business_date": "2026-11-19"}
    carried = frame_of(OPEN_ITEM, [waited | {"item_id": name} for name in ("P1", "P2", "P4")])
    again = told_again(found, before, carried, "en")
    assert dict(again.select(pl.col("line_ids").list.first(), "type").rows()) == {
        "P1": "duplicate_in_provider",
        "P2": "missing_in_ledger",
        "P3": "duplicate_in_provider",  # told today
        "P4": "missing_in_ledger",
    }
    assert again.filter(type="missing_in_ledger")["explanation"].null_count() == 2
