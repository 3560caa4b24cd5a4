"""A statement that came twice as two files: its rows must not count, or be reported, twice."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from recon.day import DayInput
from recon.discrepancies import Day, complete, told
from recon.results import StatementFile
from recon.tables import DISCREPANCY, empty

Repeats = Mapping[StatementFile, StatementFile]  # the file that is left out: the one it repeats


def repeated_files(day: DayInput, lines: pl.LazyFrame) -> Repeats:
    """Files of the day that hold exactly the rows of an earlier one of the same kind.

    `lines` is STATEMENT_LINE. A row that is in two files is one row twice; all rows of a file in
    another one are a file twice.
    """
    kinds = [statement.kind.name for statement in day.statements]
    if len(set(kinds)) == len(kinds):
        return {}
    contents = (
        lines.group_by("file_id")
        .agg(count=pl.len(), rows=pl.col("line_id").sort().implode().hash().first())
        .collect(engine="streaming")
    )
    of_file = {file_id: (count, rows) for file_id, count, rows in contents.iter_rows()}
    seen: dict[tuple[str, object], StatementFile] = {}
    repeats = {}
    for statement in day.statements:
        rows = of_file.get(statement.file.file_id)
        if rows is None:
            continue
        first = seen.setdefault((statement.kind.name, rows), statement.file)
        if first is not statement.file:
            repeats[statement.file] = first
    return repeats


def without(day: DayInput, repeats: Repeats) -> DayInput:
    """The day on what is left."""
    left = tuple(one for one in day.statements if one.file not in repeats)
    return replace(day, statements=left)


def discrepancies(repeats: Repeats, day: Day) -> pl.DataFrame:
    """DISCREPANCY, one for each file that is left out."""
    if not repeats:
        return empty(DISCREPANCY)
    files = [(file.file_id, file.name, first.name) for file, first in repeats.items()]
    found = pl.DataFrame(files, schema=["file_id", "name", "first"], orient="row").select(
        discrepancy_id=pl.concat_str(pl.lit("file:twice:"), "file_id"),
        type=pl.lit("file_duplicate"),
        explanation=told(day.language, "file_duplicate", name="name", first="first"),
    )
    return complete(found, day)
