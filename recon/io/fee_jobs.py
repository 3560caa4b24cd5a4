"""What `recon fees` and `recon withdrawals` do: explain, simulate, tie out to invoices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import polars as pl

from recon.errors import NotProvedError, UserError
from recon.fees import assess, invoice
from recon.fees.arithmetic import with_arithmetic
from recon.fees.counting import Past, is_counted, usage
from recon.fees.schedule import Tariff
from recon.fees.tables import FEE_USAGE
from recon.fees.withdrawals import charges, with_merchants
from recon.io.config import Config
from recon.io.days import Workspace, read_ledger, read_refunded
from recon.io.fee_history import DAY_FEES, dates_with_runs, fees_of, usage_before
from recon.io.fee_schedules import kept_schedule, schedule_digest
from recon.io.fee_settings import read_schedule
from recon.io.ledger import entries_digest
from recon.io.runs import RunStore
from recon.periods import Period
from recon.settings import AccountSettings
from recon.tables import WITHDRAWAL_CHARGE, empty

# How a line was assessed, and by which row of the schedule. `schedule` is that of the run: the
# `same` that is configured now, or `changed` since; `not_kept`: its run is of an older program, and
# what is configured now is shown. `counted` is false where days before it were run again since, so
# that what it had to count from is not what it was.
EXPLAINED = (
    *("business_date", "line_id", "component", "tariff", "effective_from", "effective_to"),
    *("kind", "currency", "base", "charged", "expected", "variance", "arithmetic"),
    *("schedule", "counted"),
)


def in_force(config: Config, accounts: Sequence[AccountSettings], day: date) -> list[Tariff]:
    """The rows of the schedules of accounts that are in force on a day."""
    return [
        row
        for account in accounts
        for row in config.policy.tariffs_of(account.account)
        if row.is_in_force(day)
    ]


def explain(workspace: Workspace, line_id: str, day: date | None) -> pl.DataFrame:
    """EXPLAINED of one line, by the schedule that its run has used, newest day first.

    Errors: UserError for a line of no account, NotProvedError for one that no run has read.
    """
    account = _account_of(workspace, line_id)
    days = _days_with_reports(workspace, account) if day is None else [day]
    for found in days:
        lines = _lines(workspace, account, found)
        here = lines.filter(pl.col("line_id") == line_id).head(1)
        if here.select("line_id").collect().is_empty():
            continue
        return _explained(workspace, account, found, line_id)
    raise NotProvedError(f"no run of {account.provider} {account.account} has read {line_id}")


def _explained(
    workspace: Workspace, account: AccountSettings, day: date, line_id: str
) -> pl.DataFrame:
    used = _used(workspace, account, day)
    tariffs = [row for row in used.rows if row.charged_to == "us"]
    past = _past(workspace, account, used.rows, day)
    lines = _of_merchants(workspace, account, tariffs, day)
    assessed = (
        assess.assess(lines, tariffs, past).rows.filter(pl.col("line_id") == line_id).collect()
    )
    dates = pl.DataFrame(
        [(place, row.effective_from, row.effective_to) for place, row in enumerate(tariffs)],
        schema={"tariff_row": pl.UInt16, "effective_from": pl.Date, "effective_to": pl.Date},
        orient="row",
    )
    told = with_arithmetic(assessed, tariffs, workspace.config.policy.language)
    return (
        told.join(dates, on="tariff_row", how="left")
        .with_columns(
            business_date=pl.lit(day),
            schedule=pl.lit(used.state),
            counted=pl.lit(entries_digest(past.usage) in (used.usage, None)),
        )
        .select(EXPLAINED)
        .sort("component")
    )


@dataclass(frozen=True)
class _Used:
    """The fee schedule of a run, and a digest of what it had to count from."""

    rows: list[Tariff]
    state: Literal["same", "changed", "not_kept"]
    usage: str | None


def _used(workspace: Workspace, account: AccountSettings, day: date) -> _Used:
    run = RunStore(workspace.database).previous(account.provider, account.account, day)
    inputs = {} if run is None else run.inputs
    now = workspace.config.policy.tariffs_of(account.account)
    kept = kept_schedule(workspace.database, inputs.get("tariffs"))
    if kept is None:
        return _Used(now, "not_kept", None)
    is_same = inputs["tariffs"] == schedule_digest(now)
    return _Used(kept, "same" if is_same else "changed", inputs.get("fee_usage"))


@dataclass(frozen=True)
class Simulation:
    """What another schedule would have cost, by tariff row, beside what was charged."""

    rows: pl.DataFrame  # DAY_FEES summed over the days: by tariff row of the new schedule
    totals: pl.DataFrame  # provider, account, currency, charged, would_be, difference
    days: int


def simulate(
    workspace: Workspace, path: Path, accounts: Sequence[AccountSettings], period: Period
) -> Simulation:
    """Assess the days that were run by another schedule. Errors: UserError.

    What is counted by the month begins with the first day of the range.
    """
    schedule = read_schedule(path)
    numbers = {row.account for row in schedule}
    chosen = [account for account in accounts if account.account in numbers]
    if not chosen:
        raise UserError(
            f"{path} is for {', '.join(sorted(numbers)) or 'no account'}; "
            "none of the chosen accounts has that number"
        )
    summed, days = [pl.DataFrame(schema=DAY_FEES)], 0
    for account in chosen:
        for found in _simulated(workspace, account, schedule, period):
            summed.append(found)
            days += 1
    if not days:
        raise NotProvedError(f"nothing was run of these accounts from {period.first} to "
                             f"{period.last}; run them first: recon run")  # fmt: skip
    return _simulation(pl.concat(summed), days)


def _simulated(
    workspace: Workspace, account: AccountSettings, schedule: list[Tariff], period: Period
) -> Iterator[pl.DataFrame]:
    rows = [row for row in schedule if row.account == account.account and row.charged_to == "us"]
    before = pl.DataFrame(schema=DAY_FEES)
    for day in dates_with_runs(workspace.database, account, period):
        used = usage(before, rows, day) if is_counted(rows) else empty(FEE_USAGE)
        orders = _orders(workspace, account, rows, day)
        lines = _of_merchants(workspace, account, rows, day)
        assessed = assess.assess(lines, rows, Past(used, orders))
        summary = assess.summarize(assessed, rows).collect(engine="streaming")
        whose = {"provider": account.provider, "account": account.account, "business_date": day}
        found = summary.with_columns(pl.lit(value).alias(name) for name, value in whose.items())
        before = pl.concat([before, found.select(list(DAY_FEES))])
        yield found.select(list(DAY_FEES))


def _simulation(fees: pl.DataFrame, days: int) -> Simulation:
    whose = ["provider", "account", "currency"]
    key = ["provider", "account", "tariff", "component", "kind", "currency"]
    rows = fees.group_by(key).agg(pl.col("line_count", "base", "charged", "expected").sum())
    totals = (
        fees.group_by(whose)
        .agg(pl.col("charged").sum(), would_be=pl.col("expected").sum())
        .with_columns(difference=pl.col("would_be") - pl.col("charged"))
    )
    order = ["provider", "account", "currency", "tariff", "component", "kind"]
    return Simulation(rows.sort(order, nulls_last=True), totals.sort(whose), days)


@dataclass(frozen=True)
class TieOut:
    """A month's fees against the provider's invoice."""

    rows: pl.DataFrame  # INVOICE_ROW
    totals: pl.DataFrame  # INVOICE_TOTAL
    bridge: pl.DataFrame  # INVOICE_STEP
    missing_dates: tuple[date, ...]  # days of the month without a run

    @property
    def ties(self) -> bool:
        differences = self.totals["difference"].drop_nulls()
        return not self.missing_dates and bool((differences == 0).all())


def tie_out(
    workspace: Workspace,
    account: AccountSettings,
    month: Period,
    stated: pl.DataFrame,
    *,
    against: invoice.Against,
) -> TieOut:
    """FEE_SUMMARY of a month against STATED lines of its invoice. Errors: NotProvedError for a
    month of which nothing was run."""
    fees = fees_of(workspace.database, account, month)
    there = set(dates_with_runs(workspace.database, account, month))
    if not there:
        known = _days_with_reports(workspace, account)
        runs = f"its runs are of {known[-1]} to {known[0]}" if known else "none of its days was"
        raise NotProvedError(
            f"{account.provider} {account.account}: no day of {month.first:%Y-%m} was run; {runs}"
        )
    rows = invoice.rows(fees, stated, against)
    totals = invoice.totals(fees, stated, against)
    return TieOut(
        rows,
        totals,
        invoice.bridge(rows, totals, against),
        tuple(day for day in month if day not in there),
    )


def read_invoice(path: Path, currency: str | None) -> pl.DataFrame:
    """STATED from a CSV with the columns amount, and tariff and currency where there are any."""
    try:
        texts = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UserError(f"cannot read {path}: {str(error).splitlines()[0]}") from None
    unknown = set(texts.columns) - set(invoice.STATED)
    if unknown or "amount" not in texts.columns:
        raise UserError(
            f"{path}: the columns are amount and, where you have them, tariff and currency; "
            f"found: {', '.join(texts.columns)}"
        )
    if "currency" not in texts.columns:
        texts = texts.with_columns(currency=pl.lit(currency, dtype=pl.String))
    return invoice.parsed(texts, str(path))


def withdrawals(
    workspace: Workspace, accounts: Sequence[AccountSettings], period: Period
) -> pl.DataFrame:
    """WITHDRAWAL_CHARGE of the days that were run, by the schedules that the runs have used."""
    found = [empty(WITHDRAWAL_CHARGE)]
    for account in accounts:
        for day in dates_with_runs(workspace.database, account, period):
            tariffs = _used(workspace, account, day).rows
            lines = _of_merchants(workspace, account, tariffs, day)
            past = _past(workspace, account, tariffs, day)
            charged = [row for row in tariffs if row.charged_to == "us"]
            assessed = assess.assess(lines, charged, past)
            language = workspace.config.policy.language
            found.append(charges(lines, assessed, tariffs, past, language).by_line)
    return pl.concat(found).sort("business_date", "line_id")


def _account_of(workspace: Workspace, line_id: str) -> AccountSettings:
    for account in workspace.config.accounts:
        if line_id.startswith(f"{account.provider}:{account.account}:"):
            return account
    raise UserError(
        f"{line_id!r} is a line of no account that is configured; it begins with provider:account:"
    )


def _days_with_reports(workspace: Workspace, account: AccountSettings) -> list[date]:
    every = Period(date.min, date.max)
    return dates_with_runs(workspace.database, account, every)[::-1]


def _lines(workspace: Workspace, account: AccountSettings, day: date) -> pl.LazyFrame:
    path = workspace.report_directory(account.provider, account.account, day) / "lines.parquet"
    if not path.is_file():
        raise NotProvedError(
            f"{account.provider} {account.account} has no lines of {day}; "
            f"make them with: recon run --date {day}"
        )
    return pl.scan_parquet(path)


def _of_merchants(
    workspace: Workspace, account: AccountSettings, tariffs: Sequence[Tariff], day: date
) -> pl.LazyFrame:
    lines = _lines(workspace, account, day)
    if all(row.merchants is None for row in tariffs):
        return lines
    return with_merchants(lines, read_ledger(workspace, account, day).frame.lazy(), tariffs)


def _past(workspace: Workspace, account: AccountSettings, tariffs: list[Tariff], day: date) -> Past:
    return Past(
        usage_before(workspace.database, account, tariffs, day),
        _orders(workspace, account, tariffs, day),
    )


def _orders(
    workspace: Workspace, account: AccountSettings, tariffs: Sequence[Tariff], day: date
) -> pl.DataFrame:
    """The payments that refunds of the day belong to, where a row of the schedule asks for them."""
    if not any(row.needs_original for row in tariffs):
        return Past().orders
    entries = read_ledger(workspace, account, day).frame
    return read_refunded(workspace, account, entries, day)
