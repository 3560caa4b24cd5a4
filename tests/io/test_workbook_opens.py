"""Workbooks as Excel and LibreOffice take them: what Excel insists on, values computed, pages."""

import io
import re
import subprocess
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import openpyxl
import pytest
from lxml import etree
from openpyxl.utils import range_boundaries

from recon.io.workbook import write_workbook
from recon.reporting.sheets import Workbook
from recon.reporting.text import LANGUAGES, Language
from recon.reporting.workbooks import discrepancy_workbook, proof_workbook, settlement_workbook
from recon.tables import DISCREPANCY
from tests.reporting_helper import day_book, day_result, many_found, rows
from tests.tools import program

MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
# The children of a worksheet that we write, in the order the standard gives them.
ORDER: Final = (
    *("sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "autoFilter"),
    *("mergeCells", "conditionalFormatting", "printOptions", "pageMargins", "pageSetup"),
    *("headerFooter", "rowBreaks", "drawing"),
)
ERRORS: Final = re.compile(r"#REF!|#NAME\?|#VALUE!|#DIV/0!|#N/A|#NUM!|###|Err:\d|错误:")


def made(language: Language) -> dict[str, Workbook]:
    result = day_result()
    return {
        "discrepancies": discrepancy_workbook(result, "run-1", language),
        "settlement": settlement_workbook(result, "run-1", language),
        "proof": proof_workbook(day_book(), language),
    }


def written(workbook: Workbook, **more: int) -> bytes:
    file = io.BytesIO()
    write_workbook(workbook, file, **more)
    return file.getvalue()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The six workbooks of the helper's day, and one of short sheets."""
    folder = tmp_path_factory.mktemp("made")
    contents = {
        f"{name}-{language}": written(workbook)
        for language in LANGUAGES
        for name, workbook in made(language).items()
    }
    many = day_book(discrepancies=rows(DISCREPANCY, *many_found(100)))
    contents["short-en"] = written(proof_workbook(many), row_limit=40)
    for name, content in contents.items():
        (folder / f"{name}.xlsx").write_bytes(content)
    return {name: folder / f"{name}.xlsx" for name in contents}


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sheets(path: Path) -> Iterator[etree._Element]:
    for name, content in parts(path).items():
        if name.startswith("xl/worksheets/sheet"):
            yield etree.fromstring(content)


# --- what Excel insists on ------------------------------------------------------------------------


def test_every_part_is_xml_with_a_type_and_every_relation_leads_somewhere(
    files: dict[str, Path],
) -> None:
    for path in files.values():
        found = parts(path)
        types = etree.fromstring(found["[Content_Types].xml"])
        named = {node.get("PartName", "").lstrip("/") for node in types}
        endings = {node.get("Extension") for node in types}
        for name, content in found.items():
            root = etree.fromstring(content)  # no control character, no attribute twice
            ending = name.rsplit(".", 1)[-1]
            assert name in named or ending in endings or name == "[Content_Types].xml"
            if name.endswith(".rels"):
                base = Path(name).parent.parent
                for relation in root:
                    target = str(relation.get("Target"))
                    place = target.lstrip("/") if target[0] == "/" else str(base / target)
                    assert place in found, f"{name} leads to {target}"


def test_the_elements_of_a_sheet_stand_in_the_order_of_the_standard(
    files: dict[str, Path],
) -> None:
    for path in files.values():
        for sheet in sheets(path):
            names = [etree.QName(child).localname for child in sheet]
            assert set(names) <= set(ORDER)
            assert names == sorted(names, key=ORDER.index)


def test_cells_stand_in_order_and_have_styles_that_exist(files: dict[str, Path]) -> None:
    for path in files.values():
        styles = etree.fromstring(parts(path)["xl/styles.xml"])
        style_count = len(styles.find(f"{MAIN}cellXfs"))
        colour_count = len(styles.find(f"{MAIN}dxfs"))
        for sheet in sheets(path):
            rows = list(sheet.iter(f"{MAIN}row"))
            numbers = [int(row.get("r", "0")) for row in rows]
            assert all(one < other for one, other in pairwise(numbers))
            for row in rows:
                bounds = [range_boundaries(cell.get("r")) for cell in row]
                assert all(one[0] < other[0] for one, other in pairwise(bounds))
                assert {bound[1] for bound in bounds} <= {int(row.get("r", "0"))}
                assert all(0 <= int(cell.get("s", "0")) < style_count for cell in row)
            for rule in sheet.iter(f"{MAIN}cfRule"):
                assert int(rule.get("dxfId", "-1")) in range(colour_count)


def test_merged_cells_overlap_neither_each_other_nor_a_list(files: dict[str, Path]) -> None:
    for path in files.values():
        for sheet in openpyxl.load_workbook(path):
            taken: set[tuple[int, int]] = set()
            for merged in sheet.merged_cells.ranges:
                cells = {(r, c) for row in merged.rows for r, c in row}
                assert not cells & taken
                taken |= cells
            if sheet.auto_filter.ref:
                left, top, right, bottom = range_boundaries(sheet.auto_filter.ref)
                assert not any(top <= r <= bottom and left <= c <= right for r, c in taken)


def test_names_of_sheets_are_such_as_excel_takes(files: dict[str, Path]) -> None:
    for path in files.values():
        names = openpyxl.load_workbook(path, read_only=True).sheetnames
        assert len({name.casefold() for name in names}) == len(names)
        for name in names:
            assert 0 < len(name) <= 31
            assert not re.search(r"[\[\]:*?/\\]|^'|'$", name)


def test_no_formula_is_longer_than_excel_reads(files: dict[str, Path]) -> None:
    for path in files.values():
        for sheet in sheets(path):
            for formula in sheet.iter(f"{MAIN}f"):
                assert formula.text
                assert len(formula.text) <= 8192
                assert not formula.text.startswith("=")
                assert all(len(text) <= 255 for text in re.findall(r'"([^"]*)"', formula.text))


def test_what_a_sheet_cannot_hold_goes_on_and_the_first_says_where(
    files: dict[str, Path],
) -> None:
    book = openpyxl.load_workbook(files["short-en"])
    pieces = [name for name in book.sheetnames if name.startswith("Transactions")]
    assert pieces == ["Transactions"]  # two rows fit
    pieces = [name for name in book.sheetnames if name.startswith("Discrepancies")]
    assert pieces[:2] == ["Discrepancies", "Discrepancies (2)"]
    assert len(pieces) == 4
    notes = [cell.value for cell in book["Discrepancies"][1] if cell.value]
    assert notes[-1] == "continued on the sheet Discrepancies (2)"
    for name in pieces:
        assert book[name].max_row <= 40


# --- LibreOffice ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def converted(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PDFs as they are, and workbooks whose values LibreOffice had to compute: ours are taken out.

    One start of the program for each of the two: it takes longer than its work.
    """
    office, out = program("soffice"), tmp_path_factory.mktemp("converted")
    emptied = tmp_path_factory.mktemp("emptied")
    for name, path in files.items():
        with zipfile.ZipFile(emptied / f"{name}.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
            for part, content in parts(path).items():
                archive.writestr(part, re.sub(rb"(</f>)<v>[^<]*</v>", rb"\1", content))
    for form, sources in (("pdf", files.values()), ("xlsx", sorted(emptied.iterdir()))):
        subprocess.run(
            [office, f"-env:UserInstallation=file://{emptied}/profile", "--headless",
             "--convert-to", form, "--outdir", out, *sources],
            check=True, capture_output=True, timeout=240,
        )  # fmt: skip
    return out


def numbers(path: Path) -> dict[tuple[str, str], Any]:
    book = openpyxl.load_workbook(path, data_only=True)
    return {
        (sheet.title, cell.coordinate): cell.value
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }


def test_libreoffice_computes_the_values_that_are_stored(
    files: dict[str, Path], converted: Path
) -> None:
    checked = 0
    for name, path in files.items():
        computed, stored = numbers(converted / f"{name}.xlsx"), numbers(path)
        live = openpyxl.load_workbook(path)
        for (sheet, at), value in stored.items():
            if live[sheet][at].data_type == "f":
                found = computed[sheet, at]
                if isinstance(value, str):
                    assert found == value
                else:
                    assert abs(found - value) <= 1e-9 * max(1, abs(value)), (name, sheet, at)
                checked += 1
    assert checked > 800


def test_no_page_shows_an_error_or_a_cell_too_narrow_for_its_figure(
    files: dict[str, Path], converted: Path
) -> None:
    for name in files:
        text = subprocess.run(
            [program("pdftotext"), "-layout", converted / f"{name}.pdf", "-"],
            check=True, capture_output=True,
        ).stdout.decode()  # fmt: skip
        assert len(text) > 1000
        assert not ERRORS.search(text), name


def test_the_charts_are_drawn(converted: Path, tmp_path: Path) -> None:
    """Bars and lines have their colours on the page; without data a chart is white."""
    picture = tmp_path / "page"
    subprocess.run(
        [
            program("pdftoppm"),
            "-r",
            "50",
            "-f",
            "2",
            "-l",
            "2",
            converted / "proof-en.pdf",
            picture,
        ],
        check=True,
    )
    (page,) = tmp_path.glob("page*.ppm")
    assert page.read_bytes().count(bytes.fromhex("1F3864")) > 50
