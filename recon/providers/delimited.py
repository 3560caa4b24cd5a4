"""Delimited text with a header: columns found by name, every row with exactly the header's cells.

Polars cannot tell a cell that is missing from one that is empty, and reads a short row as if the
rest were blank. So the cells of each line are counted first (`line_shapes`); the few lines that do
not fit are defects. Quoted cells that hold a line end make rows of several lines: such files, which
are rare, are taken apart by Python's csv module, so that line numbers stay those of the file.
"""

import csv
import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import polars as pl

from recon.errors import StatementError
from recon.providers.contract import Content
from recon.providers.line_shapes import ODD_LINE, is_well_quoted, survey

_SURPLUS = "after the last cell"


@dataclass(frozen=True)
class Table:
    """Where the header is and what it says: trimmed names, the second of two equal ones as `x#2`.

    `header_line` is its physical line number.
    """

    header: tuple[str, ...]
    header_line: int
    separator: str = ","
    comment: str | None = None  # what a line starts with that is no row


def find_table(
    lines: Sequence[str],
    needed: Collection[str],
    separator: str = ",",
    comment: str | None = None,
) -> Table | None:
    """The first line that has all the `needed` names, as a header; None when there is none."""
    for line_no, line in enumerate(lines, start=1):
        names = _numbered(split_line(line, separator))
        if set(needed) <= set(names):
            return Table(tuple(names), line_no, separator, comment)
    return None


def headed(content: Content, needed: Collection[str]) -> Table | None:
    """The first line of UTF-8 text as a header; None where it is none, or lacks a `needed` name."""
    try:
        return find_table(content.head_lines("utf-8")[:1], needed)
    except StatementError:
        return None


def first_row(content: Content, table: Table) -> dict[str, str]:
    """The cells below a header on the first line, by name; nothing where there is no row."""
    lines = content.head_lines("utf-8")[1:2]
    return dict(zip(table.header, split_line(lines[0]) if lines else [], strict=False))


def split_line(line: str, separator: str = ",") -> list[str]:
    """The trimmed cells of one line."""
    cells = next(csv.reader([line], delimiter=separator), [])
    return [cell.strip().removeprefix("\ufeff") for cell in cells]


def _numbered(names: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    numbered = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        numbered.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return numbered


def rows(content: Content, table: Table, wanted: Collection[str]) -> pl.LazyFrame:
    """`line_no`, the `wanted` columns trimmed ("" where empty or where the file lacks the column),
    and `complete`, which is false for a row with too few or too many cells.

    Blank lines are no rows. Errors: StatementError for bytes that are not UTF-8, and for a quote
    that is never closed, as in a file that was cut.
    """
    seen = survey(
        content,
        separator=table.separator,
        width=len(table.header),
        header_line=table.header_line,
    )
    odd = seen.odd
    if table.comment is not None:
        odd = odd.filter(_is_row(table, "text"))
    is_blank = odd["text"].str.strip_chars() == ""
    blank, odd = odd.filter(is_blank)["line_no"], odd.filter(~is_blank)
    quotes = odd["text"].str.count_matches('"', literal=True)
    if (quotes % 2 == 1).any():
        cells, odd = _taken_apart(content, table)
    elif not is_well_quoted(odd["text"], table.separator):  # what Polars would refuse the file for
        cells, _ = _taken_apart(content, table, by_line=True)
    else:
        cells = _scanned(content, table, blank)
    named = {name: pl.col(name) if name in table.header else pl.lit("") for name in wanted}
    if seen.padding:  # most files have none, and to strip cells of both costs half a bare read
        named = {name: cell.str.strip_chars(seen.padding) for name, cell in named.items()}
    is_odd = pl.col("line_no").is_in(odd["line_no"].implode())
    return cells.select("line_no", **named, complete=~is_odd if odd.height else pl.lit(value=True))


def _is_row(table: Table, first: str) -> pl.Expr:
    if table.comment is None:
        return pl.lit(value=True)
    return ~pl.col(first).str.starts_with(table.comment).fill_null(value=False)


def _scanned(content: Content, table: Table, blank: pl.Series) -> pl.LazyFrame:
    cells = pl.scan_csv(
        content.scannable,
        has_header=False,
        skip_lines=table.header_line,
        schema=dict.fromkeys([*table.header, _SURPLUS], pl.String()),
        separator=table.separator,
        empty_string_is_null=False,
        truncate_ragged_lines=True,
        missing_columns="insert",
        extra_columns="ignore",
        row_index_name="line_no",
        row_index_offset=table.header_line + 1,
        raise_if_empty=False,
    )
    if table.comment is not None:
        cells = cells.filter(_is_row(table, table.header[0]))
    return cells.filter(~pl.col("line_no").is_in(blank.implode())) if len(blank) else cells


def _cells_of(table: Table) -> Callable[[str], list[str]]:
    def cells(line: str) -> list[str]:
        return next(csv.reader([line.removesuffix("\r")], delimiter=table.separator), [])

    return cells


def _taken_apart(
    content: Content, table: Table, *, by_line: bool = False
) -> tuple[pl.LazyFrame, pl.DataFrame]:
    """Rows and odd lines of a file with line ends inside quotes; a row is where it starts.

    Where no row has more than one line, `by_line`, a quote within a cell is taken as it comes.
    """
    text = b"".join(content.blocks()).decode().split("\n", table.header_line)[-1]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=table.separator, strict=True)
    made: list[tuple[int, list[str]]] = []
    line_no = table.header_line + 1
    try:
        for cells in map(_cells_of(table), text.split("\n")) if by_line else reader:
            is_blank = len(cells) < 2 and not "".join(cells).strip()
            if not is_blank and not (table.comment and cells[0].startswith(table.comment)):
                made.append((line_no, cells))
            line_no = line_no + 1 if by_line else table.header_line + 1 + reader.line_num
    except csv.Error as error:
        raise StatementError(
            f"{content.name}: line {line_no}: {error}; a quote that is not closed means the file "
            "was cut or changed; fetch it again"
        ) from None
    width = len(table.header)
    frame = pl.DataFrame(
        [(number, *(cells + [""] * width)[:width]) for number, cells in made],
        schema={"line_no": pl.UInt32(), **dict.fromkeys(table.header, pl.String())},
        orient="row",
    )
    odd = [(number, "") for number, cells in made if len(cells) != width]
    return frame.lazy(), pl.DataFrame(odd, schema=ODD_LINE, orient="row")
