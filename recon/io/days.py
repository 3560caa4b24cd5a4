"""One account, one business date, for real: files and entries in, results recorded, reports out.

This is the shell around `pipeline.run_day`: everything that touches the world happens here, in an
order that a crash at any point leaves repeatable. Large frames and reports are made in a staging
folder; then the database records the run in one transaction; then the reports are moved into place.
A run killed before the transaction never happened; killed after it, the next run moves its reports.
"""

import hashlib
import json
import shutil
from dataclasses import asdict, astuple, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from recon.day import DayInput, Statement
from recon.errors import UserError
from recon.io.config import Config
from recon.io.database import Database
from recon.io.deliveries import Schedule, expectation
from recon.io.encodings import in_utf8
from recon.io.fee_history import usage_before
from recon.io.inbox import Inbox, content_of
from recon.io.ledger import Entries, MappedLedger, entries_digest, read_entries, read_mapped_entries
from recon.io.locks import run_lock
from recon.io.orders import read_orders, refunded_orders
from recon.io.rates import read_rates
from recon.io.reports import write_day
from recon.io.runs import RunChange, RunRecord, RunRows, RunStore
from recon.io.secrets import secret
from recon.io.store import ParquetStore
from recon.io.transit import payouts_in_transit
from recon.periods import one_day
from recon.pipeline import Step, plain_step, run_day
from recon.providers.contract import Place, encoding_of
from recon.results import DayResult, StatementFile
from recon.settings import AccountSettings

# Raised when the same inputs may give another result: it is part of every run's identity.
_RESULT_VERSION = "4"


@dataclass(frozen=True)
class Workspace:
    """The folder that holds database, inbox, reports and locks, and the configuration it serves."""

    root: Path
    config: Config
    database: Database

    @staticmethod
    def open(root: Path, config: Config) -> "Workspace":
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot use the workspace {root}: {error.strerror}") from None
        settings = config.recon.database
        url = f"sqlite:///{root / 'recon.db'}" if settings is None else secret(settings.url_env)
        return Workspace(root, config, Database.open(url))

    @property
    def inbox(self) -> Inbox:
        zones = {(one.provider, one.account): one.time_zone for one in self.config.accounts}
        return Inbox(self.database, self.root / "inbox", self.config.providers, zones)

    def report_directory(self, account: AccountSettings, business_date: date) -> Path:
        day = self.root / "reports" / business_date.isoformat()
        return day / account.provider / account.account


@dataclass(frozen=True)
class DayOutcome:
    """A day's result, what changed against the run before, and where its reports are."""

    run_id: str
    result: DayResult
    change: RunChange
    supersedes: str | None  # the run that was current before, kept beside this one
    reports: Path
    stale_dates: tuple[date, ...]  # later days that were run on the state this run has changed


def read_ledger(workspace: Workspace, account: AccountSettings, business_date: date) -> Entries:
    """The day's entries, from our database or from the company's own table."""
    source, period = _ledger_of(workspace), one_day(business_date)
    if isinstance(source, MappedLedger):
        return read_mapped_entries(source, account.provider, account.account, period)
    return read_entries(source, account.provider, account.account, period)


def _ledger_of(workspace: Workspace) -> Database | MappedLedger:
    settings = workspace.config.recon.ledger
    if settings is None:
        return workspace.database
    return MappedLedger(
        url=secret(settings.url_env),
        table=settings.table,
        columns=settings.columns,
        constants=settings.constants,
        kind_map=settings.kinds,
        status_map=settings.statuses,
    )


def reconcile(
    workspace: Workspace,
    account: AccountSettings,
    business_date: date,
    step: Step = plain_step,
    *,
    now: datetime,
) -> DayOutcome:
    """Run one day; `now` decides whether its statements should be here.

    Errors: UserError when another run of the same day is under way, NotProvedError when the inbox
    has lost a file it registered.
    """
    key = f"{account.provider}-{account.account}-{business_date}"
    staging = workspace.root / "staging" / key
    with run_lock(workspace.root / "locks", key):
        shutil.rmtree(staging, ignore_errors=True)
        runs = RunStore(workspace.database)
        day = _inputs(workspace, account, business_date, runs, staging / "recoded", now)
        started = datetime.now(UTC)
        result = run_day(day, workspace.config.policy, ParquetStore(staging), step)
        run_id = _run_id(workspace.config, day)
        reports = workspace.report_directory(account, business_date)
        language, chart = workspace.config.recon.reports.language, workspace.config.chart
        write_day(result, staging, run_id=run_id, language=language, chart=chart)
        previous = runs.previous(account.provider, account.account, business_date)
        record = RunRecord.of(
            result,
            run_id=run_id,
            started_at=started,
            finished_at=datetime.now(UTC),
            language=workspace.config.policy.language,
        )
        change = runs.record(record, RunRows.of(result))
        before = None if previous is None else previous.run_id
        shutil.rmtree(staging / "recoded", ignore_errors=True)
        _publish(staging, reports, run_id)
        later = runs.later_runs(account.provider, account.account, business_date)
        return DayOutcome(
            run_id=run_id,
            result=result,
            change=change,
            supersedes=before,
            reports=reports,
            stale_dates=() if change.unchanged else tuple(later),
        )


def _inputs(
    workspace: Workspace,
    account: AccountSettings,
    business_date: date,
    runs: RunStore,
    recoded: Path,
    now: datetime,
) -> DayInput:
    provider = workspace.config.providers[account.provider]
    records = workspace.inbox.files_for(account.provider, account.account, business_date)
    here = Place(account.account, business_date)
    statements = []
    for record in sorted(records, key=lambda record: (record.kind, record.part)):
        if record.kind in account.statements:
            kind = provider.kind(record.kind)
            content = content_of(record.path, record.name, record.file_id)
            file = StatementFile(record.file_id, record.name, record.kind, record.version)
            whole = in_utf8(content, encoding_of(kind, content), recoded)
            others = workspace.inbox.places_of(record.file_id) - {here}
            statements.append(Statement(file, kind, whole, others))
    entries = read_ledger(workspace, account, business_date)
    orders = read_orders(
        _ledger_of(workspace),
        account.provider,
        account.account,
        refunded_orders(entries.frame),
        business_date,
    )
    schedule = workspace.config.schedules[account.provider, account.account]
    return DayInput(
        account=account,
        provider=provider,
        business_date=business_date,
        statements=tuple(statements),
        entries=entries.frame.lazy(),
        entry_rejects=entries.rejects,
        open_items=runs.open_items_before(account.provider, account.account, business_date),
        orders=orders,
        payouts=_payouts(workspace, account, business_date),
        rates=_rates(workspace.config, account, business_date),
        fee_usage=usage_before(
            workspace.database,
            account,
            workspace.config.policy.tariffs_of(account.account),
            business_date,
        ),
        expected=expectation(workspace.database, schedule, account, business_date, now),
        holidays=_holidays(workspace.config, schedule, business_date),
    )


def _payouts(
    workspace: Workspace, account: AccountSettings, business_date: date
) -> pl.DataFrame | None:
    """PAYOUT on its way to the account; None where no other account pays into it."""
    if not workspace.config.payers_of(account):
        return None
    return payouts_in_transit(workspace.database, account.provider, account.account, business_date)


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


def _run_id(config: Config, day: DayInput) -> str:
    """A name made of everything the result follows from: the same inputs are the same run."""
    inputs = {
        "version": _RESULT_VERSION,
        "business_date": day.business_date,
        "account": asdict(day.account),
        "files": [
            (statement.content.file_id, sorted(map(astuple, statement.elsewhere)))
            for statement in day.statements
        ],
        "entries": entries_digest(day.entries.collect()),
        "entry_rejects": day.entry_rejects.rows(),
        "orders": entries_digest(day.orders),
        "payouts": None if day.payouts is None else entries_digest(day.payouts),
        "rates": None if day.rates is None else entries_digest(day.rates),
        "open_items": entries_digest(day.open_items),
        "fee_usage": entries_digest(day.fee_usage),
        "expected": asdict(day.expected),
        "holidays": day.holidays,
        "rules": [asdict(rule) for rule in config.policy.rules],
        "receipt_rules": [asdict(rule) for rule in config.policy.receipt_rules],
        "tariffs": sorted(
            json.dumps(asdict(tariff), sort_keys=True, default=_as_json)
            for tariff in config.policy.tariffs
        ),
        "severity": asdict(config.policy.severity),
        "language": config.recon.reports.language,
    }
    text = json.dumps(inputs, sort_keys=True, default=_as_json)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _as_json(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else str(value)


def _publish(staging: Path, reports: Path, run_id: str) -> None:
    """Move a finished run into place; the reports of the run before stay readable beside it.

    What is there is told by its own summary, not by the database, which is ahead of the reports
    when a run was killed between its transaction and this.
    """
    superseded = reports / "superseded"
    summary = reports / "summary.json"
    there = json.loads(summary.read_text("utf-8"))["run_id"] if summary.is_file() else run_id
    if there != run_id:
        kept = superseded / str(there)
        kept.mkdir(parents=True, exist_ok=True)
        # The summary moves last: until then the folder still says whose files these are.
        for path in sorted(reports.iterdir(), key=lambda path: path == summary):
            if path != superseded:
                path.replace(kept / path.name)
    reports.mkdir(parents=True, exist_ok=True)
    for path in sorted(staging.iterdir(), key=lambda path: path.name == summary.name):
        path.replace(reports / path.name)
    staging.rmdir()
