"""`recon status`: how every account stands, at a glance, from what its runs have recorded."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import sqlalchemy as sa

from recon.control.cases import UNSETTLED
from recon.io.books import history_until
from recon.io.check import next_deliveries
from recon.io.closing import closed_accounts
from recon.io.control_schema import CASES
from recon.io.days import Workspace
from recon.io.inputs import why_stale
from recon.io.schema import DISCREPANCIES, LEDGER_IMPORT_DAYS, RUNS, STATEMENT_FILES
from recon.io.stale import Stale
from recon.io.stale_settlements import stale_settlements
from recon.metrics import anomalies, is_comparable, usual_values
from recon.reporting.watch import anomaly_in_words
from recon.settings import AccountSettings
from recon.wording import Language


@dataclass(frozen=True)
class Figure:
    """A figure of the last day, in one currency or none, and what it usually is."""

    name: str
    currency: str | None
    value: Decimal
    usual: Decimal | None


@dataclass(frozen=True)
class AccountStatus:
    """How an account stands after its last run; `last_run` is None where there was none."""

    provider: str
    account: str
    title: str
    last_run: date | None
    proved: bool
    not_proved: tuple[date, ...]  # of all days that were run and are not signed
    not_run: tuple[date, ...]  # between the first run and the last, where something of them is here
    stale_since: date | None  # the first day that was run on what is no longer so
    stale_because: str  # as part of a sentence; "" where none is
    discrepancies: dict[str, int]  # with a case that is not settled, by severity
    figures: tuple[Figure, ...]
    unusual: tuple[str, ...]  # sentences
    comparable: bool  # False: too few days were run for anything to be unusual
    next_day: date
    expected_at: str
    overdue: bool
    stale_settlements: tuple[str, ...] = ()  # of merchants it collects for, as sentences

    def figure(self, name: str) -> list[Figure]:
        return [figure for figure in self.figures if figure.name == name]


def status_of(
    workspace: Workspace, day: date | None, now: datetime, language: Language = "en"
) -> list[AccountStatus]:
    """Every configured account as it stood at the end of a day, by default after its last run."""
    runs = _current_runs(workspace, day)
    coming = next_deliveries(workspace.config, workspace.inbox.last_days(), now)
    deliveries = {(one.provider, one.account): one for one in coming}
    severities = _open_severities(workspace, day)
    settlements = _stale_settlements(workspace)
    with workspace.database.connect() as connection:
        locks = closed_accounts(connection)
    histories: dict[date, pl.DataFrame] = {}
    found = []
    for account in workspace.config.accounts:
        key = account.provider, account.account
        of_account = [run for run in runs if (run["provider"], run["account"]) == key]
        last = of_account[-1] if of_account else None
        signed_until = locks[key].until if key in locks else date.min
        stale = _stale_until(workspace, account, last)
        delivery = deliveries[key]
        figures: tuple[Figure, ...] = ()
        unusual: tuple[str, ...] = ()
        comparable = False
        if last is not None:
            on = last["business_date"]
            if on not in histories:
                histories[on] = history_until(workspace.database, on)
            of = (pl.col("provider") == key[0]) & (pl.col("account") == key[1])
            history = histories[on].filter(of)
            figures, comparable = _figures(history, on), is_comparable(history, on)
            odd = anomalies(history, on)
            unusual = tuple(anomaly_in_words(row, language) for row in odd.iter_rows(named=True))
        found.append(
            AccountStatus(
                provider=account.provider,
                account=account.account,
                title=account.title,
                last_run=None if last is None else last["business_date"],
                proved=last is not None and bool(last["proved"]),
                not_proved=tuple(
                    run["business_date"]
                    for run in of_account
                    if not run["proved"] and run["business_date"] > signed_until
                ),
                not_run=_not_run(workspace, account, [run["business_date"] for run in of_account]),
                stale_since=stale.dates[0] if stale.dates else None,
                stale_because=why_stale(stale) if stale.dates else "",
                discrepancies=severities.get(key, {}),
                figures=figures,
                unusual=unusual,
                comparable=comparable,
                next_day=delivery.business_date,
                expected_at=delivery.expected_at,
                overdue=delivery.state == "overdue",
                stale_settlements=tuple(settlements.get(account.account, ())),
            )
        )
    return found


def _stale_settlements(workspace: Workspace) -> dict[str, list[str]]:
    """What is not settled any more as it was, under the first account that collects for it."""
    merchants = {one.merchant: one for one in workspace.config.merchants.merchants}
    found: dict[str, list[str]] = {}
    for stale in stale_settlements(workspace):
        found.setdefault(merchants[stale.merchant].accounts[0], []).append(str(stale))
    return found


def _stale_until(
    workspace: Workspace, account: AccountSettings, last: dict[str, Any] | None
) -> Stale:
    """What is to be run again up to the last run, as a run and a sign-off see it."""
    if last is None:
        return Stale()
    stale = workspace.stale_days(account)
    return stale if stale.dates and stale.dates[0] <= last["business_date"] else Stale()


def _not_run(
    workspace: Workspace, account: AccountSettings, days_run: list[date]
) -> tuple[date, ...]:
    """Days that were passed over although entries or statements of them are here."""
    here = set[date]()
    with workspace.database.connect() as connection:
        for table in (LEDGER_IMPORT_DAYS, STATEMENT_FILES):
            of = table.c
            select = sa.select(of.business_date).where(
                of.provider == account.provider,
                of.account == account.account,
                of.business_date.between(
                    min(days_run, default=date.max), max(days_run, default=date.min)
                ),
            )
            here |= set(connection.execute(select.distinct()).scalars())
    return tuple(sorted(here - set(days_run)))


def _current_runs(workspace: Workspace, day: date | None) -> list[dict[str, Any]]:
    names = ("provider", "account", "business_date", "run_id", "proved", "started_at")
    select = (
        sa.select(*(RUNS.c[name] for name in names))
        .where(RUNS.c.superseded_by.is_(None))
        .order_by(RUNS.c.business_date)
    )
    if day is not None:
        select = select.where(RUNS.c.business_date <= day)
    with workspace.database.connect() as connection:
        return [dict(row) for row in connection.execute(select).mappings()]


def _figures(history: pl.DataFrame, day: date) -> tuple[Figure, ...]:
    usual = usual_values(history, day).drop("days_count")
    key = ["provider", "account", "name", "currency"]
    here = history.filter(business_date=day).join(usual, on=key, how="left", nulls_equal=True)
    rows = here.sort("name", "currency").select("name", "currency", "value", "usual").iter_rows()
    return tuple(Figure(*row) for row in rows)


def _open_severities(
    workspace: Workspace, day: date | None
) -> dict[tuple[str, str], dict[str, int]]:
    """How many cases of each account are not settled, by the severity its last run gave them."""
    case, discrepancy = CASES.c, DISCREPANCIES.c
    same = sa.and_(
        *(case[name] == discrepancy[name] for name in ("provider", "account", "discrepancy_id"))
    )
    select = (
        sa.select(case.case_id, case.provider, case.account, discrepancy.severity)
        .join_from(CASES, DISCREPANCIES, same)
        .join(RUNS, RUNS.c.run_id == discrepancy.run_id)
        .where(case.state.in_(UNSETTLED))
        .order_by(RUNS.c.finished_at)
    )
    if day is not None:
        select = select.where(case.business_date <= day)
    with workspace.database.connect() as connection:
        last = {row.case_id: row for row in connection.execute(select)}
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in last.values():
        counts = found.setdefault((row.provider, row.account), {})
        counts[row.severity] = counts.get(row.severity, 0) + 1
    return found
