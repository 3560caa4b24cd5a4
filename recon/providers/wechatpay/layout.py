"""The layout both WeChat Pay bills share: back-ticked cells, CRLF, and a summary in two last rows.

Every data cell starts with a back-tick and nothing is quoted, so a comma inside a goods name splits
a cell in two. Cells end at a comma *and* a back-tick; `cells` mends such rows from the surplus.
"""

from dataclasses import dataclass

import polars as pl

from recon.errors import StatementError
from recon.money import MONEY
from recon.providers.contract import Content

TICK = "`"
_SURPLUS_CELLS = 4  # a row with more commas than that inside its texts is a reject


@dataclass(frozen=True)
class Summary:
    """The two last rows: the names of the totals and their values; empty when they are not there."""

    totals: dict[str, str]

    def stated(self, name: str) -> pl.Expr:
        return pl.lit(self.totals.get(name), dtype=pl.String).cast(MONEY, strict=False)


def header_of(content: Content) -> list[str]:
    """The names in the first row, or nothing when this is no text we can read."""
    try:
        lines = content.head_lines("utf-8")
    except StatementError:
        return []
    return [name.strip() for name in lines[0].split(",")] if lines else []


def first_row_of(content: Content, header: list[str]) -> dict[str, str] | None:
    """The first data row by column name; None when the bill has no rows or is no such bill."""
    lines = content.head_lines("utf-8")
    if len(lines) < 2 or not lines[1].startswith(TICK):
        return None
    return dict(zip(header, split_cells(lines[1]), strict=False))


def split_cells(line: str) -> list[str]:
    return line.removeprefix(TICK).split(f",{TICK}")


def summary_of(content: Content, first_name: str) -> Summary:
    """Read the summary from the end of the file by its own names."""
    lines = [line for line in content.tail_lines("utf-8") if line]
    if len(lines) < 2 or not lines[-2].startswith(first_name):
        return Summary({})
    return Summary(dict(zip(lines[-2].split(","), split_cells(lines[-1]), strict=False)))


def cells(
    content: Content, header: list[str], *, wanted: list[str], last_texts: str, summary: Summary
) -> pl.LazyFrame:
    """The rows between header and summary: `line_no`, `complete`, the `wanted` cells with their
    back-tick.

    `last_texts` names the first of the columns that may hold a comma; from there to the end of the
    row cells are put together again when a row is too long. `complete` is false for rows with too
    few or too many cells. Errors: a ComputeError of Polars for bytes that are not UTF-8.
    """
    tail = header[header.index(last_texts) :]
    surplus = [f"surplus_{number}" for number in range(_SURPLUS_CELLS)]
    kept = list(dict.fromkeys(["line_no", header[0], header[1], *wanted, *tail, *surplus]))
    scanned = pl.scan_csv(
        content.scannable,
        has_header=False,
        skip_lines=1,
        schema={name: pl.String() for name in [*header, *surplus]},
        quote_char=None,
        truncate_ragged_lines=True,
        missing_columns="insert",
        extra_columns="ignore",
        row_index_name="line_no",
        row_index_offset=2,
    )
    # A batch at a time, because what mends the rare odd row is too slow to be tried on every row.
    schema = {
        "line_no": pl.UInt32(),
        **dict.fromkeys(wanted, pl.String()),
        "complete": pl.Boolean(),
    }
    return scanned.select(kept).map_batches(
        lambda batch: _mended(batch, header, tail, surplus, summary).select(list(schema)),
        schema=schema,
        streamable=True,
        predicate_pushdown=False,
        projection_pushdown=False,
    )


def _mended(
    batch: pl.DataFrame, header: list[str], tail: list[str], surplus: list[str], summary: Summary
) -> pl.DataFrame:
    """Drop the summary, tell complete rows from others, and rejoin texts that held a comma."""
    is_plain = (
        (batch[header[0]].str.len_bytes() == len("`2026-11-20 10:00:00"))
        & batch[tail[-1]].is_not_null()
        & batch[surplus[0]].is_null()
    )
    if is_plain.all(ignore_nulls=False):
        return batch.with_columns(complete=pl.lit(value=True))
    rows = batch.filter(_is_data(header[0], header[1], summary)).with_columns(
        complete=pl.col(tail[-1]).is_not_null()
    )
    is_long = rows[surplus[0]].is_not_null()
    cell = [pl.col("cell").list.get(i, null_on_oob=True).alias(n) for i, n in enumerate(tail)]
    fits = (pl.col("cell").list.len() == len(tail)) & pl.col(surplus[-1]).is_null()
    long_rows = (
        rows.filter(is_long)
        .with_columns(cell=_rejoined([*tail, *surplus]))
        .with_columns(*cell, complete=fits)
        .drop("cell")
    )
    return pl.concat([rows.filter(~is_long), long_rows]).sort("line_no")


def _is_data(first: str, second: str, summary: Summary) -> pl.Expr:
    """Everything but blank rows and the summary, whose values look like a row that is too short."""
    names, values = list(summary.totals), list(summary.totals.values())
    if not names:
        return pl.col(first).is_not_null() & (pl.col(first) != "")
    is_values = (pl.col(first) == TICK + values[0]) & (pl.col(second) == TICK + values[1])
    return (
        pl.col(first).is_not_null()
        & (pl.col(first) != "")
        & ~pl.col(first).str.starts_with(names[0])
        & ~is_values.fill_null(value=False)
    )


def _rejoined(columns: list[str]) -> pl.Expr:
    """Put a row's last cells together and cut them where they really end."""
    texts = [pl.col(name).fill_null("") for name in columns]
    whole = pl.concat_str(texts, separator=",").str.strip_chars_end(",")
    parts = whole.str.strip_prefix(TICK).str.split(f",{TICK}")
    return parts.list.eval(pl.lit(TICK) + pl.element())
