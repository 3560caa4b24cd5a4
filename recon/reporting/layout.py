"""Where every block stands on its sheet, and how wide every column is."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from recon.errors import ensure
from recon.money import as_texts
from recon.reporting.sheets import Block, Charts, Column, Lines, Sheet, Table
from recon.wording import display_width

MAX_ROWS: Final = 1_048_576  # of a sheet, in Excel
_WIDEST: Final = {"text": 52.0, "wrapped": 60.0, "money": 30.0}
_LABEL_WIDEST: Final = 44.0
_BANNER_WIDTH: Final = 110.0
_USUAL_WIDTH: Final = {"date": 10, "instant": 19, "percent": 7}
_DECIMALS_ADDED: Final = 4  # 1500 is shown as 1,500.00
_NARROWEST: Final = 7.0
_CHINESE_ON_ONE_LINE: Final = 23
_CHINESE_ROOM: Final = 0.8  # of a heading, by the width it is displayed in
_LOST_BY_WRAPPING: Final = 3.0
CHART_ROWS: Final = 15  # the rows a chart covers


@dataclass(frozen=True)
class Place:
    """A block, or a part of a long table, on a sheet. Rows count from 1."""

    block: Block
    tab: str
    row: int  # its title, or its headings where it has no title
    first: int  # its first row of contents
    height: int  # rows of contents; an empty table keeps one
    offset: int = 0  # rows of the table that stand on earlier sheets

    @property
    def last(self) -> int:
        return self.first + self.height - 1

    @property
    def table(self) -> Table | None:
        return self.block if isinstance(self.block, Table) else None


@dataclass(frozen=True)
class Page:
    """One sheet of the finished workbook."""

    tab: str
    heading: str
    nothing: str
    places: tuple[Place, ...]
    continued_on: str = ""  # the sheet on which the main table goes on

    @property
    def main(self) -> Place | None:
        """The table that is filtered and whose headings stay in sight."""
        return next((place for place in self.places if place.table and place.table.main), None)

    @property
    def last_row(self) -> int:
        return max((place.last for place in self.places), default=1)

    @property
    def column_count(self) -> int:
        return max(map(_column_count, (place.block for place in self.places)), default=1)

    @property
    def printed_columns(self) -> int:
        """How many columns are printed: those after the last one that is for paper are not."""
        return max(map(_printed_columns, (place.block for place in self.places)), default=1)

    @cached_property
    def widths(self) -> list[float]:
        """The width of every column, in characters."""
        found = [_NARROWEST] * self.column_count
        for place in self.places:
            for number, width in enumerate(_block_widths(place.block)):
                found[number] = max(found[number], width)
        return found

    @property
    def banner_columns(self) -> int:
        """How many columns a banner covers: about the width of a printed page."""
        total = 0.0
        for number, width in enumerate(self.widths, start=1):
            total += width
            if total >= _BANNER_WIDTH:
                return number
        return self.column_count


def pages(sheets: tuple[Sheet, ...], row_limit: int = MAX_ROWS) -> list[Page]:
    """Place every block; a main table that is too long goes on over sheets "(2)", "(3)", ..."""
    return [page for sheet in sheets for page in _pages_of(sheet, row_limit)]


def _pages_of(sheet: Sheet, row_limit: int) -> Iterator[Page]:
    row = 3 if sheet.heading else 1
    tab, number, places = sheet.title, 1, list[Place]()
    below = sum(_rows_above(block) + _height(block) + 1 for block in sheet.blocks)
    for block in sheet.blocks:
        offset, left = 0, _height(block)
        if isinstance(block, Table) and block.main:
            room = row_limit - row - (below - left)
            ensure(room > 0, f"the totals of {sheet.title} alone are longer than a sheet")
            while left > room:
                places.append(Place(block, tab, row, row + _rows_above(block), room, offset))
                heading = sheet.heading if number == 1 else ""
                offset, left, number = offset + room, left - room, number + 1
                next_tab = f"{sheet.title} ({number})"
                yield Page(tab, heading, sheet.nothing, tuple(places), next_tab)
                row, tab, places = 1, next_tab, []
        places.append(Place(block, tab, row, row + _rows_above(block), left, offset))
        row = places[-1].last + 2
    yield Page(tab, sheet.heading if number == 1 else "", sheet.nothing, tuple(places))


def _rows_above(block: Block) -> int:
    """The rows of a block before its contents: title and headings."""
    if isinstance(block, Table):
        return 1 + bool(block.title)
    if isinstance(block, Lines):
        return bool(block.title) + bool(block.headings)
    return 0


def _height(block: Block) -> int:
    if isinstance(block, Table):
        return max(block.frame.height, 1)
    if isinstance(block, Charts):
        return CHART_ROWS
    return len(block.lines) if isinstance(block, Lines) else 1 + len(block.details)


def _column_count(block: Block) -> int:
    if isinstance(block, Table):
        return len(block.columns)
    if isinstance(block, Lines):
        return 1 + max((len(line.cells) for line in block.lines), default=0)
    return 1


def _printed_columns(block: Block) -> int:
    if not isinstance(block, Table):
        return _column_count(block)
    return max(at for at, column in enumerate(block.columns, start=1) if column.on_paper)


def letter(number: int) -> str:
    """The name of a column, counted from 0: A, B, ... Z, AA."""
    name = ""
    while number >= 0:
        name = chr(ord("A") + number % 26) + name
        number = number // 26 - 1
    return name


def _block_widths(block: Block) -> list[float]:
    if isinstance(block, Table):
        return [_column_width(column, _contents_width(column, block)) for column in block.columns]
    if isinstance(block, Lines):
        labels = [display_width(line.label) + 2 for line in block.lines]
        figures = [
            display_width(str(cell.value)) * 1.2 + 2
            for line in block.lines
            for cell in line.cells
            if cell.kind not in ("text", "wrapped") and cell.value is not None
        ]
        figures += [display_width(heading) + 3 for heading in block.headings[1:]]
        figure = min(max([0, *figures]), _WIDEST["money"])
        return [min(max(labels), _LABEL_WIDEST), *[figure] * (_column_count(block) - 1)]
    return []


def _column_width(column: Column, contents: float) -> float:
    """Wide enough for the contents, and for the heading beside its filter button."""
    heading = _heading_width(column.title)
    if column.width:
        return max(column.width, heading)
    room = min(contents + 3, _WIDEST.get(column.kind, _WIDEST["text"]))
    return max(room, heading, _NARROWEST)


def _heading_width(title: str) -> float:
    """The width a heading needs: English on two lines, Chinese on one where it is not too long, for
    it breaks anywhere, and would leave a bracket alone on the second."""
    words = title.split()
    if not title.isascii() and display_width(title) <= _CHINESE_ON_ONE_LINE:
        return display_width(title) * _CHINESE_ROOM + 2
    if len(words) < 2:
        return display_width(title) + 5
    splits = ((" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words)))
    return min(max(map(display_width, lines)) for lines in splits) + 5


def _contents_width(column: Column, table: Table) -> float:
    """The room the widest cell of a column takes; a null takes none. An id below another table
    runs over the empty cells to its right, so that it widens nothing above it."""
    if column.width or not (column.on_paper or table.main):
        return 0
    if column.kind in _USUAL_WIDTH:
        return _USUAL_WIDTH[column.kind]
    cells = table.frame[column.name]
    texts = as_texts(cells) if cells.dtype.is_decimal() else cells.to_list()
    room = _ROOM.get(column.kind, room_of)
    return max((room(str(text)) for text in texts if text is not None), default=0)


def _amount_room(digits: str) -> int:
    whole = digits.partition(".")[0].removeprefix("-")
    return len(digits) + len(whole) // 4 + _DECIMALS_ADDED


def room_of(text: str) -> int:
    """`display_width`, quickly and near enough: a Chinese character is three bytes, two wide."""
    length = len(text)
    return length if text.isascii() else length + (len(text.encode()) - length) // 2


def _link_room(path: str) -> int:
    return room_of(path.rpartition("/")[2])


_ROOM: Final[Mapping[str, Callable[[str], int]]] = {"money": _amount_room, "link": _link_room}


def lines_wrapped(text: str, room: float) -> int:
    """How many lines a sentence takes, near enough; where it wraps, half a word of room is lost."""
    taken = room_of(text)
    if taken > room:
        room -= _LOST_BY_WRAPPING
    return math.ceil(taken / room) + text.count("\n")


def lines_needed(text: str, width: float) -> int:
    """How many lines a heading takes, wrapped at words, beside the button of its filter."""
    room = max(int(width) - 4, 1)
    lines, used = 1, 0
    for word in text.split():
        taken = display_width(word)
        if used and used + 1 + taken > room:
            lines, used = lines + 1, 0
        used += taken + bool(used)
        lines, used = lines + (used - 1) // room, (used - 1) % room + 1
    return lines
