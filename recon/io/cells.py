"""The cells of a workbook as XML, made from expressions, a column at a time.

openpyxl writes everything of a workbook but its cells. It takes 25 microseconds a cell (measured:
55 s for 100,000 discrepancies), turns every number into a binary float, and cannot store the value
of a formula, without which a preview, or Excel's protected view, shows nothing. Here an amount is
its exact digits and a formula carries its value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal, TypeAlias

import polars as pl

from recon.money import MONEY, to_text
from recon.reporting.sheets import Kind, Tone

Role: TypeAlias = Literal[
    "heading", "block_title", "column_title", "cell", "label", "figure", "banner", "detail"
]

TEXT_LIMIT: Final = 32_767  # UTF-16 units in one cell, in Excel
# What a spreadsheet would take for a formula, and what a Chinese or Japanese one would as well.
FORMULA_START: Final = r"^[=+\-@\t\r\n＝＋－＠]"

_NOT_IN_XML: Final = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{FFFE}\x{FFFF}]"
_ESCAPED: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_DAY_ZERO: Final = date(1899, 12, 30)  # of a workbook's calendar
_MS_A_DAY: Final = 86_400_000


@dataclass(frozen=True)
class Style:
    """How a cell looks; `io.workbook` knows the fonts and colours."""

    role: Role
    kind: Kind = "text"
    places: int = 0  # decimals always shown
    optional_places: int = 0  # decimals shown where there are any
    strong: bool = False
    tone: Tone | None = None
    quoted: bool = False  # text that begins like a formula
    long: bool = False  # an amount written as text


StyleIds: TypeAlias = Callable[[Style], int]
StyleId: TypeAlias = int | pl.Expr


def text_cell(ref: pl.Expr, text: pl.Expr | str, style: StyleId) -> pl.Expr:
    cell = '<c r="{}" s="{}" t="inlineStr"><is><t xml:space="preserve">{}</t></is></c>'
    shown = pl.lit(_inert(text)) if isinstance(text, str) else inert(text)
    return pl.format(cell, ref, _expression(style), shown)


def number_cell(ref: pl.Expr, digits: pl.Expr, style: StyleId) -> pl.Expr:
    return pl.format('<c r="{}" s="{}"><v>{}</v></c>', ref, _expression(style), digits)


def formula_cell(ref: pl.Expr, formula: pl.Expr, value: pl.Expr, style: StyleId) -> pl.Expr:
    """A formula, already fit for XML, and the number it gives."""
    cell = '<c r="{}" s="{}"><f>{}</f><v>{}</v></c>'
    return pl.format(cell, ref, _expression(style), formula, value)


def link_cell(ref: pl.Expr, path: pl.Expr, style: StyleId) -> pl.Expr:
    """A link to a file beside the workbook, shown as its name."""
    shown = inert(path.str.extract(r"([^/]*)$"))
    quoted = [text.str.replace_all('"', '""', literal=True) for text in (inert(path), shown)]
    cell = '<c r="{}" s="{}" t="str"><f>HYPERLINK("{}","{}")</f><v>{}</v></c>'
    return pl.format(cell, ref, _expression(style), *quoted, shown)


def blank_cell(ref: pl.Expr, style: StyleId) -> pl.Expr:
    return pl.format('<c r="{}" s="{}"/>', ref, _expression(style))


def _expression(style: StyleId) -> pl.Expr:
    return pl.lit(style) if isinstance(style, int) else style


def number_text(value: pl.Expr, kind: Kind) -> pl.Expr:
    """The digits of an amount, a count, a rate, a date or an instant as a workbook stores them."""
    if kind in ("money", "percent"):
        return to_text(value.cast(MONEY))
    if kind == "date":
        return (value - pl.lit(_DAY_ZERO)).dt.total_days().cast(pl.String)
    if kind == "instant":  # a day and ten decimals of it, in whole numbers all the way
        days = (value.dt.date() - pl.lit(_DAY_ZERO)).dt.total_days().cast(pl.String)
        of_day = value.dt.epoch("ms").mod(_MS_A_DAY) * 10**10 // _MS_A_DAY
        return pl.format("{}.{}", days, of_day.cast(pl.String).str.zfill(10))
    return value.cast(pl.String)


def inert(text: pl.Expr) -> pl.Expr:
    """Text as it may stand in XML: nothing is dropped unseen, nothing is taken for markup.

    A control character becomes U+FFFD; text beyond the limit of a cell ends in an ellipsis.
    """
    return (
        text.str.replace_all(_NOT_IN_XML, "\ufffd")
        .map_batches(_cut_long, return_dtype=pl.String(), is_elementwise=True)
        .str.replace_many(_ESCAPED)
        .str.replace_all(r"_x([0-9A-Fa-f]{4}_)", "_x005F_x${1}")  # Excel's own escape
    )


@lru_cache(maxsize=4096)
def _inert(text: str) -> str:
    """The same for one text: titles and labels are on every sheet of every workbook."""
    return str(pl.select(inert(pl.lit(text))).item())


def _cut_long(cells: pl.Series) -> pl.Series:
    long = (cells.str.len_bytes() > TEXT_LIMIT).fill_null(value=False).arg_true()
    return cells.scatter(long, [_cut(text) for text in cells.gather(long)]) if len(long) else cells


def _cut(text: str) -> str:
    units = text.encode("utf-16-le")
    if len(units) <= 2 * TEXT_LIMIT:
        return text
    return units[: 2 * (TEXT_LIMIT - 1)].decode("utf-16-le", errors="ignore") + "…"
