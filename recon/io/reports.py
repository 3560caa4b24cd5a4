"""The files of a day, each replaced as a whole; what cannot be written does not stop the rest."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from recon.errors import UserError
from recon.io.export import replaced, write_frame
from recon.journal.accounts import USUAL_CHART, Chart
from recon.journal.formats import journal_rows, proposed_rows
from recon.reporting.sheets import Workbook
from recon.reporting.summary import Summary
from recon.reporting.workbooks import discrepancy_workbook, settlement_workbook
from recon.results import DayResult


def write_day(
    result: DayResult, summary: Summary, directory: Path, *, chart: Chart = USUAL_CHART
) -> list[Path]:
    """Write the two workbooks, discrepancies.csv, journal.csv, proposed_entries.csv, and `summary`,
    which names the run and the language of all of them.

    Returns their paths. Errors: UserError naming every file that could not be written; the other
    files are there, and those in the way are untouched.
    """
    run_id, language = summary["run_id"], summary["language"]
    files: dict[str, Callable[[Path], None]] = {
        "discrepancies.xlsx": lambda path: write_workbook_file(
            discrepancy_workbook(result, run_id, language), path
        ),
        "settlement.xlsx": lambda path: write_workbook_file(
            settlement_workbook(result, run_id, language), path
        ),
        "discrepancies.csv": lambda path: write_discrepancies(result, path),
        "journal.csv": lambda path: _write(journal_rows(result.postings, chart), path),
        "proposed_entries.csv": lambda path: _write(
            proposed_rows(result.proposed_entries, chart), path
        ),
        "summary.json": lambda path: write_json(summary, path),
    }
    written, failed = list[Path](), list[str]()
    for name, write in files.items():
        path = directory / name
        try:
            write(path)
            written.append(path)
        except UserError as error:
            failed.append(str(error))
    if not written:
        raise UserError(f"no report could be written to {directory}: {failed[0]}")
    if failed:
        raise UserError("; ".join(failed))
    return written


def read_summary(folder: Path) -> dict[str, Any] | None:
    """The summary.json of a folder; None where there is none, or none that can be read."""
    try:
        summary = json.loads((folder / "summary.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return summary if isinstance(summary, dict) else None


def reported_run(folder: Path) -> str | None:
    """The run whose reports a folder says it has."""
    return (read_summary(folder) or {}).get("run_id")


def write_workbook_file(workbook: Workbook, path: Path) -> None:
    from recon.io.workbook import write_workbook

    with replaced(path) as part, part.open("wb") as file:
        write_workbook(workbook, file)


def _write(frame: pl.DataFrame, path: Path) -> None:
    write_frame(frame, path)


def write_discrepancies(result: DayResult, path: Path) -> None:
    write_frame(result.discrepancies.sort("discrepancy_id"), path)


def write_json(summary: Summary, path: Path) -> None:
    text = json.dumps(summary, ensure_ascii=False, indent=2, sort_keys=True)
    with replaced(path) as part:
        part.write_text(text + "\n", encoding="utf-8")
