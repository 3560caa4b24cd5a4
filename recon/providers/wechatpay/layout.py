"""The layout both WeChat Pay bills share: back-ticked cells, CRLF, and a summary in two last rows.

Every data cell starts with a back-tick and nothing is quoted, so a comma inside a goods name is no
end of a cell. Rows are therefore cut at the back-ticks, which leaves the comma at the end of each
cell but the last: `text`, `code` and `money.parse(..., suffix=END)` know about it.
"""

from dataclasses import dataclass

import polars as pl

from recon.errors import StatementError
from recon.money import MONEY
from recon.providers.contract import Content

TICK = "`"
TIME = "%Y-%m-%d %H:%M:%S,"
END = ","
_BEFORE_FIRST = "before the first back-tick"
_SURPLUS = "after the last cell"


@dataclass(frozen=True)
class Summary:
    """The two last rows: the names of the totals and their values; empty when they are missing."""

    totals: dict[str, str]

    def stated(self, name: str) -> pl.Expr:
        return pl.lit(self.totals.get(name), dtype=pl.String).cast(MONEY, strict=False)


def header_of(content: Content) -> list[str]:
    """The names in the first row. Errors: StatementError for bytes that are not UTF-8."""
    lines = content.head_lines("utf-8")
    return [name.strip() for name in lines[0].split(",")] if lines else []


def first_row_of(content: Content, header: list[str]) -> dict[str, str] | None:
    """The first data row by column name; None when the bill has no rows or is no such bill."""
    try:
        lines = content.head_lines("utf-8")
    except StatementError:
        return None  # reading will say what is wrong
    if len(lines) < 2 or not lines[1].startswith(TICK):
        return None
    return dict(zip(header, split_cells(lines[1]), strict=False))


def split_cells(line: str) -> list[str]:
    return line.removeprefix(TICK).split(f",{TICK}")


def summary_of(content: Content, first_name: str) -> Summary:
    """Read the summary from the end of the file by its own names; nothing when it is not there.

    Errors: StatementError for a file that ends within a row: who knows what else is not there.
    """
    lines = [line for line in content.tail_lines("utf-8") if line]
    if len(lines) < 2 or not lines[-2].startswith(first_name):
        # A whole row would end its line, and how much of a last cell is there nobody can tell.
        if lines and not content.tail.endswith(b"\n"):
            raise StatementError(
                f"{content.name}: ends in the middle of a row, so it was cut on its way; "
                "fetch it again"
            )
        return Summary({})
    return Summary(dict(zip(lines[-2].split(","), split_cells(lines[-1]), strict=False)))


def cells(
    content: Content, header: list[str], *, wanted: list[str], summary: Summary
) -> pl.LazyFrame:
    """The rows between header and summary: `line_no`, the `wanted` cells, and `complete`.

    `complete` is false for rows with too few cells, and for those with too many, which have a
    back-tick inside a text. Errors: a ComputeError of Polars for bytes that are not UTF-8.
    """
    last_but_one = header[-2]
    is_complete = pl.col(last_but_one).str.ends_with(END) & pl.col(_SURPLUS).is_null()
    return (
        pl.scan_csv(
            content.scannable,
            has_header=False,
            skip_lines=1,
            schema=dict.fromkeys([_BEFORE_FIRST, *header, _SURPLUS], pl.String()),
            separator=TICK,
            quote_char=None,
            truncate_ragged_lines=True,
            missing_columns="insert",
            extra_columns="ignore",
            row_index_name="line_no",
            row_index_offset=2,
        )
        .filter(_is_data(header, summary))
        .select("line_no", *wanted, complete=is_complete)
    )


def _is_data(header: list[str], summary: Summary) -> pl.Expr:
    """Everything but blank rows and the summary, whose values look like a row that is too short."""
    names = list(summary.totals)
    is_blank = pl.col(_BEFORE_FIRST).is_null() & pl.col(header[0]).is_null()
    if not names:
        return ~is_blank
    values = [summary.totals[name] + END for name in names[:2]]
    is_values = (pl.col(header[0]) == values[0]) & (pl.col(header[1]) == values[1])
    is_names = pl.col(_BEFORE_FIRST).str.starts_with(names[0])
    return ~is_blank & ~is_values.fill_null(value=False) & ~is_names.fill_null(value=False)


def text(column: str) -> pl.Expr:
    """The text of a cell; an empty one is ""."""
    return pl.col(column).str.strip_suffix(END)


def code(*codes: str) -> list[str]:
    """How vendor codes look inside cells, for comparing without taking every cell apart."""
    return [code + END for code in codes]
