"""Charts on the sheets of a workbook: drawn by openpyxl from the cells of a table beside them."""

from typing import TYPE_CHECKING, Any, Final

from recon.errors import ensure
from recon.reporting.layout import Page, Place
from recon.reporting.sheets import Chart, Charts, Kind, Table

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

# Told apart by their lightness as well, for a print in black and white.
_COLOURS: Final = (
    *("1F3864", "2E75B6", "9DC3E6", "C55A11", "F4B183", "548235", "A9D18E", "7F6000"),
    *("FFD966", "7F7F7F"),
)
_FORMATS: Final[dict[Kind, str]] = {"count": "#,##0", "money": "#,##0", "percent": "0.00%"}
_EMU_A_PIXEL: Final = 9525
_PIXELS_A_CHARACTER: Final = 7
_WIDTH: Final = 470  # pixels of one chart; two fill a page
_HEIGHT: Final = 280
_GAP: Final = 12
_LABELS: Final = 10  # dates that fit below a chart


def draw_charts(made: "Workbook", placed: list[Page]) -> None:
    """Put every chart where its page has room for it."""
    tables = {
        place.table.name: place
        for page in reversed(placed)
        for place in reversed(page.places)
        if place.table
    }
    for sheet, page in zip(made.worksheets, placed, strict=True):
        for place in page.places:
            if isinstance(place.block, Charts):
                for number, chart in enumerate(place.block.charts):
                    at = number * (_WIDTH + _GAP)
                    drawn = _drawn(made, chart, tables[chart.table])
                    drawn.anchor = _anchor(page, place.first, at)
                    sheet.add_chart(drawn)


def _drawn(made: "Workbook", chart: Chart, place: Place) -> Any:
    from openpyxl.chart import BarChart, LineChart

    ensure(place.table is not None, "a chart is drawn from a table")
    table: Table = place.table  # type: ignore[assignment]
    sheet = made[place.tab]
    drawn = LineChart() if chart.shape == "line" else BarChart()
    if chart.shape == "stacked":
        drawn.grouping, drawn.overlap, drawn.gapWidth = "stacked", 100, 60
    for number, name in enumerate(chart.series):
        drawn.series.append(_series(sheet, table, place, name, number, chart.shape == "line"))
    drawn.set_categories(_cells(sheet, table, place, chart.over))
    drawn.title = _title(chart.title)
    drawn.style = 2
    drawn.legend.position = "r"
    drawn.dispBlanksAs = "gap"
    drawn.x_axis.number_format = "mm/dd"
    drawn.x_axis.tickLblSkip = -(-place.height // _LABELS)
    drawn.y_axis.number_format = _FORMATS[chart.unit]
    drawn.y_axis.majorGridlines.spPr = _line("E7E6E6")
    for axis in (drawn.x_axis, drawn.y_axis):
        axis.delete = False  # openpyxl leaves it open, and Excel then shows none
        axis.title = None
    if chart.shape == "stacked":
        drawn.y_axis.scaling.min = 0
    drawn.y_axis.scaling.max = chart.highest
    return drawn


def _series(
    sheet: "Worksheet", table: Table, place: Place, name: str, number: int, is_line: bool
) -> Any:
    from openpyxl.chart import Series
    from openpyxl.chart.data_source import StrRef
    from openpyxl.chart.series import SeriesLabel

    series = Series(_cells(sheet, table, place, name))
    column = [column.name for column in table.columns].index(name) + 1
    heading = _reference(sheet, column, place.first - 1, place.first - 1)
    series.tx = SeriesLabel(strRef=StrRef(str(heading)))
    colour = _COLOURS[number % len(_COLOURS)]
    if is_line:
        series.graphicalProperties = _line(colour, width=22_000)
        series.marker.symbol, series.marker.size = "circle", 5
        series.marker.graphicalProperties.solidFill = colour
        series.marker.graphicalProperties.line.solidFill = colour
        series.smooth = False
    else:
        series.graphicalProperties.solidFill = colour
        series.graphicalProperties.line.noFill = True
    return series


def _cells(sheet: "Worksheet", table: Table, place: Place, name: str) -> Any:
    column = [column.name for column in table.columns].index(name) + 1
    return _reference(sheet, column, place.first, place.last)


def _reference(sheet: "Worksheet", column: int, first: int, last: int) -> Any:
    from openpyxl.chart import Reference

    return Reference(sheet, min_col=column, max_col=column, min_row=first, max_row=last)


def _line(colour: str, width: int = 9525) -> Any:
    from openpyxl.chart.shapes import GraphicalProperties

    properties = GraphicalProperties()
    properties.line.solidFill = colour
    properties.line.width = width
    return properties


def _title(text: str) -> Any:
    from openpyxl.chart.text import RichText, Text
    from openpyxl.chart.title import Title
    from openpyxl.drawing.text import (
        CharacterProperties,
        Paragraph,
        ParagraphProperties,
        RegularTextRun,
    )

    letters = CharacterProperties(sz=1100, b=True, solidFill="1F3864")
    run = RegularTextRun(rPr=letters, t=text)
    paragraph = Paragraph(pPr=ParagraphProperties(defRPr=letters), r=[run])
    title = Title(tx=Text(rich=RichText(p=[paragraph])))
    title.overlay = False
    return title


def _anchor(page: Page, row: int, pixels: int) -> Any:
    """A place so many pixels from the left edge; columns are measured in characters."""
    from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, OneCellAnchor
    from openpyxl.drawing.xdr import XDRPositiveSize2D

    column, left = 0, pixels
    widths = [round(width * _PIXELS_A_CHARACTER) + 5 for width in page.widths]
    while column < len(widths) and left >= widths[column]:
        left -= widths[column]
        column += 1
    marker = AnchorMarker(col=column, colOff=left * _EMU_A_PIXEL, row=row - 1, rowOff=0)
    size = XDRPositiveSize2D(_WIDTH * _EMU_A_PIXEL, _HEIGHT * _EMU_A_PIXEL)
    return OneCellAnchor(_from=marker, ext=size)
