"""The calendar of statements: when a day's should be here, and when there is nothing to expect.

A day without a statement is one of three things: nothing happened and the source says so, it is
too early, or the statement is missing. The clock is always an argument.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from pydantic import AfterValidator

from recon.errors import UserError
from recon.io.database import Database
from recon.io.inbox import Inbox
from recon.io.schema import QUIET_DAYS, STATEMENT_FILES
from recon.periods import Period
from recon.settings import AccountSettings, Expectation
from recon.settlement.cycles import BusinessDays
from recon.wording import NOTES, WEEKDAYS, Language, words

_CALENDAR = re.compile(r"[A-Z0-9]{2,4}(-\w+)?")
# Of the names of holidays, whatever the machine's is; a calendar without it gives English ones.
_LANGUAGES: Mapping[Language, str] = {"en": "en_US", "zh": "zh_CN"}
_LONGEST_REST_DAYS = 31  # no calendar is closed for longer
_LONGEST_REST = timedelta(days=_LONGEST_REST_DAYS)


@dataclass(frozen=True)
class Schedule:
    """When an account's statements come; see recon/io/README.md for the settings."""

    time_zone: str
    ready_at: str | None = None
    ready_days: int = 1
    grace_minutes: int = 0
    calendar: str | None = None
    weekdays: frozenset[int] | None = None  # Monday is 0
    no_activity: Literal["header_only", "no_file"] | None = None

    def closed_because(self, day: date, language: Language = "en") -> str | None:
        """Why nothing is to be expected for a day; None: something is."""
        if self.calendar is not None:
            holidays = _calendar(self.calendar, day.year, language)
            if day in holidays.weekend_workdays:  # a weekend that is worked instead of a holiday
                return None
            if day in holidays:
                because = words(NOTES, language)["holiday"]
                return because.format(holiday=holidays.get(day), calendar=self.calendar)
        if self.weekdays is not None and day.weekday() not in self.weekdays:
            weekday = words(WEEKDAYS, language)[str(day.weekday())]
            return words(NOTES, language)["weekday"].format(weekday=weekday)
        return None

    def holidays(self, day: date) -> tuple[date, ...]:
        """The days without business of the calendar, from the year before `day` to the one after
        it; weekends are not among them."""
        if self.calendar is None:
            return ()
        years = (day.year - 1, day.year, day.year + 1)
        found = (_calendar(self.calendar, year) for year in years)
        return tuple(sorted(day for holidays in found for day in holidays))

    def ready(self, day: date) -> datetime | None:
        """The moment from which a day's statements are missing; None: at once."""
        expected = self.expected(day)
        return None if expected is None else expected + timedelta(minutes=self.grace_minutes)

    def expected(self, day: date) -> datetime | None:
        """The moment a day's statements should be here; None: at once. On days without business
        nothing is delivered, so they do not count."""
        if self.ready_at is None:
            return None
        on, left = day, self.ready_days
        for _ in range(self.ready_days + _LONGEST_REST_DAYS):
            if left == 0:
                break
            on += timedelta(days=1)
            left -= self.closed_because(on) is None
        return datetime.combine(on, time.fromisoformat(self.ready_at), ZoneInfo(self.time_zone))

    def delivered_on(self, today: date) -> list[date]:
        """The business dates whose statements come on a day; those without business among them,
        since they are run, too."""
        if self.ready_at is None:
            return []
        days = (today - timedelta(days=back) for back in range(_LONGEST_REST_DAYS, -1, -1))
        moments = ((day, self.expected(day)) for day in days)
        return [day for day, at in moments if at is not None and at.date() == today]

    def next_day(self, last: date | None, now: datetime) -> date:
        """The business date whose statements are to come next, after those of `last`; when there
        are none yet, the first that is not over."""
        today = now.astimezone(ZoneInfo(self.time_zone)).date()
        day = today if last is None else last + timedelta(days=1)
        while self.closed_because(day) is not None and day <= today + _LONGEST_REST:
            day += timedelta(days=1)
        return day


def calendar_problem(name: str) -> str | None:
    """What is wrong with the name of a calendar."""
    try:
        _calendar(name, 2026)
    except UserError as error:
        return str(error)
    return None


def _looks_like_one(value: str) -> str:
    """Whether it is one would take as long to tell as all the rest of the configuration: that is
    told by `recon check`, and by whoever asks for its days."""
    if _CALENDAR.fullmatch(value) is None:
        raise ValueError(_no_calendar(value))
    return value


def _no_calendar(name: str) -> str:
    return (
        f"{name!r} is no calendar; write a country (CN), a country and a region (US-CA), "
        "or a market (XNYS)"
    )


Calendar = Annotated[str, AfterValidator(_looks_like_one)]


def business_days(name: str | None, around: date) -> BusinessDays:
    """The days banks are open by a calendar, from the year before a day to the one after it."""
    if name is None:
        return BusinessDays()
    found = [_calendar(name, around.year + years) for years in (-1, 0, 1)]
    return BusinessDays(
        frozenset(day for holidays in found for day in holidays),
        frozenset(day for holidays in found for day in holidays.weekend_workdays),
    )


def expectation(
    database: Database,
    schedule: Schedule,
    account: AccountSettings,
    day: date,
    now: datetime,
    language: Language = "en",
) -> Expectation:
    """Whether a day's statements should be here at `now`, with the reason in `language`."""
    notes = words(NOTES, language)
    may_be_empty = schedule.no_activity == "header_only"
    closed = schedule.closed_because(day, language)
    if closed is not None:
        return Expectation("closed", closed, may_be_empty)
    ready = schedule.ready(day)
    if ready is not None and now < ready:
        when = f"{ready:%Y-%m-%d %H:%M} {schedule.time_zone}"
        return Expectation("later", notes["later"].format(when=when), may_be_empty)
    with database.connect() as connection:
        declared = _declared_at(connection, account.provider, account.account, day)
    if declared is not None:
        at = f"{declared.astimezone(ZoneInfo(schedule.time_zone)):%Y-%m-%d %H:%M}"
        note = notes["quiet"].format(when=f"{at} {schedule.time_zone}")
        return Expectation("quiet", note, may_be_empty)
    return Expectation("due", "", may_be_empty)


@dataclass(frozen=True)
class Awaited:
    """A day of an account whose statements are not all here and may still come."""

    provider: str
    account: str
    business_date: date
    until: datetime

    def __str__(self) -> str:
        return f"{self.provider} {self.account} {self.business_date} is not delivered yet"


def awaited(
    inbox: Inbox,
    schedules: Mapping[tuple[str, str], Schedule],
    accounts: Iterable[AccountSettings],
    period: Period,
    now: datetime,
) -> list[Awaited]:
    """What is worth waiting for, with the moment when that ends."""
    found = []
    for account in accounts:
        schedule = schedules[account.provider, account.account]
        for day in period:
            until = schedule.ready(day)
            if until is None or now >= until or schedule.closed_because(day) is not None:
                continue
            here = {file.kind for file in inbox.files_for(account.provider, account.account, day)}
            if not set(account.statements) <= here:
                found.append(Awaited(account.provider, account.account, day, until))
    return found


def record_quiet_days(
    database: Database,
    schedules: Iterable[tuple[AccountSettings, Schedule]],
    period: Period,
    now: datetime,
) -> None:
    """Note the days for which a source that was just asked, completely and in time, had nothing.

    Only for sources that say so by sending nothing; what comes later still counts.
    """
    for account, schedule in schedules:
        if schedule.no_activity != "no_file":
            continue
        for day in period:
            ready = schedule.ready(day)
            late_enough = ready is not None and now >= ready
            if late_enough and not _has_file(database, account, day):
                declare_quiet(database, account.provider, account.account, day, now)


def declare_quiet(
    database: Database, provider: str, account: str, day: date, now: datetime
) -> None:
    """Note that the source itself says there was nothing on a day; the first time is kept."""
    with database.begin() as connection:
        if _declared_at(connection, provider, account, day) is None:
            whose = {"provider": provider, "account": account, "business_date": day}
            connection.execute(sa.insert(QUIET_DAYS).values(**whose, declared_at=now))


def _declared_at(
    connection: sa.Connection, provider: str, account: str, day: date
) -> datetime | None:
    quiet = QUIET_DAYS.c
    select = sa.select(quiet.declared_at).where(
        quiet.provider == provider,
        quiet.account == account,
        quiet.business_date == day,
    )
    return connection.execute(select).scalar()


def _has_file(database: Database, account: AccountSettings, day: date) -> bool:
    file = STATEMENT_FILES.c
    select = sa.select(file.file_id).where(
        file.provider == account.provider,
        file.account == account.account,
        file.business_date == day,
    )
    with database.connect() as connection:
        return connection.execute(select).first() is not None


@cache
def _calendar(name: str, year: int, language: Language = "en") -> Any:
    """A country, with a region after a hyphen, or a market. Errors: UserError."""
    import holidays  # a tenth of a second, and only for those whose days are asked for

    country, _, region = name.partition("-")
    try:
        if country in holidays.list_supported_countries():
            return holidays.country_holidays(
                country, subdiv=region or None, years=year, language=_LANGUAGES[language]
            )
        return holidays.financial_holidays(name, years=year, language=_LANGUAGES[language])
    except NotImplementedError:  # its word for a country, a region or a market it does not know
        raise UserError(_no_calendar(name)) from None
