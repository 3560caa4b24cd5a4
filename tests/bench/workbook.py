"""How long a detail sheet of 100,000 transactions takes: ours against openpyxl's write-only mode.

`python -m tests.bench.workbook` writes the same cells both ways, in turns, and prints the ratio of
the medians. xlsxwriter is measured as well where it happens to be installed.
"""

import io
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from statistics import median

import polars as pl

from recon.io.workbook import write_workbook
from recon.reporting.book import TRANSACTION
from recon.reporting.proof_sheets import listed_transactions, transactions_sheet
from recon.reporting.sheets import Sheet, Workbook
from tests.reporting_helper import day_book

ROWS = 100_000
TURNS = 3
LIMIT = Decimal("0.5")


def transactions(count: int) -> pl.DataFrame:
    """TRANSACTION of a busy day, all different."""
    start = datetime(2026, 11, 20, tzinfo=UTC)
    cents = [Decimal(number % 90_000 + 100).scaleb(-2) for number in range(count)]
    return pl.DataFrame(
        {
            "provider": ["wechatpay"] * count,
            "account": ["1900000109"] * count,
            "business_date": [date(2026, 11, 20)] * count,
            "batch_id": ["2026-11-20"] * count,
            "kind": ["payment"] * count,
            "occurred_at": [start + timedelta(milliseconds=800 * n) for n in range(count)],
            "txn_id": [f"42000012342026112{number:011}" for number in range(count)],
            "merchant_ref": [f"SO20261120{number:08}" for number in range(count)],
            "currency": ["CNY"] * count,
            "gross": cents,
            "fee": [(amount * 6 / 1000).quantize(Decimal("0.01")) for amount in cents],
            "outcome": ["matched"] * count,
            "rule": ["provider transaction id"] * count,
            "entry_id": [f"E{number:08}" for number in range(count)],
        },
        schema={name: dtype for name, dtype in TRANSACTION.items() if name != "net"},
    ).with_columns(net=(pl.col("gross") - pl.col("fee")).cast(TRANSACTION["net"]))


def ours(sheet: Sheet) -> bytes:
    file = io.BytesIO()
    write_workbook(Workbook("bench", date(2026, 11, 20), (sheet,)), file)
    return file.getvalue()


def openpyxl_write_only(titles: list[str], rows: list[tuple[object, ...]]) -> bytes:
    from openpyxl import Workbook as Made

    made, file = Made(write_only=True), io.BytesIO()
    sheet = made.create_sheet("Transactions")
    sheet.append(titles)
    for row in rows:
        sheet.append(row)
    made.save(file)
    return file.getvalue()


def xlsxwriter_constant_memory(titles: list[str], rows: list[tuple[object, ...]]) -> bytes:
    import xlsxwriter

    file = io.BytesIO()
    options = {"constant_memory": True, "default_date_format": "yyyy-mm-dd"}
    with xlsxwriter.Workbook(file, options) as made:
        sheet = made.add_worksheet("Transactions")
        for number, row in enumerate([titles, *rows]):
            sheet.write_row(number, 0, row)
    return file.getvalue()


def measured(writers: dict[str, Callable[[], bytes]]) -> dict[str, float]:
    """The median seconds of each, in turns, so that a busy machine is busy for all."""
    seconds: dict[str, list[float]] = {name: [] for name in writers}
    for _ in range(TURNS):
        for name, write in writers.items():
            began = time.perf_counter()
            size = len(write())
            seconds[name].append(time.perf_counter() - began)
            print(f"  {name}: {seconds[name][-1]:.2f} s, {size / 1e6:.1f} MB")
    return {name: median(taken) for name, taken in seconds.items()}


def main() -> None:
    book = day_book(transactions=transactions(ROWS))
    sheet = transactions_sheet(book, "en")
    assert sheet is not None
    (table,) = sheet.blocks
    names = [column.name for column in table.columns]
    titles = [column.title for column in table.columns]
    listed = listed_transactions(book, "en").select(names)
    listed = listed.with_columns(pl.col("occurred_at").dt.replace_time_zone(None))
    rows = listed.rows()
    writers: dict[str, Callable[[], bytes]] = {
        "openpyxl write-only": lambda: openpyxl_write_only(titles, rows),
        "recon": lambda: ours(sheet),
    }
    if find_spec("xlsxwriter"):
        writers["xlsxwriter"] = lambda: xlsxwriter_constant_memory(titles, rows)
    print(f"{ROWS:,} rows of {len(names)} cells")
    taken = measured(writers)
    ratio = taken["recon"] / taken["openpyxl write-only"]
    print(f"recon takes {ratio:.2f} of openpyxl write-only (at most {LIMIT} is needed)")
    if ratio > LIMIT:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
