"""The table in a file of an unknown source: its form, its header, some rows, and what is around."""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from recon.errors import UserError
from recon.io.tabular import json_rows, workbook_rows

_ENCODINGS: Final = ("utf-8", "gb18030", "cp1252")
_SEPARATORS: Final = (",", ";", "\t", "|")
_FEW: Final = 10
_LINES: Final = 400  # that are looked at
_COLUMN_GAP: Final = re.compile(r"(?<=\S)\s{2,}(?=\S)")


@dataclass(frozen=True)
class FoundTable:
    """`settings` are the lines of TOML that say how to get at it; `above` are the lines over the
    header, `below` those of the end that are no rows."""

    settings: tuple[str, ...]
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    header_line: int
    above: tuple[str, ...] = ()
    below: tuple[tuple[str, ...], ...] = ()
    encoding: str = "utf-8"
    widths: tuple[str, ...] = field(default=())  # lines of [statement.widths]

    def cells(self, name: str) -> list[str]:
        """What is in a column, blank cells left out."""
        place = self.names.index(name)
        return [row[place] for row in self.rows if place < len(row) and row[place]]


def quoted(text: str) -> str:
    """A text as TOML has it."""
    return json.dumps(text, ensure_ascii=False)


def find(path: Path, is_header: Callable[[Sequence[str]], bool]) -> FoundTable:
    """Errors: UserError for a file that cannot be read, or that has no table we know."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    found = _in_workbook(data, is_header) or _in_json(data)
    if found is None:
        text, encoding = _text(path, data)
        lines = text.splitlines()[:_LINES]
        found = _delimited(lines, encoding, is_header) or _aligned(lines, encoding, is_header)
    if found is None:
        raise UserError(
            f"{path}: no line looks like the header of a table; start from the example in "
            "recon/providers/README.md"
        )
    return found


def _text(path: Path, data: bytes) -> tuple[str, str]:
    foreign = sum(byte > 127 for byte in data)
    for encoding in _ENCODINGS:
        if encoding == "gb18030" and foreign * _FEW < len(data):
            continue  # a few accents; a Chinese file has more
        try:
            text = data.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, codecs.lookup(encoding).name
    raise UserError(f"{path} is no text in any of {', '.join(_ENCODINGS)}, no workbook and no JSON")


def _in_workbook(data: bytes, is_header: Callable[[Sequence[str]], bool]) -> FoundTable | None:
    """The first sheet that has a table."""
    if not data.startswith(b"PK"):
        return None
    for sheet in _sheets(data):
        rows = [[cell.strip() for cell in row] for row in workbook_rows(data, sheet) or ()]
        found = _table(rows[:_LINES], is_header)
        if found is not None:
            number, names, below, tail = found
            above = tuple(" ".join(filter(None, row)) for row in rows[:number])
            return FoundTable(
                ('format = "xlsx"', f"sheet = {quoted(sheet)}"),
                names, below, number + 1, above, tail,
            )  # fmt: skip
    return None


def _sheets(data: bytes) -> list[str]:
    from zipfile import BadZipFile

    from openpyxl import load_workbook

    try:
        return list(load_workbook(io.BytesIO(data), read_only=True).sheetnames)
    except (BadZipFile, KeyError, OSError):
        return []


def _in_json(data: bytes) -> FoundTable | None:
    """The longest list of objects in a JSON document."""
    try:
        document: Any = json.loads(data)
    except ValueError:
        return None
    lists = sorted(_lists(document, ()), key=lambda found: -found[1])
    for place, _ in lists:
        records = ".".join(place)
        rows = json_rows(data, "utf-8", records or None)
        if rows is not None and len(rows) > 1:
            settings = ['format = "json"', *([f"records = {quoted(records)}"] if records else [])]
            below = tuple(tuple(row) for row in rows[1:_LINES])
            return FoundTable(tuple(settings), tuple(rows[0]), below, 1)
    return None


def _lists(found: Any, place: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], int]]:
    if isinstance(found, list) and found and all(isinstance(one, dict) for one in found):
        yield place, len(found)
    elif isinstance(found, dict):
        for name, value in found.items():
            yield from _lists(value, (*place, name))


def _delimited(
    lines: list[str], encoding: str, is_header: Callable[[Sequence[str]], bool]
) -> FoundTable | None:
    separator = max(
        _SEPARATORS, key=lambda one: max((line.count(one) for line in lines), default=0)
    )
    split = [
        [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
        for line in lines
    ]
    found = _table(split, is_header)
    if found is None:
        return None
    number, names, rows, below = found
    settings = [
        f"encoding = {quoted(encoding)}{'' if encoding == 'utf-8' else '   # DECIDE'}",
        f"separator = {quoted(separator)}",
    ]
    if len(rows[0]) > len(names):
        settings.append("trailing_separator = true")
    return FoundTable(
        tuple(settings), names, rows, number + 1, tuple(lines[:number]), below, encoding
    )


def _table(
    lines: Sequence[Sequence[str]], is_header: Callable[[Sequence[str]], bool]
) -> tuple[int, tuple[str, ...], tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]] | None:
    """(place of the header, its names, rows, what is below the rows)."""
    for number, names in enumerate(lines[:-1]):
        first = lines[number + 1]
        if not is_header(names) or abs(len(first) - len(names)) > 1:
            continue
        below = [tuple(line) for line in lines[number + 1 :] if any(line)]
        # A row begins as the first one does, with digits or with words; sums begin otherwise.
        is_row = [line[0][:1].isdigit() == first[0][:1].isdigit() for line in below]
        end = len(below)
        while end > 1 and not is_row[end - 1]:
            end -= 1
        return number, tuple(names), tuple(below[:end]), tuple(below[end:])
    return None


def _aligned(
    lines: list[str], encoding: str, is_header: Callable[[Sequence[str]], bool]
) -> FoundTable | None:
    """Columns of fixed width: they begin where the names of the header do, or further left."""
    for number, line in enumerate(lines[:-1]):
        names = [name.strip() for name in _COLUMN_GAP.split(line.strip())]
        if not is_header(names):
            continue
        rows = [row for row in lines[number + 1 :] if row.strip()]
        starts = _starts(line, rows)
        if len(starts) != len(names):
            continue
        ends = [*starts[1:], max(len(row) for row in [line, *rows])]
        cells = [
            tuple(row[first:last].strip() for first, last in zip(starts, ends, strict=True))
            for row in rows
        ]
        found = _table([names, *(list(row) for row in cells)], is_header)
        if found is None:
            continue
        _, kept, body, below = found
        widths = tuple(
            f"{quoted(name)} = {last - first}"
            for name, first, last in zip(kept, [0, *starts[1:]], ends, strict=True)
        )
        settings = (
            f"encoding = {quoted(encoding)}",
            'format = "fixed_width"',
            f"footer = {quoted(names[0])}    # the header is no row",
        )
        return FoundTable(
            settings, kept, body, number + 1, tuple(lines[:number]), below, encoding, widths
        )
    return None


def _starts(header: str, rows: Sequence[str]) -> list[int]:
    """Where each column begins: with its name, or further left, where cells are aligned right."""
    body = rows[:50]
    found: list[int] = []
    for name in re.finditer(r"\S+(?:\s\S+)*", header):
        place = name.start()
        while place and any(row[place - 1 : place].strip() for row in body):
            place -= 1
        # Where no space parts it from the column before, only its name tells where it begins.
        found.append(name.start() if found and place <= found[-1] else place)
    return found
