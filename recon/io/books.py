"""The proof workbook of a day or a range: its frames gathered from what the runs recorded.

It is made after the runs, over every account that has one, whichever were run just now; so it can
be made again at any time, and the same runs give the same bytes. A workbook made of runs that have
been superseded since is kept beside the new one.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from recon.book_tables import PROPOSED_ENTRY
from recon.io.changes import changes_of_runs
from recon.io.database import Database
from recon.io.days import Workspace
from recon.io.history import current_runs, metric_history, open_items_at
from recon.io.reports import read_summary, write_json, write_workbook_file
from recon.io.runs import RunStore
from recon.io.transit import payouts_of, receipts_of
from recon.metrics import ANOMALY, WEEKS_LOOKED_AT, anomalies, settlement_delays
from recon.periods import Period
from recon.reporting.book import ACCOUNT_DAY, TRANSACTION, Book, account_days, carried, line_count
from recon.reporting.summary import SUMMARY_FORMAT, plain_rows
from recon.reporting.text import Language
from recon.reporting.workbooks import proof_workbook
from recon.settlement.batches import with_bank_credits
from recon.tables import conform, empty

DETAIL_ROWS: Final = 100_000  # more transactions than this are not listed in a workbook


def write_book(workspace: Workspace, period: Period, language: Language) -> Path:
    """Write proof.xlsx of a day or summary.xlsx of a range, and summary.json beside it.

    Errors: UserError where the place cannot be written or the workbook is open.
    """
    book = read_book(workspace, period)
    folder = workspace.reports / str(period)
    path = folder / ("summary.xlsx" if book.is_range else "proof.xlsx")
    _keep_superseded(folder, book, path.name)
    write_workbook_file(proof_workbook(book, language), path)
    write_json(_figures(book, language), folder / "summary.json")
    return path


def read_book(workspace: Workspace, period: Period) -> Book:
    """Everything the proof workbook of a period shows."""
    database = workspace.database
    runs = current_runs(database, period)
    summaries = [
        summary
        for run in runs.iter_rows(named=True)
        if (summary := _summary_of(workspace, run)) is not None
    ]
    banks = frozenset(
        account.account
        for account in workspace.config.accounts
        if workspace.config.payers_of(account)
    )
    payouts = payouts_of(database, period)
    receipts = receipts_of(database, payouts["payout_id"])
    tables = carried(summaries)
    # What has arrived is known later than what was sent, so it is looked up when it is shown.
    tables["batches"] = with_bank_credits(tables["batches"], receipts)
    return Book(
        period=period,
        fingerprint=_fingerprint([day["run_id"] for day in summaries]),
        days=_all_days(workspace, period, account_days(summaries, banks), banks),
        carried=tables,
        discrepancies=RunStore(database).discrepancies(period),
        open_items=open_items_at(database, period.last),
        payouts=payouts,
        receipts=receipts,
        changes=changes_of_runs(database, runs["run_id"]),
        history=history_until(database, period.last),
        proposed=_proposed(workspace, summaries),
        transactions=_transactions(workspace, summaries),
    )


def history_until(database: Database, last: date) -> pl.DataFrame:
    """METRIC of the weeks up to a day, with the days payouts have taken to arrive."""
    period = Period(last - timedelta(weeks=WEEKS_LOOKED_AT), last)
    arrived = receipts_of(database, payouts_of(database, period)["payout_id"])
    delays = settlement_delays(arrived).filter(pl.col("business_date") <= last)
    return pl.concat([metric_history(database, period), delays])


def _summary_of(workspace: Workspace, run: dict[str, Any]) -> dict[str, Any] | None:
    """The summary a run has published; None where it was killed before it could, or was made by a
    version that wrote another one."""
    summary = read_summary(_folder(workspace, run)) or {}
    known = (run["run_id"], SUMMARY_FORMAT)
    return summary if (summary.get("run_id"), summary.get("format")) == known else None


def _all_days(
    workspace: Workspace, period: Period, found: pl.DataFrame, banks: frozenset[str]
) -> pl.DataFrame:
    """ACCOUNT_DAY of what was run and, of a day, of every account that is configured."""
    here = workspace.reports / str(period)
    folders = [
        Path(os.path.relpath(_folder(workspace, day), here)).as_posix()
        for day in found.iter_rows(named=True)
    ]
    found = found.with_columns(folder=pl.Series(folders, dtype=pl.String))
    if period.first != period.last:
        return found
    there = set(found.select("provider", "account").iter_rows())
    absent = [
        {
            "provider": account.provider,
            "account": account.account,
            "account_title": account.title,
            "business_date": period.last,
            "is_bank": account.account in banks,
        }
        for account in workspace.config.accounts
        if (account.provider, account.account) not in there
    ]
    return pl.concat([found, conform(pl.DataFrame(absent), ACCOUNT_DAY)])


def _fingerprint(run_ids: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(sorted(run_ids)).encode()).hexdigest()[:16]


def _proposed(workspace: Workspace, summaries: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """PROPOSED_ENTRY of all accounts, as the runs have written them."""
    files = [_folder(workspace, day) / "proposed_entries.csv" for day in summaries]
    read = [pl.read_csv(file, infer_schema=False) for file in files if file.is_file()]
    if not read:
        return empty(PROPOSED_ENTRY)
    every = pl.concat(read).with_columns(pl.col("business_date").str.to_date())
    return conform(every, PROPOSED_ENTRY)


def _folder(workspace: Workspace, day: Mapping[str, Any]) -> Path:
    """Where the reports of an account's day are; its date is text in a summary."""
    business_date = date.fromisoformat(str(day["business_date"]))
    return workspace.report_directory(day["provider"], day["account"], business_date)


def _transactions(workspace: Workspace, summaries: Sequence[dict[str, Any]]) -> pl.DataFrame | None:
    """TRANSACTION of all accounts, from the Parquet files of their runs; None: too many."""
    if sum(line_count(day) for day in summaries) > DETAIL_ROWS:
        return None
    frames = []
    for day in summaries:
        folder = _folder(workspace, day)
        if not (folder / "lines.parquet").is_file():
            continue  # a day without a statement
        lines = pl.scan_parquet(folder / "lines.parquet")
        pairs = (
            pl.scan_parquet(folder / "matches.parquet")
            .filter(pl.col("line_id").is_not_null())
            .group_by("line_id")
            .agg(
                pl.col("rule").first(),
                pl.col("entry_id").first(),
                outcome=pl.lit("matched").first(),
            )
        )
        listed = lines.join(pairs, on="line_id", how="left", maintain_order="left")
        frames.append(listed.select(list(TRANSACTION)))
    if not frames:
        return conform(pl.DataFrame(), TRANSACTION)
    return pl.concat(pl.collect_all(frames, engine="streaming"))


def _figures(book: Book, language: Language) -> dict[str, Any]:
    """The same for machines: proved or not, the figures of the last day, what is unusual."""
    odd = anomalies(book.history, book.period.last)
    figures = book.history.filter(business_date=book.period.last)
    return {
        "fingerprint": book.fingerprint,
        "from": book.period.first.isoformat(),
        "to": book.period.last.isoformat(),
        "language": language,
        "proved": book.proved,
        "runs": sorted(book.days["run_id"].drop_nulls()),
        "accounts": plain_rows(book.days.drop("account_title", "folder")),
        "metrics": plain_rows(figures),
        "anomalies": plain_rows(odd.select(list(ANOMALY))),
    }


def _keep_superseded(folder: Path, book: Book, name: str) -> None:
    """Keep a workbook some of whose runs are no longer current: somebody may have signed it."""
    before = read_summary(folder)
    if before is None or set(before["runs"]) <= set(book.days["run_id"].drop_nulls()):
        return
    kept = folder / "superseded" / str(before["fingerprint"])
    kept.mkdir(parents=True, exist_ok=True)
    for path in (folder / name, folder / "summary.json"):
        if path.is_file():
            path.replace(kept / path.name)
