"""The cells of a workbook as XML, one text a cell.

openpyxl writes everything of a workbook but its cells. It takes 25 microseconds a cell (measured:
55 s for 100,000 discrepancies), turns every number into a binary float, and cannot store the value
of a formula, without which a preview, or Excel's protected view, shows nothing. Here an amount is
its exact digits and a formula carries its value. Plain Python: most sheets are small, and for those
an expression costs a hundred times what it computes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from recon.money import as_text
from recon.reporting.sheets import Kind, Tone

Role: TypeAlias = Literal[
    "heading", "block_title", "column_title", "cell", "label", "figure", "banner", "detail"
]

TEXT_LIMIT: Final = 32_767  # UTF-16 units in one cell, in Excel
# What a spreadsheet would take for a formula, and what a Chinese or Japanese one would as well.
FORMULA_START: Final = r"^[=+\-@\t\r\n＝＋－＠]"

_FORMULA: Final = re.compile(FORMULA_START)
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ESCAPED: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ESCAPE_OF_EXCEL: Final = re.compile("_x([0-9A-Fa-f]{4}_)")
_SPECIAL: Final = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff&<>]|_x")  # what is not left as it is
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


def text_cell(ref: str, text: str, style: int) -> str:
    return (
        f'<c r="{ref}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{inert(text)}'
        "</t></is></c>"
    )


def number_cell(ref: str, digits: str, style: int) -> str:
    return f'<c r="{ref}" s="{style}"><v>{digits}</v></c>'


def formula_cell(ref: str, formula: str, value: str, style: int) -> str:
    """A formula, already fit for XML, and the number it gives."""
    return f'<c r="{ref}" s="{style}"><f>{formula}</f><v>{value}</v></c>'


def link_cell(ref: str, path: str, style: int) -> str:
    """A link to a file beside the workbook, shown as its name."""
    shown = inert(path.rpartition("/")[2])
    target, name = (text.replace('"', '""') for text in (inert(path), shown))
    formula = f'HYPERLINK("{target}","{name}")'
    return f'<c r="{ref}" s="{style}" t="str"><f>{formula}</f><v>{shown}</v></c>'


def blank_cell(ref: str, style: int) -> str:
    return f'<c r="{ref}" s="{style}"/>'


def number_text(value: Any, kind: Kind) -> str:
    """The digits of an amount, a count, a rate, a date or an instant as a workbook stores them."""
    if kind == "date":
        return str((value - _DAY_ZERO).days)
    if kind == "instant":
        # A day and ten decimals of it, in whole numbers all the way. They are rounded up, because a
        # spreadsheet that shows whole seconds shows the one before where the least is missing.
        seconds = (value.hour * 60 + value.minute) * 60 + value.second
        of_day = -(-(seconds * 1000 + value.microsecond // 1000) * 10**10 // _MS_A_DAY)
        return f"{(value.date() - _DAY_ZERO).days}.{of_day:010}"
    return as_text(value) if isinstance(value, Decimal) else str(value)


def begins_like_formula(text: str) -> bool:
    return _FORMULA.match(text) is not None


def inert(text: str) -> str:
    """Text as it may stand in XML: nothing is dropped unseen, nothing is taken for markup.

    A control character becomes U+FFFD; text beyond the limit of a cell ends in an ellipsis.
    """
    if len(text) > TEXT_LIMIT // 2:
        text = _cut(_NOT_IN_XML.sub("\ufffd", text))
    if not _SPECIAL.search(text):
        return text
    text = _NOT_IN_XML.sub("\ufffd", text).translate(_ESCAPED)
    return _ESCAPE_OF_EXCEL.sub(r"_x005F_x\1", text)


def _cut(text: str) -> str:
    units = text.encode("utf-16-le")
    if len(units) <= 2 * TEXT_LIMIT:
        return text
    return units[: 2 * (TEXT_LIMIT - 1)].decode("utf-16-le", errors="ignore") + "…"
