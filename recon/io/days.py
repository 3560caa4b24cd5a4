"""One account, one business date, for real: files and entries in, results recorded, reports out.

This is the shell around `pipeline.run_day`: everything that touches the world happens here, in an
order that a crash at any point leaves repeatable. Large frames and reports are made in a staging
folder; then the database records the run in one transaction; then the reports are moved into place.
A run killed before the transaction never happened; killed after it, the next run moves its reports.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from recon.day import DayInput, Statement
from recon.errors import UserError
from recon.io.actor import actor_named
from recon.io.audit import keep_head
from recon.io.balances import closed_before
from recon.io.changes import RunChange
from recon.io.closing import closed, refuse_if_closed
from recon.io.config import Config
from recon.io.database import Database
from recon.io.deliveries import Schedule, expectation
from recon.io.encodings import in_utf8
from recon.io.entry_sources import Ledger, entries_of, marks_of
from recon.io.fee_history import usage_before
from recon.io.fee_schedules import keep_schedule
from recon.io.inbox import Inbox, content_of
from recon.io.inputs import differing, run_id_of, run_inputs
from recon.io.locks import run_lock
from recon.io.mapped_ledger import Entries, MappedLedger
from recon.io.names import file_name
from recon.io.orders import read_orders
from recon.io.payout_terms import payout_terms
from recon.io.rates import read_rates
from recon.io.reports import reported_run, write_day
from recon.io.reserves import reserves_before
from recon.io.runs import RunRecord, RunRows, RunStore, open_items_digest
from recon.io.secrets import secret
from recon.io.stale import Stale, payouts_due, stale_days
from recon.io.store import ParquetStore
from recon.io.transit import given_up_payouts, sent_by_day
from recon.io.write_offs import approved_write_offs, given_up_rows
from recon.periods import Period, one_day
from recon.pipeline import Step, plain_step, run_day
from recon.providers.contract import Place, encoding_of
from recon.reporting.summary import day_summary
from recon.results import DayResult, StatementFile
from recon.settings import AccountSettings


@dataclass(frozen=True)
class Workspace:
    """The folder that holds database, inbox, reports and locks, the configuration it serves, and
    in whose name it is worked with."""

    root: Path
    config: Config
    database: Database
    actor: str

    @staticmethod
    def is_begun(root: Path, config: Config) -> bool:
        """Whether it is one; with a database elsewhere, any folder may be."""
        return root.is_dir() if config.recon.database else (root / "recon.db").is_file()

    @staticmethod
    def open(root: Path, config: Config, actor: str | None = None) -> "Workspace":
        """One that was begun. Errors: UserError where there is none, such as a name mistyped."""
        if not Workspace.is_begun(root, config):
            raise UserError(
                f"there is no workspace {root}; name another one with --workspace, or begin it "
                "with: recon ledger import FILE, or recon run --date D"
            )
        return Workspace.begin(root, config, actor)

    @staticmethod
    def begin(root: Path, config: Config, actor: str | None = None) -> "Workspace":
        """One that is made where there is none. Errors: UserError."""
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot use the workspace {root}: {error.strerror}") from None
        settings = config.recon.database
        url = f"sqlite:///{root / 'recon.db'}" if settings is None else secret(settings.url_env)
        return Workspace(root, config, Database.open(url), actor_named(actor))

    @property
    def inbox(self) -> Inbox:
        clocks = {(one.provider, one.account): one.clock for one in self.config.accounts}
        return Inbox(self.database, self.root / "inbox", self.config.providers, clocks)

    @property
    def audit_head(self) -> Path:
        """Where the end of the audit trail is remembered outside of the database."""
        return self.root / "audit.head"

    @property
    def reports(self) -> Path:
        """The folder with one for each day, and for each range that was run as one."""
        return self.root / "reports"

    @property
    def ledger(self) -> Ledger:
        """Our database, or the company's own table."""
        settings = self.config.recon.ledger
        if settings is None:
            return self.database
        return MappedLedger(
            url=secret(settings.url_env),
            table=settings.table,
            columns=settings.columns,
            constants=settings.constants,
            kind_map=settings.kinds,
            status_map=settings.statuses,
        )

    def stale_days(self, account: AccountSettings) -> Stale:
        """See `stale.stale_days`."""
        tariffs = self.config.policy.tariffs_of(account.account)
        schedule = self.config.schedules[account.provider, account.account]
        return stale_days(self.database, self.ledger, account, tariffs, schedule)

    def report_directory(self, provider: str, account: str, business_date: date) -> Path:
        return self.reports / business_date.isoformat() / provider / file_name(account)


@dataclass(frozen=True)
class DayOutcome:
    """A day's result, what changed against the run before, and where its reports are."""

    run_id: str
    result: DayResult
    change: RunChange
    supersedes: str | None  # the run that was current before, kept beside this one
    reports: Path
    stale: Stale  # days of the account that are to be run again


def read_ledger(workspace: Workspace, account: AccountSettings, business_date: date) -> Entries:
    """The day's entries, from our database or from the company's own table."""
    return read_ledger_of(workspace, account, one_day(business_date))


def read_ledger_of(workspace: Workspace, account: AccountSettings, period: Period) -> Entries:
    """The entries of an account that are dated in a period."""
    return entries_of(workspace.ledger, account.provider, account.account, period)


def read_refunded(
    workspace: Workspace, account: AccountSettings, entries: pl.DataFrame, business_date: date
) -> pl.DataFrame:
    """LEDGER_ENTRY of the orders that entries of a day give money back of."""
    whose = account.provider, account.account
    return read_orders(workspace.ledger, *whose, entries, business_date)


def reconcile(
    workspace: Workspace,
    account: AccountSettings,
    business_date: date,
    step: Step = plain_step,
    *,
    now: datetime,
) -> DayOutcome:
    """Run one day; `now` decides whether its statements should be here.

    Errors: UserError when another run of the same day is under way or the day is to come,
    ClosedError when the day is signed off and its inputs are not what they were, NotProvedError
    when the inbox has lost a file it registered.
    """
    key = f"{account.provider}-{account.account}-{business_date}"
    staging = workspace.root / "staging" / file_name(key)
    with run_lock(workspace.root / "locks", key):
        shutil.rmtree(staging, ignore_errors=True)
        runs = RunStore(workspace.database)
        whose, day_alone = (account.provider, account.account), one_day(business_date)
        marks = marks_of(workspace.ledger, *whose, day_alone)  # before the entries are read
        day = _inputs(workspace, account, business_date, runs, staging / "recoded", now)
        _refuse_unbegun(day, now)
        inputs = run_inputs(workspace.config, day)
        run_id = run_id_of(inputs)
        current = runs.previous(account.provider, account.account, business_date)
        if current is None or current.run_id != run_id:
            _refuse_if_closed(workspace, day, current, inputs)
        started = datetime.now(UTC)
        result = run_day(day, workspace.config.policy, ParquetStore(staging), step)
        language, chart = workspace.config.policy.language, workspace.config.chart
        supersedes, changes = runs.change_against(current, run_id, result.discrepancies, language)
        result = replace(result, changes=changes, supersedes=supersedes)
        summary = day_summary(result, run_id, language)
        write_day(result, summary, staging, chart=chart)
        record = RunRecord.of(
            result,
            summary,
            started_at=started,
            finished_at=datetime.now(UTC),
            inputs={**inputs, marks.name: marks.of(business_date)},
            opening=open_items_digest(day.open_items),
        )
        keep_schedule(workspace.database, workspace.config.policy.tariffs_of(account.account))
        change = runs.record(record, RunRows.of(result), actor=workspace.actor)
        reports = workspace.report_directory(account.provider, account.account, business_date)
        _publish(workspace, staging, reports, record)
        keep_head(workspace.database, workspace.audit_head)
        return DayOutcome(
            run_id=run_id,
            result=result,
            change=change,
            supersedes=None if current is None else current.run_id,
            reports=reports,
            stale=workspace.stale_days(account),
        )


def _refuse_unbegun(day: DayInput, now: datetime) -> None:
    """Errors: UserError for a day that has not begun and of which nothing is here: a year mistyped.
    Its run would be the last one, which open items and write-offs go on from."""
    account = day.account
    is_coming = day.business_date > now.astimezone(ZoneInfo(account.time_zone)).date()
    if is_coming and not day.statements and day.entries.limit(1).collect().is_empty():
        raise UserError(
            f"the day has not begun in {account.time_zone}, and neither a statement nor an entry "
            "of it is here; it was not run"
        )


def _inputs(
    workspace: Workspace,
    account: AccountSettings,
    business_date: date,
    runs: RunStore,
    recoded: Path,
    now: datetime,
) -> DayInput:
    provider, policy = workspace.config.providers[account.provider], workspace.config.policy
    here = Place(account.account, business_date)
    statements, gaps = [], []
    for record in workspace.inbox.files_for(account.provider, account.account, business_date):
        if record.kind in account.statements:
            kind = provider.kind(record.kind)
            content = content_of(record.path, record.name, record.file_id)
            file = StatementFile(record.file_id, record.name, record.kind, record.version)
            whole = in_utf8(content, encoding_of(kind, content), recoded)
            others = workspace.inbox.places_of(record.file_id) - {here}
            statements.append(Statement(file, kind, whole, others))
            if kind.is_numbered:
                gaps += [f"{kind.name} {part}" for part in workspace.inbox.gap_before(record)]
    entries = read_ledger(workspace, account, business_date)
    orders = read_refunded(workspace, account, entries.frame, business_date)
    schedule = workspace.config.schedules[account.provider, account.account]
    whose = workspace.database, account.provider, account.account
    written_off = approved_write_offs(*whose, business_date)
    before = runs.day_before(account.provider, account.account, business_date) or date.min
    return DayInput(
        account=account,
        provider=provider,
        business_date=business_date,
        statements=tuple(statements),
        gaps=tuple(gaps),
        entries=entries.frame.lazy(),
        entry_rejects=entries.rejects,
        open_items=runs.open_items_before(account.provider, account.account, business_date),
        orders=orders,
        write_offs=written_off.filter(pl.col("effective_on") > before),
        given_up_items=given_up_rows(*whose, written_off),
        given_up_payouts=given_up_payouts(workspace.database, account.account, written_off),
        payout_terms=payout_terms(workspace.database, account, business_date),
        payouts=_payouts(workspace, account, business_date),
        sent_before=sent_by_day(workspace.database, account)(business_date),
        rates=_rates(workspace.config, account, business_date),
        closed=closed_before(workspace.database, schedule, account, business_date),
        reserves=reserves_before(workspace.database, account, business_date),
        fee_usage=usage_before(
            workspace.database, account, policy.tariffs_of(account.account), business_date
        ),
        expected=expectation(
            workspace.database, schedule, account, business_date, now, policy.language
        ),
        holidays=_holidays(workspace.config, schedule, business_date),
    )


def _payouts(
    workspace: Workspace, account: AccountSettings, business_date: date
) -> pl.DataFrame | None:
    """PAYOUT on its way to the account; None where no other account pays into it."""
    if not workspace.config.payers_of(account):
        return None
    return payouts_due(workspace.database, account.provider, account.account, business_date)


def _rates(config: Config, account: AccountSettings, business_date: date) -> pl.DataFrame | None:
    """EXCHANGE_RATE for an account that says how far from them its exchanges may be."""
    settings = config.recon.rates
    if settings is None or account.fx_tolerance_percent is None:
        return None
    return read_rates(config.base / settings.path, business_date, settings.max_age_days)


def _holidays(config: Config, schedule: Schedule, day: date) -> tuple[date, ...]:
    """Asked for only where a rule counts in business days: a calendar takes long to import."""
    rules = (*config.policy.rules, *config.policy.receipt_rules)
    windows = [rule.date_window for rule in rules if rule.date_window is not None]
    return schedule.holidays(day) if any(window.in_business_days for window in windows) else ()


def _refuse_if_closed(
    workspace: Workspace, day: DayInput, current: RunRecord | None, inputs: Mapping[str, Any]
) -> None:
    """Before all the work of a run that could not be recorded. Errors: ClosedError."""
    changed = differing(None if current is None else current.inputs, inputs)
    why = f"its inputs have changed: {'; '.join(changed)}"
    whose = day.account.provider, day.account.account
    with workspace.database.connect() as connection:
        refuse_if_closed(connection, *whose, day.business_date, why)


def _publish(workspace: Workspace, staging: Path, reports: Path, run: RunRecord) -> None:
    """Move a finished run into place; the reports of the run before stay readable beside it.

    What is there is told by its own summary, not by the database, which is ahead of the reports
    when a run was killed between its transaction and this. What was signed is not touched, not even
    by the same bytes.
    """
    shutil.rmtree(staging / "recoded", ignore_errors=True)
    with workspace.database.connect() as connection:
        is_closed = closed(connection, run.provider, run.account, run.business_date) is not None
    if is_closed and reported_run(reports) is not None:
        shutil.rmtree(staging)
        return
    try:
        _move(staging, reports, run.run_id)
    except OSError as error:
        raise UserError(
            f"cannot write {error.filename or reports}: {error.strerror}; close it if it is open "
            "in Excel, or make the folder writable, then run again (the result is recorded)"
        ) from None


def _move(staging: Path, reports: Path, run_id: str) -> None:
    superseded = reports / "superseded"
    summary = reports / "summary.json"
    there = reported_run(reports) or run_id
    if there != run_id:
        kept = superseded / there
        kept.mkdir(parents=True, exist_ok=True)
        # The summary moves last: until then the folder still says whose files these are.
        for path in sorted(reports.iterdir(), key=lambda path: path == summary):
            if path != superseded:
                path.replace(kept / path.name)
    reports.mkdir(parents=True, exist_ok=True)
    for path in sorted(staging.iterdir(), key=lambda path: path.name == summary.name):
        path.replace(reports / path.name)
    staging.rmdir()
