"""The lines of delimited text that do not have the cells of the header, found in the bytes.

A block of lines is looked at as a whole, with a truth value for each of its bytes: whether quotes
are beside separators and line ends, and whether the separators, quotes and line ends alone, which
are its skeleton, are those of rows. Only in the few blocks where this does not tell are lines
judged one by one.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from recon.errors import StatementError
from recon.providers.contract import Content

ODD_LINE: Final = {"line_no": pl.UInt32(), "text": pl.String()}


@dataclass(frozen=True)
class Survey:
    """What the lines below a header look like.

    `odd` is ODD_LINE: those that do not have exactly the cells of the header, blank ones among
    them. `padding`: what cells may begin or end with of blank and tab; none does with another.
    """

    odd: pl.DataFrame
    padding: str


def survey(content: Content, *, separator: str, width: int, header_line: int) -> Survey:
    """Look at all lines below `header_line`, each of which should have `width` cells.

    Errors: StatementError for bytes that are not UTF-8, with their line.
    """
    row = _row(separator, f"{{{width - 1}}}")
    found = []
    padding = ""
    line_no = header_line + 1
    for block in _below(content, header_line):
        try:
            text = pl.Series("text", [block], dtype=pl.Binary).cast(pl.String)
        except pl.exceptions.ComputeError:
            raise _not_utf8(content, block, line_no) from None
        marks = Marks(block, text, separator)
        # A blank line has as many cells as any other where there is but one.
        if width == 1 or not (marks.are_rows(row) or are_rows(text, row)):
            found.append(_odd_lines(text, row, line_no))
        padding += marks.padding(set(" \t").difference(padding))
        line_no += marks.line_count
    return Survey(pl.concat(found) if found else pl.DataFrame(schema=ODD_LINE), padding)


def is_well_quoted(texts: pl.Series, separator: str) -> bool:
    """Whether every quote is around a cell, or doubled within one, however many cells there are."""
    return bool(texts.str.contains(rf"^{_row(separator, '*')}$").all())


def are_rows(text: pl.Series, row: str) -> bool:
    """Whether all lines of a block, which is the one of a series, are as the pattern says."""
    return bool(text.str.contains(rf"^(?:{row}\r?\n)*$")[0])


class Marks:
    """The separators, quotes and line ends of a block of whole lines."""

    def __init__(self, block: bytes, text: pl.Series, separator: str) -> None:
        """Of the bytes, which are also the one text of a series."""
        lines = text.str.replace_all("\r\n", "\n", literal=True) if b"\r" in block else text
        self._has_quotes: Final = b'"' in block
        self._bytes: Final[pl.Series] = lines.cast(pl.Binary).cast(pl.List(pl.UInt8))[0]
        self._is_edge: Final = (self._bytes == ord(separator)) | (self._bytes == ord("\n"))
        self._is_quote: Final = self._bytes == ord('"')
        self._is_mark: Final = self._is_edge | self._is_quote if self._has_quotes else self._is_edge
        skeleton = pl.Series([self._bytes.filter(self._is_mark)])
        self._skeleton: Final[bytes] = skeleton.cast(pl.Binary)[0]
        self.line_count: Final = self._skeleton.count(b"\n")

    def are_rows(self, row: str) -> bool:
        """Whether all lines are as the pattern says; false, too, where these marks do not tell:
        where a quote is doubled, or beside a separator that is within quotes."""
        if not self._are_quotes_around_cells():
            return False
        first = self._skeleton[: self._skeleton.find(b"\n") + 1]
        if self._skeleton == first * self.line_count:  # as those of the usual file
            return re.fullmatch(row, first[:-1].decode()) is not None
        return are_rows(pl.Series([self._skeleton.decode()]), row)

    def start_with(self, start: str) -> bool:
        """Whether all lines start so."""
        is_end = self._bytes == ord("\n")
        for offset, code in enumerate(start.encode()):
            below = self._bytes.slice(offset + 1).filter(is_end.slice(0, len(is_end) - offset - 1))
            if self._bytes[offset] != code or (below != code).any():
                return False
        return True

    def padding(self, asked: Collection[str]) -> str:
        """Which of the blanks `asked` for is beside a separator, a quote or a line end."""
        return "".join(blank for blank in sorted(asked) if self._is_beside(ord(blank)))

    def _is_beside(self, blank: int) -> bool:
        is_blank = self._bytes == blank
        if not is_blank.any():
            return False
        before, after = _beside(self._is_mark)
        return bool((is_blank & (before | after)).any())

    def _are_quotes_around_cells(self) -> bool:
        """Whether the first quote, the third and so on are after an edge, and only the others
        before one: then what is between two edges is either within quotes or has none."""
        if not self._has_quotes:
            return True
        before, after = _beside(self._is_edge)
        opens, closes = before.filter(self._is_quote), after.filter(self._is_quote)
        in_turn = opens.slice(1) != opens.slice(0, len(opens) - 1)
        return bool(opens[0] and in_turn.all() and (opens != closes).all())


def _beside(flags: pl.Series) -> tuple[pl.Series, pl.Series]:
    """What is told of the byte before each, and of the one after it; a line end is around all."""
    end = pl.Series([True])
    before = end.clone().append(flags.slice(0, len(flags) - 1)).rechunk()
    return before, flags.slice(1).append(end).rechunk()


def _row(separator: str, more: str) -> str:
    """A line of a cell and `more` of them."""
    mark = re.escape(separator)
    cell = rf'(?:[ \t]*"(?:[^"\n]|"")*"[ \t]*|[^{mark}"\n]*)'
    return rf"{cell}(?:{mark}{cell}){more}"


def _odd_lines(text: pl.Series, row: str, line_no: int) -> pl.DataFrame:
    """ODD_LINE of a block whose first line has this number."""
    line = pl.col("text")
    return (
        text.str.strip_suffix("\n")
        .str.split("\n")
        .explode()
        .str.strip_suffix("\r")
        .to_frame()
        .with_row_index("line_no", offset=line_no)
        .filter(~line.str.contains(rf"^{row}$") | (line.str.strip_chars() == ""))
    )


def _below(content: Content, header_line: int) -> Iterator[bytes]:
    """Blocks of whole lines, each with its line end, below the header."""
    above = header_line
    for block in content.blocks():
        lines = block
        while above and lines:
            lines = lines.partition(b"\n")[2]
            above -= 1
        if lines:
            yield lines if lines.endswith(b"\n") else lines + b"\n"


def _not_utf8(content: Content, block: bytes, line_no: int) -> StatementError:
    try:
        block.decode()
    except UnicodeDecodeError as error:
        line_no += block.count(b"\n", 0, error.start)
    return StatementError(
        f"{content.name}, line {line_no}: cannot be read as UTF-8; was the file opened and "
        "saved by another program? Fetch the original again"
    )
