"""A CSV file by the block: bounded memory, exact line numbers, and no cell invented or dropped.

Polars fills a short row with nulls and cannot say on which physical line a row began, so rows are
counted and measured here, as whole columns of lines, before Polars parses the well-formed ones.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl

from recon.errors import UserError, ensure
from recon.tables import REJECT, conform

BLOCK_BYTES: Final = 16 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_QUOTED: Final = r'"(?:[^"]|"")*"'


@dataclass(frozen=True)
class CsvBlock:
    """Some rows of a file. `rows`: line_no and a text column for each name in the header, where an
    empty cell is an empty string. `rejects`: REJECT, rows with too few or too many cells."""

    rows: pl.DataFrame
    rejects: pl.DataFrame


def header_of(path: Path) -> list[str]:
    """The names in the first line of a UTF-8 CSV file. Errors: UserError when there is none."""
    with path.open("rb") as file:
        first = file.readline(1024 * 1024).removeprefix(_BOM)
    names = next(csv.reader([_decoded(first, path, 0)]), [])
    if not any(name.strip() for name in names):
        raise UserError(f"{path.name}: the first line must name the columns; it is empty")
    return [name.strip() for name in names]


def read_blocks(path: Path, file_id: str) -> Iterator[CsvBlock]:
    """The rows below the header. Blank lines are no rows.

    Errors: UserError, for the whole file, on text that is not UTF-8 and on a quote never closed.
    """
    names = header_of(path)
    with path.open("rb") as file:
        file.readline()
        line_no, at_byte = 2, file.tell()
        for block in _whole_records(file):
            text = _decoded(block, path, at_byte)
            records = _records(text, line_no)
            yield _block(records, names, file_id, path.name)
            line_no += text.count("\n")
            at_byte += len(block)


def _decoded(data: bytes, path: Path, at_byte: int) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path.name}: byte {at_byte + error.start} is not UTF-8; save the file as CSV UTF-8"
        ) from None


def _whole_records(file: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while data := file.read(BLOCK_BYTES):
        block = rest + data
        end = block.rfind(b"\n") + 1
        while end and block.count(b'"', 0, end) % 2:  # that line end is inside of a quoted cell
            end = block.rfind(b"\n", 0, block.rfind(b'"', 0, end)) + 1
        if end:
            yield block[:end]
        rest = block[end:]
    if rest:
        yield rest


def _records(text: str, line_no: int) -> pl.DataFrame:
    """line_no, record: physical lines, put together where a quoted cell holds a line end."""
    lines = pl.DataFrame({"record": text.removesuffix("\n").split("\n")}).select(
        (pl.int_range(pl.len()) + line_no).cast(pl.UInt32).alias("line_no"),
        pl.col("record"),
    )
    if '"' in text:
        quotes = pl.col("record").str.count_matches('"', literal=True)
        begins = quotes.cum_sum().shift(1, fill_value=0) % 2 == 0
        lines = (
            lines.group_by(begins.cum_sum().alias("number"), maintain_order=True)
            .agg(pl.col("line_no").first(), pl.col("record").str.join("\n"))
            .drop("number")
        )
    return lines.with_columns(pl.col("record").str.strip_suffix("\r")).filter(
        pl.col("record") != ""
    )


def _block(records: pl.DataFrame, names: list[str], file_id: str, file_name: str) -> CsvBlock:
    # Each quoted cell becomes one quote; one that is not a whole cell is left beside other text.
    has_quotes = bool(records["record"].str.contains('"', literal=True).any())
    record = pl.col("record")
    bare = record.str.replace_all(_QUOTED, '"') if has_quotes else record
    measured = records.with_columns(
        cells=bare.str.count_matches(",", literal=True) + 1,
        torn=bare.str.contains(r'[^,]"|"[^,]'),
        open=pl.col("record").str.count_matches('"', literal=True) % 2 == 1,
    )
    unclosed = measured.filter("open")
    if unclosed.height:
        raise UserError(
            f"{file_name} line {unclosed['line_no'][0]}: a quote is opened and never closed; "
            "the file is cut off or was edited by hand"
        )
    good = (pl.col("cells") == len(names)) & ~pl.col("torn")
    reason = (
        pl.when("torn")
        .then(pl.lit("has a quote in the middle of a cell; double it and quote the whole cell"))
        .otherwise(
            pl.concat_str(
                pl.lit("has "), "cells", pl.lit(f" cells where the header names {len(names)}")
            )
        )
    )
    rejects = measured.filter(~good).select(
        pl.lit(file_id).alias("file_id"),
        "line_no",
        pl.lit("(row)").alias("field"),
        pl.col("record").str.slice(0, 200).alias("value"),
        pl.concat_str(pl.lit("the row "), reason).alias("reason"),
        pl.lit(value=False).alias("unmapped"),
    )
    return CsvBlock(_parsed(measured.filter(good), names), conform(rejects, REJECT))


def _parsed(records: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    schema = dict.fromkeys(names, pl.String())
    if records.height == 0:
        return pl.DataFrame(schema={"line_no": pl.UInt32(), **schema})
    frame = pl.read_csv(
        "\n".join(records["record"].to_list()).encode(),
        has_header=False,
        schema=schema,
        empty_string_is_null=False,
    )
    ensure(frame.height == records.height, "the CSV parser and the row count disagree")
    return frame.select(records["line_no"], pl.all())
