"""Sheets to the bytes of a workbook: the only module that knows openpyxl.

openpyxl makes the workbook's parts (styles, sheet and page set-up, colours by condition); the rows
come from `io.rows` and are put in their place while the parts are zipped again. The same sheets
always give the same bytes: every time stamp inside is the business date.
"""

import io
import math
import re
import zipfile
from collections.abc import Iterator
from datetime import date
from typing import IO, TYPE_CHECKING, Any, Final

from recon.errors import ensure
from recon.io.cells import Style
from recon.io.charts import draw_charts
from recon.io.rows import draw
from recon.reporting.addresses import Addresses
from recon.reporting.layout import MAX_ROWS, Page, Place, letter, pages
from recon.reporting.sheets import Banner, Charts, Lines, Tone, Workbook

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_FILL: Final[dict[Tone, str]] = {
    "good": "C6EFCE", "bad": "FFC7CE", "warn": "FFEB9C", "muted": "EDEDED",
}  # fmt: skip
_INK: Final[dict[Tone, str]] = {
    "good": "006100", "bad": "9C0006", "warn": "7F6000", "muted": "7F7F7F",
}  # fmt: skip
_HEAD_FILL: Final = "1F3864"
_RULE: Final = "D9D9D9"
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
_SHEET: Final = re.compile(r"xl/worksheets/sheet(\d+)\.xml")
_PROPERTIES: Final = "docProps/core.xml"
_NO_ROWS: Final = re.compile(r"<sheetData\s*/>|<sheetData></sheetData>")
_PAGE_WIDTH: Final = 225  # characters of a list that one landscape page can show
# The characters and rows that a page of A4 has room for at full size.
_PAPER: Final = {"portrait": (95, 50), "landscape": (142, 33)}
_SQUEEZED: Final = 0.3  # the share of a page that is rather shrunk than given a page of its own
_SMALLEST: Final = 0.5  # what would be printed smaller than this goes on over further pages
_GAP: Final = "_ "  # as wide as a space; LibreOffice indents right-aligned numbers at random
_RIGHT: Final = ("money", "count", "integer", "percent")


def write_workbook(workbook: Workbook, file: IO[bytes], row_limit: int = MAX_ROWS) -> None:
    """Write `workbook` to `file`, a new file opened for writing bytes."""
    from openpyxl import Workbook as OpenpyxlWorkbook

    placed = pages(workbook.sheets, row_limit)
    made = OpenpyxlWorkbook()
    made.remove(made.active)
    for page in placed:
        _set_up(made.create_sheet(page.tab), page, workbook)
    draw_charts(made, placed)
    addresses = Addresses(placed)
    style_ids = _StyleIds(made.worksheets[0], workbook.font)
    rows = [draw(page, addresses, style_ids, workbook) for page in placed]
    made.properties.title = workbook.title
    made.properties.creator = "recon"
    made.calculation.fullCalcOnLoad = True
    parts = io.BytesIO()
    made.save(parts)
    _zip_again(parts, file, workbook.day, placed, rows)


def _zip_again(
    parts: IO[bytes], file: IO[bytes], day: date, placed: list[Page], rows: list[Iterator[str]]
) -> None:
    """Copy the parts in order, with fixed times, and the rows put into the sheets."""
    with (
        zipfile.ZipFile(parts) as source,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in sorted(source.namelist()):
            member = zipfile.ZipInfo(name, _ZIP_TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            content = source.read(name)
            sheet = _SHEET.fullmatch(name)
            with target.open(member, "w", force_zip64=bool(sheet)) as out:
                if sheet:
                    number = int(sheet[1]) - 1
                    for chunk in _with_rows(content.decode(), placed[number], rows[number]):
                        out.write(chunk.encode())
                else:
                    out.write(_dated(content, day) if name == _PROPERTIES else content)


def _with_rows(sheet: str, page: Page, rows: Iterator[str]) -> Iterator[str]:
    parts = _NO_ROWS.split(sheet)
    ensure(len(parts) == 2, "openpyxl wrote a sheet without the place for its rows")
    top, bottom = parts
    last = f"{letter(page.column_count - 1)}{page.last_row}"
    yield re.sub(r'<dimension ref="[^"]*"', f'<dimension ref="A1:{last}"', top)
    yield "<sheetData>"
    yield from rows
    yield "</sheetData>"
    yield bottom


def _dated(properties: bytes, day: date) -> bytes:
    """The document properties with the business date as the time the workbook was made."""
    stamp = rf"\g<1>{day.isoformat()}T00:00:00Z\g<2>".encode()
    return re.sub(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(<)", stamp, properties)


def _set_up(sheet: "Worksheet", page: Page, workbook: Workbook) -> None:
    """Widths, what stays in sight, the filter, colours by condition, merged cells, the print."""
    for number, width in enumerate(page.widths):
        sheet.column_dimensions[letter(number)].width = round(width, 1)
    sheet.sheet_view.showGridLines = False
    main = page.main
    if main and main.table:
        heading = main.first - 1
        fixed = main.table.fixed
        sheet.freeze_panes = f"{letter(fixed)}{main.first}"
        if fixed:
            sheet.print_title_cols = f"A:{letter(fixed - 1)}"
        last_column = letter(len(main.table.columns) - 1)
        sheet.auto_filter.ref = f"A{heading}:{last_column}{main.last}"
        sheet.print_title_rows = f"{heading}:{heading}"
    for place in page.places:
        _colour(sheet, place)
        if isinstance(place.block, Banner):
            last_column = letter(page.banner_columns - 1)
            for row in range(place.first, place.last + 1):
                sheet.merged_cells.add(f"A{row}:{last_column}{row}")
    _set_up_page(sheet, page, workbook)


def _set_up_page(sheet: "Worksheet", page: Page, workbook: Workbook) -> None:
    way_up, across, down = _paper(page)
    sheet.page_setup.orientation = way_up
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth = across
    sheet.page_setup.fitToHeight = down
    if page.printed_columns < page.column_count:
        sheet.print_area = f"A1:{letter(page.printed_columns - 1)}{page.last_row}"
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    sheet.page_margins.top = sheet.page_margins.bottom = 0.75
    sheet.page_margins.header = sheet.page_margins.footer = 0.35
    sheet.oddHeader.left.text = workbook.title.replace("&", "&&")
    sheet.oddHeader.right.text = page.tab.replace("&", "&&")
    sheet.oddFooter.left.text = workbook.mark.replace("&", "&&")
    sheet.oddFooter.center.text = workbook.page.format(page="&P", pages="&N")


def _paper(page: Page) -> tuple[str, int, int]:
    """The way up, and how many pages across and down; 0 is as many as it takes.

    A list may go on to the right, under the columns that are printed again. Any other sheet has the
    way up that shows it larger, on one page where that can be read.
    """
    width = sum(page.widths[: page.printed_columns])
    if page.main and page.main.table:
        again = sum(page.widths[: page.main.table.fixed])
        across = (width - again) / (_PAGE_WIDTH - again)
        return "landscape", max(1, math.ceil(across - _SQUEEZED)), 0
    if any(isinstance(place.block, Charts) for place in page.places):
        return "landscape", 1, 1
    scale = {
        way_up: min(across / width, down / page.last_row)
        for way_up, (across, down) in _PAPER.items()
    }
    way_up = max(scale, key=scale.__getitem__)
    if scale[way_up] >= _SMALLEST:
        return way_up, 1, 1
    is_narrow = _PAPER["portrait"][0] / width >= _SMALLEST
    return "portrait" if is_narrow else "landscape", 1, 0


def _colour(sheet: "Worksheet", place: Place) -> None:
    """Colours that follow the contents, also after the reader sorts or corrects them."""
    if place.table:
        for number, column in enumerate(place.table.columns):
            first, last = f"{letter(number)}{place.first}", f"{letter(number)}{place.last}"
            for word, tone in column.tones.items():
                quoted = '"' + word.replace('"', '""') + '"'
                _colour_where(sheet, f"{first}:{last}", f"{first}={quoted}", tone)
            if column.check:
                _colour_check(sheet, f"{first}:{last}", first)
    elif isinstance(place.block, Lines):
        for row, line in enumerate(place.block.lines, start=place.first):
            for number, cell in enumerate(line.cells, start=1):
                if cell.check:
                    _colour_check(sheet, f"{letter(number)}{row}", f"{letter(number)}{row}")


def _colour_check(sheet: "Worksheet", cells: str, first: str) -> None:
    """Green where it is zero, red where it is not, nothing where nothing could be checked."""
    _colour_where(sheet, cells, f"AND(ISNUMBER({first}),{first}=0)", "good")
    _colour_where(sheet, cells, f"AND(NOT(ISBLANK({first})),{first}<>0)", "bad")


def _colour_where(sheet: "Worksheet", cells: str, condition: str, tone: Tone) -> None:
    from openpyxl.formatting.rule import FormulaRule
    from openpyxl.styles import Font, PatternFill

    # A conditional fill is shown in its end colour; an ordinary one in its start colour.
    fill = PatternFill("solid", start_color=_FILL[tone], end_color=_FILL[tone])
    rule = FormulaRule(formula=[condition], fill=fill, font=Font(color=_INK[tone]))
    sheet.conditional_formatting.add(cells, rule)


def _solid(color: str) -> Any:
    from openpyxl.styles import PatternFill

    return PatternFill("solid", start_color=color, end_color=color)


class _StyleIds:
    """The number openpyxl gives a style in this workbook; each is made once."""

    def __init__(self, sheet: "Worksheet", font: str) -> None:
        self._sheet = sheet
        self._font = font
        self._known: dict[Style, int] = {}

    def __call__(self, style: Style) -> int:
        if style not in self._known:
            self._known[style] = self._made(style)
        return self._known[style]

    def _made(self, style: Style) -> int:
        from openpyxl.cell import Cell
        from openpyxl.styles import Alignment, Border, Side

        cell = Cell(self._sheet, row=1, column=1)
        cell.font = self._font_of(style)
        cell.number_format = _number_format(style)
        cell.quotePrefix = style.quoted
        right = style.kind in _RIGHT
        wraps = style.kind == "wrapped" or style.role in ("column_title", "detail", "banner")
        top = style.role in ("cell", "detail")
        cell.alignment = Alignment(
            horizontal="right" if right else "left",
            vertical="top" if top else "center",
            wrap_text=wraps,
            indent=_indent(style),
        )
        if style.role in ("cell", "label", "figure"):
            line = Side(style="medium" if style.strong else "thin", color=_RULE)
            cell.border = Border(bottom=line)
        if style.role == "column_title":
            cell.fill = _solid(_HEAD_FILL)
        elif style.tone and style.role in ("banner", "figure") and not style.long:
            cell.fill = _solid(_FILL[style.tone])
        return int(cell.style_id)

    def _font_of(self, style: Style) -> Any:
        from openpyxl.styles import Font

        size = {"heading": 16, "block_title": 12, "banner": 16}.get(style.role, 10)
        bold = style.strong or style.role in ("heading", "block_title", "column_title", "banner")
        color = {"column_title": "FFFFFF", "heading": _HEAD_FILL, "block_title": _HEAD_FILL}.get(
            style.role, _INK[style.tone] if style.tone else "000000"
        )
        if style.kind == "link" and style.role == "cell":
            return Font(name=self._font, size=size, color="0563C1", underline="single")
        return Font(name=self._font, size=size, bold=bold, color=color)


def _indent(style: Style) -> int:
    """Text keeps off the cell's edge by an indent, a number by the gap in its format."""
    if style.role in ("heading", "block_title", "detail"):
        return 0
    return 0 if style.kind in _RIGHT and style.role != "column_title" and not style.long else 1


def _number_format(style: Style) -> str:
    """Negative amounts are red and keep their minus; a workbook's dates are ISO dates."""
    if style.role == "column_title":
        return "General"
    if style.kind == "money" and not style.long:
        decimals = "0" * style.places + "#" * style.optional_places
        plain = f"#,##0.{decimals}" if decimals else "#,##0"
        return f"{plain}{_GAP};[Red]-{plain}{_GAP}"
    formats = {
        "count": f"#,##0{_GAP}",
        "integer": f"0{_GAP}",
        "percent": f"0.00%{_GAP}",
        "date": "yyyy-mm-dd",
        "instant": "yyyy-mm-dd hh:mm:ss",
    }
    return formats.get(style.kind, "@" if style.kind == "text" else "General")
