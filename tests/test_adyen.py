"""Adyen's settlement details report: identities, types, time zones, batches; and real samples."""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon.errors import StatementError
from recon.providers import identify
from recon.providers.adyen import settlement_detail
from recon.providers.adyen.codes import KIND_BY_TYPE, RESERVES
from recon.providers.contract import ReadContext
from recon.tables import KINDS
from tests.golden import content_of

ROW = {
    "Merchant Account": "M1",
    "Psp Reference": "PSP1",
    "Merchant Reference": "ORDER1",
    "Payment Method": "visa",
    "Creation Date": "2026-01-15 23:30:00",
    "TimeZone": "CET",
    "Type": "Settled",
    "Modification Reference": "MOD1",
    "Gross Currency": "EUR",
    "Gross Debit (GC)": "",
    "Gross Credit (GC)": "10.00",
    "Exchange Rate": "1",
    "Net Currency": "EUR",
    "Net Debit (NC)": "",
    "Net Credit (NC)": "9.70",
    "Commission (NC)": "0.30",
    "Batch Number": "7",
}
PAYOUT = ROW | {
    "Psp Reference": "",
    "Merchant Reference": "",
    "Payment Method": "",
    "Creation Date": "2026-01-16 02:00:00",
    "Type": "MerchantPayout",
    "Modification Reference": "TX2342222277ABCDXT batch 7, M1",
    "Gross Currency": "",
    "Gross Credit (GC)": "",
    "Exchange Rate": "",
    "Net Debit (NC)": "9.70",
    "Net Credit (NC)": "",
    "Commission (NC)": "",
}


def report(*rows: dict[str, str], header: list[str] | None = None) -> bytes:
    header = header or list(ROW)
    lines = [header, *([row.get(name, "") for name in header] for row in rows)]
    quoted = [",".join(f'"{cell}"' if "," in cell else cell for cell in line) for line in lines]
    return ("\n".join(quoted) + "\n").encode()


def read(data: bytes, account: str | None = "M1") -> dict[str, pl.DataFrame]:
    reading = settlement_detail.read(content_of(data), ReadContext(account, "Europe/Amsterdam"))
    return {name: getattr(reading, name).collect() for name in ("lines", "rejects", "controls")}


def line_of(**changes: str) -> dict[str, Any]:
    made = read(report(ROW | changes))
    assert made["rejects"].is_empty(), made["rejects"]
    return made["lines"].row(0, named=True)


def reject_of(**changes: str) -> tuple[str, str, bool]:
    made = read(report(ROW | changes))
    assert made["lines"].is_empty()
    row = made["rejects"].row(0, named=True)
    return row["field"], row["reason"], row["unmapped"]


def test_a_payment_is_settled_gross_less_its_fees() -> None:
    line = line_of()
    assert (line["gross"], line["fee"], line["net"]) == (10, Decimal("0.30"), Decimal("9.70"))
    assert (line["kind"], line["txn_id"], line["merchant_ref"]) == ("payment", "PSP1", "ORDER1")
    assert (line["batch_id"], line["parent_txn_id"], line["line_no"]) == ("7", None, 2)


@pytest.mark.parametrize(
    ("changes", "gross", "fee", "net"),
    [
        # interchange++: three parts instead of one commission
        ({"Commission (NC)": "", "Markup (NC)": "0.05", "Scheme Fees (NC)": "0.02",
          "Interchange (NC)": "0.23"}, "10", "0.30", "9.70"),
        # fees above the gross: a settled payment costs money
        ({"Gross Currency": "INR", "Gross Credit (GC)": "10.00", "Exchange Rate": "0.011",
          "Net Credit (NC)": "", "Net Debit (NC)": "0.03", "Commission (NC)": "0.14"},
         "0.11", "0.14", "-0.03"),
        ({"Type": "Chargeback", "Gross Credit (GC)": "", "Gross Debit (GC)": "1.00",
          "Net Credit (NC)": "", "Net Debit (NC)": "3.00", "Commission (NC)": "2.00"},
         "-1", "2", "-3"),
        ({"Type": "Fee", "Psp Reference": "", "Gross Currency": "", "Gross Credit (GC)": "",
          "Exchange Rate": "", "Net Credit (NC)": "", "Net Debit (NC)": "1.80",
          "Commission (NC)": ""}, "-1.80", "0", "-1.80"),
    ],
)  # fmt: skip
def test_signs_and_fees(changes: dict[str, str], gross: str, fee: str, net: str) -> None:
    data = report(ROW | changes, header=[*ROW, "Markup (NC)", "Scheme Fees (NC)",
                                         "Interchange (NC)"])  # fmt: skip
    made = read(data)
    line = made["lines"].row(0, named=True)
    assert (line["gross"], line["fee"], line["net"]) == tuple(map(Decimal, (gross, fee, net)))


def test_a_conversion_that_does_not_follow_from_its_rate_is_rejected() -> None:
    foreign = {"Gross Currency": "GBP", "Gross Credit (GC)": "8.53", "Exchange Rate": "1.171875"}
    line = line_of(**foreign)
    assert (line["currency"], line["original_currency"]) == ("EUR", "GBP")
    assert (line["original_amount"], line["exchange_rate"]) == (
        Decimal("8.53"),
        Decimal("1.171875"),
    )
    field, reason, unmapped = reject_of(**foreign | {"Exchange Rate": "1.18"})
    assert (field, unmapped) == ("Exchange Rate", False)
    assert "gross x rate" in reason


@pytest.mark.parametrize(
    ("method", "variant", "found"),
    [
        ("visa", "visa_applepay", "applepay:visa"),
        ("mc", "mc_googlepay", "googlepay:mc"),
        ("applepay", "applepay", "applepay"),
        ("visa_applepay", "", "applepay:visa"),
        ("visa", "applepay", "applepay:visa"),
        ("visa", "visadebit", "visa"),
        ("ideal", "", "ideal"),
    ],
)
def test_a_wallet_is_part_of_the_payment_method(method: str, variant: str, found: str) -> None:
    changes = {"Payment Method": method, "Payment Method Variant": variant}
    made = read(report(ROW | changes, header=[*ROW, "Payment Method Variant"]))
    assert made["lines"]["payment_method"].to_list() == [found]


def test_a_refund_names_its_payment_and_ours() -> None:
    changes = {
        "Type": "Refunded", "Gross Credit (GC)": "", "Gross Debit (GC)": "10.00",
        "Net Credit (NC)": "", "Net Debit (NC)": "10.00", "Commission (NC)": "",
        "Modification Merchant Reference": "REFUND1",
    }  # fmt: skip
    made = read(report(ROW | changes, header=[*ROW, "Modification Merchant Reference"]))
    line = made["lines"].row(0, named=True)
    assert (line["txn_id"], line["merchant_ref"]) == ("MOD1", "REFUND1")
    assert (line["parent_txn_id"], line["parent_ref"]) == ("PSP1", "ORDER1")


@pytest.mark.parametrize(("zone", "hour"), [("CET", 22), ("PST", 7), ("SGT", 15), ("BST", 22)])
def test_a_time_zone_is_a_literal_offset(zone: str, hour: int) -> None:
    assert line_of(TimeZone=zone)["occurred_at"].hour == hour


@pytest.mark.parametrize(("amount", "kind"), [("-", "reserve_hold"), ("+", "reserve_release")])
@pytest.mark.parametrize("type_", RESERVES)
def test_the_sign_tells_a_reserve_held_from_one_released(
    type_: str, amount: str, kind: str
) -> None:
    side, other = ("Net Debit (NC)", "Net Credit (NC)")[:: 1 if amount == "-" else -1]
    found = line_of(**{
        "Type": type_, "Gross Currency": "", "Gross Credit (GC)": "", "Exchange Rate": "",
        "Commission (NC)": "", side: "5.00", other: "",
    })  # fmt: skip
    assert found["kind"] == kind


def test_types_are_compared_in_lower_case_and_are_kinds_of_ours() -> None:
    assert line_of(Type="balanceTransfer")["kind"] == line_of(Type="Balancetransfer")["kind"]
    assert set(KIND_BY_TYPE.values()) <= set(KINDS)
    assert all(name == name.lower() for name in KIND_BY_TYPE)


@pytest.mark.parametrize(
    ("changes", "field", "unmapped"),
    [
        ({"Type": "Donated"}, "Type", True),
        ({"TimeZone": "XYZ"}, "TimeZone", True),
        ({"Creation Date": "15/01/2026"}, "Creation Date", False),
        ({"Net Credit (NC)": "1,00"}, "row", False),
        ({"Net Credit (NC)": "9.7e0"}, "Net Credit (NC)", False),
        ({"Net Credit (NC)": "9.705", "Exchange Rate": ""}, "Net Currency", False),
        ({"Net Currency": "XXX", "Exchange Rate": ""}, "Net Currency", False),
        ({"Merchant Account": "M2"}, "Merchant Account", False),
    ],
)
def test_what_is_not_understood_is_rejected(
    changes: dict[str, str], field: str, unmapped: bool
) -> None:
    data = report(ROW | changes).replace(b'"1,00"', b"1,00")
    row = read(data)["rejects"].row(0, named=True)
    assert (row["field"], row["unmapped"], row["line_no"]) == (field, unmapped, 2)


def test_columns_are_found_by_name_in_any_order_and_surplus_ones_do_not_matter() -> None:
    header = [*reversed(ROW), "Reserved4", "ARN", "ARN"]
    one, other = read(report(ROW, PAYOUT)), read(report(ROW, PAYOUT, header=header))
    assert one["lines"].drop("file_id").equals(other["lines"].drop("file_id"))


def test_a_whole_batch_adds_up_to_zero_and_one_that_is_cut_does_not() -> None:
    whole = read(report(ROW, PAYOUT))["controls"]
    assert whole.select("name", "currency", "stated", "computed").rows() == [
        ("net of batch 7", "EUR", 0, 0)
    ]
    cut = read(report(ROW))["controls"]
    assert cut["computed"].to_list() == [Decimal("9.70")]


def test_a_batch_belongs_to_the_day_it_is_paid_out() -> None:
    description = settlement_detail.describe(content_of(report(ROW, PAYOUT)))
    assert description is not None
    assert (description.account, description.part) == ("M1", 7)
    assert str(description.period) == "2026-01-16"
    lines = read(report(ROW, PAYOUT))["lines"]
    assert {str(day) for day in lines["business_date"]} == {"2026-01-16"}
    payout = lines.filter(kind="payout").row(0, named=True)
    assert (payout["txn_id"], payout["net"]) == ("TX2342222277ABCDXT", Decimal("-9.70"))


def test_other_reports_of_adyen_are_nobodys() -> None:
    preamble = b"Merchant/Company,Start date,End date\nM1,2026-01-01,2026-01-02\n"
    for data in (preamble + report(ROW), b"Merchant Account,Psp Reference\nM1,P1\n"):
        assert settlement_detail.describe(content_of(data)) is None
        with pytest.raises(StatementError):
            identify(content_of(data))
