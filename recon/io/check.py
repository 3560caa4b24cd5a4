"""`recon check`: what would stop a run, and what is to come, told before it is run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from recon.errors import ReconError, UserError
from recon.io.config import Config, load_config
from recon.io.consistency import disagreements
from recon.io.database import Database
from recon.io.days import Workspace
from recon.io.deliveries import calendar_problem
from recon.io.fetch import probe_all
from recon.io.rates import read_rates
from recon.io.secrets import missing_secrets, secret


@dataclass(frozen=True)
class NextDelivery:
    """What an account is waiting for. `state` is `to come`, or `overdue` once it is missing."""

    provider: str
    account: str
    last_received: date | None  # the latest business date of which there is a statement
    business_date: date
    expected_at: str  # local time and its zone; "" where no hour is configured
    state: str


@dataclass
class Check:
    """What would stop a run, as sentences; what comes next; and with `connect`, who answers."""

    problems: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    deliveries: list[NextDelivery] = field(default_factory=list)
    absent: Path | None = None  # the workspace, where there is none yet


def check_workspace(
    root: Path, configs: Path, *, connect: bool = False, now: datetime | None = None
) -> Check:
    """Look at everything a run needs; `connect` also asks every source whether it lets us in."""
    check = Check()
    try:
        config = load_config(configs)
    except ReconError as error:
        return Check(str(error).splitlines())
    for provider, source in config.sources.items():
        if source.channel == "folder" and not (config.base / source.path).is_dir():
            check.problems.append(
                f"{provider}: the folder {config.base / source.path} does not exist"
            )
    check.problems += _calendar_problems(config)
    check.problems += _rate_problems(config)
    named = config.secret_names()
    missing = missing_secrets(named)
    check.problems += [f"{named[name]}: {said}" for name, said in missing.items()]
    try:
        last_days = {}
        if Workspace.is_begun(root, config):
            workspace = Workspace.open(root, config)
            last_days = workspace.inbox.last_days()
            check.problems += disagreements(workspace)
        else:
            check.absent = root
            if config.recon.database is not None:
                Database.open(secret(config.recon.database.url_env)).dispose()
        check.deliveries = next_deliveries(config, last_days, now or datetime.now(UTC))
    except ReconError as error:
        if str(error) not in missing.values():
            check.problems.append(str(error))
    if connect:
        _connect(check, config, root, set(missing.values()))
    return check


def _calendar_problems(config: Config) -> list[str]:
    """Calendars nobody knows, of accounts and of merchants."""
    named = {
        f"{provider} {account}": schedule.calendar
        for (provider, account), schedule in config.schedules.items()
    }
    named |= {f"merchant {one.merchant}": one.calendar for one in config.merchants.merchants}
    named |= {
        f"{one.provider} {one.account}, cycle_calendar": one.cycle_calendar
        for one in config.accounts
    }
    return [
        f"{whose}: {problem}"
        for whose, calendar in named.items()
        if calendar is not None and (problem := calendar_problem(calendar)) is not None
    ]


def _rate_problems(config: Config) -> list[str]:
    """What is wrong with the file of reference rates, where there should be one."""
    settings = config.recon.rates
    if settings is None:
        return []
    try:
        read_rates(config.base / settings.path, date.max, settings.max_age_days)
    except UserError as error:
        return [str(error)]
    return []


def next_deliveries(
    config: Config, last_days: Mapping[tuple[str, str], date], now: datetime
) -> list[NextDelivery]:
    """One for each account: the next business date with a statement, and by when it is due.
    `last_days` is what `Inbox.last_days` answers."""
    found = []
    for account in config.accounts:
        key = account.provider, account.account
        schedule = config.schedules[key]
        last = last_days.get(key)
        day = schedule.next_day(last, now)
        expected, late = schedule.expected(day), schedule.ready(day)
        found.append(
            NextDelivery(
                *(*key, last, day),
                "" if expected is None else f"{expected:%Y-%m-%d %H:%M} {schedule.time_zone}",
                "overdue" if late is not None and now >= late else "to come",
            )
        )
    return found


def _connect(check: Check, config: Config, root: Path, told: set[str]) -> None:
    for provider, answer in probe_all(config, root):
        if isinstance(answer, str):
            check.answers.append(f"{provider}: {answer}")
        elif str(answer) not in told and f"{provider}: {answer}" not in check.problems:
            check.problems.append(f"{provider}: {answer}")
