"""Antom's settlement files: signs and fees by type, and totals that come in a file of their own."""

from decimal import Decimal

import polars as pl
import pytest

from recon.periods import one_day
from recon.providers import identify
from recon.providers.alipay import PROVIDER, antom
from recon.providers.contract import Description, ReadContext
from tests.golden import content_of

PAID = {
    "Partner_transaction_id": "ORDER1",
    "Transaction_id": "T1",
    "Amount": "100.00",
    "Fee": "1.00",
    "Settlement": "99.00",
    "Currency": "HKD",
    "Payment_time": "11/17/2026 23:30:00",
    "Settlement_time": "11/18/2026 15:36:00",
    "Issue": "",
    "Product": "WAP",
    "Type": "PAYMENT",
    "Status": "SUCCESS",
    "Remarks": "",
    "original_partner_transaction_ID": "",
}
BACK = PAID | {
    "Partner_transaction_id": "REFUND1", "Transaction_id": "T2", "Amount": "-20.00",
    "Fee": "-0.20", "Settlement": "-19.80", "Type": "REFUND",
    "original_partner_transaction_ID": "ORDER1",
}  # fmt: skip
BATCHES = "Settle_batch_no,Settle_date,Amount,Fee,Settlement,Currency\n"


def file(*rows: dict[str, str]) -> bytes:
    return "".join(",".join(cells) + "\n" for cells in (PAID, *map(dict.values, rows))).encode()


def read(data: bytes) -> tuple[Description, dict[str, pl.DataFrame]]:
    provider, description = identify(content_of(data))
    assert provider is PROVIDER
    reading = provider.kind(description.kind).read(content_of(data), ReadContext("MID1", "UTC"))
    names = ("lines", "rejects", "controls")
    return description, {name: getattr(reading, name).collect() for name in names}


@pytest.mark.parametrize("signed", [True, False])
def test_a_refund_takes_and_gives_its_fee_back_however_it_is_signed(signed: bool) -> None:
    back = BACK if signed else {name: text.lstrip("-") for name, text in BACK.items()}
    description, made = read(file(PAID, back))
    assert (description.kind, str(description.period)) == (antom.SETTLEMENT, "2026-11-18")
    assert made["lines"].sort("line_no").select("kind", "gross", "fee", "net").rows() == [
        ("payment", 100, 1, 99),
        ("refund", -20, Decimal("-0.20"), Decimal("-19.80")),
    ]
    assert made["lines"]["merchant_ref"].to_list() == ["ORDER1", "REFUND1"]
    assert made["lines"]["parent_ref"].to_list() == [None, "ORDER1"]
    assert made["lines"]["occurred_at"][0].isoformat() == "2026-11-17T23:30:00+00:00"


def test_the_letters_and_columns_of_in_store_payments() -> None:
    rows = [PAID | {"Type": "P", "Status": "L"}, BACK | {"Type": "R", "Status": "L"}]
    names = [name for name in PAID if name != "original_partner_transaction_ID"]
    lines = [names, *([row[name] for name in names] for row in rows)]
    _, made = read("".join(",".join(cells) + "\n" for cells in lines).encode())
    assert made["rejects"].height == 0
    assert made["lines"].sort("line_no").select("kind", "gross", "fee", "parent_ref").rows() == [
        ("payment", 100, 1, None),
        ("refund", -20, Decimal("-0.20"), None),
    ]


def test_a_fee_that_is_kept_on_a_refund_costs() -> None:
    _, made = read(file(BACK | {"Fee": "0.20", "Settlement": "-20.20"}))
    assert made["lines"].select("fee", "net").rows() == [(Decimal("0.20"), Decimal("-20.20"))]


def test_trades_that_are_not_settled_are_a_statement_of_their_own() -> None:
    trade = PAID | {"Settlement": "null", "Settlement_time": "null"}
    description, made = read(file(trade))
    assert (description.kind, str(description.period)) == (antom.TRADES, "2026-11-17")
    assert made["lines"].select("gross", "fee").rows() == [(100, 1)]
    assert made["controls"]["stated"].to_list() == [None]


@pytest.mark.parametrize(
    ("changes", "field", "unmapped"),
    [
        ({"Type": "GIFT"}, "Type", True),
        ({"Status": "MAYBE"}, "Status", True),
        ({"Amount": "1.2.3"}, "Amount", False),
        ({"Amount": "100.001", "Settlement": "99.001"}, "Currency", False),
        ({"Settlement": "98.00"}, "Settlement", False),
        ({"Settlement_time": "soon"}, "Settlement_time", False),
        ({"Transaction_id": ""}, "Transaction_id", False),
    ],
)
def test_what_is_not_understood_is_rejected(
    changes: dict[str, str], field: str, unmapped: bool
) -> None:
    _, made = read(file(PAID | changes))
    assert made["rejects"].select("field", "unmapped").rows() == [(field, unmapped)]


def test_the_batches_state_what_the_settlements_add_up_to() -> None:
    description, stated = read((BATCHES + "1,2026-11-18 15:36:00,80.00 ,0.80,79.20,HKD\n").encode())
    assert (description.kind, str(description.period)) == (antom.BATCHES, "2026-11-18")
    _, computed = read(file(PAID, BACK))
    names = ["name", "currency"]
    both = stated["controls"].join(computed["controls"], on=names, suffix="_of_rows")
    assert both.filter(pl.col("stated") == pl.col("computed_of_rows")).height == 3
    assert computed["controls"]["stated"].null_count() == 3
    _, wrong = read((BATCHES + "1,2026-11-18 15:36:00,80.00,0.80,79.00,HKD\n").encode())
    assert wrong["rejects"]["field"].to_list() == ["Settlement"]


def test_two_batches_of_a_day_are_two_statements() -> None:
    one, other = (read(file(row))[0] for row in (PAID, BACK))
    assert one.period == other.period == one_day(one.period.first)  # type: ignore[union-attr]
    assert one.part != other.part


def test_a_summary_adds_up_to_its_total() -> None:
    header = ",".join(antom._NEEDED[antom.SUMMARY]) + ",referenceId,merchantId\n"
    time = "2026-11-18T15:36:00+08:00"
    rows = [f"PAYMENT,{time},2,100.00,HKD,1.00,r,MID1", f"REFUND,{time},1,-20.00,HKD,-0.20,r,MID1"]
    total = f"TOTAL,{time},3,80.00,HKD,0.80,r,MID1"
    description, made = read((header + "\n".join([*rows, total]) + "\n").encode())
    assert (description.kind, description.account) == (antom.SUMMARY, "MID1")
    assert made["controls"].filter(pl.col("stated") == pl.col("computed")).height == 3
    _, cut = read((header + "\n".join([rows[0], total]) + "\n").encode())
    assert cut["controls"].filter(pl.col("stated") != pl.col("computed")).height == 3


@pytest.mark.parametrize(
    "form", ["11/{}/2026 15:36:00", "2026-11-{} 15:36:00", "2026-11-{}T15:36:00+08:00"]
)
def test_a_time_is_read_in_each_of_its_forms(form: str) -> None:
    def row(of_row: str, number: str) -> dict[str, str]:
        written = {"Payment_time": of_row.format(17), "Settlement_time": of_row.format(18)}
        return PAID | written | {"Transaction_id": number}

    other = "18.11.2026 15:36"
    description, made = read(file(row(form, "T1"), row(other, "T2")))
    assert str(description.period) == "2026-11-18"
    assert made["lines"].select("occurred_at", "business_date").cast(pl.String).rows() == [
        ("2026-11-17 15:36:00.000000+00:00", "2026-11-18")
    ]
    assert made["rejects"].select("field", "value").rows() == [("Settlement_time", other)]
