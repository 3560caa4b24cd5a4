"""A day's postings with a transaction for every line and every entry, in place of their sums."""

import polars as pl

from recon.discrepancies import Day, sentence
from recon.errors import NotProvedError
from recon.journal.postings import (
    ITEM,
    named,
    of_entries,
    of_lines,
    summed_entries,
    summed_lines,
)
from recon.money import ZERO

_SUMMED = ("statement", "ledger")


def details(
    posted: pl.DataFrame,
    lines: pl.LazyFrame,
    entries: pl.LazyFrame,
    before: pl.DataFrame,
    day: Day,
) -> pl.DataFrame:
    """POSTING of a day from the one in summary, STATEMENT_LINE, LEDGER_ENTRY and the OPEN_ITEM the
    day began with. A line that is repeated is one transaction.

    Errors: NotProvedError where lines and entries are not those that were posted.
    """
    facts = [
        summed_lines(lines, ("line_id", "batch_id", "kind", "currency")),
        summed_entries(entries, before, ("entry_id", "kind", "currency")),
    ]
    stated, booked = pl.collect_all(facts, engine="streaming")
    made = [
        of_lines(stated.rename({"line_id": ITEM})),
        of_entries(booked.rename({"entry_id": ITEM})),
    ]
    each = named(pl.concat(made, how="diagonal"), day, (ITEM,))
    is_summed = pl.col("event").is_in(_SUMMED)
    _ensure_same(posted.filter(is_summed), each, day)
    of_item = pl.col("transaction_id").str.split(":").list.slice(4).list.join(":")
    told = each.with_columns(memo=sentence("{}, {}", "memo", of_item))
    return pl.concat([told, posted.filter(~is_summed)])


def _ensure_same(summed: pl.DataFrame, each: pl.DataFrame, day: Day) -> None:
    both = pl.concat([summed, each.with_columns(-pl.col("amount"))])
    sums = both.group_by("event", "role", "currency").agg(pl.col("amount").sum())
    off = sums.filter(pl.col("amount") != ZERO).sort("event")
    if off.height:
        side = "the ledger" if off["event"][0] == "ledger" else "the lines"
        raise NotProvedError(
            f"{day.provider} {day.account} {day.business_date}: {side} of the day are not those "
            f"that were posted; run it again: recon run --date {day.business_date}"
        )
