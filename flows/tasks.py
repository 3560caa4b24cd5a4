"""What both flows share: fetching until all is there, a day whose stages are tasks, the result.

Frames stay inside the process and are never results of a task: hashing and storing them would cost
more than the work itself. So there is one task a stage, never one a row.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from math import ceil
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from recon.errors import ReconError
from recon.io.config import load_config
from recon.io.days import Workspace
from recon.io.deliveries import Awaited, awaited
from recon.io.fetch import FetchReport, fetch_all
from recon.io.jobs import RunReport, run_period
from recon.io.notify import notify, summary_line
from recon.periods import Period
from recon.settings import AccountSettings

RETRY_DELAYS_SECONDS: list[float] = [60, 300, 900]  # where nothing says how long to wait
WAIT_SECONDS: float = 600  # between two looks for a statement that may still come


class TryAgainError(Exception):
    """A statement is not here yet, or its source could not be reached."""


def now() -> datetime:
    return datetime.now(UTC)


def as_task(name: str, stage: Callable[[], Any], **retrying: Any) -> Any:
    """Run one stage of the pipeline as a Prefect task, so that the UI shows it.

    It takes no parameters, which Prefect would walk through, frame by frame, looking for futures.
    """
    return task(name=name, cache_policy=NO_CACHE, persist_result=False, **retrying)(stage)()


def fetch_until_there(
    place: Workspace, accounts: Sequence[AccountSettings], period: Period
) -> FetchReport:
    """Fetch; and again while a statement may still come or a source could not be reached.

    What is late is waited for until its grace is over; then the day is run without it, and says so.
    """
    reports: list[FetchReport] = []

    def fetch() -> None:
        reports.append(fetch_all(place, {a.provider for a in accounts}, period, now=now()))
        late = awaited(place.inbox, place.config.schedules, accounts, period, now())
        passing = [failure for failure in reports[-1].failures if failure.may_pass]
        if late or passing:
            raise TryAgainError("; ".join([*map(str, late), *map(str, passing)]))

    late = awaited(place.inbox, place.config.schedules, accounts, period, now())
    try:
        as_task("fetch statements", fetch, **_patience(late))
    except TryAgainError as error:
        get_run_logger().warning("going on without what is not here: %s", error)
    news = [a for report in reports for a in report.arrivals if a.state != "duplicate"]
    return FetchReport(news, reports[-1].failures)


def _patience(late: Sequence[Awaited]) -> dict[str, Any]:
    """Retries of a task: until the last grace is over, or a few where nothing is awaited."""
    if not late:
        return {
            "retries": len(RETRY_DELAYS_SECONDS),
            "retry_delay_seconds": RETRY_DELAYS_SECONDS,
        }
    left = (max(one.until for one in late) - now()).total_seconds()
    return {
        "retries": max(ceil(left / max(WAIT_SECONDS, 1)), len(RETRY_DELAYS_SECONDS)),
        "retry_delay_seconds": WAIT_SECONDS,
    }


def reconcile_period(
    period: Period,
    providers: Sequence[str] | None,
    accounts: Sequence[str] | None,
    config: Path,
    workspace: Path,
) -> State[Any]:
    """Fetch, reconcile, report and notify; the state says whether every day is proved."""
    place = Workspace.begin(workspace, load_config(config))
    chosen = place.config.accounts_of(
        list(providers) if providers else None, list(accounts) if accounts else None
    )
    fetched = fetch_until_there(place, chosen, period)
    report = run_period(place, chosen, period, fetch=False, step=as_task, now=now())
    report.arrivals, report.failures[:0] = fetched.arrivals, fetched.failures
    create_markdown_artifact(
        key=f"reconciliation-{period}".replace("_", "-to-"),
        markdown=as_markdown(report),
        description=f"Reconciliation of {period}",
    )
    message = summary_line(report) + _notified(place, report)
    return Completed(message=message) if report.is_proved else Failed(message=message)


def _notified(place: Workspace, report: RunReport) -> str:
    """Send the message of the run; what went wrong with that, for the state to say."""
    settings = place.config.recon.notify
    if settings is None:
        return ""
    try:
        as_task("notify", lambda: notify(settings, report), **_patience([]))
    except ReconError as error:
        return f"; {error}"
    return ""


def as_markdown(report: RunReport) -> str:
    """The result as people read it in Prefect's UI."""
    lines = [
        f"# {summary_line(report)}",
        "",
        "| date | provider | account | result | discrepancies | open | reports |",
        "|---|---|---|---|---:|---:|---|",
    ]
    for day in report.days:
        result = day.result
        state = (
            "proved" if result.proved else "**NOT PROVED**: " + "; ".join(result.not_proved_because)
        )
        lines.append(
            f"| {result.business_date} | {result.provider} | {result.account} | {state} "
            f"| {result.discrepancies.height} | {result.open_items.height} | `{day.reports}` |"
        )
    lines += [f"- {failure}" for failure in report.failures]
    return "\n".join(lines)


def yesterday(today: date) -> date:
    """The last business date that is over."""
    return date.fromordinal(today.toordinal() - 1)
