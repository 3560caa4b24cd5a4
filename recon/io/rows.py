"""The rows of a sheet as XML: tables, lines and banners, each where the layout put it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, TypeAlias
from xml.sax.saxutils import escape

import polars as pl

from recon.io.cells import (
    FORMULA_START,
    Role,
    Style,
    StyleId,
    StyleIds,
    blank_cell,
    formula_cell,
    link_cell,
    number_cell,
    number_text,
    text_cell,
)
from recon.money import MONEY, ZERO
from recon.reporting.addresses import Addresses, decimals, fixed_places, is_long, names_in
from recon.reporting.layout import Page, Place, display_width, letter, room_of
from recon.reporting.sheets import Banner, Cell, Column, Line, Lines, SumOf, Table, Workbook

# Of amounts: the decimals always shown, those beyond, and whether it is too long for a number.
_Marks: TypeAlias = dict[tuple[str, int], tuple[int, int, bool]]

_ROWS_AT_ONCE: Final = 10_000
_LINE_HEIGHT: Final = 16.5  # of headings and sentences, in points
_PADDING: Final = 4.0
_LETTERS_PER_WIDTH: Final = 1.1  # running text is narrower than the digits a width is measured in
_HIGHEST: Final = 409.0  # Excel's limit for a row
_ROW: Final = "#row"
_PLACES: Final = 64  # more than an amount can have decimals; makes one key of two counts


def draw(page: Page, addresses: Addresses, style_id: StyleIds, workbook: Workbook) -> Iterator[str]:
    """The `<row>` elements of a page, in chunks.

    Every style is asked for before the first chunk is made, so that styles can be written first.
    """
    parts: list[Iterator[str]] = []
    if page.heading:
        cell = text_cell(_at("A", 1), page.heading, style_id(Style("heading")))
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
    """A row of single cells, each from an expression that gives one."""

    number: int
    cells: list[pl.Expr]
    height: float = 0


def _rows(rows: list[_Row]) -> str:
    """All rows with one evaluation: it costs more than the cells do."""
    cells = [cell for row in rows for cell in row.cells]
    made = iter(pl.select(cell.alias(str(place)) for place, cell in enumerate(cells)).row(0))
    parts = []
    for row in rows:
        size = f' ht="{row.height:g}" customHeight="1"' if row.height else ""
        parts.append(f'<row r="{row.number}"{size}>{"".join(islice(made, len(row.cells)))}</row>')
    return "".join(parts)


def _at(column: str, row: int) -> pl.Expr:
    return pl.lit(f"{column}{row}")


def _long_style(value: pl.Expr, role: Role, style_id: StyleIds, *, strong: bool = False) -> pl.Expr:
    """An amount written as text cannot be coloured by its number format."""
    black = style_id(Style(role, "money", long=True, strong=strong))
    red = style_id(Style(role, "money", long=True, strong=strong, tone="bad"))
    return pl.when(value < ZERO).then(pl.lit(red)).otherwise(pl.lit(black))


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
        part = self.table.frame.slice(self.place.offset, self.place.height)
        frame = part.with_row_index(_ROW, offset=self.place.first)
        for column in self.table.columns:
            if column.kind == "money":
                marks = _marks(column.name, pl.col(column.name), pl.col(column.currency))
                frame = frame.with_columns(marks)
        frame = frame.with_columns(
            self._exact(column, frame) for column in self.table.columns if column.formula
        )
        cells = [
            self._cells(at, column, frame)
            for at, column in zip(self._letters(), self.table.columns, strict=True)
        ]
        return _chunks(head, frame, [self._opening(page), *cells])

    def _opening(self, page: Page) -> pl.Expr:
        """The start of a row, as high as its longest wrapped text needs."""
        lines = [pl.lit(1.0)]
        for column, width in zip(self.table.columns, page.widths, strict=False):
            if column.kind == "wrapped":
                text = pl.col(column.name)
                wrapped = (room_of(text) / (max(width - 2, 1) * _LETTERS_PER_WIDTH)).ceil()
                lines.append(wrapped + text.str.count_matches("\n"))
        height = pl.max_horizontal(lines) * self.workbook.line_height + _PADDING
        return pl.format(
            '<row r="{}" ht="{}" customHeight="1">', _ROW, height.clip(upper_bound=_HIGHEST)
        )

    def _letters(self) -> list[str]:
        return [letter(number) for number in range(len(self.table.columns))]

    def _head(self, page: Page) -> str:
        rows, row = list[_Row](), self.place.row
        if self.table.title:
            style = self.style_id(Style("block_title"))
            cell = text_cell(_at("A", row), self.table.title, style)
            rows.append(_Row(row, [cell], 20.0))
            row += 1
        columns = self.table.columns
        room = zip(columns, page.widths, strict=False)
        lines = max(_lines_needed(column.title, width) for column, width in room)
        titles = [
            text_cell(
                _at(at, row),
                column.title,
                self.style_id(Style("column_title", column.kind)),
            )
            for at, column in zip(self._letters(), columns, strict=True)
        ]
        if page.continued_on and self.table.main:
            note = self.workbook.continued.format(tab=page.continued_on)
            at = _at(letter(len(columns)), row)
            titles.append(text_cell(at, pl.lit(note), self.style_id(Style("detail"))))
        return _rows([*rows, _Row(row, titles, _LINE_HEIGHT * lines + 6)])

    def _nothing(self, page: Page) -> str:
        row = self.place.first
        cells = [blank_cell(_at(at, row), self.style_id(Style("cell"))) for at in self._letters()]
        muted = self.style_id(Style("cell", tone="muted"))
        cells[0] = text_cell(_at("A", row), page.nothing, muted)
        return _rows([_Row(row, cells)])

    def _exact(self, column: Column, frame: pl.DataFrame) -> pl.Expr:
        """In which rows the formula of a column gives exactly its value."""
        exact = pl.col(column.name).is_not_null()
        operands = [column.name]
        if isinstance(column.formula, SumOf):
            exact = exact & ~pl.lit(self.addresses.sums_long_amounts(column.formula, frame))
        else:
            operands += names_in(column.formula)
        kinds = {other.name: other.kind for other in self.table.columns}
        for name in operands:
            if kinds[name] == "money":
                exact = exact & ~pl.col(f"#long:{name}")
        if column.live:
            exact = exact & pl.col(column.live).fill_null(value=False)
        return exact.alias(f"#exact:{column.name}")

    def _cells(self, at: str, column: Column, frame: pl.DataFrame) -> pl.Expr:
        """The cells of one column; a null gives a blank cell, which keeps its line."""
        ref = pl.format(f"{at}{{}}", _ROW)
        value = pl.col(column.name)
        style: StyleId = self.style_id(Style("cell", column.kind))
        blank = blank_cell(ref, style)
        if column.kind in ("text", "wrapped"):
            quoted = self.style_id(Style("cell", column.kind, quoted=True))
            by_start = pl.when(value.str.contains(FORMULA_START)).then(quoted).otherwise(style)
            return text_cell(ref, value, by_start).fill_null(blank)
        if column.kind == "link":
            return link_cell(ref, value, style).fill_null(blank)
        digits = number_text(value, column.kind)
        if column.kind == "money":
            style = self._money_style(column, frame)
        cell = number_cell(ref, digits, style)
        if column.kind == "money":
            as_text = text_cell(ref, digits, _long_style(value, "cell", self.style_id))
            cell = pl.when(pl.col(f"#long:{column.name}")).then(as_text).otherwise(cell)
        if column.formula:
            live = formula_cell(ref, self._formula(column), digits, style)
            cell = pl.when(pl.col(f"#exact:{column.name}")).then(live).otherwise(cell)
        return cell.fill_null(blank)

    def _money_style(self, column: Column, frame: pl.DataFrame) -> pl.Expr:
        """The style of every amount of a column, by the decimals it shows."""
        marks = frame.select(f"#fixed:{column.name}", f"#optional:{column.name}").unique().rows()
        styles = {
            fixed * _PLACES + optional: self.style_id(Style("cell", "money", fixed, optional))
            for fixed, optional in sorted(marks)
        }
        key = pl.col(f"#fixed:{column.name}") * _PLACES + pl.col(f"#optional:{column.name}")
        return key.replace_strict(styles, return_dtype=pl.Int64)

    def _formula(self, column: Column) -> pl.Expr:
        names = (other.name for other in self.table.columns)
        at = dict(zip(names, self._letters(), strict=True))
        text = escape(self.addresses.resolve(column.formula, lambda name: f"{at[name]}{{}}"))
        rows = [pl.col(_ROW)] * text.count("{}")
        if column.kind == "money":
            places = pl.col(f"#fixed:{column.name}") + pl.col(f"#optional:{column.name}")
            return pl.format(f"ROUND({text},{{}})", *rows, places)
        return pl.format(text, *rows) if rows else pl.lit(text)


def _marks(name: str, value: pl.Expr, currency: pl.Expr) -> list[pl.Expr]:
    """Of an amount: the decimals it always shows, those it has beyond, and if it is too long."""
    fixed = fixed_places(currency)
    return [
        fixed.alias(f"#fixed:{name}"),
        pl.max_horizontal(decimals(value) - fixed, 0).alias(f"#optional:{name}"),
        is_long(value).alias(f"#long:{name}"),
    ]


def _chunks(head: str, frame: pl.DataFrame, cells: list[pl.Expr]) -> Iterator[str]:
    row = pl.concat_str([*cells, pl.lit("</row>")])
    yield head
    for part in frame.iter_slices(_ROWS_AT_ONCE):
        yield "".join(part.select(row.alias("row")).to_series())


def _lines_needed(text: str, width: float) -> int:
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
            cell = text_cell(_at("A", number), self.block.title, style)
            rows.append(_Row(number, [cell], 20.0))
            number += 1
        if self.block.headings:
            titles = [
                text_cell(_at(letter(place), number), text, self._heading_style(place))
                for place, text in enumerate(self.block.headings)
            ]
            rows.append(_Row(number, titles, _LINE_HEIGHT + 6))
        marks = self._marks()
        for row, line in enumerate(self.block.lines, start=self.place.first):
            label = self.style_id(Style("label", strong=line.strong))
            cells = [text_cell(_at("A", row), line.label, label)]
            cells += [self._cell(row, number, line, marks) for number in range(len(line.cells))]
            rows.append(_Row(row, cells))
        return rows

    def _heading_style(self, place: int) -> int:
        return self.style_id(Style("column_title", "money" if place else "text"))

    def _cell(self, row: int, number: int, line: Line, marks: _Marks) -> pl.Expr:
        cell = line.cells[number]
        ref = _at(letter(number + 1), row)
        style = Style("figure", cell.kind, strong=line.strong, tone=cell.tone)
        if cell.value is None:
            return blank_cell(ref, self.style_id(style))
        if cell.kind in ("text", "wrapped"):
            text = str(cell.value)
            style = replace(style, quoted=bool(re.match(FORMULA_START, text)))
            return text_cell(ref, pl.lit(text), self.style_id(style))
        value = pl.lit(cell.value, dtype=MONEY if cell.kind == "money" else None)
        digits = number_text(value, cell.kind)
        if cell.kind == "money":
            fixed, optional, long = marks[line.name, number]
            if long:
                by_sign = _long_style(value, "figure", self.style_id, strong=line.strong)
                return text_cell(ref, digits, by_sign)
            style = replace(style, places=fixed, optional_places=optional)
        if not cell.formula or not self._is_exact(number, cell, marks):
            return number_cell(ref, digits, self.style_id(style))
        formula = escape(self.addresses.resolve(cell.formula, self._address(number)))
        if cell.kind == "money":
            formula = f"ROUND({formula},{style.places + style.optional_places})"
        return formula_cell(ref, pl.lit(formula), digits, self.style_id(style))

    def _marks(self) -> _Marks:
        """The marks of every amount, by its line's name and its column."""
        amounts = {
            (line.name, number): (cell.value, cell.currency)
            for line in self.block.lines
            for number, cell in enumerate(line.cells)
            if cell.kind == "money" and cell.value is not None
        }
        schema = {"value": MONEY, "currency": pl.String()}
        frame = pl.DataFrame(list(amounts.values()), schema=schema, orient="row")
        marks = frame.select(_marks("", pl.col("value"), pl.col("currency"))).rows()
        return dict(zip(amounts, marks, strict=True))

    def _address(self, number: int) -> Callable[[str], str]:
        rows = {line.name: row for row, line in enumerate(self.block.lines, start=self.place.first)}
        return lambda name: f"{letter(number + 1)}{rows[name]}"

    def _is_exact(self, number: int, cell: Cell, marks: _Marks) -> bool:
        """Whether every amount the formula reads is a number in the workbook."""
        if isinstance(cell.formula, SumOf):
            one = pl.DataFrame({"row": [0]})
            return not self.addresses.sums_long_amounts(cell.formula, one).item()
        read = [(name, number) for name in names_in(cell.formula)]
        return not any(marks[amount][2] for amount in read if amount in marks)


def _draw_banner(place: Place, block: Banner, page: Page, style_id: StyleIds) -> list[_Row]:
    """The verdict and its sentences; `io.workbook` merges their cells across the sheet."""
    room = int(sum(page.widths[: page.banner_columns]))
    verdict = style_id(Style("banner", tone=block.tone))
    rows = [_Row(place.row, [text_cell(_at("A", place.row), pl.lit(block.text), verdict)], 30.0)]
    for row, sentence in enumerate(block.details, start=place.row + 1):
        lines = -(-display_width(sentence) // room)
        cell = text_cell(_at("A", row), pl.lit(sentence), style_id(Style("detail")))
        rows.append(_Row(row, [cell], _LINE_HEIGHT * lines + 3))
    return rows
