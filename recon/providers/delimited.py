"""Delimited text with a header: columns found by name, every row with exactly the header's cells.

Polars cannot tell a cell that is missing from one that is empty, and reads a short row as if the
rest were blank. So the cells of each line are counted by a pattern first; the few lines that do not
fit are defects. Quoted cells that hold a line end make rows of several lines: such files, which are
rare, are taken apart by Python's csv module, so that line numbers stay those of the file.
"""

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from recon.errors import StatementError
from recon.providers.contract import Content

_SURPLUS = "after the last cell"
_NEVER = "\x01"  # a separator that no text has: the line is one cell


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
    try:
        odd = _odd_lines(content, table)
    except pl.exceptions.ComputeError as error:
        raise StatementError(
            f"{content.name}: cannot be read as UTF-8 ({str(error).splitlines()[0]}); was the file "
            "opened and saved by another program? Fetch the original again"
        ) from None
    is_blank = odd["text"].str.strip_chars() == ""
    blank, odd = odd.filter(is_blank)["line_no"], odd.filter(~is_blank)
    quotes = odd["text"].str.count_matches('"', literal=True)
    if (quotes % 2 == 1).any():
        cells, odd = _taken_apart(content, table)
    else:
        cells = _scanned(content, table, blank)
    is_odd = pl.col("line_no").is_in(odd["line_no"].implode())
    named = {
        name: pl.col(name).str.strip_chars(" \t").fill_null("")
        if name in table.header
        else pl.lit("")
        for name in wanted
    }
    return cells.select("line_no", **named, complete=~is_odd if odd.height else pl.lit(value=True))


def _is_row(table: Table, first: str) -> pl.Expr:
    if table.comment is None:
        return pl.lit(value=True)
    return ~pl.col(first).str.starts_with(table.comment).fill_null(value=False)


def _odd_lines(content: Content, table: Table) -> pl.DataFrame:
    """The lines that do not have exactly as many cells as the header, blank ones among them:
    line_no, text.

    Where no cell is quoted, counting separators is enough, and where all are, counting what is
    between them; both are several times as fast as the pattern, which judges the lines that mix.
    """
    width = len(table.header)
    cell = rf'(?:[ \t]*"(?:[^"]|"")*"[ \t]*|[^{table.separator}"]*)'
    pattern = rf"^{cell}(?:{table.separator}{cell}){{{width - 1}}}\r?$"
    text = pl.col("text")
    separators = text.str.count_matches(table.separator, literal=True)
    is_odd = (separators != width - 1) | (text == "")
    lines = _lines(content, table).filter(_is_row(table, "text"))
    if isinstance(content.scannable, bytes) and b'"' not in content.scannable:
        return lines.filter(is_odd).collect(engine="streaming")
    is_quoted = text.str.contains('"', literal=True)
    is_mixed = is_quoted & ~_is_quoted_throughout(text, table.separator, width)
    plain, mixed = pl.collect_all(
        [lines.filter(~is_quoted, is_odd), lines.select(is_mixed.any())], engine="streaming"
    )
    if not mixed.item():
        return plain
    unfit = lines.filter(is_mixed & ~text.str.contains(pattern))
    return pl.concat([plain, unfit.collect(engine="streaming")]).sort("line_no")


def _is_quoted_throughout(text: pl.Expr, separator: str, width: int) -> pl.Expr:
    """Whether a line has `width` cells that all are quoted, with no further quote in them.

    Its first and last quote, and two around each separator, are then all the quotes there are.
    """
    between = f'"{separator}"'
    ends = text.str.starts_with('"') & text.str.ends_with('"')
    ends_are_cells = ~text.str.starts_with(between) & ~text.str.ends_with(between)
    quotes = text.str.count_matches('"', literal=True)
    inner = text.str.count_matches(between, literal=True)
    return ends & ends_are_cells & (quotes == 2 * width) & (inner == width - 1)


def _lines(content: Content, table: Table) -> pl.LazyFrame:
    return pl.scan_csv(
        content.scannable,
        has_header=False,
        skip_lines=table.header_line,
        schema={"text": pl.String()},
        separator=_NEVER,
        quote_char=None,
        empty_string_is_null=False,
        row_index_name="line_no",
        row_index_offset=table.header_line + 1,
        raise_if_empty=False,
    )


def _scanned(content: Content, table: Table, blank: pl.Series) -> pl.LazyFrame:
    cells = pl.scan_csv(
        content.scannable,
        has_header=False,
        skip_lines=table.header_line,
        schema=dict.fromkeys([*table.header, _SURPLUS], pl.String()),
        separator=table.separator,
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


def _taken_apart(content: Content, table: Table) -> tuple[pl.LazyFrame, pl.DataFrame]:
    """Rows and odd lines of a file with line ends inside quotes; a row is where it starts."""
    scannable = content.scannable
    if isinstance(scannable, str):
        lines = _lines(content, table).collect()["text"].to_list()
        text = "\n".join(lines)
    else:
        text = scannable.decode("utf-8").split("\n", table.header_line)[-1]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=table.separator, strict=True)
    made: list[tuple[int, list[str]]] = []
    line_no = table.header_line + 1
    try:
        for cells in reader:
            if any(cells) and not (table.comment and cells[0].startswith(table.comment)):
                made.append((line_no, cells))
            line_no = table.header_line + 1 + reader.line_num
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
    schema = {"line_no": pl.UInt32(), "text": pl.String()}
    return frame.lazy(), pl.DataFrame(odd, schema=schema, orient="row")
