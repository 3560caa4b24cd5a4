"""Workbooks, JSON and columns of fixed width as delimited text, so that one reader serves them all.

A workbook stores a number in binary; its shortest decimal text is what a person sees in the cell,
and an amount that this text does not fit is a reject like any other.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from recon.providers.contract import HEAD_BYTES, Content


def as_text(
    content: Content,
    *,
    form: str,
    encoding: str,
    sheet: str | None,
    records: str | None,
    widths: tuple[tuple[str, int], ...],
    separator: str,
) -> Content | None:
    """The rows as delimited UTF-8; None where the file is nothing of that form."""
    data = (
        content.scannable
        if isinstance(content.scannable, bytes)
        else Path(content.scannable).read_bytes()
    )
    text = _converted(_Bytes(data), form, encoding, sheet, records, widths, separator)
    if text is None:
        return None
    return replace(
        content, size=len(text), head=text[:HEAD_BYTES], tail=text[-HEAD_BYTES:], scannable=text
    )


class _Bytes:
    """Bytes that are told by their hash, so that a look and a reading convert them once."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._digest = hashlib.sha256(data).digest()

    def __hash__(self) -> int:
        return hash(self._digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Bytes) and other._digest == self._digest


@lru_cache(maxsize=4)
def _converted(
    data: _Bytes,
    form: str,
    encoding: str,
    sheet: str | None,
    records: str | None,
    widths: tuple[tuple[str, int], ...],
    separator: str,
) -> bytes | None:
    if form == "xlsx":
        rows = workbook_rows(data.data, sheet)
    elif form == "json":
        rows = json_rows(data.data, encoding, records)
    else:
        rows = _fixed_rows(data.data, encoding, widths)
    if rows is None:
        return None
    target = io.StringIO()
    csv.writer(target, delimiter=separator, lineterminator="\n").writerows(rows)
    return target.getvalue().encode()


def workbook_rows(data: bytes, sheet: str | None) -> Iterable[Sequence[str]] | None:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError):
        return None
    if sheet is not None and sheet not in book.sheetnames:
        return None
    chosen = book[sheet] if sheet is not None else book.worksheets[0]
    return [[_cell(value) for value in row] for row in chosen.iter_rows(values_only=True)]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        is_day = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.date().isoformat() if is_day else value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    text = repr(value) if not isinstance(value, str) else value
    return text.removesuffix(".0") if not isinstance(value, str) else " ".join(text.splitlines())


def json_rows(data: bytes, encoding: str, records: str | None) -> list[list[str]] | None:
    try:
        found: Any = json.loads(data.decode(encoding), parse_float=str, parse_int=str)
    except (UnicodeDecodeError, json.JSONDecodeError):
        return None
    for name in records.split(".") if records else ():
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        return None
    flat = [_flat(row) for row in found]
    names = list(dict.fromkeys(name for row in flat for name in row))
    return [names, *([row.get(name, "") for name in names] for row in flat)]


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested objects as `a.b`; what is neither text nor number is its JSON."""
    made: dict[str, str] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            made |= _flat(value, f"{prefix}{name}.")
        elif value is None:
            made[prefix + name] = ""
        else:
            made[prefix + name] = value if isinstance(value, str) else json.dumps(value)
    return made


def _fixed_rows(
    data: bytes, encoding: str, widths: tuple[tuple[str, int], ...]
) -> list[list[str]] | None:
    try:
        lines = data.decode(encoding).splitlines()
    except UnicodeDecodeError:
        return None
    ends, place = [], 0
    for _, width in widths:
        ends.append((place, place + width))
        place += width
    if not any(len(line) >= place - widths[-1][1] for line in lines):
        return None  # no line is long enough to reach the last column
    names = [name for name, _ in widths]
    return [names, *([line[first:last].strip() for first, last in ends] for line in lines if line)]
