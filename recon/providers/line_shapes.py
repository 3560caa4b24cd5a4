"""The lines of delimited text that do not have the cells of the header, found in the bytes.

Taking away every byte but separators, quotes and line ends leaves the shape of a block of lines.
Where that is the shape of plain rows, or of rows whose cells are all quoted, nothing more is looked
at, which costs a tenth of parsing; in the few other blocks lines are judged one by one.
"""

import re
from collections.abc import Iterator
from typing import Final

import polars as pl

from recon.errors import StatementError
from recon.providers.contract import Content

ODD_LINE: Final = {"line_no": pl.UInt32(), "text": pl.String()}


def odd_lines(content: Content, *, separator: str, width: int, header_line: int) -> pl.DataFrame:
    """ODD_LINE: the lines below `header_line` that do not have exactly `width` cells, blank ones
    among them.

    Errors: StatementError for bytes that are not UTF-8, with their line.
    """
    shapes = _Shapes(separator, width)
    found: list[tuple[int, str]] = []
    line_no = header_line + 1
    for block in _below(content, header_line):
        try:
            if not block.isascii():
                block.decode()
        except UnicodeDecodeError as error:
            at = line_no + block.count(b"\n", 0, error.start)
            raise StatementError(
                f"{content.name}, line {at}: cannot be read as UTF-8; was the file opened and "
                "saved by another program? Fetch the original again"
            ) from None
        count, odd = shapes.odd_lines(block)
        found += ((line_no + place, text) for place, text in odd)
        line_no += count
    return pl.DataFrame(found, schema=ODD_LINE, orient="row")


def is_well_quoted(texts: pl.Series, separator: str) -> bool:
    """Whether every quote is around a cell, or doubled within one, however many cells there are."""
    return bool(texts.str.contains(_pattern(separator, "*")).all())


def _pattern(separator: str, more: str) -> str:
    """A line of a cell and `more` of them."""
    mark = re.escape(separator)
    cell = rf'(?:[ \t]*"(?:[^"]|"")*"[ \t]*|[^{mark}"]*)'
    return rf"^{cell}(?:{mark}{cell}){more}$"


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


class _Shapes:
    """The shapes of the lines of one table; those that were judged are remembered."""

    def __init__(self, separator: str, width: int) -> None:
        more = width - 1
        self._pattern: Final = _pattern(separator, f"{{{more}}}")
        self._width: Final = width
        cut = separator.encode()
        self._content: Final = bytes(set(range(256)) - set(cut + b'"\n'))
        self._between: Final = b'"' + cut + b'"'
        self._plain: Final = cut * more
        mark = re.escape(cut)
        self._quoted: Final = re.compile(b'""(?:%b"(?:%b)*"){%d}' % (mark, mark, more))

    def odd_lines(self, block: bytes) -> tuple[int, list[tuple[int, str]]]:
        """How many lines there are, and those that are not whole with their places in the block."""
        skeleton = block.translate(None, self._content)
        count = skeleton.count(b"\n")
        if self._plain and skeleton == (self._plain + b"\n") * count:
            return count, []
        shapes = skeleton.split(b"\n")
        is_quoted = all(map(self._quoted.fullmatch, set(shapes[:count])))
        if is_quoted and self._is_tight(block, count):
            return count, []
        lines = block.split(b"\n")
        doubtful = [
            place
            for place in range(count)
            if shapes[place] != self._plain or not lines[place].strip()
        ]
        texts = pl.Series([lines[place].decode() for place in doubtful], dtype=pl.String)
        odd = zip(doubtful, texts, self._are_whole(texts), strict=True)
        return count, [(place, text.removesuffix("\r")) for place, text, whole in odd if not whole]

    def _is_tight(self, block: bytes, count: int) -> bool:
        """Whether in `count` lines of quoted shapes each quote is beside a separator or an end:
        then what is between two of them is a cell.

        Each separator between cells must have its quotes. Those of a cell that is nothing but a
        separator look the same, but share a quote with the separators beside the cell, so that they
        cannot make up for one without; only in a last cell they could.
        """
        line_end = b'"\r\n"' if b"\r" in block else b'"\n"'
        return (
            block.startswith(b'"')
            and block.endswith(line_end[:-1])
            and block.count(line_end) + 1 == count
            and block.count(self._between) == count * (self._width - 1)
            and self._between + line_end[1:-1] not in block
        )

    def _are_whole(self, texts: pl.Series) -> list[bool]:
        """Whether lines have the cells of the header. Where all are quoted and no quote is within,
        which counting what is between them tells, the pattern, five times as slow, is not asked."""
        between = self._between.decode()
        text = pl.col("text")
        ends = text.str.starts_with('"') & text.str.ends_with('"')
        ends_are_cells = ~text.str.starts_with(between) & ~text.str.ends_with(between)
        quotes = text.str.count_matches('"', literal=True)
        inner = text.str.count_matches(between, literal=True)
        is_quoted = ends & ends_are_cells & (quotes == 2 * self._width) & (inner == self._width - 1)
        judged = texts.str.strip_suffix("\r").to_frame("text").with_columns(whole=is_quoted)
        if not judged["whole"].all():
            by_pattern = text.str.contains(self._pattern) & (text.str.strip_chars() != "")
            judged = judged.with_columns(whole=pl.col("whole") | by_pattern)
        return judged["whole"].to_list()
