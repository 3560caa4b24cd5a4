"""Stripe: API documents and reports, made here; real samples beside another reading."""

import json
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon.errors import StatementError
from recon.providers.contract import ReadContext
from recon.providers.stripe import PROVIDER, api, payouts, reconciliation
from recon.providers.stripe.codes import KIND_BY_CATEGORY
from recon.tables import KINDS
from tests.golden import content_of

CONTEXT = ReadContext("acct_1", "UTC")
CHARGE: dict[str, Any] = {
    "id": "txn_1", "amount": 1000, "created": 1_768_500_000, "currency": "usd",
    "description": "Order 1", "exchange_rate": None, "fee": 59, "net": 941,
    "reporting_category": "charge", "source": "ch_1", "status": "available",
}  # fmt: skip
HEADER = (
    "automatic_payout_id,automatic_payout_effective_at,balance_transaction_id,created_utc,currency,"
    "gross,fee,net,reporting_category,source_id,payment_metadata[order_id]"
)
PAID = "po_1,2026-01-16 00:00:00,txn_1,2026-01-15 10:00:00,usd,10.00,0.59,9.41,charge,ch_1,ORDER1"


def document(*transactions: dict[str, Any], amount: int = 941, **payout: Any) -> bytes:
    about = {"id": "po_1", "amount": amount, "arrival_date": 1_768_521_600, "currency": "usd"}
    listed = {"object": "list", "has_more": False, "data": list(transactions)}
    return json.dumps([{"payout": about | payout, "balance_transactions": listed}]).encode()


def read(module: Any, data: bytes) -> dict[str, pl.DataFrame]:
    reading = module.read(content_of(data), CONTEXT)
    return {name: getattr(reading, name).collect() for name in ("lines", "rejects", "controls")}


def line_of(**changes: Any) -> dict[str, Any]:
    made = read(api, document(CHARGE | changes))
    assert made["rejects"].is_empty(), made["rejects"]
    return made["lines"].row(0, named=True)


def test_a_charge_is_gross_less_fee_in_major_units() -> None:
    line = line_of()
    assert [line[name] for name in ("gross", "fee", "net")] == [
        10,
        Decimal("0.59"),
        Decimal("9.41"),
    ]
    assert (line["txn_id"], line["batch_id"], line["currency"]) == ("ch_1", "po_1", "USD")
    assert line["line_id"] == "stripe:acct_1:payment:txn_1"


def test_transactions_stay_in_order_however_many_are_taken_up_at_once_and_none_is_taken_of_a_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    within = {"id": "ch_2", "object": "charge", "balance_transaction": CHARGE | {
        "id": "txn_9", "object": "balance_transaction"}}  # fmt: skip
    data = document(
        CHARGE | {"object": "balance_transaction", "source": within},
        *(CHARGE | {"id": f"txn_{number}", "object": "balance_transaction"} for number in (3, 2)),
        CHARGE | {"id": "txn_4"},
    )
    for block in (1, 2, 10):
        monkeypatch.setattr(api, "_BLOCK_ROWS", block)
        lines = read(api, data)["lines"]
        ids = [line_id.rpartition(":")[2] for line_id in lines["line_id"]]
        assert ids == ["txn_1", "txn_3", "txn_2", "txn_4"]
        assert lines["line_no"].to_list() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("currency", "amount", "gross"),
    [("jpy", 150, "150"), ("kwd", 1500, "1.5"), ("isk", 1500, "15"), ("eur", 1, "0.01")],
)
def test_minor_units_are_those_of_stripe(currency: str, amount: int, gross: str) -> None:
    line = line_of(currency=currency, amount=amount, fee=0, net=amount)
    assert line["gross"] == Decimal(gross)


def test_a_wallet_is_part_of_the_payment_method_and_the_order_comes_from_the_charge() -> None:
    source = {
        "id": "ch_1", "object": "charge", "metadata": {"order_id": "ORDER1"},
        "payment_method_details": {"type": "card", "card": {"wallet": {"type": "apple_pay"}}},
    }  # fmt: skip
    line = line_of(source=source)
    assert (line["merchant_ref"], line["payment_method"]) == ("ORDER1", "applepay:card")
    refund = {"id": "re_1", "object": "refund", "charge": source, "metadata": {"refund_id": "R1"}}
    line = line_of(amount=-1000, fee=0, net=-1000, reporting_category="refund", source=refund)
    assert (line["kind"], line["txn_id"], line["merchant_ref"]) == ("refund", "re_1", "R1")
    assert (line["parent_txn_id"], line["parent_ref"]) == ("ch_1", "ORDER1")


def test_fee_details_are_parts_of_the_fee_and_not_counted_twice() -> None:
    details = [{"amount": 30, "type": "application_fee"}, {"amount": 29, "type": "stripe_fee"}]
    assert line_of(fee_details=details)["fee"] == Decimal("0.59")
    short = read(api, document(CHARGE | {"fee_details": details[:1]}))
    assert short["rejects"]["field"].to_list() == ["fee_details"]


@pytest.mark.parametrize(
    ("changes", "field", "unmapped"),
    [
        ({"reporting_category": "astrology"}, "reporting_category", True),
        ({"amount": 10.5}, "amount", False),
        ({"amount": True}, "amount", False),
        ({"fee": None}, "amount", False),
        ({"net": 942}, "net", False),
        ({"currency": "xxx"}, "currency", False),
        ({"status": "gone"}, "status", True),
    ],
)
def test_what_is_not_understood_is_rejected(
    changes: dict[str, Any], field: str, unmapped: bool
) -> None:
    made = read(api, document(CHARGE | changes))
    assert made["lines"].is_empty()
    assert made["rejects"].select("field", "unmapped").rows() == [(field, unmapped)]


def test_a_payout_is_held_to_the_sum_of_its_other_transactions() -> None:
    own = CHARGE | {
        "id": "txn_2", "amount": -941, "fee": 0, "net": -941, "reporting_category": "payout",
    }  # fmt: skip
    made = read(api, document(CHARGE, own))
    assert made["controls"].select("name", "stated", "computed").rows() == [
        ("payout po_1", Decimal("9.41"), Decimal("9.41"))
    ]
    assert made["lines"]["net"].sum() == 0
    lost = read(api, document(own))["controls"]
    assert lost["computed"].to_list() == [0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (document(CHARGE)[:-20], "no whole JSON document"),
        (document(CHARGE)[:-20] + b"\xff" + document(CHARGE)[-20:], "no whole JSON document"),
        (b'[{"payout": {}}]', "not a list of payouts"),
        (b'[{"payout": {"id": "po_1"}, "balance_transactions": [{}]}]', "not as the API gives it"),
        (document(CHARGE).replace(b"false", b"true"), "fetch all its pages"),
    ],
)
def test_a_document_that_is_not_whole_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(StatementError, match=said):
        read(api, data)


def test_every_category_is_a_kind_of_ours_and_a_reserve_is_told_by_its_sign() -> None:
    assert set(KIND_BY_CATEGORY.values()) <= set(KINDS)
    for amount, kind in ((-500, "reserve_hold"), (500, "reserve_release")):
        changes = {"amount": amount, "fee": 0, "net": amount}
        assert line_of(reporting_category="risk_reserved_funds", **changes)["kind"] == kind


def report(*rows: str, header: str = HEADER) -> bytes:
    return ("\r\n".join([header, *rows]) + "\r\n").encode()


def test_the_report_is_in_major_units_and_its_columns_are_found_by_name() -> None:
    plain = read(reconciliation, report(PAID))["lines"]
    line = plain.row(0, named=True)
    assert [line[name] for name in ("gross", "fee", "net")] == [
        10,
        Decimal("0.59"),
        Decimal("9.41"),
    ]
    assert (line["merchant_ref"], str(line["business_date"])) == ("ORDER1", "2026-01-16")
    turned = [",".join(reversed(row.split(","))) for row in (HEADER, PAID)]
    other = read(reconciliation, b"\xef\xbb\xbf" + report(turned[1], header=turned[0]))["lines"]
    assert plain.drop("file_id").equals(other.drop("file_id"))


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("charge,", "astrology,", "reporting_category"),
        ("9.41", "9.42", "net"),
        ("10.00,", "1e1,", "gross"),
        ("10.00,0.59,9.41", "10.005,0,10.005", "currency"),
        ("2026-01-15 10:00:00", "15.01.2026", "created_utc"),
        (",ORDER1", "", "row"),
    ],
)
def test_a_row_of_the_report_that_is_wrong_is_rejected(old: str, new: str, field: str) -> None:
    made = read(reconciliation, report(PAID.replace(old, new, 1)))
    assert made["rejects"].select("line_no", "field").rows() == [(2, field)]
    assert made["controls"].height == 1


def test_the_payouts_report_states_what_the_other_adds_up_to() -> None:
    stated = b"payout_id,effective_at,currency,gross\npo_1,2026-01-16 00:00:00,usd,-9.41\n"
    description = payouts.describe(content_of(stated))
    assert description is not None
    assert str(description.period) == "2026-01-16"
    total = read(payouts, stated)["controls"].row(0, named=True)
    other = read(reconciliation, report(PAID))["controls"].row(0, named=True)
    assert (total["name"], total["currency"]) == (other["name"], other["currency"])
    assert (total["stated"], other["stated"]) == (other["computed"], None)


def test_each_kind_is_told_by_its_content() -> None:
    for kind in PROVIDER.kinds:
        for data in (document(CHARGE), report(PAID)):
            found = kind.describe(content_of(data))
            assert found is None or found.kind == kind.name
