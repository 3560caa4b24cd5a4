"""What a workbook shows, as data: sheets made of blocks below each other. `io.workbook` draws them.

Every formula stands beside its value: the value is what we computed, the formula lets the reader's
spreadsheet compute it again. The value is also what a preview shows that cannot calculate, and what
is written, as text, where the digits are too many for a spreadsheet to be exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

import polars as pl

Kind = Literal["text", "wrapped", "money", "count", "integer", "percent", "date", "instant", "link"]
Tone = Literal["good", "bad", "warn", "muted"]
Value: TypeAlias = str | int | date | Decimal | None


@dataclass(frozen=True)
class SumOf:
    """The sum of a column of the table `table`, on whatever sheet it stands.

    `where` maps columns of that table to what they must equal: `"{currency}"` is the cell of that
    name in the row of the formula, anything else is the text itself. They are to be words of ours,
    currencies or numbers: of what others write, a spreadsheet takes `*` and `>` for patterns, case
    for nothing, and twenty digits for fifteen.
    """

    table: str
    column: str
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CountOf(SumOf):
    """The number of filled cells of that column, under the same conditions."""


Formula: TypeAlias = str | SumOf  # text: `{name}` is the cell of that column (or line) beside it


@dataclass(frozen=True)
class Column:
    """One column of a table: `name` is the frame's column and `title` the visible heading."""

    name: str
    title: str
    kind: Kind = "text"
    width: float = 0  # in characters; 0: as wide as what it holds
    formula: Formula = ""
    live: str = ""  # a Boolean column of the frame: the rows in which the formula applies
    currency: str = "currency"  # the column that says which currency a money cell is in
    check: bool = False  # must be zero: green when it is, red when not
    tones: Mapping[str, Tone] = field(default_factory=dict)  # colour by the cell's text
    on_paper: bool = True  # the last columns may be for the screen only


@dataclass(frozen=True)
class Table:
    """A frame with headings. The main table of a sheet is filtered, frozen and, if long, split."""

    name: str
    columns: tuple[Column, ...]
    frame: pl.DataFrame
    title: str = ""
    main: bool = False
    fixed: int = 0  # of a main table: so many first columns stay in sight, on paper too


@dataclass(frozen=True)
class Cell:
    """One figure of a line."""

    value: Value
    kind: Kind = "text"
    currency: str = ""
    formula: Formula = ""
    check: bool = False
    tone: Tone | None = None


@dataclass(frozen=True)
class Line:
    """A label and its figures. In a formula `{name}` is the cell of that line, same column."""

    name: str
    label: str
    cells: tuple[Cell, ...]
    strong: bool = False


@dataclass(frozen=True)
class Lines:
    """Titled lines, read downwards: the facts of a run, or a bridge from opening to closing."""

    title: str
    lines: tuple[Line, ...]
    headings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Banner:
    """The verdict, across the sheet, and the sentences below it."""

    text: str
    tone: Tone
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chart:
    """Columns of a table as a picture, for those who would rather look. `series` are columns of
    the table, drawn over the column `over`; `unit` is how the figures at the axis are shown."""

    title: str
    shape: Literal["stacked", "line"]
    table: str
    over: str
    series: tuple[str, ...]
    unit: Kind = "count"
    highest: int | None = None  # where the axis ends, for what cannot be more


@dataclass(frozen=True)
class Charts:
    """Charts side by side."""

    charts: tuple[Chart, ...]


Block: TypeAlias = Table | Lines | Banner | Charts


@dataclass(frozen=True)
class Sheet:
    """One sheet. `title` is the tab, `heading` the large line on top (none on plain lists)."""

    title: str
    blocks: tuple[Block, ...]
    heading: str = ""
    nothing: str = ""  # what an empty table says


@dataclass(frozen=True)
class Workbook:
    """A workbook: `title` is its document title and printed header, `day` its date stamp."""

    title: str
    day: date
    sheets: tuple[Sheet, ...]
    page: str = "Page {page} of {pages}"
    continued: str = "continued on the sheet {tab}"  # beside the headings of a list that goes on
    mark: str = ""  # the run, or whatever else says what this was made of; at the foot of each page
    font: str = "Calibri"
    line_height: float = 13.5  # of that font, in points
