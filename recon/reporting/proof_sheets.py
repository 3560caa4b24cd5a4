"""The sheets of a proof workbook behind its summary: from the sale to the bank, and what is left.

`SHEETS` is the one place that says which sheets there are and in what order. A sheet is a function
of a `Book` and a language; it gives None where the book has nothing for it. To add one: write it
here or in a module of its own, name it in `SHEETS`, and its words in `titles`.
"""

from collections.abc import Callable
from typing import Final

import polars as pl

from recon.discrepancies import amount_text, sentence
from recon.masking import mask_free_text
from recon.money import ZERO
from recon.reporting import text
from recon.reporting.book import BATCH_KEY, Book
from recon.reporting.book_summary import days_table, summary_sheet, with_party
from recon.reporting.columns import CHANGE_TONES, column, columns, named, toned, worded
from recon.reporting.discrepancies import discrepancy_tables
from recon.reporting.open_items import open_items_sheet, roll_forward_sheet
from recon.reporting.receipts import payouts_table
from recon.reporting.settlement import (
    NET_FORMULA,
    NET_PARTS,
    cost_columns,
    cost_totals,
    listed_batches,
    listed_costs,
    proof_columns,
    with_components,
)
from recon.reporting.sheets import Sheet, SumOf, Table
from recon.reporting.text import Language
from recon.reporting.watch import charts_sheet, history_sheet, watch_sheet
from recon.row_wording import rule_in

_WHOSE: Final = "provider account business_date"


def _sheet(name: str, language: Language, *tables: Table) -> Sheet:
    return Sheet(text.sheet(name, language), tables, nothing=text.phrase("nothing", language))


def _days(book: Book, language: Language) -> Sheet | None:
    if not book.is_range:  # then they are on the summary
        return None
    return _sheet("days", language, days_table(book, language, main=True))


def _batches(book: Book, language: Language) -> Sheet:
    """One row a batch: what its transactions add up to, from the opening to the closing balance."""
    listed = with_party(listed_batches(book["batches"], language), book, language)
    listed = listed.join(book.batch_numbers, on=BATCH_KEY, how="left", validate="1:1")
    listed, traced = listed.sort("batch_number"), []
    if book.transactions is not None:
        summed = (
            _by_batch(book.transactions)
            .group_by(BATCH_KEY)
            .agg(of_transactions=pl.col("net").sum())
        )
        listed = listed.join(
            summed, on=BATCH_KEY, how="left", validate="1:1", maintain_order="left"
        ).with_columns(pl.col("of_transactions").fill_null(ZERO))
        listed = listed.with_columns(trace=pl.col("net") - pl.col("of_transactions"))
        of_batch = SumOf("transactions", "net", {"batch_number": "{batch_number}"})
        traced = [
            column("of_transactions", language, formula=of_batch),
            column("trace", language, formula="{net}-{of_transactions}", check=True),
        ]
    shown = (
        *columns("provider account batch_id currency party business_date batch_number", language),
        *columns("payment_count refund_count opening_balance", language),
        *(column(part, language) for part in NET_PARTS),
        column("net", language, formula=NET_FORMULA),
        *traced,
        *proof_columns(listed, language),
        *columns("proof_basis expected_payout provider_payout bank_credit", language),
    )
    return _sheet("batches", language, Table("batches", shown, listed, main=True, fixed=4))


def _to_bank(book: Book, language: Language) -> Sheet:
    table = payouts_table(book.payouts, book.receipts, language)
    return _sheet("to_bank", language, table)


def _fees(book: Book, language: Language) -> Sheet:
    return _costs(book, language, "fees", pl.col("kind") != "withdrawal")


def _withdrawals(book: Book, language: Language) -> Sheet | None:
    is_withdrawal = pl.col("kind") == "withdrawal"
    ours = [_margins(book, language)] if book["margins"].height else []
    if not ours and not book["fees"].filter(is_withdrawal).height:
        return None
    return _costs(book, language, "withdrawals", is_withdrawal, *ours)


def _margins(book: Book, language: Language) -> Table:
    """What withdrawals cost by the provider's row, and bring in by ours, over the days."""
    key = ["provider", "account", "currency", "tariff", "our_tariff", "kind"]
    amounts = ("line_count", "base", "charged", "our_charge", "margin")
    summed = book["margins"].group_by(key).agg(pl.col(amounts).sum()).sort(key, nulls_last=True)
    listed = summed.with_columns(
        kind=worded("kind", text.KINDS, language), currency=named("currency")
    )
    shown = (
        *columns("provider account tariff our_tariff kind currency", language),
        *columns("line_count base charged our_charge", language),
        column("margin", language, formula="{our_charge}-{charged}"),
    )
    return Table("margins", shown, listed, title=text.phrase("by_both_tariffs", language))


def _costs(book: Book, language: Language, name: str, which: pl.Expr, *more: Table) -> Sheet:
    """What a tariff row should have cost, and did, summed over the days of the book."""
    key = ["provider", "account", "tariff", "component", "kind", "currency"]
    summed = (
        book["fees"]
        .filter(which)
        .group_by(key)
        .agg(pl.col("line_count", "base", "charged", "expected", "variance").sum())
    )
    order = ("provider", "account", "currency", "tariff", "component", "kind")
    listed = with_components(listed_costs(summed, language).sort(order), language)
    leading = "provider account tariff component kind"
    shown = (*columns(f"{leading} currency line_count", language), *cost_columns(language))
    totals = cost_totals(name, listed, language, leading, "line_count")
    return _sheet(name, language, Table(name, shown, listed, main=True), totals, *more)


def _reserve(book: Book, language: Language) -> Sheet | None:
    """What providers hold back: opening + held - released = closing, over the days of the book."""
    if not book["reserve"].height:
        return None
    key = ["provider", "account", "currency"]
    moved = ("held", "released", "expected_held", "expected_released")
    listed = (
        book["reserve"]
        .sort("business_date")
        .group_by(key)
        .agg(pl.col("opening").first(), pl.col(*moved).sum(), pl.col("closing").last())
        .with_columns(
            check=pl.col("opening") + pl.col("held") - pl.col("released") - pl.col("closing")
        )
        .sort(key)
    )
    steps = ("opening", "held", "released", "closing")
    shown = (
        *columns("provider account currency", language),
        *(column(step, language, kind="money") for step in steps),
        column(
            "check",
            language,
            kind="money",
            formula="{opening}+{held}-{released}-{closing}",
            check=True,
        ),
        *(column(name, language, kind="money") for name in moved[2:]),
    )
    return _sheet("reserve", language, Table("reserve", shown, listed, main=True))


def _discrepancies(book: Book, language: Language) -> Sheet:
    entries = _suggested_entries(book, language)
    tables = discrepancy_tables(book.discrepancies, language, entries=entries)
    return _sheet("discrepancies", language, *tables)


def _suggested_entries(book: Book, language: Language) -> pl.DataFrame:
    """What would settle each discrepancy in the books, in one line; null where that is open."""
    template = text.phrase("suggested_entry", language)
    key = ["provider", "account", "business_date", "discrepancy_id"]
    amount = amount_text(pl.col("amount").abs())
    return book.proposed.select(*key, suggested_entry=sentence(template, "debit", "credit", amount))


def _changes(book: Book, language: Language) -> Sheet | None:
    """What the runs say differently from those before; no sheet where nothing was run twice."""
    if not book.changes.height:
        return None
    listed = (
        mask_free_text(book.changes)
        .with_columns(
            change=worded("change", text.CHANGES, language),
            type=worded("type", text.TYPES, language),
            currency=named("currency"),
            difference_now="difference",
        )
        .sort("provider", "account", "business_date", "change", "discrepancy_id")
    )
    shown = (
        toned("change", language, text.CHANGES, CHANGE_TONES),
        *columns(f"{_WHOSE} type currency difference_before difference_now", language),
        *columns("explanation discrepancy_id", language),
    )
    return _sheet("changes", language, Table("changes", shown, listed, main=True))


def transactions_sheet(book: Book, language: Language) -> Sheet | None:
    """Every line of the statements, each with a proof of its own and the entry it met."""
    if book.transactions is None:
        return None
    shown = (
        *columns("txn_id provider", language),
        column("account", language, kind="text"),
        *columns("business_date batch_id batch_number kind occurred_at", language),
        *columns("merchant_ref currency", language),
        *columns("gross fee net", language),
        column("line_check", language, formula="{gross}-{fee}-{net}", check=True),
        *columns("outcome rule matched_with", language),
    )
    listed = listed_transactions(book, language)
    return _sheet(
        "transactions", language, Table("transactions", shown, listed, main=True, fixed=1)
    )


def _by_batch(transactions: pl.DataFrame) -> pl.DataFrame:
    """TRANSACTION with batch and currency as the listed batches have them."""
    return transactions.with_columns(batch_id=named("batch_id"), currency=named("currency"))


def listed_transactions(book: Book, language: Language) -> pl.DataFrame:
    """TRANSACTION with visible words; a line without a batch belongs to that of its day."""
    found = book.transactions
    assert found is not None
    outcomes = text.words(text.OUTCOMES, language)
    told = _by_batch(found).with_columns(
        kind=worded("kind", text.KINDS, language),
        line_check=pl.col("gross") - pl.col("fee").fill_null(ZERO) - pl.col("net"),
        outcome=pl.when(pl.col("outcome").is_null())
        .then(pl.lit(outcomes["unmatched"]))
        .otherwise(pl.lit(outcomes["matched"])),
        rule=rule_in(pl.col("rule"), language),
        matched_with="entry_id",
    )
    return told.join(
        book.batch_numbers, on=BATCH_KEY, how="left", validate="m:1", maintain_order="left"
    ).sort(
        ["provider", "account", "business_date", "batch_id", "occurred_at", "txn_id"],
        maintain_order=True,  # a payment and its fee share all of these
    )


Maker = Callable[[Book, Language], Sheet | None]

SHEETS: Final[tuple[Maker, ...]] = (
    summary_sheet,
    charts_sheet,
    watch_sheet,
    _days,
    _batches,
    _to_bank,
    _fees,
    _withdrawals,
    _reserve,
    roll_forward_sheet,
    open_items_sheet,
    _discrepancies,
    _changes,
    transactions_sheet,
    history_sheet,
)


def proof_sheets(book: Book, language: Language) -> tuple[Sheet, ...]:
    """Every sheet the book has something for."""
    made = (make(book, language) for make in SHEETS)
    return tuple(sheet for sheet in made if sheet is not None)
