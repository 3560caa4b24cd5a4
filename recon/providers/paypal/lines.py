"""The lines of PayPal's reports, told apart: header and footer lines, rows, and what is neither.

Polars cannot tell a cell that is missing from one that is empty, so the cells are counted in the
lines as they are, a block of rows at a time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from recon.providers.contract import Content
from recon.providers.line_shapes import Marks, are_rows

HEADER_TYPES = ("RH", "FH", "SH", "CH")
FOOTER_TYPES = ("SF", "SC", "RF", "RC", "FF")
ROW_TYPE = "SB"


@dataclass(frozen=True)
class Record:
    """A header or footer line, with its physical line number."""

    line_no: int
    cells: tuple[str, ...]

    @property
    def type(self) -> str:
        return self.cells[0]

    def cell(self, position: int) -> str:
        return self.cells[position].strip() if position < len(self.cells) else ""


def all_lines(source: bytes | str) -> pl.LazyFrame:
    """Physical lines from 1, without their line ends: line_no, text."""
    return pl.scan_lines(
        source, name="text", row_index_name="line_no", row_index_offset=1, glob=False
    )


def other_lines(content: Content, separator: str) -> pl.DataFrame:
    """The lines that are not rows with the cells of the CH line above them: line_no, text.

    Blocks of such rows are passed over as a whole, with a look at their separators and quotes.
    """
    found = [pl.DataFrame(schema={"line_no": pl.UInt32(), "text": pl.String()})]
    cell_count, line_no = 0, 1
    for block in content.blocks():
        text = pl.Series("text", [block], dtype=pl.Binary).cast(pl.String)
        marks = Marks(block, text, separator)
        if cell_count == 0 or not _are_rows(text, marks, cell_count, separator):
            lines = text.str.strip_suffix("\n").str.split("\n").explode().str.strip_suffix("\r")
            numbered = lines.to_frame().with_row_index("line_no", offset=line_no)
            headers = numbered.filter(is_of_type(("CH",), separator))
            if headers.height:
                cell_count = len(record_of(line_no, headers["text"][-1], separator).cells)
            elif cell_count:
                numbered = numbered.filter(~has_cells(cell_count, separator))
            found.append(numbered)
        line_no += marks.line_count
    return pl.concat(found, rechunk=True)


def _are_rows(text: pl.Series, marks: Marks, cell_count: int, separator: str) -> bool:
    """Whether all lines of a block, which is the one text of the series, are rows."""
    cell = _cell_pattern(separator)
    cells = rf"{cell}(?:{separator}{cell}){{{cell_count - 1}}}"
    if any(marks.start_with(start) for start in _row_starts(separator)) and marks.are_rows(cells):
        return True
    return are_rows(text, _row_pattern(cell_count, separator))


def record_of(line_no: int, text: str, separator: str) -> Record:
    found = re.findall(
        rf'(?:^|{separator})(?:"((?:[^"]|"")*)"|([^{separator}]*))', text.removeprefix("\ufeff")
    )
    return Record(line_no, tuple(quoted.replace('""', '"') or plain for quoted, plain in found))


def _row_starts(separator: str) -> tuple[str, str]:
    return f'"{ROW_TYPE}"{separator}', f"{ROW_TYPE}{separator}"


def is_row(separator: str) -> pl.Expr:
    return pl.any_horizontal(
        pl.col("text").str.starts_with(start) for start in _row_starts(separator)
    )


def is_of_type(types: Sequence[str], separator: str) -> pl.Expr:
    return pl.col("text").str.contains(rf'^\ufeff?"?(?:{"|".join(types)})"?(?:{separator}|$)')


def well_formed(separator: str) -> str:
    """The pattern of a record, whose quoted cells may hold line ends."""
    cell = rf'(?:"(?:[^"]|"")*"|[^"\n{separator}]*)'
    return rf"^\ufeff?{cell}(?:{separator}{cell})*$"


def has_cells(count: int, separator: str) -> pl.Expr:
    """Whether a line is a row of as many cells."""
    return pl.col("text").str.contains(rf"^{_row_pattern(count, separator)}$")


def _row_pattern(cell_count: int, separator: str) -> str:
    cell = _cell_pattern(separator)
    return rf'"?{ROW_TYPE}"?(?:{separator}{cell}){{{cell_count - 1}}}'


def _cell_pattern(separator: str) -> str:
    """One cell on one line: quoted, with quotes inside doubled, or plain, with no quote."""
    return rf'(?:"(?:[^"\n]|"")*"|[^"\n{separator}]*)'
