"""Adyen's payments accounting report: the steps of a payment, of which only some move money."""

from decimal import Decimal

import polars as pl
import pytest

from recon.periods import one_day
from recon.providers.adyen import accounting
from recon.providers.contract import Place, ReadContext, places_of_lines
from tests.golden import content_of

HEADER = [
    *accounting._NEEDED,
    *accounting._OPTIONAL,
    "Settlement Currency",  # real reports have a name twice
]
SETTLED = {
    "Merchant Account": "M1",
    "Psp Reference": "PSP1",
    "Merchant Reference": "ORDER1",
    "Payment Method": "visa",
    "Payment Method Variant": "visa_applepay",
    "Booking Date": "2026-01-15 05:10:54",
    "TimeZone": "PST",
    "Record Type": "Settled",
    "Main Currency": "GBP",
    "Main Amount": "10.00",
    "Payment Currency": "GBP",
    "Captured (PC)": "-10.00",
    "Exchange Rate": "1.17",
    "Settlement Currency": "EUR",
    "Payable (SC)": "11.40",
    "Markup (SC)": "0.05",
    "Scheme Fees (SC)": "0.05",
    "Interchange (SC)": "0.20",
    "Modification Psp Reference": "MOD1",
    "Modification Merchant Reference": "<auto>",
}
RECEIVED = SETTLED | {
    "Record Type": "Received", "Captured (PC)": "", "Payable (SC)": "", "Exchange Rate": "",
    "Booking Date": "2026-01-14 23:00:00", "Settlement Currency": "",
}  # fmt: skip
REFUNDED = SETTLED | {
    "Record Type": "Refunded", "Captured (PC)": "10.00", "Payable (SC)": "-12.00",
    "Modification Merchant Reference": "REFUND1",
}  # fmt: skip


def report(*rows: dict[str, str]) -> bytes:
    lines = [HEADER, *([row.get(name, "") for name in HEADER[:-1]] + [""] for row in rows)]
    return ("\n".join(map(",".join, lines)) + "\n").encode()


def read(data: bytes, context: ReadContext) -> dict[str, pl.DataFrame]:
    reading = accounting.read(content_of(data), context)
    return {name: getattr(reading, name).collect() for name in ("lines", "rejects", "controls")}


ANY = ReadContext("M1", "Europe/Amsterdam")


def test_only_what_is_settled_moves_money() -> None:
    lines = read(report(SETTLED, RECEIVED, REFUNDED), ANY)["lines"].sort("line_no")
    assert lines.select("kind", "gross", "fee", "net", "status").rows() == [
        ("payment", Decimal("11.70"), Decimal("0.30"), Decimal("11.40"), "succeeded"),
        ("adjustment", 0, 0, 0, "pending"),
        ("refund", Decimal("-11.70"), Decimal("0.30"), Decimal("-12.00"), "succeeded"),
    ]
    assert lines["merchant_ref"].to_list() == ["ORDER1", None, "REFUND1"]
    assert lines["parent_ref"].to_list() == [None, "ORDER1", "ORDER1"]
    assert lines["original_amount"].to_list() == [10, 10, -10]
    assert lines["payment_method"][0] == "applepay:visa"
    assert "adjustment" not in accounting.MATCHED_KINDS


@pytest.mark.parametrize(
    ("changes", "field", "unmapped"),
    [
        ({"Record Type": "Teleported"}, "Record Type", True),
        ({"TimeZone": "XYZ"}, "TimeZone", True),
        ({"Payable (SC)": "11.4.0"}, "Payable (SC)", False),
        ({"Exchange Rate": "1.18"}, "Exchange Rate", False),
        ({"Settlement Currency": "EURO"}, "Settlement Currency", False),
        ({"Merchant Account": "M2"}, "Merchant Account", False),
    ],
)
def test_what_is_not_understood_is_rejected(
    changes: dict[str, str], field: str, unmapped: bool
) -> None:
    rejects = read(report(SETTLED | changes), ANY)["rejects"]
    assert rejects.select("field", "unmapped").rows() == [(field, unmapped)]


def test_a_report_of_two_days_is_one_of_each_and_states_nothing() -> None:
    data = report(SETTLED, RECEIVED)
    description = accounting.describe(content_of(data))
    assert description is not None
    assert str(description.period) == "2026-01-14_2026-01-15"
    places = places_of_lines(accounting.read)(content_of(data), ANY)
    assert {str(place.business_date) for place in places} == {"2026-01-14", "2026-01-15"}
    for place in places:
        others = frozenset(places) - {place}
        context = ReadContext("M1", "UTC", one_day(place.business_date), others)
        made = read(data, context)
        assert (made["lines"].height, made["rejects"].height) == (1, 0)
        assert made["controls"].select("stated", "computed").rows() == [(None, 2)]
        nobody = read(data, ReadContext("M1", "UTC", one_day(place.business_date)))
        assert nobody["rejects"]["reason"].to_list() == [f"not dated {place.business_date}"]
    assert Place("M1", description.period.first) in places  # type: ignore[union-attr]
