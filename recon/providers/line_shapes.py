"""The lines of delimited text that do not have the cells of the header, found in the bytes.

A block of lines is looked at as a whole: taking away all but separators, quotes and line ends
leaves its skeleton, and that of plain rows is known; where there are quotes, one pattern is held
against all of its lines. Only in the few blocks that do not fit are lines judged one by one.
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
    lines = _Lines(separator, width)
    found = []
    padding = ""
    line_no = header_line + 1
    for block in _below(content, header_line):
        try:
            text = pl.Series("text", [block], dtype=pl.Binary).cast(pl.String)
        except pl.exceptions.ComputeError:
            raise _not_utf8(content, block, line_no) from None
        if b'"' in block and lines.are_tidy(text):  # told by one look instead of three
            line_no += block.count(b"\n")
            continue
        skeleton = lines.skeleton(block)
        if not lines.are_whole(skeleton, text):
            found.append(lines.odd_lines(text, line_no))
        padding += lines.padding(block, text, set(" \t").difference(padding))
        line_no += skeleton.count(b"\n")
    return Survey(pl.concat(found) if found else pl.DataFrame(schema=ODD_LINE), padding)


def is_well_quoted(texts: pl.Series, separator: str) -> bool:
    """Whether every quote is around a cell, or doubled within one, however many cells there are."""
    return bool(texts.str.contains(rf"^{_row(separator, '*')}$").all())


def _row(separator: str, more: str) -> str:
    """A line of a cell and `more` of them."""
    mark = re.escape(separator)
    cell = rf'(?:[ \t]*"(?:[^"\n]|"")*"[ \t]*|[^{mark}"\n]*)'
    return rf"{cell}(?:{mark}{cell}){more}"


def _tidy_row(separator: str, width: int) -> str:
    """A line of that many cells none of which begins or ends with a blank."""
    mark = re.escape(separator)
    quoted, end_of_quoted = r'(?:[^"\n]|"")', r'(?:[^"\n\r \t]|"")'
    bare, end_of_bare = rf'[^{mark}"\n]', rf'[^{mark}"\n\r \t]'
    cell = (
        rf'(?:"(?:{end_of_quoted}(?:{quoted}*{end_of_quoted})?)?"'
        rf"|(?:{end_of_bare}(?:{bare}*{end_of_bare})?)?)"
    )
    return rf"{cell}(?:{mark}{cell}){{{width - 1}}}"


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


class _Lines:
    """What the lines of one table have to look like; `text` is a block as the one of a series."""

    def __init__(self, separator: str, width: int) -> None:
        row = _row(separator, f"{{{width - 1}}}")
        cut, mark = separator.encode(), re.escape(separator)
        self._content: Final = bytes(set(range(256)) - set(cut + b'"\n'))
        self._plain: Final = cut * (width - 1)
        self._row: Final = rf"^{row}$"
        self._rows: Final = rf"^(?:{row}\r?\n)*$"
        self._tidy_rows: Final = rf"^(?:{_tidy_row(separator, width)}\r?\n)*$"
        self._beside: Final = rf'{{0}}[{mark}"\r\n]|[{mark}"\n]{{0}}'

    def skeleton(self, block: bytes) -> bytes:
        """The separators, quotes and line ends of a block, and nothing else."""
        return block.translate(None, self._content)

    def are_tidy(self, text: pl.Series) -> bool:
        """Whether all lines have the cells of the header, and no cell is padded."""
        return bool(self._plain) and bool(text.str.contains(self._tidy_rows)[0])

    def are_whole(self, skeleton: bytes, text: pl.Series) -> bool:
        """Whether all lines have the cells of the header and none of them is blank."""
        if not self._plain:  # a blank line has as many cells as any other
            return False
        if b'"' in skeleton:
            return bool(text.str.contains(self._rows)[0])
        return skeleton == (self._plain + b"\n") * skeleton.count(b"\n")

    def odd_lines(self, text: pl.Series, line_no: int) -> pl.DataFrame:
        """ODD_LINE of a block whose first line has this number."""
        line = pl.col("text")
        return (
            text.str.strip_suffix("\n")
            .str.split("\n")
            .explode()
            .str.strip_suffix("\r")
            .to_frame()
            .with_row_index("line_no", offset=line_no)
            .filter(~line.str.contains(self._row) | (line.str.strip_chars() == ""))
        )

    def padding(self, block: bytes, text: pl.Series, asked: Collection[str]) -> str:
        """Which of the blanks `asked` for is beside a separator, a quote or a line end."""
        return "".join(
            blank
            for blank in sorted(asked)
            if (code := blank.encode()) in block
            and (block.startswith(code) or text.str.contains(self._beside.format(blank))[0])
        )
