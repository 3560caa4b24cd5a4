"""What the commands and the flows do, beyond one day: ranges, and what the days have left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from recon.errors import ClosedError, NotProvedError, ReconError, StatementError, UserError
from recon.io.apart import is_large, reconcile_apart
from recon.io.books import write_book
from recon.io.days import DayOutcome, Workspace, read_ledger, reconcile
from recon.io.fetch import Arrival, Failure, fetch_all
from recon.io.reports import read_summary
from recon.io.runs import RunStore
from recon.periods import Period, one_day
from recon.pipeline import Step, plain_step
from recon.settings import AccountSettings
from recon.tables import DISCREPANCY_TYPES, LEDGER_ENTRY, empty
from recon.wording import Language

OnDay = Callable[[AccountSettings, date], None]


@dataclass
class RunReport:
    """The outcome of a run over accounts and days."""

    period: Period
    days: list[DayOutcome] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    books: list[Path] = field(default_factory=list)  # the proof workbooks; of a range the last one

    @property
    def is_proved(self) -> bool:
        return not self.failures and all(day.result.proved for day in self.days)

    def exit_code(self, *, fail_on_discrepancy: bool) -> int:
        if self.failures and not self.days:
            return self.failures[0].exit_code
        if not self.is_proved:
            return 3
        found = any(day.result.discrepancies.height for day in self.days)
        return 4 if found and fail_on_discrepancy else 0


def run_period(
    workspace: Workspace,
    accounts: Sequence[AccountSettings],
    period: Period,
    *,
    fetch: bool,
    ask_again: bool = False,
    cascade: bool = False,
    on_day: OnDay = lambda account, day: None,
    step: Step = plain_step,
    now: datetime | None = None,
) -> RunReport:
    """Run accounts day by day, each day from the state the one before left. `now`, by default this
    moment, decides which statements should be here; for `ask_again` see `fetch_all`. `cascade` runs
    later days again as well, as long as what they began with has changed.

    One account's failure does not stop the others, but ends its own days, which would build on a
    day that is not there. A signed-off day that was refused is there, so the days after it go on.
    """
    report = RunReport(period)
    now = now or datetime.now(UTC)
    if fetch:
        chosen = {account.provider for account in accounts}
        fetched = fetch_all(workspace, chosen, period, now=now, ask_again=ask_again)
        report.arrivals, report.failures = fetched.arrivals, fetched.failures

    def run(account: AccountSettings, day: date) -> bool:
        on_day(account, day)
        return _ran(report, workspace, account, day, step, now)

    # Accounts that payouts go to come last: what was sent must be known before it can arrive.
    ordered = sorted(accounts, key=lambda one: bool(workspace.config.payers_of(one)))
    for together in _counted_together(workspace, ordered):
        going = list(together)
        for day in period:
            able = [account for account in going if run(account, day)]
            if day < period.last:
                report.failures += [_not_run(one, day, period) for one in going if one not in able]
            going = able
    if cascade:
        for together in _counted_together(workspace, _with_receivers(workspace, ordered)):
            _run_stale(workspace, together, run)
    if report.days:
        run_days = sorted({day.result.business_date for day in report.days})
        report.books = _write_books(workspace, run_days, period, report.failures)
    return report


def _not_run(account: AccountSettings, failed: date, period: Period) -> Failure:
    """The later days of an account, of which nothing else is told."""
    first = failed + timedelta(days=1)
    days = f"{first}" if first == period.last else f"{first} to {period.last}"
    what = f"{account.provider} {account.account} {days}"
    text = f"not run, because {failed} was not; run the range again when that is mended"
    return Failure(what, text, NotProvedError.exit_code)


def _counted_together(
    workspace: Workspace, accounts: Sequence[AccountSettings]
) -> list[list[AccountSettings]]:
    """Accounts one by one; those whose turnover is counted together day by day, by their numbers,
    for what one has used of a quota is what the others have left."""
    groups: dict[str, list[AccountSettings]] = {}
    for account in accounts:
        rows = workspace.config.policy.tariffs_of(account.account)
        others = {account.account}.union(*(row.counted_with for row in rows))
        groups.setdefault(min(others), []).append(account)
    return [sorted(group, key=lambda one: one.account) for group in groups.values()]


def _exit_code(error: ReconError) -> int:
    """A broken statement is nobody's wrong argument: the day is not proved."""
    is_statement = isinstance(error, StatementError)
    return NotProvedError.exit_code if is_statement else error.exit_code


def _write_books(
    workspace: Workspace, days: Sequence[date], period: Period, failures: list[Failure]
) -> list[Path]:
    """The proof workbook of every day that was run and, of a range, of the range; what cannot be
    written does not stop the rest."""
    language = workspace.config.recon.reports.language
    written = []
    for part in dict.fromkeys([*map(one_day, days), period]):
        try:
            written.append(write_book(workspace, part, language))
        except ReconError as error:
            failures.append(Failure(f"proof of {part}", str(error), error.exit_code))
    return written


def _ran(
    report: RunReport,
    workspace: Workspace,
    account: AccountSettings,
    day: date,
    step: Step,
    now: datetime,
) -> bool:
    """Run one day and report it; whether the account's next day may follow."""
    what = f"{account.provider} {account.account} {day}"
    try:
        do = reconcile_apart if is_large(workspace, account, day) else reconcile
        report.days.append(do(workspace, account, day, step, now=now))
    except ClosedError as error:
        report.failures.append(Failure(what, str(error), error.exit_code))
    except ReconError as error:
        report.failures.append(Failure(what, str(error), _exit_code(error)))
        return False
    except (MemoryError, OSError) as error:
        report.failures.append(
            Failure(what, _of_the_world(error, workspace.root), ReconError.exit_code)
        )
        return False
    return True


def _of_the_world(error: MemoryError | OSError, root: Path) -> str:
    """What no stage has a sentence of its own for."""
    if isinstance(error, MemoryError):
        return "not enough memory for the day; nothing of it was recorded"
    where = error.filename or f"a file in {root}"
    return f"{where}: {error.strerror or error}; run it again when that is mended"


def _with_receivers(
    workspace: Workspace, accounts: Sequence[AccountSettings]
) -> list[AccountSettings]:
    """Accounts, then those whose turnover is counted with theirs, then those their payouts go to:
    what was sent otherwise arrives otherwise."""
    numbers = {account.account for account in accounts}
    banks = {bank for account in accounts for _, bank in account.pays_into}
    policy, others = workspace.config.policy, workspace.config.accounts
    sharing = [
        one
        for one in others
        if one not in accounts
        and any(row.counted_with & numbers for row in policy.tariffs_of(one.account))
    ]
    receivers = [one for one in others if one.account in banks]
    return [*(one for one in (*accounts, *sharing) if one not in receivers), *receivers]


def _run_stale(
    workspace: Workspace,
    together: Sequence[AccountSettings],
    run: Callable[[AccountSettings, date], bool],
) -> None:
    """Run days again until none began with something else than is so now; days of accounts that
    are counted together in the order in which they count."""
    done = date.min, 0
    while stale := [(days[0], place) for place, account in enumerate(together)
                    if (days := workspace.stale_days(account).dates)]:  # fmt: skip
        first = min(stale)
        if first <= done or not run(together[first[1]], first[0]):
            break  # a signed-off day was refused, or one could not be run
        done = first


def ledger_entries(
    workspace: Workspace, accounts: Sequence[AccountSettings], period: Period
) -> pl.DataFrame:
    """LEDGER_ENTRY of some accounts and days."""
    frames = [read_ledger(workspace, account, day).frame for account in accounts for day in period]
    return pl.concat([empty(LEDGER_ENTRY), *frames])


def known_discrepancies(
    workspace: Workspace,
    accounts: Sequence[AccountSettings],
    period: Period | None,
    types: list[str] | None,
) -> pl.DataFrame:
    """DISCREPANCY of the current runs. Errors: UserError for a type that does not exist."""
    unknown = sorted(set(types or []) - set(DISCREPANCY_TYPES))
    if unknown:
        raise UserError(
            f"no discrepancy type {', '.join(unknown)}; valid: {', '.join(DISCREPANCY_TYPES)}"
        )
    runs = RunStore(workspace.database)
    return pl.concat(
        runs.discrepancies(period, account.provider, account.account, types) for account in accounts
    )


def reports_of(
    workspace: Workspace,
    accounts: Sequence[AccountSettings],
    day: date,
    language: Language | None = None,
) -> tuple[list[dict[str, Any]], list[AccountSettings]]:
    """The summaries of a day, each with its folder, and the accounts that have none; what is not
    told in `language` is run again.

    Errors: NotProvedError when there is no report at all.
    """
    summaries = {one: read_summary(_folder(workspace, one, day)) for one in accounts}
    there = [one for one, summary in summaries.items() if summary is not None]
    if not there:
        raise NotProvedError(f"there is no report of {day}; make it with: recon run --date {day}")
    told = {summary.get("language") for summary in summaries.values() if summary is not None}
    if language is not None and told != {language}:
        report = run_period(workspace, there, one_day(day), fetch=False)
        if report.failures:
            raise NotProvedError("; ".join(map(str, report.failures)))
    found = [_report_of(workspace, account, day) for account in there]
    return found, [account for account in accounts if account not in there]


def _folder(workspace: Workspace, account: AccountSettings, day: date) -> Path:
    return workspace.report_directory(account.provider, account.account, day)


def _report_of(workspace: Workspace, account: AccountSettings, day: date) -> dict[str, Any]:
    runs, folder = RunStore(workspace.database), _folder(workspace, account, day)
    summary = read_summary(folder) or {}
    current = runs.previous(account.provider, account.account, day)
    return summary | {
        "reports": str(folder),
        "stale": day in workspace.stale_days(account).dates,
        "recorded": current is not None and current.run_id == summary["run_id"],
    }
