"""Where every block stands, so that formulas can name cells, and how wide every column is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from string import Formatter
from typing import Final

import polars as pl

from recon.money import EXPONENT, to_text
from recon.reporting.sheets import Block, Column, CountOf, Formula, Lines, Sheet, SumOf, Table

MAX_ROWS: Final = 1_048_576  # of a sheet, in Excel
MAX_EXACT_DIGITS: Final = 15  # a spreadsheet computes in binary; longer amounts are written as text
_FIXED_PLACES: Final = 4  # currencies with more decimals show the digits they have, at least two
_WIDEST: Final = {"text": 38.0, "wrapped": 60.0, "money": 30.0}
_NARROWEST: Final = 7.0
_LABEL_WIDEST: Final = 44.0
_BANNER_WIDTH: Final = 110.0
_SEPARATOR: Final = "\x1f"


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
            while left > room:
                places.append(Place(block, tab, row, row + _rows_above(block), room, offset))
                yield Page(tab, sheet.heading if number == 1 else "", sheet.nothing, tuple(places))
                offset, left, number = offset + room, left - room, number + 1
                row, tab, places = 1, f"{sheet.title} ({number})", []
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
    return len(block.lines) if isinstance(block, Lines) else 1 + len(block.details)


def _column_count(block: Block) -> int:
    if isinstance(block, Table):
        return len(block.columns)
    if isinstance(block, Lines):
        return 1 + max((len(line.cells) for line in block.lines), default=0)
    return 1


def letter(number: int) -> str:
    """The name of a column, counted from 0: A, B, ... Z, AA."""
    name = ""
    while number >= 0:
        name = chr(ord("A") + number % 26) + name
        number = number // 26 - 1
    return name


class Addresses:
    """Turns formulas into the words of a spreadsheet, knowing where every table stands."""

    def __init__(self, placed: list[Page]) -> None:
        self._tables: dict[str, Table] = {}
        self._places: dict[str, list[Place]] = {}
        for place in (place for page in placed for place in page.places):
            if place.table:
                self._tables[place.table.name] = place.table
                self._places.setdefault(place.table.name, []).append(place)

    def resolve(self, formula: Formula, cell: Callable[[str], str]) -> str:
        """The formula without its equals sign; `cell` gives the address of a `{name}`."""
        if isinstance(formula, str):
            return formula.format_map({name: cell(name) for name in names_in(formula)})
        return "+".join(self._total(formula, place, cell) for place in self._places[formula.table])

    def _total(self, sum_of: SumOf, place: Place, cell: Callable[[str], str]) -> str:
        table = self._tables[sum_of.table]
        target = _range(place, table, sum_of.column)
        conditions = [
            f"{_range(place, table, column)},{_criterion(wanted, cell)}"
            for column, wanted in sum_of.where.items()
        ]
        if isinstance(sum_of, CountOf):
            return _call("COUNTIFS", target, '"<>"', *conditions)
        return _call("SUMIFS" if conditions else "SUM", target, *conditions)

    def sums_long_amounts(self, sum_of: SumOf, rows: pl.DataFrame) -> pl.Series:
        """Per row of `rows` (the columns a condition names): would it add up an inexact cell?"""
        frame = self._tables[sum_of.table].frame
        if isinstance(sum_of, CountOf) or frame.height == 0:
            return pl.repeat(value=False, n=rows.height, eager=True)
        long = frame.filter(is_long(pl.col(sum_of.column)))
        if not sum_of.where:
            return pl.repeat(long.height > 0, n=rows.height, eager=True)
        keys = long.select(pl.concat_str(list(sum_of.where), separator=_SEPARATOR)).to_series()
        wanted = [
            pl.col(names_in(text)[0]) if names_in(text) else pl.lit(text)
            for text in sum_of.where.values()
        ]
        key = pl.concat_str(wanted, separator=_SEPARATOR)
        return rows.select(key.is_in(keys.implode()).fill_null(value=False)).to_series()


def _call(function: str, *arguments: str) -> str:
    return f"{function}({','.join(arguments)})"


def _range(place: Place, table: Table, column: str) -> str:
    at = letter([other.name for other in table.columns].index(column))
    tab = place.tab.replace("'", "''")
    return f"'{tab}'!${at}${place.first}:${at}${place.last}"


def _criterion(wanted: str, cell: Callable[[str], str]) -> str:
    names = names_in(wanted)
    return cell(names[0]) if names else '"' + wanted.replace('"', '""') + '"'


def names_in(formula: str) -> list[str]:
    """The `{name}`s of a formula, each once."""
    found = (name for _, name, _, _ in Formatter().parse(formula) if name)
    return list(dict.fromkeys(found))


def is_long(amount: pl.Expr) -> pl.Expr:
    """True for an amount with more significant digits than a spreadsheet can hold exactly."""
    digits = to_text(amount).str.replace_all(r"[-.]", "").str.strip_chars("0")
    return (digits.str.len_bytes() > MAX_EXACT_DIGITS).fill_null(value=False)


def fixed_places(currency: pl.Expr) -> pl.Expr:
    """The decimals every amount of a currency shows; a token of many shows two and what it has."""
    shown = {code: places if places <= _FIXED_PLACES else 2 for code, places in EXPONENT.items()}
    return currency.replace_strict(shown, default=0, return_dtype=pl.Int64).fill_null(0)


def decimals(amount: pl.Expr) -> pl.Expr:
    """The decimals an amount really has."""
    return to_text(amount).str.extract(r"\.(\d+)$").str.len_bytes().fill_null(0).cast(pl.Int64)


def widths(page: Page) -> list[float]:
    """The width of every column of a page, in characters."""
    found = [_NARROWEST] * page.column_count
    for place in page.places:
        for number, width in enumerate(_block_widths(place.block)):
            found[number] = max(found[number], width)
    return found


def banner_columns(page: Page) -> int:
    """How many columns a banner covers: about the width of a page."""
    total = 0.0
    for number, width in enumerate(widths(page), start=1):
        total += width
        if total >= _BANNER_WIDTH:
            return number
    return page.column_count


def _block_widths(block: Block) -> list[float]:
    if isinstance(block, Table):
        return [_column_width(column, block.frame) for column in block.columns]
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


def _column_width(column: Column, frame: pl.DataFrame) -> float:
    """Wide enough for the contents and for the longest word of the heading."""
    words = column.title.split() if column.title.isascii() else [column.title[:7]]
    heading = max(map(display_width, words)) + 3
    if column.width:
        return max(column.width, heading)
    contents = {"date": 11.0, "instant": 20.0, "percent": 9.0}.get(column.kind, 0.0)
    if contents == 0 and frame.height:
        contents = 2 + float(frame.select(_cell_width(column).max()).item() or 0)
    return max(min(contents, _WIDEST.get(column.kind, 38.0)), heading, _NARROWEST)


def _cell_width(column: Column) -> pl.Expr:
    cell = pl.col(column.name)
    if column.kind == "money":
        text = to_text(cell).str.len_bytes()
        separators = cell.truncate(0).cast(pl.String).str.extract(r"^-?(\d+)").str.len_bytes() // 4
        return text + separators + fixed_places(pl.col(column.currency)) + 1
    text = cell.cast(pl.String)
    return text.str.len_chars() + (text.str.len_bytes() - text.str.len_chars()) // 2


def display_width(text: str) -> int:
    """The room a text takes, in narrow characters: a Chinese character takes two."""
    return sum(1 if ord(character) < 0x1100 else 2 for character in text)
