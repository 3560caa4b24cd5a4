"""What is open across accounts: its roll-forward, how old it is, and the oldest of it, listed."""

from typing import Final

import polars as pl

from recon.money import ZERO
from recon.reporting import text
from recon.reporting.book import Book
from recon.reporting.columns import STATE_TONES, column, columns, named, toned, worded
from recon.reporting.rolled import rolled_of_days
from recon.reporting.sheets import Sheet, Table
from recon.reporting.text import Language

# The last day of each bucket; what is older is in one more.
BUCKETS: Final[dict[str, int | None]] = {
    "age_0_1": 1,
    "age_2_3": 3,
    "age_4_7": 7,
    "age_8_30": 30,
    "age_31": None,
}
_LISTED: Final = 10_000  # the oldest; the workbook of an account lists all of its own


def roll_forward_sheet(book: Book, language: Language) -> Sheet:
    """Opening + new - cleared - written off = closing by account, side and currency, and the ages
    of the rest."""
    return Sheet(
        text.sheet("roll_forward", language),
        (
            *rolled_of_days(book["roll_forward"], language),
            _aged(book, language),
        ),
        heading=text.sheet("roll_forward", language),
        nothing=text.phrase("nothing", language),
    )


def _aged(book: Book, language: Language) -> Table:
    """What is open at the end by how many days it has been; the total is that of its parts."""
    age = (pl.lit(book.period.last) - pl.col("business_date")).dt.total_days()
    parts, youngest = {}, -1
    for name, oldest in BUCKETS.items():
        is_in = age > youngest if oldest is None else age.is_between(youngest + 1, oldest)
        parts[name] = pl.col("amount").filter(is_in).sum().fill_null(ZERO)
        youngest = oldest or youngest
    key = ["provider", "account", "side", "currency"]
    frame = (
        book.open_items.group_by(key)
        .agg(
            row_count=pl.len().cast(pl.Int64), **parts, total=pl.col("amount").sum(), age=age.max()
        )
        .with_columns(worded("side", text.SIDES, language), named("currency"))
        .sort(key)
    )
    shown = (
        *columns("provider account side currency", language),
        *(column(name, language, kind="money") for name in BUCKETS),
        column(
            "total", language, kind="money", formula="+".join(f"{{{name}}}" for name in BUCKETS)
        ),
        *columns("row_count age", language),
    )
    return Table("aged", shown, frame, title=text.phrase("open_by_age", language))


def open_items_sheet(book: Book, language: Language) -> Sheet:
    """The open items of all accounts, oldest first."""
    age = (pl.lit(book.period.last) - pl.col("business_date")).dt.total_days()
    order = (pl.col("state") != "overdue", "business_date", "provider", "account", "item_id")
    listed = (
        book.open_items.sort(*order)
        .head(_LISTED)
        .with_columns(
            age_days=age,
            side=worded("side", text.SIDES, language),
            kind=worded("kind", text.KINDS, language),
            status=worded("status", text.STATUSES, language),
            state=worded("state", text.STATES, language),
            currency=named("currency"),
        )
    )
    shown = (
        toned("state", language, text.STATES, STATE_TONES),
        *columns("merchant_ref provider account side currency amount kind", language),
        *columns("business_date due_on age_days txn_id parent_ref status item_id", language),
    )
    return Sheet(
        text.sheet("open_items", language),
        (Table("open_items", shown, listed, main=True, fixed=2),),
        nothing=text.phrase("nothing", language),
    )
