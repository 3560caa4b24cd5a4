"""Adyen: a settlement details report for each of three payout batches."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from random import Random

from tests.generator import book
from tests.generator.book import Movement, Rate, Trade
from tests.generator.sources import DAYS, SampleSet

_ACCOUNT = "ReconDemoEU"
_ZONE = "Europe/Amsterdam"
_RATES = {"EUR": Rate(Decimal("1.2"), Decimal("0.10"))}
_METHODS = ("visa", "mc", "applepay:visa", "applepay:mc", "googlepay:mc", "ideal")
_FIRST_BATCH = 411
_GBP_RATE = Decimal("1.171875")  # what one pound in five is settled at
_HEADER = [
    "Company Account",
    "Merchant Account",
    "Psp Reference",
    "Merchant Reference",
    "Payment Method",
    "Creation Date",
    "TimeZone",
    "Type",
    "Modification Reference",
    "Gross Currency",
    "Gross Debit (GC)",
    "Gross Credit (GC)",
    "Exchange Rate",
    "Net Currency",
    "Net Debit (NC)",
    "Net Credit (NC)",
    "Commission (NC)",
    "Markup (NC)",
    "Scheme Fees (NC)",
    "Interchange (NC)",
    "Payment Method Variant",
    "Modification Merchant Reference",
    "Batch Number",
    "Reserved4",
]


def new_id(random: Random, kind: str) -> str:
    return "".join(random.choice("BCDFGHJKLMNPQRSTVWXZ23456789") for _ in range(16))


def samples() -> SampleSet:
    random = book.random_of("adyen")
    sold = Trade("adyen", _RATES, _METHODS, new_id, order_prefix="EU").movements(random)
    movements = book.planted(sold, book.PLANTS)
    payouts = [_payout(random, day, movements, n) for n, day in enumerate(DAYS)]
    files = {
        f"settlement_detail_report_batch_{_FIRST_BATCH + n}.csv": report(
            day, [*(one for one in movements if one.day == day), payouts[n]], _FIRST_BATCH + n
        )
        for n, day in enumerate(DAYS)
    }
    what = {"settlement_detail_report_batch_*.csv": "Adyen settlement details reports"}
    return book.sample_set("adyen", _ACCOUNT, _ZONE, [*movements, *payouts], files, what)


def _payout(random: Random, day: date, movements: Sequence[Movement], number: int) -> Movement:
    """Everything the batch holds, less the fee for paying it out."""
    net = sum(one.net for one in movements if one.day == day and one.is_on_statement)
    reference = "TX" + "".join(random.choice("ABCDEFGHJK23456789") for _ in range(12)) + "XT"
    return Movement(
        day=day,
        second=86_000,
        kind="payout",
        currency="EUR",
        amount=-Decimal(net),
        fee=Decimal(0),
        txn_id=reference,
    )


def report(day: date, movements: Sequence[Movement], batch: int) -> tuple[bytes, int]:
    rows = [_row(one, n, batch) for n, one in enumerate(movements) if one.is_on_statement]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    # The order of columns is configured at Adyen, so one of the three batches has another one.
    header = _HEADER if day != DAYS[1] else [*reversed(_HEADER)]
    writer.writerow(header)
    writer.writerows([row.get(name, "") for name in header] for row in rows)
    return out.getvalue().encode(), len(rows)


def _row(one: Movement, number: int, batch: int) -> dict[str, str]:
    wallet, _, method = (one.method or "").rpartition(":")
    row = {
        "Company Account": "ReconDemo",
        "Merchant Account": _ACCOUNT,
        "Payment Method": method,
        "Payment Method Variant": f"{method}_{wallet}" if wallet else method,
        "Creation Date": f"{one.local():%Y-%m-%d %H:%M:%S}",
        "TimeZone": "CET",
        "Net Currency": one.currency,
        "Batch Number": str(batch),
        "Modification Reference": one.txn_id,
    }
    row["Net Credit (NC)" if one.net > 0 else "Net Debit (NC)"] = str(abs(one.net))
    if one.kind == "payout":
        text = f"{one.txn_id} batch {batch}, {_ACCOUNT}"
        return row | {"Type": "MerchantPayout", "Modification Reference": text}
    row |= _gross(one, number) | _fees(one.charged, number)
    if one.kind == "payment":
        return row | {
            "Type": "Settled",
            "Psp Reference": one.txn_id,
            "Merchant Reference": one.merchant_ref or "",
            "Modification Reference": one.txn_id[::-1],
        }
    return row | {
        "Type": "Refunded",
        "Psp Reference": one.parent_txn_id or "",
        "Merchant Reference": one.parent_ref or "",
        "Modification Merchant Reference": one.merchant_ref or "",
    }


def _gross(one: Movement, number: int) -> dict[str, str]:
    """What the shopper paid: euros, or pounds whose conversion gives the settled cents exactly."""
    currency, rate, paid = "EUR", Decimal(1), abs(one.amount)
    pounds = book.cents(paid / _GBP_RATE)
    if number % 5 == 0 and book.cents(pounds * _GBP_RATE) == paid:
        currency, rate, paid = "GBP", _GBP_RATE, pounds
    side = "Gross Credit (GC)" if one.amount > 0 else "Gross Debit (GC)"
    return {"Gross Currency": currency, "Exchange Rate": str(rate), side: str(paid)}


def _fees(charged: Decimal, number: int) -> dict[str, str]:
    """A blended commission, or markup, scheme fees and interchange that add up to the same."""
    if not charged or number % 2:
        return {"Commission (NC)": str(charged)} if charged else {}
    third = book.cents(charged / 3)
    rest = charged - 2 * third
    parts = {"Markup (NC)": third, "Scheme Fees (NC)": third, "Interchange (NC)": rest}
    return {name: str(amount) for name, amount in parts.items()}
