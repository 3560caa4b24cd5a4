"""The journal of some accounts and days: the postings of their current runs, and what follows."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import polars as pl
import sqlalchemy as sa

from recon.book_tables import POSTING
from recon.discrepancies import Day
from recon.errors import NotProvedError, UserError
from recon.io.database import Database, read_frame
from recon.io.days import Workspace, read_ledger
from recon.io.export import replaced, write_frame
from recon.io.fee_history import dates_with_runs
from recon.io.reserves import held_before
from recon.io.runs import RunStore
from recon.io.schema import POSTINGS, RUNS, SETTLEMENT_BATCHES, current_runs_of
from recon.io.transit import in_transit_before
from recon.journal.details import details
from recon.journal.formats import (
    ASSERTION,
    Format,
    Journal,
    beancount_text,
    hledger_text,
    journal_rows,
)
from recon.journal.phrases import memo
from recon.journal.standing import Standing, assertions, opening
from recon.periods import Period
from recon.settings import AccountSettings
from recon.tables import SETTLEMENT_BATCH, Schema, empty


def journal_of(
    workspace: Workspace,
    accounts: Sequence[AccountSettings],
    period: Period,
    *,
    with_opening: bool = False,
    detailed: bool = False,
) -> Journal:
    """The journal of a period, in the language of the reports. With its opening it stands alone: it
    begins with what was there before, and states what must be there at the end. Detailed, it has a
    transaction for every line and entry, not their sums. Errors: NotProvedError."""
    chart, database = workspace.config.chart, workspace.database
    language = workspace.config.policy.language
    posted = pl.concat(
        [
            empty(POSTING),
            *(_rows(database, POSTINGS, POSTING, account, period) for account in accounts),
        ]
    ).with_columns(memo=memo(language))
    if detailed:
        posted = _detailed(workspace, accounts, period, posted)
    if not with_opening:
        return Journal(journal_rows(posted, chart), empty(ASSERTION))
    standings = [_standing(database, account, period) for account in accounts]
    whole = pl.concat([opening(standings, period.first, language), posted])
    return Journal(journal_rows(whole, chart), assertions(whole, standings, chart, period.last))


def _detailed(
    workspace: Workspace, accounts: Sequence[AccountSettings], period: Period, posted: pl.DataFrame
) -> pl.DataFrame:
    policy, runs = workspace.config.policy, RunStore(workspace.database)
    parts = [empty(POSTING)]
    for account in accounts:
        whose = (account.provider, account.account)
        for day in dates_with_runs(workspace.database, account, period):
            folder = workspace.report_directory(*whose, day)
            if not (folder / "lines.parquet").is_file():
                raise NotProvedError(
                    f"{' '.join(whose)} has no lines of {day}; run it again: recon run --date {day}"
                )
            made = details(
                posted.filter(business_date=day, provider=whose[0], account=whose[1]),
                pl.scan_parquet(folder / "lines.parquet"),
                read_ledger(workspace, account, day).frame.lazy(),
                runs.open_items_before(*whose, day),
                Day(*whose, day, policy.severity, policy.language),
            )
            parts.append(made)
    return pl.concat(parts)


def write_journal(journal: Journal, path: Path, format: Format | None = None) -> Path:
    """Write it as its name ends, or in `format`. Errors: UserError."""
    chosen = format or _FORMAT_BY_SUFFIX.get(path.suffix, "csv")
    if chosen == "csv":
        if path.suffix not in _TABLE_SUFFIXES:
            known = ", ".join((*_FORMAT_BY_SUFFIX, *_TABLE_SUFFIXES))
            raise UserError(f"{path}: cannot tell the format; end the name in {known}")
        return write_frame(journal.rows, path)
    text = beancount_text if chosen == "beancount" else hledger_text
    with replaced(path) as part:
        part.write_text(text(journal), encoding="utf-8")
    return path


_TABLE_SUFFIXES: Final = (".csv", ".parquet", ".jsonl")
_FORMAT_BY_SUFFIX: Final[dict[str, Format]] = {
    ".beancount": "beancount",
    ".bean": "beancount",
    ".hledger": "hledger",
    ".journal": "hledger",
}


def _standing(database: Database, account: AccountSettings, period: Period) -> Standing:
    runs, whose = RunStore(database), (account.provider, account.account)
    return Standing(
        *whose,
        before=runs.open_items_before(*whose, period.first),
        after=runs.open_items_before(*whose, period.last + timedelta(days=1)),
        batches=_rows(database, SETTLEMENT_BATCHES, SETTLEMENT_BATCH, account, period),
        in_transit=in_transit_before(database, account.provider, account.account, period.first),
        reserve=held_before(database, account, period.first),
    )


def _rows(
    database: Database, table: sa.Table, schema: Schema, account: AccountSettings, period: Period
) -> pl.DataFrame:
    """Rows of the account's current runs in a period."""
    select = (
        sa.select(*(table.c[name] for name in schema))
        .join(RUNS, RUNS.c.run_id == table.c.run_id)
        .where(
            *current_runs_of(account.provider, account.account),
            RUNS.c.business_date.between(period.first, period.last),
        )
    )
    return read_frame(database, select, schema)
