"""The rows of a sheet as XML: tables, lines and banners, each where the layout put it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import repeat
from typing import Any, Final, NamedTuple, TypeAlias
from xml.sax.saxutils import escape

import polars as pl

from recon.io.cells import (
    Role,
    Style,
    StyleIds,
    begins_like_formula,
    blank_cell,
    formula_cell,
    link_cell,
    number_cell,
    number_text,
    text_cell,
)
from recon.money import as_text, as_texts
from recon.reporting.addresses import Addresses, decimals, fixed_places, is_long, names_in
from recon.reporting.layout import Page, Place, letter, lines_needed, lines_wrapped
from recon.reporting.sheets import Banner, Cell, Column, Line, Lines, SumOf, Table, Workbook
from recon.wording import display_width

_ROWS_AT_ONCE: Final = 10_000
_LINE_HEIGHT: Final = 16.5  # of headings and sentences, in points
_PADDING: Final = 4.0
_LETTERS_PER_WIDTH: Final = 1.1  # running text is narrower than the digits a width is measured in
_HIGHEST: Final = 409.0  # Excel's limit for a row


def draw(page: Page, addresses: Addresses, style_id: StyleIds, workbook: Workbook) -> Iterator[str]:
    """The `<row>` elements of a page, in chunks.

    Every style is asked for before the first chunk is made, so that styles can be written first.
    """
    parts: list[Iterator[str]] = []
    if page.heading:
        cell = text_cell("A1", page.heading, style_id(Style("heading")))
        parts.append(iter([_rows([_Row(1, [cell], 26.0)])]))
    for place in page.places:
        block = place.block
        if isinstance(block, Table):
            parts.append(_TableRows(place, block, addresses, style_id, workbook).draw(page))
        elif isinstance(block, Lines):
            rows = _LineRows(place, block, addresses, style_id).draw()
            parts.append(iter([_rows(rows)]))
        elif isinstance(block, Banner):
            parts.append(iter([_rows(_draw_banner(place, block, page, style_id))]))
    return (chunk for part in parts for chunk in part)


@dataclass(frozen=True)
class _Row:
    """A row of single cells."""

    number: int
    cells: list[str]
    height: float = 0


def _rows(rows: list[_Row]) -> str:
    parts = []
    for row in rows:
        size = f' ht="{row.height:g}" customHeight="1"' if row.height else ""
        parts.append(f'<row r="{row.number}"{size}>{"".join(row.cells)}</row>')
    return "".join(parts)


class _Amount(NamedTuple):
    """An amount as it is shown: its digits, the decimals always shown and those it has beyond, and
    whether it is too long for a number."""

    digits: str
    fixed: int
    optional: int
    is_long: bool

    @staticmethod
    def of(digits: str | None, currency: str | None) -> "_Amount":
        fixed = fixed_places(currency)
        if digits is None:
            return _Amount("", fixed, 0, False)
        beyond = decimals(digits) - fixed
        return _Amount(digits, fixed, beyond if beyond > 0 else 0, is_long(digits))


def _long_styles(role: Role, style_id: StyleIds, *, strong: bool = False) -> tuple[int, int]:
    """Of an amount written as text, which its number format cannot colour: usual and negative."""
    black = style_id(Style(role, "money", long=True, strong=strong))
    return black, style_id(Style(role, "money", long=True, strong=strong, tone="bad"))


class _Rows:
    """Some rows of a table, by column: values (of amounts the digits), and what is shown of
    amounts."""

    def __init__(self, frame: pl.DataFrame, first: int) -> None:
        self._frame = frame
        self.numbers = range(first, first + frame.height)
        self._values: dict[str, list[Any]] = {}
        self._amounts: dict[str, list[_Amount]] = {}

    def values(self, name: str) -> list[Any]:
        if name not in self._values:
            column = self._frame[name]
            self._values[name] = as_texts(column) if column.dtype.is_decimal() else column.to_list()
        return self._values[name]

    def amounts(self, column: Column) -> list[_Amount]:
        if column.name not in self._amounts:
            pairs = zip(self.values(column.name), self.values(column.currency), strict=True)
            self._amounts[column.name] = [_Amount.of(*pair) for pair in pairs]
        return self._amounts[column.name]


_Draw: TypeAlias = Callable[[_Rows], list[str]]
_Amounts: TypeAlias = dict[tuple[str, int], _Amount]  # of lines: by name and column


@dataclass(frozen=True)
class _TableRows:
    place: Place
    table: Table
    addresses: Addresses
    style_id: StyleIds
    workbook: Workbook

    def draw(self, page: Page) -> Iterator[str]:
        """Title, headings, then the rows; every style is known when this returns."""
        head = self._head(page)
        if self.table.frame.height == 0:
            return iter([head, self._nothing(page)])
        columns = [
            self._column(at, column)
            for at, column in zip(self._letters(), self.table.columns, strict=True)
        ]
        return self._chunks(head, page, columns)

    def _parts(self) -> Iterator[_Rows]:
        """The rows of this place, so many at once that their cells need little memory."""
        part, first = self.table.frame.slice(self.place.offset, self.place.height), self.place.first
        for frame in part.iter_slices(_ROWS_AT_ONCE):
            yield _Rows(frame, first)
            first += frame.height

    def _chunks(self, head: str, page: Page, columns: list[_Draw]) -> Iterator[str]:
        yield head
        for rows in self._parts():
            drawn = zip(self._openings(rows, page), *(draw(rows) for draw in columns), strict=True)
            yield "".join("".join(row) + "</row>" for row in drawn)

    def _openings(self, rows: _Rows, page: Page) -> list[str]:
        """The start of each row, as high as its longest wrapped text needs."""
        lines = [1] * len(rows.numbers)
        for column, width in zip(self.table.columns, page.widths, strict=False):
            if column.kind == "wrapped":
                room = max(width - 2, 1) * _LETTERS_PER_WIDTH
                for at, text in enumerate(rows.values(column.name)):
                    if text is not None:
                        lines[at] = max(lines[at], lines_wrapped(text, room))
        heights = (min(count * self.workbook.line_height + _PADDING, _HIGHEST) for count in lines)
        return [
            f'<row r="{row}" ht="{height}" customHeight="1">'
            for row, height in zip(rows.numbers, heights, strict=True)
        ]

    def _letters(self) -> list[str]:
        return [letter(number) for number in range(len(self.table.columns))]

    def _head(self, page: Page) -> str:
        rows, row = list[_Row](), self.place.row
        if self.table.title:
            style = self.style_id(Style("block_title"))
            cell = text_cell(f"A{row}", self.table.title, style)
            rows.append(_Row(row, [cell], 20.0))
            row += 1
        columns = self.table.columns
        room = zip(columns, page.widths, strict=False)
        lines = max(lines_needed(column.title, width) for column, width in room)
        titles = [
            text_cell(
                f"{at}{row}",
                column.title,
                self.style_id(Style("column_title", column.kind)),
            )
            for at, column in zip(self._letters(), columns, strict=True)
        ]
        if page.continued_on and self.table.main:
            note = self.workbook.continued.format(tab=page.continued_on)
            at = f"{letter(len(columns))}{row}"
            titles.append(text_cell(at, note, self.style_id(Style("detail"))))
        return _rows([*rows, _Row(row, titles, _LINE_HEIGHT * lines + 6)])

    def _nothing(self, page: Page) -> str:
        row = self.place.first
        cells = [blank_cell(f"{at}{row}", self.style_id(Style("cell"))) for at in self._letters()]
        muted = self.style_id(Style("cell", tone="muted"))
        cells[0] = text_cell(f"A{row}", page.nothing, muted)
        return _rows([_Row(row, cells)])

    def _column(self, at: str, column: Column) -> _Draw:
        """Draws the cells of one column; a null gives a blank cell, which keeps its line."""
        style = self.style_id(Style("cell", column.kind))
        if column.kind in ("text", "wrapped"):
            quoted = self.style_id(Style("cell", column.kind, quoted=True))
            return lambda rows: [
                blank_cell(f"{at}{row}", style)
                if text is None
                else text_cell(f"{at}{row}", text, quoted if begins_like_formula(text) else style)
                for row, text in zip(rows.numbers, rows.values(column.name), strict=True)
            ]
        if column.kind == "money":
            return self._money(at, column, style)
        if column.kind == "link":
            return lambda rows: [
                blank_cell(f"{at}{row}", style)
                if path is None
                else link_cell(f"{at}{row}", path, style)
                for row, path in zip(rows.numbers, rows.values(column.name), strict=True)
            ]
        formula = self._formula(column)
        return lambda rows: [
            blank_cell(f"{at}{row}", style)
            if value is None
            else formula_cell(f"{at}{row}", formula(row), number_text(value, column.kind), style)
            if is_exact
            else number_cell(f"{at}{row}", number_text(value, column.kind), style)
            for row, value, is_exact in zip(
                rows.numbers, rows.values(column.name), self._exact(column, rows), strict=False
            )
        ]

    def _money(self, at: str, column: Column, blank: int) -> _Draw:
        """Amounts: numbers by the decimals they show, text where they are too long for one."""
        shown = {
            (amount.fixed, amount.optional)
            for rows in self._parts()
            for amount in rows.amounts(column)
        }
        styles = {
            places: self.style_id(Style("cell", "money", *places)) for places in sorted(shown)
        }
        black, red = _long_styles("cell", self.style_id)
        formula = self._formula(column)

        def cell(row: int, digits: str | None, amount: _Amount, is_exact: bool) -> str:
            ref = f"{at}{row}"
            if digits is None:
                return blank_cell(ref, blank)
            if amount.is_long:
                return text_cell(ref, digits, red if digits.startswith("-") else black)
            style = styles[amount.fixed, amount.optional]
            if not is_exact:
                return number_cell(ref, digits, style)
            rounded = f"ROUND({formula(row)},{amount.fixed + amount.optional})"
            return formula_cell(ref, rounded, digits, style)

        return lambda rows: list(
            map(
                cell,
                rows.numbers,
                rows.values(column.name),
                rows.amounts(column),
                self._exact(column, rows),
            )
        )

    def _exact(self, column: Column, rows: _Rows) -> Iterator[bool]:
        """In which rows the formula of a column, if it has one, gives exactly its value."""
        formula, operands = column.formula, [column.name]
        if not formula:
            return repeat(False)
        if not isinstance(formula, SumOf):
            operands += names_in(formula)
        kinds = {other.name: other for other in self.table.columns}
        read = [rows.amounts(kinds[name]) for name in operands if kinds[name].kind == "money"]
        live = rows.values(column.live) if column.live else repeat(True)

        def is_exact(at: int) -> bool:
            if any(amounts[at].is_long for amounts in read):
                return False
            return not isinstance(formula, SumOf) or not self.addresses.sums_long_amount(
                formula, lambda name: rows.values(name)[at]
            )

        return (bool(applies) and is_exact(at) for at, applies in enumerate(live))

    def _formula(self, column: Column) -> Callable[[int], str]:
        """The formula of a column in a row, fit for XML."""
        if not column.formula:
            return str
        names = (other.name for other in self.table.columns)
        at = dict(zip(names, self._letters(), strict=True))
        text = escape(self.addresses.resolve(column.formula, lambda name: f"{at[name]}{{}}"))
        return lambda row: text.replace("{}", str(row))


@dataclass(frozen=True)
class _LineRows:
    place: Place
    block: Lines
    addresses: Addresses
    style_id: StyleIds

    def draw(self) -> list[_Row]:
        rows, number = list[_Row](), self.place.row
        if self.block.title:
            style = self.style_id(Style("block_title"))
            cell = text_cell(f"A{number}", self.block.title, style)
            rows.append(_Row(number, [cell], 20.0))
            number += 1
        if self.block.headings:
            titles = [
                text_cell(f"{letter(place)}{number}", text, self._heading_style(place))
                for place, text in enumerate(self.block.headings)
            ]
            rows.append(_Row(number, titles, _LINE_HEIGHT + 6))
        amounts = self._amounts()
        for row, line in enumerate(self.block.lines, start=self.place.first):
            label = self.style_id(Style("label", strong=line.strong))
            cells = [text_cell(f"A{row}", line.label, label)]
            cells += [self._cell(row, number, line, amounts) for number in range(len(line.cells))]
            rows.append(_Row(row, cells))
        return rows

    def _heading_style(self, place: int) -> int:
        return self.style_id(Style("column_title", "money" if place else "text"))

    def _cell(self, row: int, number: int, line: Line, amounts: _Amounts) -> str:
        cell = line.cells[number]
        ref = f"{letter(number + 1)}{row}"
        style = Style("figure", cell.kind, strong=line.strong, tone=cell.tone)
        if cell.value is None:
            return blank_cell(ref, self.style_id(style))
        if cell.kind in ("text", "wrapped"):
            text = str(cell.value)
            style = replace(style, quoted=begins_like_formula(text))
            return text_cell(ref, text, self.style_id(style))
        digits = number_text(cell.value, cell.kind)
        if cell.kind == "money":
            amount = amounts[line.name, number]
            if amount.is_long:
                black, red = _long_styles("figure", self.style_id, strong=line.strong)
                return text_cell(ref, digits, red if digits.startswith("-") else black)
            style = replace(style, places=amount.fixed, optional_places=amount.optional)
        if not cell.formula or not self._is_exact(number, cell, amounts):
            return number_cell(ref, digits, self.style_id(style))
        formula = escape(self.addresses.resolve(cell.formula, self._address(number)))
        if cell.kind == "money":
            formula = f"ROUND({formula},{style.places + style.optional_places})"
        return formula_cell(ref, formula, digits, self.style_id(style))

    def _amounts(self) -> _Amounts:
        """Every amount, by its line's name and its column."""
        return {
            (line.name, number): _Amount.of(as_text(cell.value), cell.currency)
            for line in self.block.lines
            for number, cell in enumerate(line.cells)
            if cell.kind == "money" and isinstance(cell.value, Decimal)
        }

    def _address(self, number: int) -> Callable[[str], str]:
        rows = {line.name: row for row, line in enumerate(self.block.lines, start=self.place.first)}
        return lambda name: f"{letter(number + 1)}{rows[name]}"

    def _is_exact(self, number: int, cell: Cell, amounts: _Amounts) -> bool:
        """Whether every amount the formula reads is a number in the workbook."""
        if isinstance(cell.formula, SumOf):
            values = {line.name: line.cells[number].value for line in self.block.lines}
            return not self.addresses.sums_long_amount(cell.formula, values.__getitem__)
        read = [(name, number) for name in names_in(cell.formula)]
        return not any(amounts[name].is_long for name in read if name in amounts)


def _draw_banner(place: Place, block: Banner, page: Page, style_id: StyleIds) -> list[_Row]:
    """The verdict and its sentences; `io.workbook` merges their cells across the sheet."""
    room = int(sum(page.widths[: page.banner_columns]))
    verdict = style_id(Style("banner", tone=block.tone))
    rows = [_Row(place.row, [text_cell(f"A{place.row}", block.text, verdict)], 30.0)]
    for row, sentence in enumerate(block.details, start=place.row + 1):
        lines = -(-display_width(sentence) // room)
        cell = text_cell(f"A{row}", sentence, style_id(Style("detail")))
        rows.append(_Row(row, [cell], _LINE_HEIGHT * lines + 3))
    return rows
